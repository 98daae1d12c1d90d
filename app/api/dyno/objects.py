"""Dyno Email Marketing: what templates, lists and campaigns have in common. Imports kit, the core's errors.

Source: docs/contract/dyno.md, 4.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.errors import FieldFault, Invalid, NotFound
from app.kit.uids import Noun, number_of_uuid, uuid

READ_ONLY = frozenset({"id", "user_id", "created", "updated", "deleted", "status", "campaign_process_id"})
"""Members of any object that are ignored on input."""
FIND_AND_COUNT = frozenset({"find", "count"})
"""Last parts of paths that are no ids."""
_UUID_LENGTH = 36


def number_of(noun: Noun, text: str) -> int:
    """Return the row a UUID stands for; 0, which no row has, when it can be none."""
    if len(text) != _UUID_LENGTH:
        return 0
    try:
        return number_of_uuid(noun, UUID(text)) or 0
    except ValueError:
        return 0


def object_of(noun: Noun, text: str) -> int:
    """Return the row that the id in a path stands for.

    Raises:
        NotFound: It can be none.
    """
    number = number_of(noun, text)
    if not number:
        raise NotFound("no such id")
    return number


def id_of(noun: Noun, number: int | None) -> str | None:
    """Return a row's id as it is shown; None for none."""
    return None if number is None else str(uuid(noun, number))


def seconds(moment: datetime | None) -> int:
    """Return a moment in unix seconds, fractions cut; 0 for none."""
    return 0 if moment is None else int(moment.timestamp())


def written(user_id: str, noun: str, id_: str, shown: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return `data` of a write.

    Args:
        user_id: The account.
        noun: What was written.
        id_: Its id.
        shown: It itself; None when it is deleted.
    """
    data = {"user_id": user_id, f"{noun}_id": id_, "id": id_}
    return data if shown is None else {**data, noun: shown}


@contextmanager
def naming(**names: str) -> Iterator[None]:
    """Call values in errors by the family's names.

    Args:
        names: The family's name by the core's.

    Raises:
        Invalid: As it was raised inside, renamed.
    """
    try:
        yield
    except Invalid as error:
        raise Invalid(
            [FieldFault(names.get(one.field, one.field), one.fault, one.message) for one in error.faults]
        ) from None

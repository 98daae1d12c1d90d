"""Dyno Email Marketing: whom a transaction names. Pure; may import `bodies`, the core's values and `app.mail`.

Source: docs/contract/dyno.md, 9.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.api.dyno.bodies import about
from app.core.errors import Fault, Invalid
from app.core.extra import is_storable
from app.core.transactional import Recipient
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox, split_list

MAX_RECIPIENTS = 1000
MAX_FIELDS = 200
"""Values of one recipient."""
MAX_NAME = 320
"""Characters of a display name."""
MAX_SHOWN = 320
"""Characters of an invalid address that an answer and an issue show."""
MAX_LIST = 2_500_000
"""Characters of a list that is one text."""
_LARGE = 10_000
"""Characters or entries of a list from which it is read in a thread."""


@dataclass(frozen=True, slots=True)
class Addressees:
    """Who is written to, each once, and what is no address."""

    valid: tuple[Recipient, ...]
    invalid: tuple[str, ...]


def mailbox_of(text: str) -> Mailbox | None:
    """Return the mailbox a text is; None when it is none."""
    try:
        return parse_mailbox(text)
    except InvalidAddress:
        return None


async def read_addressees(given: Any) -> Addressees:
    """Return whom the list names.

    Raises:
        Invalid: There is no list, it is malformed, or names too many.
    """
    if given is None or (isinstance(given, (str, list)) and not given):
        raise Invalid(about("email_list", fault=Fault.REQUIRED))
    if not isinstance(given, (str, list)):
        raise Invalid(about("email_list"))
    if isinstance(given, str) and len(given) > MAX_LIST:
        raise Invalid(about("email_list", f"has more than {MAX_RECIPIENTS} recipients"))
    return await asyncio.to_thread(_read, given) if len(given) > _LARGE else _read(given)


def _read(given: str | list[Any]) -> Addressees:
    """Read a list.

    Raises:
        Invalid: It is malformed, or names too many.
    """
    valid: dict[str, Recipient] = {}
    wrong: dict[str, None] = {}
    for text, fields in _entries(given):
        mailbox = mailbox_of(text)
        if mailbox is None:
            wrong[text[:MAX_SHOWN]] = None
        elif mailbox.key not in valid:
            name = " ".join(fields.get("name", "").split())[:MAX_NAME] or mailbox.name
            valid[mailbox.key] = Recipient(Mailbox(name, mailbox.address), fields)
        if len(valid) + len(wrong) > MAX_RECIPIENTS:
            raise Invalid(about("email_list", f"has more than {MAX_RECIPIENTS} recipients"))
    if not valid and not wrong:
        raise Invalid(about("email_list", fault=Fault.REQUIRED))
    return Addressees(tuple(valid.values()), tuple(wrong))


def _entries(given: str | list[Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield address and fields of each entry; names of fields in lower case.

    Raises:
        Invalid: An entry is neither text nor an object with `email`.
    """
    for entry in split_list(given) if isinstance(given, str) else given:
        fields: dict[str, str] = {}
        if isinstance(entry, Mapping):
            fields, entry = _fields(entry), entry.get("email")  # noqa: PLW2901 what the object is about
        if not isinstance(entry, str) or not is_storable(entry):
            raise Invalid(about("email_list"))
        if entry.strip() or fields:
            yield entry.strip(), fields


def _fields(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a recipient by lower-case name; null is none.

    Raises:
        Invalid: One is a list or an object, or there are too many.
    """
    if len(entry) > MAX_FIELDS:
        raise Invalid(about("email_list"))
    fields: dict[str, str] = {}
    for name, value in entry.items():
        if value is None:
            continue
        text = str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else str(value)
        if isinstance(value, (list, dict)) or not is_storable(text):
            raise Invalid(about("email_list"))
        fields[name.strip().lower()] = text
    return fields

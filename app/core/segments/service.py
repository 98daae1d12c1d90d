"""The verbs on segments. Imports audiences' front door, kit and the core's errors.

Every verb takes the account first; a segment or an audience of another account is an unknown one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func

from app.core import audiences
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.core.extra import is_storable
from app.core.segments import repository
from app.core.segments.checking import definition_of
from app.core.segments.values import Definition
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.segment import Segment

PAGE = 1000
"""Segments per page, unless asked for fewer."""
MAX_NAME = 255
MAX_SEGMENTS = 1000
"""Of one audience."""


def definition(segment: Segment) -> Definition:
    """Return the definition a segment was saved with."""
    return Definition.of_stored(segment.definition)


async def create(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    *,
    name: str,
    conditions: Sequence[Mapping[str, Any]],
    match: str = "all",
) -> Segment:
    """Save a segment of an audience.

    Args:
        write: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        name: 1 to 255 characters; several may have the same.
        conditions: 1 to 20, as the contract writes them.
        match: `all` or `any`.

    Raises:
        Invalid: A value cannot be accepted, or the audience has 1000 segments.
        NotFound: The account has no such audience.
    """
    found = await audiences.get(write, account_id, audience, lock=True)
    fields = await audiences.field_set(write, account_id, found.id)
    segment = Segment(
        account_id=account_id,
        audience_id=found.id,
        name=_name(name),
        definition=definition_of(fields, match, conditions).stored(),
    )
    if await repository.how_many(write, found.id) >= MAX_SEGMENTS:
        raise Invalid([FieldFault("name", Fault.INVALID, f"is beyond the {MAX_SEGMENTS} segments of an audience")])
    write.add(segment)
    await write.flush()
    await write.refresh(segment)
    return segment


async def get(
    read: ReadSession, account_id: int, audience: int | str | UUID, which: int | str | UUID, *, lock: bool = False
) -> Segment:
    """Return a segment of an audience by its id or UUID.

    Raises:
        NotFound: The account has no such audience, or that no such segment.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    segment_id = number_of(Noun.SEGMENT, which)
    found = await repository.by_id(read, account_id, audience_id, segment_id, lock=lock) if segment_id else None
    if found is None:
        raise NotFound("no such segment")
    return found


async def list_after(
    read: ReadSession, account_id: int, audience: int | str | UUID, *, after_id: int = 0, limit: int = PAGE
) -> Sequence[Segment]:
    """List the segments of an audience by id, from the one after `after_id` on.

    Raises:
        NotFound: The account has no such audience.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    return await repository.after(read, account_id, audience_id, after_id=after_id, limit=limit)


async def how_many(read: ReadSession, account_id: int, audience: int | str | UUID) -> int:
    """Count the segments of an audience.

    Raises:
        NotFound: The account has no such audience.
    """
    return await repository.how_many(read, (await audiences.get(read, account_id, audience)).id)


async def change(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    which: int | str | UUID,
    *,
    name: str | None = None,
    conditions: Sequence[Mapping[str, Any]] | None = None,
    match: str | None = None,
) -> Segment:
    """Change what is given of a segment.

    Raises:
        Invalid: A value cannot be accepted.
        NotFound: The account has no such audience, or that no such segment.
    """
    segment = await get(write, account_id, audience, which, lock=True)
    if name is not None:
        segment.name = _name(name)
    if conditions is not None:
        fields = await audiences.field_set(write, account_id, segment.audience_id)
        match = match if match is not None else segment.definition["match"]
        segment.definition = definition_of(fields, match, conditions).stored()
    elif match is not None:
        if match not in {"all", "any"}:
            raise Invalid([FieldFault("match", Fault.INVALID, "must be all or any")])
        segment.definition = {**segment.definition, "match": match}
    segment.updated_at = func.now()
    await write.flush()
    await write.refresh(segment)
    return segment


async def delete(write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> None:
    """Delete a segment; its contacts stay.

    Raises:
        NotFound: The account has no such audience, or that no such segment.
    """
    await repository.delete(write, await get(write, account_id, audience, which, lock=True))


def _name(name: str) -> str:
    """Return a name, trimmed.

    Raises:
        Invalid: It is blank, too long or cannot be stored.
    """
    name = name.strip()
    if not name:
        raise Invalid([FieldFault("name", Fault.REQUIRED, "is required")])
    if len(name) > MAX_NAME:
        raise Invalid([FieldFault("name", Fault.TOO_LONG, f"must not be longer than {MAX_NAME} characters")])
    if not is_storable(name):
        raise Invalid([FieldFault("name", Fault.INVALID, "cannot be stored")])
    return name

"""`/audiences/{id}/segments`: contacts by conditions. Source: docs/contract/native.md, 8."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import Body, given
from app.api.native.contact_bodies import SORTS, ContactOut, cursor_behind, position_of
from app.api.native.contact_bodies import shown as contact_shown
from app.api.native.ids import Id, uuid_of, which
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_after,
    key_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import audiences, segments
from app.core.errors import Fault, FieldFault, Invalid
from app.core.segments import ContactFilter, Match, Segment, Sort
from app.db.unit_of_work import ReadSession
from app.dependencies import Read, Write
from app.kit.uids import Noun, uuid

router = native_router("/audiences/{id}/segments", "Segments")
_EXAMPLE = [
    {"type": "status", "op": "is", "value": "subscribed"},
    {"type": "tag", "op": "has", "value": "newcustomer"},
    {"type": "field", "field": "CITY", "op": "equals", "value": "Hue"},
]
Conditions = Annotated[list[dict[str, Any]], Field(max_length=100, examples=[_EXAMPLE], description="Up to 20.")]


class DefinitionIn(Body):
    """Conditions."""

    conditions: Conditions
    match: Match = Match.ALL


class SegmentIn(DefinitionIn):
    """A new segment."""

    name: str


class SegmentChange(Body):
    """A merge patch of a segment."""

    name: str = ""
    conditions: Conditions = Field(default_factory=list)
    match: Match = Match.ALL


class SegmentOut(BaseModel):
    """A segment, and how many contacts are in it now."""

    id: UUID
    name: str
    match: str
    conditions: list[dict[str, Any]]
    count: int
    created_at: Time
    updated_at: Time


class PreviewOut(BaseModel):
    """How many contacts a definition has, and some of them."""

    count: int
    sample: list[ContactOut]


@router.get("")
async def list_segments(
    id: Id,
    *,
    caller: Reader,
    read: Read,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[SegmentOut]:
    """List the segments of an audience by creation."""
    account_id = caller.account_id
    audience = await audiences.get(read, account_id, which(id))
    rows = await segments.list_after(read, account_id, audience.id, after_id=key_of(cursor) or 0, limit=limit + 1)
    counts = await segments.counts(read, account_id, audience.id, [segments.definition(row) for row in rows[:limit]])
    counted = dict(zip((row.id for row in rows), counts, strict=False))
    total = await segments.how_many(read, account_id, audience.id) if count else None
    page = page_of(rows, limit, lambda row: cursor_after(row.id), lambda row: _shown(row, counted[row.id]), total)
    return Page[SegmentOut].model_validate(page)


@router.post("", status_code=201)
async def create_segment(id: Id, body: SegmentIn, caller: Writer, write: Write, response: Response) -> SegmentOut:
    """Save a segment."""
    segment = await segments.create(
        write, caller.account_id, which(id), name=body.name, conditions=body.conditions, match=body.match
    )
    place = f"{uuid(Noun.AUDIENCE, segment.audience_id)}/segments/{uuid(Noun.SEGMENT, segment.id)}"
    response.headers["Location"] = f"/api/trireme/v1/audiences/{place}"
    return await _counted(write, segment)


@router.post("/preview")
async def preview(id: Id, body: DefinitionIn, caller: Writer, read: Read) -> PreviewOut:
    """Count the contacts of conditions that are not saved, and show up to ten of them."""
    fields = await audiences.field_set(read, caller.account_id, which(id))
    definition = segments.definition_of(fields, body.match, body.conditions)
    found = await segments.preview(read, caller.account_id, which(id), definition)
    return PreviewOut(count=found.count, sample=[contact_shown(one) for one in found.sample])


@router.get("/{segment}")
async def show_segment(id: Id, segment: Id, caller: Reader, read: Read) -> SegmentOut:
    """Show a segment."""
    return await _counted(read, await segments.get(read, caller.account_id, which(id), uuid_of(segment)))


@router.patch("/{segment}")
async def change_segment(
    id: Id,
    segment: Id,
    body: SegmentChange,
    caller: Writer,
    write: Write,
) -> SegmentOut:
    """Change what is given of a segment.

    Raises:
        Invalid: A value cannot be accepted.
    """
    members = given(body)
    if members.get("name") == "":
        raise Invalid([FieldFault("name", Fault.REQUIRED, "is required")])
    changed = await segments.change(write, caller.account_id, which(id), uuid_of(segment), **members)
    return await _counted(write, changed)


@router.delete("/{segment}", status_code=204)
async def delete_segment(id: Id, segment: Id, caller: Writer, write: Write) -> None:
    """Delete a segment; its contacts stay."""
    await segments.delete(write, caller.account_id, which(id), uuid_of(segment))


@router.get("/{segment}/contacts")
async def list_contacts(
    id: Id,
    segment: Id,
    *,
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting(*SORTS)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[ContactOut]:
    """List the contacts that are in a segment now."""
    account_id = caller.account_id
    found = await segments.get(read, account_id, which(id), uuid_of(segment))
    wanted = ContactFilter(segment=segments.definition(found))
    rows = await segments.select_page(
        read,
        account_id,
        found.audience_id,
        wanted,
        sort=Sort(order.by),
        descending=order.descending,
        after=position_of(cursor, order),
        limit=limit + 1,
    )
    total = await segments.count(read, account_id, found.audience_id, wanted) if count else None
    page = page_of(rows, limit, lambda row: cursor_behind(row, order), contact_shown, total)
    return Page[ContactOut].model_validate(page)


async def _counted(read: ReadSession, segment: Segment) -> SegmentOut:
    definition = segments.definition(segment)
    wanted = ContactFilter(segment=definition)
    return _shown(segment, await segments.count(read, segment.account_id, segment.audience_id, wanted))


def _shown(segment: Segment, count: int) -> SegmentOut:
    definition = segments.definition(segment)
    return SegmentOut(
        id=uuid(Noun.SEGMENT, segment.id),
        name=segment.name,
        match=definition.match,
        conditions=segments.conditions_out(definition),
        count=count,
        created_at=segment.created_at,
        updated_at=segment.updated_at or segment.created_at,
    )

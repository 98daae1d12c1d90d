"""`/suppressions`: who must not be mailed, and why. Source: docs/contract/native.md, 13; docs/suppressions.md."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import Body
from app.api.native.email_names import MAX_ADDRESS, shown_email_id
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_of,
    numbers_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.times import Moment, Time
from app.core import contacts, reports, suppressions
from app.core.errors import Invalid, NotFound
from app.core.suppressions import Entry, Place, Reason, Wanted
from app.dependencies import Read, RuntimeDep, Write
from app.settings import Settings

MAX_EMAILS = 1000
"""Addresses of one call."""
_MAX_TEXT = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE_ENDS = ((datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND, 1 << 63)
_Address = Annotated[str, Path(max_length=MAX_ADDRESS, description="The address, ignoring case.")]
router = native_router("/suppressions", "Suppressions")


class SuppressionOut(BaseModel):
    """One address of the list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "gone@example.org",
                    "reason": "hardbounce",
                    "number": 913839,
                    "detail": "550 5.1.1 User unknown",
                    "source_email_id": None,
                    "created_at": "2026-01-05T09:00:00.000Z",
                }
            ]
        }
    )

    email: str
    reason: Reason
    number: int
    detail: str
    source_email_id: str | None
    created_at: Time


class SuppressionsIn(Body):
    """Addresses that must not be mailed from now on."""

    emails: Annotated[list[Annotated[str, Field(max_length=_MAX_TEXT)]], Field(min_length=1, max_length=MAX_EMAILS)]
    reason: Annotated[Reason, Field(strict=False)] = Reason.MANUAL


class SuppressedOut(BaseModel):
    """What became of the addresses."""

    added: int
    existing: int
    invalid: list[str]


@router.get("")
async def list_suppressions(
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    order: Annotated[Order, sorting("created_at")],
    *,
    q: Annotated[str, Query(max_length=MAX_ADDRESS, description="Part of the address, ignoring case.")] = "",
    reason: Reason | None = None,
    created_after: Annotated[Moment | None, Query(description="At this instant or later.")] = None,
    created_before: Annotated[Moment | None, Query(description="Before this instant.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[SuppressionOut]:
    """List who must not be mailed, by the time since when.

    Raises:
        HTTPException: 400, a filter cannot be stored.
    """
    if "\0" in q:
        raise HTTPException(400, "q is not a part of an address")
    wanted = Wanted(q.strip(), reason, created_after, created_before)
    found = await suppressions.list_after(
        read, caller.account_id, wanted, after=_place(cursor), descending=order.descending, limit=limit + 1
    )
    total = await suppressions.count_wanted(read, caller.account_id, wanted) if count else None
    names = await reports.foreign_names(read, [one.source_message_id for one in found if one.source_message_id])
    page = page_of(found, limit, _cursor_behind, lambda entry: _shown(runtime.settings, entry, names), total)
    return Page[SuppressionOut].model_validate(page)


@router.post("")
async def suppress(body: SuppressionsIn, caller: Writer, write: Write) -> SuppressedOut:
    """Put addresses on the list; those that are on it keep their reason and time."""
    good: set[str] = set()
    invalid: list[str] = []
    for email in body.emails:
        try:
            good.add(contacts.address_of(email))
        except Invalid:
            invalid.append(email)
    outcome = await contacts.suppress(write, caller.account_id, good, body.reason)
    return SuppressedOut(added=len(outcome.added), existing=len(outcome.existing), invalid=invalid)


@router.get("/{email}")
async def get_suppression(email: _Address, caller: Reader, read: Read, runtime: RuntimeDep) -> SuppressionOut:
    """Return the entry of an address.

    Raises:
        NotFound: It is not on the list.
    """
    entry = await suppressions.get(read, caller.account_id, email)
    if entry is None:
        raise NotFound("the address is not on the list")
    names = await reports.foreign_names(read, [entry.source_message_id] if entry.source_message_id else [])
    return SuppressionOut.model_validate(_shown(runtime.settings, entry, names))


@router.delete("/{email}", status_code=204)
async def unsuppress(
    email: _Address,
    caller: Writer,
    write: Write,
    *,
    clear_mark: Annotated[bool, Query(description="Whether the bounced or complained mark goes as well.")] = False,
) -> None:
    """Take an address off the list.

    Raises:
        NotFound: It is not on the list, and has no mark that was to be cleared.
    """
    marked = clear_mark and await suppressions.marked(write, caller.account_id, [email])
    if not await contacts.unsuppress(write, caller.account_id, [email], clear_marks=clear_mark) and not marked:
        raise NotFound("the address is not on the list")


def _shown(settings: Settings, entry: Entry, names: dict[int, str]) -> dict[str, Any]:
    source = None
    if entry.source_message_id is not None and entry.source_accepted_at is not None:
        foreign = names.get(entry.source_message_id)
        source = shown_email_id(settings, entry.source_message_id, entry.source_accepted_at, foreign)
    return {
        "email": entry.address,
        "reason": entry.reason,
        "number": entry.id,
        "detail": entry.detail,
        "source_email_id": source,
        "created_at": entry.created_at,
    }


def _cursor_behind(entry: Entry) -> str:
    return cursor_of([(entry.created_at - _EPOCH) // _MICROSECOND, entry.id])


def _place(cursor: str) -> Place | None:
    """Return the place in a cursor; None for "".

    Raises:
        HTTPException: 400, it is none of ours.
    """
    values = numbers_of(cursor, _PLACE_ENDS)
    return None if values is None else Place(_EPOCH + values[0] * _MICROSECOND, values[1])

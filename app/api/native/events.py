"""`/events`: what has happened, listed; and taken over from elsewhere.

Source: docs/contract/native.md, 12; docs/events.md; docs/history.md.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from app.api.native.auth import Admin, Reader
from app.api.native.email_names import (
    MAX_EMAIL_ID,
    CampaignId,
    Recipient,
    SenderId,
    campaign_of,
    recipient_of,
)
from app.api.native.event_bodies import EventIn, event_of
from app.api.native.event_rows import EventOut, cursor_behind, event_out, position_of, types_of
from app.api.native.ids import Id, uuid_of
from app.api.native.paging import DEFAULT_LIMIT, Cursor, Limit, Order, Page, page_of, sorting
from app.api.native.problems import errors_of_body, fault_out
from app.api.native.routing import native_router
from app.api.native.times import Moment
from app.core import events, ingest, reports
from app.core.errors import Invalid
from app.core.events import EventFilter, Happening
from app.core.messages import SuppressionRules
from app.dependencies import Read, RuntimeDep


async def _json_only(request: Request, caller: Admin) -> None:
    del caller  # the key comes first: without one the answer is 401, whatever the body
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415)


router = native_router("/events", "Messages and events")
_DAY = timedelta(days=1)


class EventsIn(BaseModel):
    """Events, each of the form `EventIn`, and whether they act."""

    model_config = ConfigDict(extra="forbid", strict=True)

    events: Annotated[list[Any], Field(max_length=ingest.MAX_EVENTS)]
    apply: bool = False


class RejectionOut(BaseModel):
    """An event that was not taken over."""

    index: int
    errors: list[dict[str, str]]


class EventsOut(BaseModel):
    """How many events were taken over, and which were not."""

    accepted: int
    rejected: list[RejectionOut]


@router.get("")
async def list_events(
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    order: Annotated[Order, sorting("occurred_at", default="-occurred_at")],
    *,
    type_: Annotated[
        list[str] | None, Query(alias="type", max_length=40, description="One type, or several by commas.")
    ] = None,
    recipient: Recipient = None,
    email_id: Annotated[str | None, Query(max_length=MAX_EMAIL_ID)] = None,
    campaign_id: CampaignId = None,
    sender_id: SenderId = None,
    start: Moment | None = None,
    end: Moment | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[EventOut]:
    """List what has happened, newest first unless `sort=occurred_at` asks for the oldest."""
    wanted = EventFilter(
        types=types_of(type_),
        recipient=recipient_of(recipient),
        campaign_id=campaign_of(campaign_id),
        sender_id=sender_id,
        start=start,
        end=end,
    )
    after = position_of(cursor)
    found: list[Happening] = []
    known = True
    if email_id is not None:
        copy = await reports.find_copy(read, caller.account_id, email_id) if "\0" not in email_id else None
        known = copy is not None
        wanted = replace(wanted, message=copy)
    if known:
        found = await events.list_events(
            read,
            caller.account_id,
            wanted,
            after=after,
            descending=order.descending,
            limit=limit + 1,
            late=timedelta(hours=runtime.settings.queue.lifetime_hours) + _DAY,
        )
    page = page_of(found, limit, cursor_behind, lambda event: event_out(runtime.settings, event))
    return Page[EventOut].model_validate(page)


@router.get("/{id}")
async def get_event(id: Id, caller: Reader, read: Read, runtime: RuntimeDep) -> EventOut:
    """Return one event, by the id it has everywhere."""
    found = await events.get_event(read, caller.account_id, uuid_of(id))
    return EventOut.model_validate(event_out(runtime.settings, found))


@router.post("", status_code=202, dependencies=[Depends(_json_only)])
async def take_over(body: EventsIn, caller: Admin, runtime: RuntimeDep) -> EventsOut:
    """Take over history, or outcomes known elsewhere: each event at its own time, as often as it is told once.

    It sends no mail and no postback. With `apply` bounces, complaints and unsubscribes act on the suppression list.
    """
    # In a thread, so that other requests do not wait for a thousand checks.
    known, rejected = await asyncio.to_thread(_checked, body.events, caller.public_id)
    settings = runtime.settings.suppression
    rules = SuppressionRules(settings.soft_bounces, settings.soft_bounce_hours) if body.apply else None
    places = list(known)
    outcome = await ingest.take_over(runtime.engine, list(known.values()), now=runtime.clock.now(), rules=rules)
    for rejection in outcome.rejected:
        rejected[places[rejection.index]] = [fault_out(fault) for fault in rejection.faults]
    rows = [RejectionOut(index=index, errors=rejected[index]) for index in sorted(rejected)]
    return EventsOut(accepted=outcome.accepted, rejected=rows)


def _checked(given: list[Any], own_account: UUID) -> tuple[dict[int, ingest.Event], dict[int, list[dict[str, str]]]]:
    """Return events that are well-formed, and what is wrong with the others, by index."""
    known: dict[int, ingest.Event] = {}
    rejected: dict[int, list[dict[str, str]]] = {}
    for index, one in enumerate(given):
        try:
            known[index] = event_of(EventIn.model_validate(one), own_account)
        except PydanticError as error:
            rejected[index] = errors_of_body(error.errors())
        except Invalid as error:
            rejected[index] = [fault_out(fault) for fault in error.faults]
    return known, rejected

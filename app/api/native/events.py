"""`POST /events`: takes over what happened elsewhere. Source: docs/contract/native.md, 12; docs/history.md."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from app.api.native.auth import Admin
from app.api.native.event_bodies import EventIn, event_of
from app.api.native.problems import errors_of_body, fault_out
from app.core import ingest
from app.core.errors import Invalid
from app.core.messages import SuppressionRules
from app.dependencies import RuntimeDep


async def _json_only(request: Request, caller: Admin) -> None:
    del caller  # the key comes first: without one the answer is 401, whatever the body
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415)


router = APIRouter(prefix="/events", tags=["Messages and events"], dependencies=[Depends(_json_only)])


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


@router.post("", status_code=202)
async def take_over(body: EventsIn, caller: Admin, runtime: RuntimeDep) -> EventsOut:
    """Take over history, or outcomes known elsewhere: each event at its own time, as often as it is told once.

    It sends no mail and no postback. With `apply` bounces, complaints and unsubscribes act on the suppression list.
    """
    # In a thread, so that other requests do not wait for a thousand checks.
    events, rejected = await asyncio.to_thread(_checked, body.events, caller.public_id)
    settings = runtime.settings.suppression
    rules = SuppressionRules(settings.soft_bounces, settings.soft_bounce_hours) if body.apply else None
    places = list(events)
    outcome = await ingest.take_over(runtime.engine, list(events.values()), now=runtime.clock.now(), rules=rules)
    for rejection in outcome.rejected:
        rejected[places[rejection.index]] = [fault_out(fault) for fault in rejection.faults]
    rows = [RejectionOut(index=index, errors=rejected[index]) for index in sorted(rejected)]
    return EventsOut(accepted=outcome.accepted, rejected=rows)


def _checked(given: list[Any], own_account: UUID) -> tuple[dict[int, ingest.Event], dict[int, list[dict[str, str]]]]:
    """Return events that are well-formed, and what is wrong with the others, by index."""
    events: dict[int, ingest.Event] = {}
    rejected: dict[int, list[dict[str, str]]] = {}
    for index, one in enumerate(given):
        try:
            events[index] = event_of(EventIn.model_validate(one), own_account)
        except PydanticError as error:
            rejected[index] = errors_of_body(error.errors())
        except Invalid as error:
            rejected[index] = [fault_out(fault) for fault in error.faults]
    return events, rejected

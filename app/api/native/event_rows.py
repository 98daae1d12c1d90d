"""Events as the native API shows them. Source: docs/contract/native.md, 12; docs/events.md."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from app.api.native.paging import cursor_of, numbers_of
from app.api.native.times import Time
from app.core import events, messages
from app.core.events import COPY_NUMBERS, ROW_NUMBERS, Happening, Position
from app.settings import Settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_MOMENT = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MAX_TYPES = 2000
"""Characters of a filter by type."""


class EventOut(BaseModel):
    """One event."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "5f0d7c3a-91b2-8c4e-a1d0-2b7e151628ae",
                    "type": "email.bounced",
                    "occurred_at": "2026-01-05T09:00:00.000Z",
                    "email_id": "20260105090000.0000125a8749@mail-1",
                    "recipient": "jo@example.org",
                    "sender_id": 17,
                    "campaign_id": None,
                    "contact_id": None,
                    "data": {
                        "bounce_type": "hard",
                        "category": "bad-mailbox",
                        "code": "5.1.1",
                        "rule": "emaildoesntexist",
                        "diagnostic": "smtp;550 5.1.1 User unknown",
                        "regex_name": "badmailbox03",
                    },
                }
            ]
        }
    )

    id: UUID
    type: str
    occurred_at: Time
    email_id: str | None
    recipient: str | None
    sender_id: int | None
    campaign_id: UUID | None
    contact_id: UUID | None
    data: dict[str, Any] = Field(description="By type: docs/events.md.")


def event_out(settings: Settings, event: Happening) -> dict[str, Any]:
    """Return an event as `EventOut` has it."""
    return events.shown(event, lambda second, number: messages.email_id(second, number, settings.node_name))


def types_of(given: list[str] | None) -> frozenset[str] | None:
    """Return the types of a filter; `email.*` is all of its kind.

    Raises:
        HTTPException: 400, one is no type.
    """
    if given is None:
        return None
    wanted: set[str] = set()
    for one in (part.strip() for text in given for part in text[:_MAX_TYPES].split(",")):
        found = [type_ for type_ in events.TYPES if type_ == one or (one.endswith(".*") and type_.startswith(one[:-1]))]
        if not found:
            raise HTTPException(400, "type is not a type of events")
        wanted.update(found)
    return frozenset(wanted)


def cursor_behind(event: Happening) -> str:
    """Return the cursor behind an event."""
    at, source, copy, row = event.position
    return cursor_of([(at - _EPOCH) // _MICROSECOND, source, copy, row])


def position_of(cursor: str) -> Position | None:
    """Return the place in a cursor; None for "".

    Raises:
        HTTPException: 400, it is none of ours.
    """
    values = numbers_of(cursor, (_MAX_MOMENT, 1 << 8, COPY_NUMBERS, ROW_NUMBERS))
    if values is None:
        return None
    moment, source, copy, row = values
    return Position(_EPOCH + moment * _MICROSECOND, source, copy, row)

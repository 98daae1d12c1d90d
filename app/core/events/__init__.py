"""Domain events: an outbox written in the transaction that made them, routed once; and every event, read.

    emit, take, mark_routed    the outbox: owns the table `domain_events`
    public_id, id_of           the UUID that an event has wherever it is told
    list_events, get_event     events of mail, contacts, campaigns, lists and jobs, wherever they stand
    shown                      an event in the words of the native API

Imports models, db and kit, and `app.mail`'s words for bounces.
"""

from app.core.events.happenings import TOLD_TYPES, TYPES, EventFilter, Happening, MailEvent
from app.core.events.ids import (
    COPY_NUMBERS,
    ROW_NUMBERS,
    EventId,
    Position,
    Source,
    attempt_row,
    id_of,
    public_id,
    read_public_id,
)
from app.core.events.outbox import MAX_TAKEN, Event, emit, mark_routed, take
from app.core.events.reading import events_of, get_event, get_events, list_events
from app.core.events.showing import shown
from app.models.domain_event import EventType

__all__ = [
    "COPY_NUMBERS",
    "MAX_TAKEN",
    "ROW_NUMBERS",
    "TOLD_TYPES",
    "TYPES",
    "Event",
    "EventFilter",
    "EventId",
    "EventType",
    "Happening",
    "MailEvent",
    "Position",
    "Source",
    "attempt_row",
    "emit",
    "events_of",
    "get_event",
    "get_events",
    "id_of",
    "list_events",
    "mark_routed",
    "public_id",
    "read_public_id",
    "shown",
    "take",
]

"""Public ids of events: a UUID for each that no table stores and no index finds. Pure.

An event is a row of the ledger, of a table beside it or of the outbox, so its id says which: the kind of row, the copy
and what tells it from others of that copy. The same event has the same id wherever it is told: in lists, by webhooks,
by every retry. Nothing in an id changes when a copy that was taken over moves to another month.

    id (128 bits) = version 8 and variant (RFC 9562, 5.8) + 122 bits, scrambled: check 14 | source 4 | copy 48 | row 56

The constants may never change: clients keep these names. They are no secret and grant nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from app.core.events.outbox import Event
from app.models.domain_event import EventType

COPY_BITS = 48
ROW_BITS = 56
COPY_NUMBERS = 1 << COPY_BITS
ROW_NUMBERS = 1 << ROW_BITS
"""Numbers of copies and rows are below these."""
LEASE_BITS = 40
"""Of the row of an attempt: the lease; above it the attempt."""
FOREIGN_ATTEMPT = 1 << (ROW_BITS - 1)
"""Set in the row of an attempt that another system made; below it the moment in microseconds."""
_SOURCE_BITS = 4
_CHECK_BITS = 14
_BITS = _CHECK_BITS + _SOURCE_BITS + COPY_BITS + ROW_BITS
_MASK = (1 << _BITS) - 1
_HALF = _BITS // 2
_FIRST = 0x2B7E151628AED2A6ABF7158809CF4F3D & _MASK
_SECOND = 0x1D7A3C5F9B2E4D6880F1E2D3C4B5A697 & _MASK | 1
_FIRST_INVERSE = pow(_FIRST, -1, 1 << _BITS)
_SECOND_INVERSE = pow(_SECOND, -1, 1 << _BITS)
_LOW_BITS = 62
_MIDDLE_BITS = 12


class Source(IntEnum):
    """Where an event stands. The values are part of every id, and order events of one instant."""

    ACCEPTED = 1
    """The copy itself, like the next: a copy is accepted once."""
    DEFERRED = 2
    """A row of `attempts`."""
    DELIVERED = 3
    BLOCKED = 4
    BOUNCED = 5
    """The row of `bounces` that a copy has at most."""
    OPENED = 6
    CLICKED = 7
    COMPLAINED = 8
    UNSUBSCRIBED = 9
    REFUSED = 10
    """A row of `issues`: no copy came about."""
    TOLD = 11
    """A row of `domain_events` that is about no copy: contacts, campaigns, suppressions, jobs."""


_SOURCES = frozenset(map(int, Source))


@dataclass(frozen=True, slots=True)
class EventId:
    """Which event.

    Attributes:
        source: Kind of row.
        copy: Id of the copy, below 2^48; 0 for events of no copy.
        row: What tells it from others of that copy and source, below 2^56; 0 where there is one at most.
    """

    source: Source
    copy: int = 0
    row: int = 0


class Position(NamedTuple):
    """The place of an event in the order of time: by its moment, then in a fixed order among those of one instant."""

    at: datetime
    source: int
    copy: int
    row: int


def public_id(event: EventId) -> UUID:
    """Return the UUID of an event.

    Raises:
        ValueError: A number is out of its range.
    """
    if not 0 <= event.copy < COPY_NUMBERS or not 0 <= event.row < ROW_NUMBERS:
        raise ValueError("an event's numbers are out of range")
    value = (event.source << COPY_BITS | event.copy) << ROW_BITS | event.row
    value = value * _FIRST & _MASK
    value ^= value >> _HALF  # the upper half is untouched: doing it again undoes it
    value = value * _SECOND & _MASK
    high, low = value >> _LOW_BITS, value & (1 << _LOW_BITS) - 1
    high = high >> _MIDDLE_BITS << 16 | 8 << _MIDDLE_BITS | high & (1 << _MIDDLE_BITS) - 1
    return UUID(int=(high << 64) | 0b10 << _LOW_BITS | low)


def read_public_id(given: UUID) -> EventId | None:
    """Return which event a UUID names; None when it is none of ours. The event need not exist."""
    high, low = given.int >> 64, given.int & (1 << _LOW_BITS) - 1
    value = (high >> 16 << _MIDDLE_BITS | high & (1 << _MIDDLE_BITS) - 1) << _LOW_BITS | low
    value = value * _SECOND_INVERSE & _MASK
    value ^= value >> _HALF
    value = value * _FIRST_INVERSE & _MASK
    source = value >> COPY_BITS + ROW_BITS
    if source not in _SOURCES:  # the check's bits, which are zero in ours, stand above
        return None
    event = EventId(Source(source), value >> ROW_BITS & (1 << COPY_BITS) - 1, value & (1 << ROW_BITS) - 1)
    return event if public_id(event) == given else None


_OF_COPY = {
    EventType.EMAIL_ACCEPTED.value: Source.ACCEPTED,
    EventType.EMAIL_DELIVERED.value: Source.DELIVERED,
    EventType.EMAIL_BLOCKED.value: Source.BLOCKED,
    EventType.EMAIL_BOUNCED.value: Source.BOUNCED,
    EventType.EMAIL_COMPLAINED.value: Source.COMPLAINED,
}
"""Events that a copy has once."""
_OF_SAME_ROW = {
    EventType.EMAIL_OPENED.value: Source.OPENED,
    EventType.EMAIL_CLICKED.value: Source.CLICKED,
    EventType.EMAIL_UNSUBSCRIBED.value: Source.UNSUBSCRIBED,
}
"""Events whose own row has the number of the outbox's."""


def id_of(event: Event) -> EventId:
    """Return which event a row of the outbox tells of: one of a copy has the id that the ledger's has."""
    if event.message_id is not None:
        if (source := _OF_COPY.get(event.type)) is not None:
            return EventId(source, event.message_id)
        if (source := _OF_SAME_ROW.get(event.type)) is not None:
            return EventId(source, event.message_id, event.id)
        if event.type == EventType.EMAIL_DEFERRED:
            return EventId(Source.DEFERRED, event.message_id, _row(event))
    if event.type == EventType.EMAIL_REFUSED:
        return EventId(Source.REFUSED, 0, _row(event))
    return EventId(Source.TOLD, 0, event.id)


def _row(event: Event) -> int:
    """Return the `row` that the statement has noted which wrote the event."""
    return int((event.data or {}).get("row", 0))


def attempt_row(attempt: int, lease_id: int) -> int:
    """Return the `row` of an attempt; leases below zero are moments of attempts that another system made."""
    return FOREIGN_ATTEMPT - lease_id if lease_id < 0 else attempt << LEASE_BITS | lease_id

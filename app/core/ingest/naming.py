"""Which copy an event is of, and what is wrong with events that are of none. Reads only.

Imports the front doors of messages and the core's errors, mail's words, db.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.errors import Fault, FieldFault
from app.core.ingest.values import Event, EventKind, Rejection, Visited
from app.core.messages import parse_email_id
from app.db.sql import Connection, Sql

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing is taken over that is said to be older: each month is a set of partitions."""
FASTEST_CLOCK = timedelta(minutes=5)
"""How far another clock may be ahead."""
_ID_LIMIT = 1 << 48
_BIGINT_LIMIT = 1 << 63
_NOT_OURS = {EventKind.BLOCKED, EventKind.DEFERRED}
sql = Sql(__package__)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a copy is called.

    Attributes:
        account_id: Whose.
        email_id: As it was given; a blank and a digest for an event without one.
    """

    account_id: int
    email_id: str


@dataclass(frozen=True, slots=True)
class Known:
    """A copy that is in the ledger.

    Attributes:
        message_id: Its id.
        accepted_at: Its partition.
        is_foreign: Whether it was taken over; the others are our own.
        sender_id: Its sender.
        recipient: Its recipient.
    """

    message_id: int
    accepted_at: datetime
    is_foreign: bool
    sender_id: int
    recipient: str


@dataclass(slots=True)
class Group:
    """The events of one call that are of one copy.

    Attributes:
        key: What it is called.
        known: The copy, when it was there before.
        sender_id: Its sender.
        recipient: Its recipient.
        events: Those that are taken over.
    """

    key: Key
    known: Known | None
    sender_id: int
    recipient: str
    events: list[Event]


@dataclass(frozen=True, slots=True)
class Item:
    """An event with what its names mean.

    Attributes:
        index: Its place among those given.
        event: It.
        account_id: Whose.
        sender_id: None when it names no sender.
    """

    index: int
    event: Event
    account_id: int
    sender_id: int | None

    @property
    def key(self) -> Key:
        """What its copy is called."""
        return Key(self.account_id, self.event.email_id or self._digest())

    def _digest(self) -> str:
        event = self.event
        url = event.facts.url if isinstance(event.facts, Visited) else ""
        moment = event.occurred_at.astimezone(UTC).isoformat()
        told = [event.kind, moment, self.sender_id, (event.recipient or "").lower(), url]
        return " " + hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sorted:
    """The events of a call.

    Attributes:
        groups: By copy, in order of their keys.
        refusals: Events of no copy, with their accounts.
        rejections: Those that can't be taken over, by index.
    """

    groups: list[Group]
    refusals: list[Item]
    rejections: list[Rejection]

    @property
    def accepted(self) -> int:
        """How many are taken over."""
        return sum(len(group.events) for group in self.groups) + len(self.refusals)


class _Rejected(Exception):
    """Raised when an event can't be taken over."""

    def __init__(self, field: str, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = FieldFault(field, fault, message)


async def sort_out(connection: Connection, events: Sequence[Event], now: datetime) -> Sorted:
    """Look up what the events name, and tell those that can be taken over from others.

    Args:
        connection: For reading.
        events: In any order.
        now: Events may not be of the future.
    """
    rejections: list[Rejection] = []
    items: list[Item] = []
    ids = await _accounts(connection, events)
    senders = await _senders(connection, events, ids)
    for index, event in enumerate(events):
        try:
            items.append(_item(index, event, now, ids, senders))
        except _Rejected as rejected:
            rejections.append(Rejection(index, (rejected.fault,)))
    refusals = [item for item in items if item.event.kind is EventKind.REFUSED]
    by_key: dict[Key, list[Item]] = {}
    for item in items:
        if item.event.kind is not EventKind.REFUSED:
            by_key.setdefault(item.key, []).append(item)
    known = await _copies(connection, by_key)
    groups = [
        group for key in sorted(by_key) if (group := _group(key, by_key[key], known.get(key), rejections)) is not None
    ]
    return Sorted(groups, refusals, sorted(rejections, key=lambda rejection: rejection.index))


async def _accounts(connection: Connection, events: Iterable[Event]) -> Mapping[UUID | int, int]:
    """Return the ids of accounts by both of their names."""
    named = {event.account for event in events}
    numbers = [name for name in named if isinstance(name, int) and 0 < name < _BIGINT_LIMIT]
    uuids = [name for name in named if isinstance(name, UUID)]
    found: dict[UUID | int, int] = {}
    for row in await sql.fetch(connection, "accounts", uuids, numbers):
        found[row["id"]] = found[UUID(bytes=row["public_id"].bytes)] = row["id"]
    return found


async def _senders(
    connection: Connection, events: Iterable[Event], ids: Mapping[UUID | int, int]
) -> Mapping[tuple[int, str], int]:
    named = sorted(
        {(ids[event.account], event.sender.lower()) for event in events if event.sender and event.account in ids}
    )
    columns = [[name[0] for name in named], [name[1] for name in named]]
    rows = await sql.fetch(connection, "senders", *columns) if named else []
    return {(row["account_id"], row["email"]): row["id"] for row in rows}


def _item(
    index: int,
    event: Event,
    now: datetime,
    ids: Mapping[UUID | int, int],
    senders: Mapping[tuple[int, str], int],
) -> Item:
    """Check what can be checked of an event by itself.

    Raises:
        _Rejected: It can't be taken over.
    """
    if not EARLIEST <= event.occurred_at <= now + FASTEST_CLOCK:
        raise _Rejected("occurred_at", Fault.INVALID, "is before 2000 or in the future")
    if event.accepted_at is not None and not EARLIEST <= event.accepted_at <= event.occurred_at:
        raise _Rejected("data.accepted_at", Fault.INVALID, "is before 2000 or after the event")
    account_id = ids.get(event.account)
    if account_id is None:
        raise _Rejected("account_id", Fault.NOT_FOUND, "is no account")
    if event.kind is EventKind.REFUSED:
        if event.recipient is None:
            raise _Rejected("recipient", Fault.REQUIRED, "is required")
        return Item(index, event, account_id, None)
    sender_id = senders.get((account_id, event.sender.lower())) if event.sender else None
    if event.sender and sender_id is None:
        raise _Rejected("sender", Fault.NOT_FOUND, "is no sender of the account")
    return Item(index, event, account_id, sender_id)


async def _copies(connection: Connection, keys: Iterable[Key]) -> Mapping[Key, Known]:
    """Return the copies that are there already."""
    asked = []
    for key in keys:
        second, number = parse_email_id(key.email_id) or (None, None)
        asked.append((key.account_id, key.email_id, number, second))
    if not asked:
        return {}
    rows = await sql.fetch(connection, "find_copies", *map(list, zip(*asked, strict=True)))
    return {
        Key(row["account_id"], row["email_id"]): Known(
            row["message_id"], row["accepted_at"], row["is_foreign"], row["sender_id"], row["recipient"]
        )
        for row in rows
    }


def _group(key: Key, items: Sequence[Item], known: Known | None, rejections: list[Rejection]) -> Group | None:
    """Put the events of a copy together; those that do not belong to it are rejected."""
    sender_id: Any = known.sender_id if known else next((item.sender_id for item in items if item.sender_id), None)
    recipients = (item.event.recipient for item in items if item.event.recipient)
    recipient: Any = known.recipient if known else next(recipients, None)
    group = Group(key, known, sender_id, recipient, [])
    for item in items:
        try:
            _check_belongs(item, group)
            group.events.append(item.event)
        except _Rejected as rejected:
            rejections.append(Rejection(item.index, (rejected.fault,)))
    return group if group.events else None


def _check_belongs(item: Item, group: Group) -> None:
    """Check an event beside its copy.

    Raises:
        _Rejected: It is of another, or of none.
    """
    event = item.event
    for field, value in (("sender", group.sender_id), ("recipient", group.recipient)):
        if value is None:
            raise _Rejected(field, Fault.REQUIRED, "is required, because nothing else is known of the mail")
    if item.sender_id not in {None, group.sender_id}:
        raise _Rejected("sender", Fault.INVALID, "is not the one of the mail with this email_id")
    if event.recipient is not None and event.recipient.lower() != group.recipient.lower():
        raise _Rejected("recipient", Fault.INVALID, "is not the one of the mail with this email_id")
    if group.known is None or group.known.is_foreign:
        return
    if event.kind in _NOT_OURS:
        raise _Rejected("type", Fault.INVALID, "cannot be told of a mail that was sent from here")
    if event.occurred_at < group.known.accepted_at:
        raise _Rejected("occurred_at", Fault.INVALID, "is before the mail was accepted")

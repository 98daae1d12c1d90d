"""The verbs on the outbox. Imports models and the database's helpers only.

Facts that one statement records for many rows put their events into the table themselves, in that statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.db.sql import Connection, Sql
from app.db.unit_of_work import WriteSession
from app.models.domain_event import EventType

MAX_TAKEN = 10_000
"""Most events of one `take`: what a router holds in memory and locks at once."""

_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened.

    Attributes:
        id: Grows in the order in which events of one contact, address or copy were made.
        occurred_at: When the transaction that made it began; with the id its key.
        account_id: Whose.
        type: Of `EventType`; a text, because a newer version may have written it.
        message_id: The copy it is about, or that led to it.
        accepted_at: Partition of the copy.
        contact_id: The contact it is about.
        audience_id: That contact's audience.
        address: Whom it is about.
        data: What else is to be told.
    """

    id: int
    occurred_at: datetime
    account_id: int
    type: str
    message_id: int | None
    accepted_at: datetime | None
    contact_id: int | None
    audience_id: int | None
    address: str | None
    data: Mapping[str, Any] | None


async def emit(
    write: WriteSession,
    account_id: int,
    type: EventType,  # noqa: A002 the word for it
    *,
    contact_id: int | None = None,
    audience_id: int | None = None,
    address: str | None = None,
    message_id: int | None = None,
    accepted_at: datetime | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """Write an event as a part of the transaction that makes it true; nobody sees it before the commit.

    Args:
        write: The transaction.
        account_id: Whose.
        type: What happened.
        contact_id: The contact it is about.
        audience_id: That contact's audience.
        address: Whom it is about.
        message_id: The copy it is about, or that led to it.
        accepted_at: Partition of the copy.
        data: What else is to be told, as JSON.

    Source:
        docs/contract/native.md, 12.
    """
    written = orjson.dumps(data).decode() if data is not None else None
    await _sql.rows(
        write, "emit", account_id, str(type), message_id, accepted_at, contact_id, audience_id, address, written
    )


async def take(connection: Connection, limit: int) -> list[Event]:
    """Hold the oldest events nobody has routed, until the end of the caller's transaction.

    Several routers may do this at once: none sees what another holds. When the transaction ends without `mark_routed`
    the events are there for the next one, so whatever follows from an event is to be written in the same transaction.

    Args:
        connection: Of the driver, in a transaction.
        limit: Most events, 1 to 10,000.

    Returns:
        In the order of their ids. An event that another router holds is passed over, so events of one contact may be
        routed out of turn by routers that share the work.
    """
    rows = await _sql.fetch(connection, "take", min(max(limit, 1), MAX_TAKEN))
    return [Event(**{**row, "data": _parsed(row["data"])}) for row in rows]


async def mark_routed(connection: Connection, events: Sequence[Event]) -> None:
    """Note that everything that follows from the events is written: they are not taken again.

    Args:
        connection: That took them, in the same transaction.
        events: As `take` gave them.
    """
    if events:
        ids = [event.id for event in events]
        moments = [event.occurred_at for event in events]
        await _sql.execute(connection, "mark_routed", ids, moments)


def _parsed(data: object) -> Mapping[str, Any] | None:
    """Return a jsonb value as it was given; a bare connection of the driver hands it over as text."""
    if isinstance(data, str | bytes):
        data = orjson.loads(data)
    return data if isinstance(data, Mapping) else None

"""Writing opens and clicks: events, what they add to copies and links, and counters in one transaction. Imports db.

Source: docs/contract/dyn-email.md, 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from app.core.tracking.machines import is_machine
from app.db.sql import Connection, Sql

MAX_IP = 45
"""Characters of the longest address, an IPv4 one written as IPv6."""
MAX_USER_AGENT = 500
MAX_URL = 8_000
_ID_LIMIT = 1 << 63
_LINK_LIMIT = 1 << 31
sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Opened:
    """One fetch of the pixel of a copy.

    Attributes:
        id: Of `next_ids`; None: given when it is written.
        message_id: The copy.
        accepted_at: Its partition.
        occurred_at: When; its hour and day count it.
        ip: Who came, "" unknown.
        user_agent: With which program, "" unknown.
    """

    id: int | None
    message_id: int
    accepted_at: datetime
    occurred_at: datetime
    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Clicked:
    """One visit of a tracked link of a copy.

    Attributes:
        id: Of `next_ids`; None: given when it is written.
        message_id: The copy.
        accepted_at: Its partition.
        occurred_at: When; its hour and day count it.
        ip: Who came, "" unknown.
        user_agent: With which program, "" unknown.
        link: Number of the link in its content, from 0.
        url: Where it led.
    """

    id: int | None
    message_id: int
    accepted_at: datetime
    occurred_at: datetime
    ip: str
    user_agent: str
    link: int
    url: str


TrackedEvent: TypeAlias = Opened | Clicked


async def next_ids(connection: Connection, count: int) -> list[int]:
    """Return ids for events; one that is never used does no harm."""
    return [row["id"] for row in await sql.fetch(connection, "next_ids", count)]


async def record_events(connection: Connection, events: Sequence[TrackedEvent]) -> int:
    """Record opens and clicks in one statement; written again with the same ids they change nothing.

    The first open of a copy and the first click of each of its links are counted exactly once as unique, however many
    write at the same time. A click is not counted as an open. Events of copies that do not exist are dropped.

    Args:
        connection: Outside of a transaction, it is durable on return; inside of one, it is part of it.
        events: Any number; the ids must differ.

    Returns:
        How many were written.

    Raises:
        asyncpg.PostgresError, OSError: Nothing was recorded, or, lost during the commit, nobody knows: to record
            the same again is harmless.
    """
    rows = [_row(event) for event in events if _may_exist(event)]
    missing = [row for row in rows if row[0] is None]
    if missing:
        for row, number in zip(missing, await next_ids(connection, len(missing)), strict=True):
            row[0] = number
    if not rows:
        return 0
    found = await sql.fetch(connection, "record_events", *map(list, zip(*rows, strict=True)))
    written: int = found[0]["events"]
    return written


def cut(text: str, length: int) -> str:
    """Return a foreign text as the database takes it: cut, without NUL and what is no character."""
    return text[:length].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _row(event: TrackedEvent) -> list[object]:
    link, url = (event.link, cut(event.url, MAX_URL)) if isinstance(event, Clicked) else (None, "")
    agent = cut(event.user_agent, MAX_USER_AGENT)
    return [
        event.id, event.message_id, event.accepted_at, event.occurred_at, cut(event.ip, MAX_IP), agent,
        is_machine(agent), link, url,
    ]  # fmt: skip


def _may_exist(event: TrackedEvent) -> bool:
    """Tell whether the numbers fit; a copy with others is an unknown one."""
    fits = 0 <= event.message_id < _ID_LIMIT
    return fits and not (isinstance(event, Clicked) and not 0 <= event.link < _LINK_LIMIT)

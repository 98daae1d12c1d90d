"""Hours that are over: their counts are put together by day. Imports db.

Everybody counts in `hourly_counts`; nobody else writes what is closed, and triggers make of it what is read. See
docs/decisions/0015.
"""

import time
from datetime import UTC, datetime, timedelta

from app.db.sql import Connection, Sql

OPEN = timedelta(hours=1)
"""How long after its end an hour is left open: as a rule nothing counts in it any more."""
BATCH = 5000
"""Rows that are closed at a time."""
sql = Sql(__package__)


async def close(connection: Connection, now: datetime, deadline: float) -> int:
    """Close hours that are over, a batch at a time; return how many rows.

    Args:
        connection: Outside of a transaction; nobody else closes meanwhile.
        now: The time.
        deadline: On the clock of `time.monotonic`, after which no further batch is begun.
    """
    until = (now - OPEN).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    total, closed = 0, BATCH
    while closed == BATCH and time.monotonic() < deadline:
        closed = (await sql.fetch(connection, "close_hours", until, BATCH))[0]["closed"]
        total += closed
    return total

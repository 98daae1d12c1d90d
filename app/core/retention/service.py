"""The verb of retention. Imports this package's months, db.

Source: docs/contract/native.md, 19.
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.retention import closing, months
from app.core.retention.months import first_kept
from app.db.engine import driver_connection
from app.db.sql import Connection, Sql

LONGEST_SECONDS = 40.0
"""After which a run ends; the next goes on."""
BATCH = 5000
"""Rows deleted at a time."""
DETAILS = ("old_issues", "old_names", "old_postbacks")
COUNTS = ("old_hours", "old_closed_hours", "old_seconds", "old_days")
_LOCK_KEY = 0x666F_7267  # "forg"
sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what is kept.

    Attributes:
        detail_days: Copies, what happened to them, and refusals; 0 = for ever.
        count_days: Counts by hour and day; 0 = for ever.
        audit_days: Entries of the audit log; 0 = for ever.
        automation_run_days: Runs of automations, since they ended; 0 = for ever.
    """

    detail_days: int
    count_days: int
    audit_days: int = 0
    automation_run_days: int = 0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run did away with.

    Attributes:
        tables: Partitions dropped.
        rows: Rows deleted elsewhere.
    """

    tables: int = 0
    rows: int = 0


async def forget(engine: AsyncEngine, *, now: datetime, limits: Limits) -> Forgotten:
    """Drop months of copies that are wholly older than is kept; delete what is old of all else that is kept for a time.

    That is refusals, names and postbacks, counts, the audit log, and runs of automations that have ended.

    Before that the counts of hours that are over are put together; no number changes.

    A month stays, with what belongs to it, while one of its copies waits in the queue or a lease. Nobody waits for
    this: whatever is in use is left for the next run.

    Args:
        engine: Of `make_engine`.
        now: The time.
        limits: How long what is kept.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away; the next run goes on.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    tables = rows = 0
    async with driver_connection(engine) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            return Forgotten()
        try:
            await connection.execute("SET lock_timeout = '2s'")
            await closing.close(connection, now, deadline)
            if limits.detail_days:
                tables, rows = await _details(connection, first_kept(now, limits.detail_days), deadline)
            for days, statements in (
                (limits.count_days, COUNTS),
                (limits.audit_days, ("old_entries",)),
                (limits.automation_run_days, ("ended_runs",)),
            ):
                if days:
                    day = (now - timedelta(days=days)).astimezone(UTC).date()
                    rows += await _delete(connection, statements, _midnight(day), deadline)
        finally:
            if not connection.is_closed():
                await connection.execute("RESET lock_timeout")
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)
    return Forgotten(tables, rows)


async def _details(connection: Connection, kept: date, deadline: float) -> tuple[int, int]:
    """Drop partitions before a month, and what is in no partition; return how many tables and rows."""
    old = await months.before(connection, kept)
    if not old:
        return 0, await _delete(connection, DETAILS, _midnight(kept), deadline)
    busy = await months.waiting(connection, kept)
    tables = 0
    for partition in old:
        if time.monotonic() > deadline:
            break
        if partition.month not in busy:
            tables += await months.drop(connection, partition)
    until = _midnight(min([kept, *busy]))
    return tables, await _delete(connection, DETAILS, until, deadline)


async def _delete(connection: Connection, statements: tuple[str, ...], until: datetime, deadline: float) -> int:
    """Delete what is older, a batch at a time; return how many rows."""
    total = 0
    for statement in statements:
        deleted = BATCH
        while deleted == BATCH and time.monotonic() < deadline:
            deleted = (await sql.fetch(connection, statement, until, BATCH))[0]["deleted"]
            total += deleted
    return total


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

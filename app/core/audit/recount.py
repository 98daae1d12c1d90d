"""The counters beside a recount of what they are made of. Imports db."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from struct import calcsize, unpack

import asyncpg

from app.core.audit import identity
from app.core.audit.values import MOST_SHOWN, Difference, Report, Scope
from app.db.sql import Connection, Sql

LOOK_BACK = timedelta(days=35)
"""How long before the counters begin a copy was accepted whose events are looked for at first."""
PACKED: Mapping[str, str] = {"packed_counts": ">25i", "packed_days": ">i", "packed_hours": ">24i"}
"""What there is of a day: its hours and then their sum, the sum alone, or its hours."""
DAILY = frozenset({"daily_counts", *PACKED})
"""Tables compared by day; others are by hour."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
RUN_COUNTS: Mapping[str, str] = {
    "claimed": "copies",
    "delivered": "ever_delivered",
    "hard_bounces": "hard_bounces",
    "soft_bounces": "soft_bounces",
    "blocked": "ever_blocked",
    "failed": "failed",
    "cancelled": "cancelled",
    "deferrals": "deferrals",
    "opens": "opens",
    "opened": "opened",
    "clicks": "clicks",
    "clicked": "clicked",
    "complaints": "complaints",
    "unsubscribes": "unsubscribes",
}
"""Columns of `run_counts`, and what they are a count of."""
sql = Sql(__package__)


async def of_runs(connection: Connection, page: list[asyncpg.Record]) -> list[Difference]:
    """Compare `run_counts` with the copies of each run and what happened to them."""
    rows = await sql.fetch(connection, "run_events", [run["id"] for run in page])
    events = {row["run_id"]: row for row in rows}
    return [difference for run in page for difference in _judge(run, events[run["id"]])]


def _judge(run: asyncpg.Record, events: asyncpg.Record) -> list[Difference]:
    counted = {**run, **events}
    return [
        Difference(
            f"run_counts.{column}",
            identity.name_of(run["id"]),
            str(counted[counts]),
            str(counted[f"stored_{column}"]),
        )
        for column, counts in RUN_COUNTS.items()
        if counted[counts] != counted[f"stored_{column}"]
    ]


async def of_audiences(connection: Connection, scope: Scope) -> Report:
    """Compare the tallies of audiences with their contacts."""
    rows = await sql.fetch(connection, "tallies", scope.account_id, MOST_SHOWN)
    shown = tuple(
        Difference(
            f"audience_tallies.{row['status']}",
            f"account {row['account_id']}, audience {row['audience_id']}",
            str(row["counted"]),
            str(row["stored"]),
        )
        for row in rows
    )
    return Report(rows[0]["found"] if rows else 0, shown)


async def of_senders(connection: Connection, scope: Scope) -> Report:
    """Compare `hourly_counts` and `daily_counts` with the ledger.

    An event may come long after its copy was accepted, by the pause of a campaign for instance. So differences that
    remain when only the latest copies are counted are looked at again with all that there are.
    """
    report = await _of_senders(connection, scope, scope.since - LOOK_BACK)
    return await _of_senders(connection, scope, BEGINNING) if report.total else report


async def _of_senders(connection: Connection, scope: Scope, accepted_from: datetime) -> Report:
    return _report(await sql.fetch(connection, "counters", scope.since, accepted_from, scope.account_id, MOST_SHOWN))


async def of_packed(connection: Connection, scope: Scope) -> Report:
    """Compare `packed_counts` with `closed_hours`: what it lacks, has too much, or has otherwise."""
    return _report(await sql.fetch(connection, "packed", scope.since, scope.account_id, MOST_SHOWN))


async def of_packed_days(connection: Connection, scope: Scope) -> Report:
    """Compare `packed_days` with `packed_counts`, by day, in the same way."""
    return _report(await sql.fetch(connection, "packed_days", scope.since, scope.account_id, MOST_SHOWN))


async def of_packed_hours(connection: Connection, scope: Scope) -> Report:
    """Compare `packed_hours` with `closed_hours` in the same way."""
    return _report(await sql.fetch(connection, "packed_hours", scope.since, scope.account_id, MOST_SHOWN))


async def of_seconds(connection: Connection, scope: Scope) -> Report:
    """Compare `closed_seconds` with `closed_hours`, for hours to which nothing late is to be added."""
    return _report(await sql.fetch(connection, "seconds", scope.since, scope.account_id, MOST_SHOWN))


def _report(rows: list[asyncpg.Record]) -> Report:
    shown = tuple(Difference(f"{row['bucket']}.{row['metric']}", _bucket(row), *_numbers(row)) for row in rows)
    return Report(rows[0]["found"] if rows else 0, shown)


def _bucket(row: asyncpg.Record) -> str:
    start: datetime = row["start"].astimezone(UTC)
    moment = f"{start:%Y-%m-%d}" if row["bucket"] in DAILY else f"{start:%Y-%m-%d %H}h"
    return f"account {row['account_id']}, sender {row['sender_id']}, {moment}"


def _numbers(row: asyncpg.Record) -> tuple[str, str]:
    """Return what was counted and what is stored; of two packed days the sums, or else the first hour that differs."""
    counted, stored = row["counted"], row["stored"]
    if not isinstance(counted, bytes):
        return str(counted), str(stored)
    packed = PACKED[row["bucket"]]
    if not len(counted) == len(stored) == calcsize(packed):
        return f"{len(counted)} octets", f"{len(stored)} octets"
    pairs = list(zip(unpack(packed, counted), unpack(packed, stored), strict=True))
    if row["bucket"] != "packed_hours":
        sums = pairs.pop()
        if sums[0] != sums[1]:
            return str(sums[0]), str(sums[1])
    hour, pair = next((hour, pair) for hour, pair in enumerate(pairs) if pair[0] != pair[1])
    return f"{pair[0]} at {hour:02}h", f"{pair[1]} at {hour:02}h"

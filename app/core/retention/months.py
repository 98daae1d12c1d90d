"""Months of copies: which are old, and how their partitions go. Imports the front door of messages, db.

A partition is detached concurrently and then dropped as a table of its own: neither takes a lock that a reader or a
writer of the ledger would notice. What was begun and not ended is ended by the next run.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg

from app.core.messages import PARTITIONED
from app.db.sql import Connection, Sql

DETACH_SECONDS = 15.0
"""How long transactions that began before are waited for; what takes longer is left for the next run."""
_NAME = re.compile(r"([a-z_]+)_p(\d{4})(\d\d)", re.ASCII)
sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Partition:
    """A table of one month.

    Attributes:
        name: Its name.
        parent: Of which table it is, or was, a partition.
        month: First day of its month.
        state: `attached`, `pending` (it was left while it was being detached) or `detached`.
    """

    name: str
    parent: str
    month: date
    state: str


def first_kept(now: datetime, days: int) -> date:
    """Return the first day of the first month that is kept: it holds an instant that is not older than `days`."""
    edge = (now - timedelta(days=days)).astimezone(UTC)
    return date(edge.year, edge.month, 1)


async def before(connection: Connection, month: date) -> list[Partition]:
    """Return the tables of earlier months: the oldest first, and in each the copies after what belongs to them."""
    order = {table: number for number, table in enumerate(reversed(PARTITIONED))}
    found = []
    for row in await sql.fetch(connection, "month_tables", list(PARTITIONED)):
        name: str = row["name"]
        match = _NAME.fullmatch(name)
        if match and match[1] in order:
            found.append(Partition(name, match[1], date(int(match[2]), int(match[3]), 1), row["state"]))
    old = [partition for partition in found if partition.month < month]
    return sorted(old, key=lambda partition: (partition.month, order[partition.parent]))


async def waiting(connection: Connection, month: date) -> set[date]:
    """Return the months before this one of which a copy still waits for an attempt or is being attempted."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return {row["month"] for row in await sql.fetch(connection, "waiting_months", start)}


async def drop(connection: Connection, partition: Partition) -> bool:
    """Take a partition out of its table and drop it.

    Args:
        connection: Outside of a transaction.
        partition: Of `before`.

    Returns:
        False when others need more time; nobody else waits.
    """
    # Names come from the catalogue, and fit the pattern of those we make: nothing foreign reaches this text.
    try:
        if partition.state != "detached":
            ending = "CONCURRENTLY" if partition.state == "attached" else "FINALIZE"
            await connection.execute(
                f"ALTER TABLE {partition.parent} DETACH PARTITION {partition.name} {ending}", timeout=DETACH_SECONDS
            )
        await connection.execute(f"DROP TABLE {partition.name}", timeout=DETACH_SECONDS)
    except (TimeoutError, asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError):
        return False
    except asyncpg.ObjectNotInPrerequisiteStateError:  # another month is on its way out of this table: one at a time
        return False
    return True

"""Monthly partitions of the ledger and its companions: made ahead, never while something waits.

A partition is made as a table of its own and then attached, which needs no lock that a reader or writer would notice
(`CREATE TABLE ... PARTITION OF` locks the parent against everyone).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import Connection, Sql

PARTITIONED = {
    "mails": "accepted_at",
    "messages": "accepted_at",
    "attempts": "accepted_at",
    "bounces": "accepted_at",
    "opens": "accepted_at",
    "clicks": "accepted_at",
    "engagements": "accepted_at",
    "link_clicks": "accepted_at",
    "complaints": "accepted_at",
    "unsubscriptions": "accepted_at",
    "domain_events": "occurred_at",
}
"""Table -> the column its months are of. What happens to a copy lies in the month of its acceptance."""
MONTHS_AHEAD = 4
sql = Sql(__package__)
_LOCK_KEY = 0x7061_7274  # "part"

_STORAGE = {
    # Half of each page stays free: copies that are made together are recorded together, and each of their rows needs
    # room for a second version on its page (HOT) before the first can be cleared away (docs/decisions/0009).
    "messages": "WITH (fillfactor = 50, autovacuum_vacuum_insert_scale_factor = 0.1)",
    # Counted up with every event of their copy or link.
    "engagements": "WITH (fillfactor = 70)",
    "link_clicks": "WITH (fillfactor = 70)",
}


def month_of(moment: datetime | date) -> date:
    """Return the first day of the month that holds the moment, which is taken as UTC."""
    return date(moment.year, moment.month, 1)


def following(month: date, count: int = 1) -> date:
    """Return the first day of the month `count` months later."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def months_ahead(now: datetime) -> list[date]:
    """Return the months that should exist: the last one, this one and four more."""
    return [following(month_of(now), step) for step in range(-1, MONTHS_AHEAD + 1)]


async def make_partitions(engine: AsyncEngine, months: Iterable[date] | None = None) -> int:
    """Make the partitions of these months that do not exist yet.

    Args:
        engine: Of `make_engine`.
        months: First days of months; None: those of `months_ahead`.

    Returns:
        How many were made.
    """
    wanted = list(months_ahead(datetime.now(UTC)) if months is None else months)
    async with driver_connection(engine) as connection, connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '4s'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        existing = await _existing(connection)
        if months is None:  # a table that is younger than the ledger needs the months of old copies, too
            wanted = sorted({*wanted, *_months_of(existing)})
        missing = [(table, month) for month in wanted for table in PARTITIONED if _name(table, month) not in existing]
        for table, month in missing:
            await _make(connection, table, month)
    return len(missing)


async def months_left(engine: AsyncEngine, now: datetime) -> int:
    """Return for how many whole months after this one every table has a partition."""
    async with driver_connection(engine) as connection:
        existing = await _existing(connection)
    count = 0
    while count < MONTHS_AHEAD * 3 and all(
        _name(table, following(month_of(now), count + 1)) in existing for table in PARTITIONED
    ):
        count += 1
    return count


async def _existing(connection: Connection) -> set[str]:
    rows = await sql.fetch(connection, "partitions", list(PARTITIONED))
    return {row["name"] for row in rows}


def _months_of(existing: Iterable[str]) -> set[date]:
    suffixes = {name.removeprefix("messages_p") for name in existing if name.startswith("messages_p")}
    return {date(int(suffix[:4]), int(suffix[4:]), 1) for suffix in suffixes}


def _name(table: str, month: date) -> str:
    return f"{table}_p{month:%Y%m}"


async def _make(connection: Connection, table: str, month: date) -> None:
    # Names and dates are made here, not given: nothing foreign reaches this text.
    name = _name(table, month)
    await connection.execute(
        f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE) {_STORAGE.get(table, '')}"
    )
    # The constraint spares the attach its scan of the table.
    column = PARTITIONED[table]
    bounds = f"{column} >= '{month} 00:00:00+00' AND {column} < '{following(month)} 00:00:00+00'"
    await connection.execute(f"ALTER TABLE {name} ADD CONSTRAINT {name}_month CHECK ({bounds})")
    await connection.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {name}"
        f" FOR VALUES FROM ('{month} 00:00:00+00') TO ('{following(month)} 00:00:00+00')"
    )
    await connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT {name}_month")

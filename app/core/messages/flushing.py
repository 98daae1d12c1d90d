"""Deferred mail that is to be tried now. Imports db."""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import Sql

BATCH = 5000
"""Copies made due at a time."""
MAX_BATCHES = 400
"""Batches of one call."""
_sql = Sql(__package__)


async def flush_deferred(engine: AsyncEngine, domain: str | None = None) -> int:
    """Make copies that wait for another attempt due now; return how many. Those that a claim holds are being tried.

    Each batch is a transaction of its own, so that delivery begins with the first.

    Args:
        engine: Of `make_engine`.
        domain: Of the recipients, in lower case; None: of all.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away.
    """
    total = 0
    async with driver_connection(engine) as connection:
        for _ in range(MAX_BATCHES):
            (row,) = await _sql.fetch(connection, "flush_deferred", domain, BATCH)
            total += row["flushed"]
            if row["flushed"] < BATCH:
                break
    return total

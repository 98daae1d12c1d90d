"""The counts of contacts by status, kept short. Imports db.

Triggers on `contacts` append by how many each statement changed them (docs/contacts.md); reading adds up.
"""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import Sql

BATCH = 50_000
"""Tallies of one statement."""
MAX_BATCHES = 100
_sql = Sql(__package__)


async def fold_tallies(engine: AsyncEngine) -> int:
    """Put one tally in the place of those of an audience and status, wherever there are new ones; return how many went.

    Nobody waits for it. Run twice at once one of them does nothing; killed, the next one goes on.
    """
    folded = 0
    async with driver_connection(engine) as connection:
        for _ in range(MAX_BATCHES):
            async with connection.transaction():
                [(is_alone,)] = await _sql.fetch(connection, "lock_fold")
                if not is_alone:  # a statement of its own: the fold must see what the last one has left
                    break
                [(went,)] = await _sql.fetch(connection, "fold", BATCH)
            folded += went
            if went < BATCH:
                break
    return folded

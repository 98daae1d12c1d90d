"""The counts of contacts by status, kept short. Imports db.

Triggers on `contacts` append by how many each statement changed them (docs/contacts.md); reading adds up.
"""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import Sql

MOST_KEPT = 20
"""Tallies of one audience that are worth no work."""
BATCH = 50_000
"""Tallies of one statement."""
MAX_BATCHES = 100
_sql = Sql(__package__)


async def fold_tallies(engine: AsyncEngine) -> int:
    """Put one tally in the place of many wherever an audience has more than a few; return how many went.

    Nobody waits for it. Run twice at once each does a part; killed, the next one goes on.
    """
    folded = 0
    async with driver_connection(engine) as connection:
        for _ in range(MAX_BATCHES):
            [(went,)] = await _sql.fetch(connection, "fold", MOST_KEPT, BATCH)
            folded += went
            if went < BATCH:
                break
    return folded

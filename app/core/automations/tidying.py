"""What is put away now and then: tallies added up, runs of deleted automations. Uses this package's statements."""

from app.core.automations import repository
from app.db.sql import Connection

FOLD_FROM = 20
"""Tallies of one automation from which they are added up."""
BATCH = 5000
"""Runs deleted by one statement."""
STATEMENTS = 20


async def tidy(connection: Connection) -> int:
    """Put away what is not needed; return how many rows went. Done again it finds nothing."""
    gone = int((await repository.sql.fetch(connection, "fold", FOLD_FROM))[0]["folded"])
    for _ in range(STATEMENTS):
        deleted = (await repository.sql.fetch(connection, "forget_runs", BATCH))[0]["deleted"]
        gone += deleted
        if deleted < BATCH:
            break
    return gone

"""What has to be done for jobs that nobody asks about. Uses this package's siblings; imports db.

run       a slice of one job
orphans   jobs that nobody works on
empty     away with the files of jobs that ended a week ago
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.jobs import RunTransfer
from app.core.transfers.bulk import ContactBulk
from app.core.transfers.exporting import ContactExport, SuppressionExport
from app.core.transfers.importing import ContactImport
from app.core.transfers.running import SLICE_SECONDS, Maker, run_slice, sql
from app.core.transfers.suppressing import SuppressionImport
from app.db.engine import driver_connection
from app.models.job import JobType

SILENT_SECONDS = 5
"""How long nothing is heard of a job before somebody looks whether its worker lives."""
KEPT = timedelta(days=7)
"""How long files, results and errors are kept after the end."""
MOST = 100
EMPTIED = 10
"""Jobs whose files go in one statement: two gigabytes."""
LONGEST_SECONDS = 30.0
_MAKERS: Mapping[str, Maker] = {
    JobType.CONTACT_IMPORT.value: ContactImport,
    JobType.CONTACT_EXPORT.value: ContactExport,
    JobType.CONTACT_BULK.value: ContactBulk,
    JobType.SUPPRESSION_IMPORT.value: SuppressionImport,
    JobType.SUPPRESSION_EXPORT.value: SuppressionExport,
}


async def run(engine: AsyncEngine, job_id: int, *, seconds: float = SLICE_SECONDS) -> bool:
    """Work on a job for a while; return whether it is to be asked for again at once.

    A job that has ended, or that a living worker has, is left alone. Whoever dies here leaves it at the end of its last
    batch, and the next one goes on there.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away.
    """
    return await run_slice(engine, job_id, _MAKERS, seconds=seconds)


async def orphans(engine: AsyncEngine) -> list[RunTransfer]:
    """Return what to ask for: jobs of which nothing was heard for some seconds.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away.
    """
    async with driver_connection(engine) as connection:
        return [RunTransfer(row["id"]) for row in await sql.fetch(connection, "orphans", SILENT_SECONDS, MOST)]


async def empty(engine: AsyncEngine, *, now: datetime) -> int:
    """Delete files, results and errors of jobs that ended a week ago; return of how many.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away.
    """
    deadline, total = time.monotonic() + LONGEST_SECONDS, 0
    async with driver_connection(engine) as connection:
        while time.monotonic() < deadline:
            [(deleted,)] = await sql.fetch(connection, "old_files", now - KEPT, EMPTIED)
            total += deleted
            if deleted < EMPTIED:
                break
    return total

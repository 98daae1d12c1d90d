"""What the scheduler and the delivery processes do to runs by themselves. Uses the repository.

All of it may be done twice, by several processes: each statement moves a state, and moves it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.campaigns import repository
from app.core.campaigns.contents import content_of
from app.core.campaigns.snapshot import hold_back
from app.core.errors import NotFound
from app.core.jobs import SnapshotTargets
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.db.unit_of_work import unit_of_work
from app.mail.campaign import CampaignContent
from app.models.run import RunState

DUE_AT_ONCE = 500
RUNS_AT_ONCE = 50
TARGETS_AT_ONCE = 20_000
TARGETS_KEPT_HOURS = 1.0
QUOTA_SPENT = "monthly quota spent"


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock brought.

    Attributes:
        jobs: For the runs that were started.
        next_seconds: Until the next schedule; None without one.
        paused: Schedules that were paused because this is another database than the last time; None: it is the same.
    """

    jobs: tuple[SnapshotTargets, ...]
    next_seconds: float | None
    paused: int | None


async def start_due(engine: AsyncEngine) -> Due:
    """Start the runs whose time has come by the database's clock; each once, whatever the clock does.

    In a database that was restored or moved, schedules that are overdue are paused instead.
    """
    sql = repository.sql
    async with driver_connection(engine) as connection:
        async with connection.transaction():
            changed = await sql.fetch(connection, "recognise_database")
            started = await sql.fetch(connection, "start_due", DUE_AT_ONCE)
        ahead = await sql.fetch(connection, "next_due")
    jobs = tuple(SnapshotTargets(row["id"]) for row in started)
    return Due(jobs, ahead[0]["seconds"], changed[0]["paused"] if changed else None)


async def queued(engine: AsyncEngine) -> list[int]:
    """Return runs that wait for their targets."""
    async with driver_connection(engine) as connection:
        return [row["id"] for row in await repository.sql.fetch(connection, "queued", RUNS_AT_ONCE)]


async def finish(engine: AsyncEngine) -> list[int]:
    """End the runs of which nothing is left to do; return them."""
    async with driver_connection(engine) as connection:
        return [row["id"] for row in await repository.sql.fetch(connection, "finish")]


async def cancel_stopped(engine: AsyncEngine) -> int:
    """Cancel copies that reached the queue after their run was stopped; return how many there were."""
    async with driver_connection(engine) as connection:
        rows = await repository.sql.fetch(connection, "unsettled", RUNS_AT_ONCE)
        return sum([await messages.cancel_waiting(connection, row["id"]) for row in rows])


async def clean_up(engine: AsyncEngine) -> int:
    """Delete some targets of runs that ended more than an hour ago, and settle those that have none left.

    Returns:
        How many targets were deleted; while it is not 0 there may be more.
    """
    sql, dropped = repository.sql, 0
    async with driver_connection(engine) as connection:
        for row in await sql.fetch(connection, "ended", TARGETS_KEPT_HOURS, RUNS_AT_ONCE):
            left = TARGETS_AT_ONCE - dropped
            if left <= 0:
                break
            count = (await sql.fetch(connection, "drop_targets", row["id"], left))[0]["dropped"]
            dropped += count
            if count < left:
                await sql.fetch(connection, "settle", row["id"])
    return dropped


async def hold(engine: AsyncEngine, run_id: int, error: str = QUOTA_SPENT) -> bool:
    """Pause a run that can not go on for now; tell whether it was queued or sending.

    Args:
        engine: Of the process.
        run_id: Which.
        error: Why, for people; by default that its account has used up its monthly limit.

    Source:
        docs/contract/dyn-email.md, 18.
    """
    async with unit_of_work(engine) as write:
        return await hold_back(write, run_id, RunState.PAUSED, error)


async def fail(engine: AsyncEngine, run_id: int, error: str) -> bool:
    """Fail a run that can not go on; tell whether it was queued or sending.

    Args:
        engine: Of the process.
        run_id: Which.
        error: Why, for people.
    """
    async with unit_of_work(engine) as write:
        return await hold_back(write, run_id, RunState.FAILED, error)


@dataclass(frozen=True, slots=True)
class VersionContent:
    """A version of a run's content.

    Attributes:
        content: For `app.mail.campaign`; with a single audience its constants are among those of the run.
        by_audience: Constants of each audience by its id, for the values of a copy; empty with a single one.
    """

    content: CampaignContent
    by_audience: Mapping[int, Mapping[str, str]]


async def version_content(connection: Connection, run_id: int, version: int) -> VersionContent:
    """Return a version of a run's content, for the delivery processes and web views.

    Raises:
        NotFound: The run has no such version.
    """
    rows = await repository.sql.fetch(connection, "content", run_id, version)
    if not rows:
        raise NotFound("the run has no such version")
    row = rows[0]
    audiences = row["constants"]["audiences"]
    several = audiences if len(audiences) > 1 else {}
    return VersionContent(content_of(dict(row)), {int(id_): values for id_, values in several.items()})


async def content(connection: Connection, run_id: int, version: int) -> CampaignContent:
    """Return a version of a run's content alone; see `version_content`.

    Raises:
        NotFound: The run has no such version.
    """
    return (await version_content(connection, run_id, version)).content

"""Fixing whom a run is for. Uses the repository, `contents` and the driver's connection.

Run twice at the same time, the second gives way; run again later, it finds the run not queued and does nothing.

Source: docs/design.md, 4; docs/contract/dynosend.md, 9.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.campaigns import contents, repository
from app.core.campaigns.narrowing import condition, narrowed
from app.core.errors import Invalid
from app.core.jobs import DrainQueue
from app.core.segments import Compiled
from app.db.engine import driver_connection
from app.db.sql import Connection, statement
from app.db.unit_of_work import Publisher, WriteSession, unit_of_work
from app.models.campaign import Campaign
from app.models.run import Run, RunState

LONGEST_SECONDS = 900.0
"""For the largest audiences; nobody waits for it."""
SORT_MEMORY = "128MB"
"""Of the one statement that sorts an audience, so that a million contacts stay out of temporary files."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run may send to.

    Attributes:
        total: Targets.
        state: `sending`, or `done` when there are none.
    """

    total: int
    state: RunState


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom a run is for: members of these audiences, or those of one that its segment holds."""

    account_id: int
    audience_ids: Sequence[int]
    narrow: Compiled | None


class _NotQueued(Exception):
    """Raised to take targets back: the run was paused or stopped meanwhile."""


async def snapshot(engine: AsyncEngine, run_id: int, *, publisher: Publisher | None = None) -> Snapshot | None:
    """Fix the content and the targets of a queued run, and let it send.

    A pause or stop does not wait for it: the run's row is locked only at its end, and then the targets of a run that
    is not queued any more are taken back.

    Args:
        engine: Of the process.
        run_id: Which.
        publisher: Takes the nudge for delivery.

    Returns:
        What was fixed; None when the run is not queued, another process is at it, or its content is incomplete, which
        fails the run.
    """
    async with unit_of_work(engine) as write:
        aim = await _prepare(write, run_id)
    if aim is None:
        return None
    async with driver_connection(engine) as connection:
        try:
            async with connection.transaction():
                fixed = await _fix(connection, run_id, aim)
        except _NotQueued:
            return None
    if fixed is not None and fixed.total and publisher is not None:
        publisher.publish([DrainQueue()])
    return fixed


async def hold_back(write: WriteSession, run_id: int, state: RunState, error: str) -> bool:
    """Pause or fail a run that the platform can not go on with; tell whether it was queued or sending.

    Args:
        write: The transaction.
        run_id: Which.
        state: `paused` or `failed`.
        error: Why, for people.
    """
    return bool(await repository.sql.rows(write, "hold_back", run_id, str(state), error))


async def _prepare(write: WriteSession, run_id: int) -> Aim | None:
    """Return whom a run is for; one whose time has come gets its content now.

    Campaign and run are locked in the order of every verb, for the moment of this transaction.
    """
    campaign_id = (await write.execute(select(Run.campaign_id).where(Run.id == run_id))).scalar_one_or_none()
    if campaign_id is None:
        return None
    query = select(Campaign).where(Campaign.id == campaign_id).with_for_update()
    campaign = (await write.execute(query)).scalar_one()
    run = await repository.lock_run(write, run_id)
    if run is None or run.state != RunState.QUEUED:
        return None
    try:
        if run.content_version == 0:
            await contents.keep(write, run, await contents.check(write, campaign, contents.overrides_of(run)))
        narrow = await condition(write, campaign, first_parameter=4)
    except Invalid as error:
        await hold_back(write, run_id, RunState.FAILED, str(error))
        return None
    return Aim(campaign.account_id, list(campaign.audience_ids), narrow)


async def _fix(connection: Connection, run_id: int, aim: Aim) -> Snapshot | None:
    sql = repository.sql
    if not (await sql.fetch(connection, "lock_snapshot", run_id))[0]["locked"]:
        return None
    if not (await sql.fetch(connection, "awaits_targets", run_id))[0]["awaits"]:
        return None
    await connection.execute(f"SET LOCAL work_mem = '{SORT_MEMORY}'")
    await connection.execute("SET LOCAL statement_timeout = 0")  # the call has a time-out of its own
    text, values = _statement(aim)
    status = await connection.execute(text, run_id, aim.account_id, *values, timeout=LONGEST_SECONDS)
    total = int(status.rpartition(" ")[2])
    rows = await sql.fetch(connection, "begin_sending", run_id, total)
    if not rows:
        raise _NotQueued
    return Snapshot(total, RunState(rows[0]["state"]))


def _statement(aim: Aim) -> tuple[str, list[object]]:
    """Return the statement that fixes the targets, and its parameters from the third on."""
    if aim.narrow is not None:
        return narrowed("snapshot_segment", aim.narrow), [aim.audience_ids[0], *aim.narrow.args]
    if len(aim.audience_ids) == 1:
        return statement(__package__, "snapshot_one"), [aim.audience_ids[0]]
    return statement(__package__, "snapshot_many"), [list(aim.audience_ids)]

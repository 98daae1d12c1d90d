"""What the scheduler does itself: schedules to the second, and whatever no worker came for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.campaigns import Campaign, RunState, Start
from app.core.jobs import SnapshotTargets
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from app.settings import Settings
from tests.factories import Factories
from tests.workers.test_scheduler import Recorder
from workers import chores, scheduler
from workers.chores import CampaignChores, Chore
from workers.scheduler import Ticker


@asynccontextmanager
async def ticking(settings: Settings, recorder: Recorder) -> AsyncIterator[Ticker]:
    """A scheduler that runs."""
    stopping = asyncio.Event()
    ticker = Ticker(settings, recorder)
    task = asyncio.create_task(ticker.run(stopping))
    try:
        yield ticker
    finally:
        stopping.set()
        await task


async def until(holds: Callable[[], Any]) -> None:
    """Wait until it holds, at most ten seconds."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 another task makes it so
            await asyncio.sleep(0.02)


@pytest.fixture
async def campaign(make: Factories) -> Campaign:
    account = await make.account(senders=["news@acme.example"])
    audience = await make.audience(account)
    await make.contacts(audience, 2)
    return await make.campaign(account, [audience])


async def state(engine: AsyncEngine, campaign: Campaign) -> RunState:
    async with reading(engine) as read:
        return (await campaigns.get(read, campaign.account_id, campaign.id)).state


def test_each_chore_says_why_it_is_needed() -> None:
    every = CampaignChores(Recorder()).all()
    assert all(chore.reason and chore.name and chore.longest_seconds > 0 for chore in every)


async def test_a_schedule_is_exact_although_it_falls_between_two_ticks(
    settings: Settings, engine: AsyncEngine, make: Factories, campaign: Campaign
) -> None:
    at = datetime.now(UTC) + timedelta(seconds=2.5)
    run = await make.run(campaign, at=Start(at, "", "UTC"))
    recorder = Recorder()
    async with ticking(settings, recorder):

        async def fired() -> bool:
            return SnapshotTargets(run.id) in recorder.jobs

        await until(fired)
        late = (datetime.now(UTC) - at).total_seconds()
    assert 0 <= late < 1


async def test_what_came_due_while_nobody_ran_starts_at_once_and_once(
    settings: Settings, engine: AsyncEngine, make: Factories, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.05)
    run = await make.run(campaign, at=Start(datetime.now(UTC) + timedelta(hours=1), "", "UTC"))
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE runs SET start_at = now() - interval '2 hours'")
    first, second = Recorder(), Recorder()
    async with ticking(settings, first), ticking(settings, second):

        async def fired() -> bool:
            return SnapshotTargets(run.id) in [*first.jobs, *second.jobs]

        await until(fired)
        await campaigns.snapshot(engine, run.id)
    assert [*first.jobs, *second.jobs].count(SnapshotTargets(run.id)) == 1


async def test_without_a_worker_the_scheduler_fixes_targets_and_ends_runs(
    settings: Settings, engine: AsyncEngine, make: Factories, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(chores, "WORKERS_TURN_SECONDS", 0.5)
    begun = time.monotonic()
    run = await make.run(campaign)
    async with ticking(settings, Recorder()):

        async def sends() -> bool:
            return await state(engine, campaign) == RunState.SENDING

        await until(sends)
        assert time.monotonic() - begun >= 0.5, "a worker has its chance first"
        async with driver_connection(engine) as connection:
            await connection.execute("UPDATE runs SET next_seq = total + 1 WHERE id = $1", run.id)

        async def done() -> bool:
            return await state(engine, campaign) == RunState.DONE

        await until(done)


async def test_copies_that_are_queued_after_a_stop_are_cancelled(
    settings: Settings, engine: AsyncEngine, make: Factories, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.05)
    run = await make.sending(campaign)
    async with unit_of_work(engine) as write:
        await campaigns.stop(write, campaign.account_id, campaign.id)
    async with driver_connection(engine) as connection:
        await connection.execute(
            "WITH copy AS (INSERT INTO messages (id, accepted_at, accepted_ms, account_id, sender_id, kind, recipient,"
            " run_id, state) VALUES (1, date_trunc('second', now()), 0, $2, 1, 'campaign', 'a@b.example', $1, 'deferred')"
            " RETURNING id, accepted_at, run_id)"
            " INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site, run_id)"
            " SELECT id, accepted_at, now(), 2, 2, 'b.example', run_id FROM copy",
            run.id,
            campaign.account_id,
        )
    async with ticking(settings, Recorder()):

        async def cancelled() -> bool:
            async with driver_connection(engine) as connection:
                return bool(await connection.fetchval("SELECT state = 'cancelled' FROM messages WHERE id = 1"))

        await until(cancelled)


async def test_a_chore_that_hangs_or_fails_holds_up_nothing(
    settings: Settings, engine: AsyncEngine, make: Factories, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.05)
    calls = {"hang": 0, "fail": 0}

    async def hang(_: AsyncEngine) -> None:
        calls["hang"] += 1
        await asyncio.Event().wait()

    async def fail(_: AsyncEngine) -> None:
        calls["fail"] += 1
        raise ValueError("a test")

    everything = CampaignChores.all
    bad = (Chore("hang", hang, 0, 0.3, "a test"), Chore("fail", fail, 0, 0.3, "a test"))
    monkeypatch.setattr(CampaignChores, "all", lambda self: (*bad, *everything(self)))
    recorder = Recorder()
    async with ticking(settings, recorder):

        async def tried() -> bool:
            return calls["fail"] > 3 and calls["hang"] > 1

        await until(tried)
        run = await make.run(campaign, at=Start(datetime.now(UTC) + timedelta(seconds=0.2), "", "UTC"))

        async def fired() -> bool:
            return SnapshotTargets(run.id) in recorder.jobs

        await until(fired)

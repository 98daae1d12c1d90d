"""One of several schedulers acts; another takes over when it is gone."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.jobs import Job, MakePartitions
from app.db.engine import driver_connection
from app.settings import Settings
from workers import scheduler
from workers.scheduler import SWEEPS, Ticker


class Recorder:
    """Notes what was asked for, and says when."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.asked = asyncio.Event()

    def publish(self, jobs: Sequence[Any]) -> None:
        self.jobs.extend(jobs)
        self.asked.set()


async def test_each_sweep_says_why_it_is_needed() -> None:
    assert all(sweep.reason and sweep.period_seconds >= 1 for sweep in SWEEPS)
    assert len({sweep.job for sweep in SWEEPS}) == len(SWEEPS)


async def test_one_acts_and_another_takes_over(settings: Settings, engine: AsyncEngine, monkeypatch: Any) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.05)
    first, second, stopping = Recorder(), Recorder(), asyncio.Event()
    one = asyncio.create_task(Ticker(settings, first).run(stopping))
    await asyncio.wait_for(first.asked.wait(), 10)
    two = asyncio.create_task(Ticker(settings, second).run(stopping))
    await asyncio.sleep(0.3)
    every = [sweep.job for sweep in SWEEPS]
    assert (first.jobs, second.jobs) == (every, [])

    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    async with driver_connection(engine) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    await asyncio.wait_for(second.asked.wait(), 10)
    assert second.jobs == every
    stopping.set()
    await two


async def test_it_goes_on_after_its_connection_was_lost(
    settings: Settings, engine: AsyncEngine, monkeypatch: Any
) -> None:
    monkeypatch.setattr(scheduler, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(scheduler, "SWEEPS", (scheduler.Sweep(MakePartitions(), 0.01, "a test"),))
    recorder, stopping = Recorder(), asyncio.Event()
    task = asyncio.create_task(Ticker(settings, recorder).run(stopping))
    await asyncio.wait_for(recorder.asked.wait(), 10)
    async with driver_connection(engine) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    recorder.asked.clear()
    await asyncio.wait_for(recorder.asked.wait(), 10)
    stopping.set()
    await task

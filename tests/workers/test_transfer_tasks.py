"""Imports by real workers: killed in the middle, taken up by another, exact in the end."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, transfers
from app.core.transfers import ImportOptions, View
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from app.settings import Settings, as_environment, environment
from tests.factories import Factories
from tests.workers.test_tasks import run

ROOT = Path(__file__).resolve().parents[2]
ROWS = 20_000
WORKER = """
import sys
from app.core.transfers import importing
from workers.tasks.transfers import run
importing.BATCH = 500
print("ready", flush=True)
run(int(sys.argv[1]))
"""


def worker(settings: Settings, job_id: int) -> "subprocess.Popen[bytes]":
    """A process that works on the job as a Celery worker does."""
    values = {
        "public_url": settings.public_url,
        "secret_keys": ",".join(settings.secret_keys),
        "bounce_domain": settings.bounce_domain,
        "database_url": settings.database_url,
        "broker_url": settings.broker_url,
        "data_dir": settings.data_dir,
    }
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job_id)],
        cwd=ROOT,
        env=environment() | as_environment(values),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def look(engine: AsyncEngine, view: View) -> View:
    async with reading(engine) as read:
        return await transfers.get(read, view.account_id, view.id)


@pytest.mark.serial
async def test_a_killed_worker_leaves_nothing_undone_and_nothing_twice(
    make: Factories, settings: Settings, engine: AsyncEngine
) -> None:
    account = await make.account()
    audience = await make.audience(account, fields={"CITY": "text"})
    rows = (f"p{number}@x.example,City {number}" if number % 100 else f"bad {number}," for number in range(ROWS))
    file = io.BytesIO(("EMAIL,CITY\n" + "\n".join(rows)).encode())
    async with unit_of_work(engine) as write:
        view = await transfers.import_contacts(write, account.id, audience.id, file, ImportOptions())
    kills = 0
    deadline = time.monotonic() + 90
    while not transfers.has_ended(view):
        assert time.monotonic() < deadline, view
        before = view.progress.processed
        process = worker(settings, view.id)
        try:
            while process.poll() is None and not transfers.has_ended(view):
                view = await look(engine, view)
                if kills < 3 and view.progress.processed > before + ROWS / 10:
                    os.kill(process.pid, signal.SIGKILL)
                    kills += 1
                    break
                await asyncio.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        view = await look(engine, view)
    assert kills == 3
    progress = view.progress
    bad = ROWS // 100
    assert (view.status, progress.processed, progress.created, progress.updated, progress.failed) == (
        ("done", ROWS, ROWS - bad, 0, bad)
    )
    lines = b"".join([one async for one in transfers.errors(engine, view)]).splitlines()
    assert len(lines) == len(set(lines)) == bad + 1
    async with reading(engine) as read:
        assert (await audiences.statistics(read, account.id, audience.id)).subscribed == ROWS - bad


async def test_the_sweep_asks_for_what_nobody_works_on(
    make: Factories, settings: Settings, engine: AsyncEngine
) -> None:
    account = await make.account()
    audience = await make.audience(account)
    async with unit_of_work(engine) as write:
        view = await transfers.import_contacts(
            write, account.id, audience.id, io.BytesIO(b"EMAIL\na@x.example\n"), ImportOptions()
        )
    assert await transfers.orphans(engine) == []
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE jobs SET updated_at = now() - interval '1 minute'")
    assert [job.job_id for job in await transfers.orphans(engine)] == [view.id]
    code = f"from workers.tasks.transfers import run, sweep\nsweep()\nsweep()\nrun({view.id})\nrun({view.id})"
    await asyncio.to_thread(run, settings, code)
    assert (await look(engine, view)).status == "done"

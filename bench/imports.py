"""`imports`: contacts from a CSV file, beside a plain COPY of the same file, and what the worker takes meanwhile.

The plain COPY goes into a table like `contacts`, with its indexes, values in three columns of text: no checks, no
suppression list, no fields. The import is the product's: a file in the database, a Celery worker, its job.
"""

import asyncio
import csv
import random
import tempfile
import time
from functools import partial
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, transfers
from app.core.transfers import ImportOptions, View
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from app.queue import JobQueue
from bench.options import Options
from bench.pss import PssSampler
from bench.sheet import Sheet
from bench.stand import Stand

FIELDS = ("FIRST_NAME", "CITY", "PLAN")
GIVE_UP_SECONDS = 600.0
LOOK_SECONDS = 0.2


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"imports: {options.targets:,} contacts with three fields from a CSV file")
    with Stand() as stand, tempfile.NamedTemporaryFile("w+", suffix=".csv", newline="") as file:
        _write(file.name, options.targets)
        worker = stand.enter_context(stand.part("worker"))
        worker.wait_for(partial(worker.has_logged, "ready"))
        queue = JobQueue(stand.settings)
        queue.start()
        stand.callback(queue.close)
        sheet.add("file", "MB", Path(file.name).stat().st_size / 1e6)
        for number in range(options.runs):
            plain = stand.run(partial(_plain, file.name))
            sheet.add("plain COPY", "rows/s", options.targets / plain)
            account_id, audience_id = stand.run(partial(_audience, f"Imported {number}"))
            with PssSampler(lambda: {"worker": [worker.pid]}) as memory:
                view = stand.run(partial(_import, queue, account_id, audience_id, file.name))
            assert view.started_at is not None
            assert view.finished_at is not None
            assert (view.status, view.progress.created) == ("done", options.targets), view
            seconds = (view.finished_at - view.started_at).total_seconds()
            sheet.add("import", "rows/s", options.targets / seconds)
            sheet.add("import / plain COPY", "", plain / seconds)
            sheet.add("worker and its children, largest", "MB", memory.largest / 1e6)
            sheet.add("last quarter over second quarter", "", memory.growth())
            stand.run(_forget)
        sheet.note(
            f"PostgreSQL {stand.postgres_version()}, fsync on; from the worker's first look at the job to its end"
        )
    return sheet


def _write(path: str, count: int) -> None:
    chosen = random.Random(7)
    numbers = list(range(count))
    chosen.shuffle(numbers)
    with Path(path).open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("EMAIL", *FIELDS))
        out.writerows(
            (
                f"person{number:08d}@mail{number % 97}.example.com",
                f"Name{number % 999}",
                f"City {number % 313}",
                "Standard",
            )
            for number in numbers
        )


async def _plain(path: str, engine: AsyncEngine) -> float:
    """Copy the file; return seconds."""
    url = make_url(engine.url)
    connection = await asyncpg.connect(
        host=str(url.query.get("host") or url.host), port=url.port, user=url.username, database=url.database
    )
    try:
        columns = ", ".join(f"{name.lower()} text" for name in FIELDS)
        await connection.execute(f"CREATE TABLE plain (LIKE contacts INCLUDING ALL, {columns})")
        await connection.execute(
            "ALTER TABLE plain ALTER account_id SET DEFAULT 1, ALTER audience_id SET DEFAULT 1,"
            " ALTER status SET DEFAULT 'subscribed'"
        )
        await connection.execute("CHECKPOINT")
        began = time.perf_counter()
        names = ("address", *(name.lower() for name in FIELDS))
        await connection.copy_to_table("plain", source=Path(path), columns=names, format="csv", header=True)
        seconds = time.perf_counter() - began
        await connection.execute("DROP TABLE plain")
        await connection.execute("CHECKPOINT")
        return seconds
    finally:
        await connection.close()


async def _audience(name: str, engine: AsyncEngine) -> tuple[int, int]:
    async with driver_connection(engine) as connection:
        account_id: int = await connection.fetchval("SELECT min(id) FROM accounts")
    async with unit_of_work(engine) as write:
        audience = await audiences.create(write, account_id, name=name)
        for tag in FIELDS:
            await audiences.add_field(write, account_id, audience.id, tag=tag, label=tag)
    return account_id, audience.id


async def _import(queue: JobQueue, account_id: int, audience_id: int, path: str, engine: AsyncEngine) -> View:
    """Ask for the import and wait for its end."""
    with Path(path).open("rb") as file:  # noqa: ASYNC230 nothing else runs here
        async with unit_of_work(engine, queue) as write:
            view = await transfers.import_contacts(write, account_id, audience_id, file, ImportOptions())
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not transfers.has_ended(view):
        assert time.monotonic() < deadline, view
        await asyncio.sleep(LOOK_SECONDS)
        async with reading(engine) as read:
            view = await transfers.get(read, account_id, view.id)
    return view


async def _forget(engine: AsyncEngine) -> None:
    """Make every run the first."""
    async with driver_connection(engine) as connection:
        await connection.execute("TRUNCATE contacts, job_chunks, audience_tallies")
        await connection.execute("CHECKPOINT")

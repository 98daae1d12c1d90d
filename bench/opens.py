"""`opens`: the pixel at 64 kept connections on one API process, each answer durable, beside its limits, in turns.

The limits: the same pixel with forged tokens, which is all of it but the recording; and the bare rows of opens,
inserted in groups of the same size on one connection. PostgreSQL (durable) and the API run, and nothing else.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import KeyRing
from app.core.tracking import EventBatcher
from app.db.engine import driver_connection
from app.kit.clock import SystemClock
from app.kit.secrets import derive
from app.mail.tracking import Purpose, Tokens
from bench.machine import cpu_seconds, wait_until_idle
from bench.options import Options
from bench.processes import Process, results
from bench.sheet import Sheet
from bench.stand import SENDER, Stand

CONNECTIONS = 64
COPIES = 20_000
"""In the ledger; each has a pixel, and they are fetched in turn."""
RUN = 1
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
IP = "127.0.0.1"
COLUMNS = (
    "id", "accepted_at", "accepted_ms", "account_id", "sender_id", "run_id", "kind", "state", "recipient",
    "delivered_at", "finished_at",
)  # fmt: skip
BARE = """
    INSERT INTO opens (message_id, accepted_at, id, account_id, sender_id, run_id, occurred_at, ip, user_agent, machine)
    SELECT message_id, $2, nextval('event_ids'), 1, 1, 1, now(), $3, $4, false FROM unnest($1::bigint[]) AS message_id
"""


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"opens: GET /t/o/TOKEN.gif, {CONNECTIONS} connections, one API process, {COPIES:,} copies")
    with Stand() as stand:
        accepted_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
        stand.run(partial(_lay, stand.key, accepted_at))
        files = _requests(stand, accepted_at)
        api, port = stand.api()
        wait_until_idle([api.pid])
        for _ in range(options.runs):
            before = cpu_seconds([api.pid])
            forged = _load(options, port, files["forged"])
            forged_cpu = (cpu_seconds([api.pid]) - before) / forged["all"] * 1e6
            _product(options, sheet, stand, api, _Case(port, files["open"], forged["rate"]))
            sheet.add("pixel without recording", "requests/s", forged["rate"])
            sheet.add("pixel without recording: CPU of the API", "us/request", forged_cpu)
            bare = stand.run(partial(_bare, accepted_at, options.seconds))
            sheet.add("bare rows, 64 a commit", "rows/s", bare)
            direct = stand.run(partial(_direct, accepted_at, options.seconds))
            sheet.add("batcher alone, 64 at once", "events/s", direct)
            sheet.add("batcher alone: ratio to bare rows", "", direct / bare)
            stand.query("VACUUM (ANALYZE) engagements")
        sheet.note(
            f"PostgreSQL {stand.postgres_version()}, fsync on; every open raises a copy, a run, an hour and a day"
        )
        sheet.note(f"load generator, API and PostgreSQL share the cores; {options.seconds:g} s a run after warm-up")
    return sheet


class _Case:
    def __init__(self, port: int, requests: Path, forged_rate: float) -> None:
        self.port = port
        self.requests = requests
        self.forged_rate = forged_rate


def _product(options: Options, sheet: Sheet, stand: Stand, api: Process, case: _Case) -> None:
    """Measure the pixel, and see that every answer stands for a row and is counted."""
    before = datetime.now(UTC)
    api_before, postgres_before = cpu_seconds([api.pid]), cpu_seconds([stand.postgres.pid])
    found = _load(options, case.port, case.requests)
    used, used_by_postgres = cpu_seconds([api.pid]) - api_before, cpu_seconds([stand.postgres.pid]) - postgres_before
    stored = stand.value("SELECT count(*) FROM opens WHERE occurred_at >= $1", before)
    commits = stand.value("SELECT count(DISTINCT xmin::text) FROM opens WHERE occurred_at >= $1", before)
    assert stored == found["all"], f"{found['all']} answers, {stored:.0f} opens"
    sheet.add("opens", "requests/s", found["rate"])
    sheet.add("opens: ratio to the pixel without recording", "", found["rate"] / case.forged_rate)
    sheet.add("opens: p50", "ms", found["p50_ms"])
    sheet.add("opens: p99", "ms", found["p99_ms"])
    sheet.add("opens: events per commit", "", stored / commits)
    sheet.add("opens: CPU of the API", "us/request", used / found["all"] * 1e6)
    sheet.add("opens: CPU of PostgreSQL", "us/request", used_by_postgres / found["all"] * 1e6)
    sheet.add("opens: CPU of the load generator", "us/request", found["cpu_seconds"] / found["all"] * 1e6)


def _load(options: Options, port: int, requests: Path) -> dict[str, float]:
    """Run the load generator.

    Raises:
        RuntimeError: An answer was not what it should be.
    """
    command = ["bench.http_load", "--port", port, "--requests", requests, "--expect", "GIF89a"]
    found = results([[*command, "--connections", CONNECTIONS, "--seconds", options.seconds]])[0]
    if found["wrong"]:
        raise RuntimeError(f"{found['wrong']} of {found['all']} answers were wrong, such as {found['example']}")
    return found


def _requests(stand: Stand, accepted_at: datetime) -> dict[str, Path]:
    """Write the requests to files; return them by case."""
    key = derive(stand.settings.secret_keys[0], "tracking")
    seconds = int(accepted_at.timestamp())
    tokens = [
        Tokens(key, accepted_at=seconds, message_id=number).of(Purpose.OPEN).decode() for number in range(1, COPIES + 1)
    ]
    forged = [token[:-1] + ("a" if token[-1] != "a" else "b") for token in tokens]
    files = {"open": stand.directory / "open.requests", "forged": stand.directory / "forged.requests"}
    for file, pixels in zip(files.values(), (tokens, forged), strict=True):
        file.write_text(json.dumps([_get(pixel) for pixel in pixels]))
    return files


def _get(token: str) -> str:
    head = f"GET /t/o/{token}.gif HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {AGENT}\r\n"
    return f"{head}Accept: image/avif,image/webp,*/*\r\nAccept-Encoding: gzip, deflate\r\n\r\n"


async def _lay(key: str, accepted_at: datetime, engine: AsyncEngine) -> None:
    """Lay the copies of one run into the ledger."""
    account_id = (await KeyRing(engine).fresh(key)).account_id
    async with driver_connection(engine) as connection:
        sender_id = await connection.fetchval("SELECT id FROM senders WHERE email = $1", SENDER)
        records = _rows(account_id, sender_id, accepted_at)
        await connection.copy_records_to_table("messages", records=records, columns=COLUMNS)
        await connection.execute("VACUUM ANALYZE")


def _rows(account_id: int, sender_id: int, at: datetime) -> Iterator[tuple[object, ...]]:
    for number in range(1, COPIES + 1):
        recipient = f"recipient{number}@example.com"
        yield (number, at, 0, account_id, sender_id, RUN, "campaign", "delivered", recipient, at, at)


async def _bare(accepted_at: datetime, seconds: float, engine: AsyncEngine) -> float:
    """Return how many rows a second one connection inserts."""
    async with driver_connection(engine) as connection:
        began, number = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            ids = [1 + (number + step) % COPIES for step in range(CONNECTIONS)]
            await connection.execute(BARE, ids, accepted_at, IP, AGENT)
            number += CONNECTIONS
        return number / (time.perf_counter() - began)


async def _direct(accepted_at: datetime, seconds: float, engine: AsyncEngine) -> float:
    """Return how many opens a second a batcher records for tasks that wait for each."""
    batcher = EventBatcher(engine, SystemClock())
    await batcher.start()
    began = time.perf_counter()

    async def visit(number: int) -> int:
        count = 0
        while time.perf_counter() - began < seconds:
            await batcher.opened(1 + (number + count * CONNECTIONS) % COPIES, accepted_at, ip=IP, user_agent=AGENT)
            count += 1
        return count

    counts = await asyncio.gather(*map(visit, range(CONNECTIONS)))
    rate = sum(counts) / (time.perf_counter() - began)
    await batcher.close()
    return rate

"""`counts`: /email/counts over 30 days, beside the same question asked of the ledger itself.

The ledger is laid down by COPY, and the counters are counted from it: what is measured is reading.
"""

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import senders
from app.core.accounts import KeyRing
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from bench.machine import wait_until_idle
from bench.options import Options
from bench.processes import results
from bench.sheet import Sheet
from bench.stand import Stand

DAYS = 30
SENDERS = 100
COLUMNS = (
    "id", "accepted_at", "accepted_ms", "account_id", "sender_id", "attempts", "kind", "state", "recipient",
    "delivered_at", "finished_at",
)  # fmt: skip
COUNTED = """INSERT INTO {table} (account_id, sender_id, {bucket}, accepted, delivered)
    SELECT account_id, sender_id, date_trunc('{bucket}', accepted_at, 'UTC'), count(*), count(delivered_at)
    FROM messages GROUP BY 1, 2, 3"""
RAW = """SELECT sender_id, date_trunc('day', accepted_at, 'UTC') AS day, count(*) FROM messages
    WHERE account_id = $1 AND accepted_at >= $2 AND accepted_at < $3 GROUP BY 1, 2"""
CASES = {"by sender": {}, "by account": {"rollup_to": "user"}, "by sender and day": {"timeseries": "day"}}
SECONDS = 1.5


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"counts: GET /email/counts over {DAYS} days, {options.rows:,} copies of {SENDERS} senders")
    with Stand() as stand:
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        start = end - timedelta(days=DAYS)
        account_id, seconds = stand.run(partial(_lay, stand.key, options.rows, start))
        sheet.add("ledger by COPY, indexes in place", "rows/s", options.rows / seconds)
        api, port = stand.api()
        wait_until_idle([api.pid])
        for _ in range(options.runs):
            raw = stand.run(partial(_raw_ms, account_id, start, end))
            sheet.add("the ledger itself, by sender and day", "ms", raw)
            for case, given in CASES.items():
                figures = _ask(stand.directory, stand.key, port, {**_window(start, end), **given})
                sheet.add(f"{case}: p50 on one connection", "ms", figures["p50_ms"])
                sheet.add(f"{case}: on one connection", "requests/s", figures["rate"])
                if case == "by sender and day":
                    sheet.add(f"{case}: the ledger itself / p50", "", raw / figures["p50_ms"])
        sheet.note("everything is in memory; the figures include HTTP, the key, and the JSON of the answer")
    return sheet


async def _raw_ms(account_id: int, start: datetime, end: datetime, engine: AsyncEngine) -> float:
    """Return the milliseconds the same question takes without counters."""
    async with driver_connection(engine) as connection:
        await connection.fetchval("SELECT 1")
        began = time.perf_counter()
        await connection.fetch(RAW, account_id, start, end)
        return (time.perf_counter() - began) * 1000


def _window(start: datetime, end: datetime) -> dict[str, str]:
    return {"start_time": str(int(start.timestamp())), "end_time": str(int(end.timestamp()))}


def _ask(directory: Path, key: str, port: int, query: dict[str, str]) -> dict[str, float]:
    """Ask again and again on one connection.

    Raises:
        RuntimeError: An answer was not what it should be.
    """
    file = directory / "counts.requests"
    head = f"GET /email/counts?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    file.write_text(json.dumps([f"{head}Authorization: apikey={key}\r\n\r\n"]))
    command = ["bench.http_load", "--port", port, "--requests", file, "--expect", "sent_count"]
    found = results([[*command, "--connections", 1, "--seconds", SECONDS]])[0]
    if found["wrong"]:
        raise RuntimeError(f"{found['wrong']} of {found['all']} answers were wrong, such as {found['example']}")
    return found


async def _lay(key: str, rows: int, start: datetime, engine: AsyncEngine) -> tuple[int, float]:
    """Make the senders, the ledger and the counters; return the account and the seconds the ledger took."""
    account_id = (await KeyRing(engine).fresh(key)).account_id
    async with unit_of_work(engine) as write:
        made = [
            await senders.add(write, account_id, email=f"sender{number}@localhost.test", require_verification=False)
            for number in range(SENDERS)
        ]
        ids = [sender.id for sender in made]
    async with driver_connection(engine) as connection:
        began = time.perf_counter()
        records = _rows(account_id, ids, rows, start)
        await connection.copy_records_to_table("messages", records=records, columns=COLUMNS, timeout=600)
        seconds = time.perf_counter() - began
        for table, bucket in (("hourly_counts", "hour"), ("daily_counts", "day")):
            await connection.execute(COUNTED.format(table=table, bucket=bucket), timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
    return account_id, seconds


def _rows(account_id: int, senders: list[int], count: int, start: datetime) -> Iterator[tuple[object, ...]]:
    """Yield copies in the order of their acceptance, evenly over the days, the first senders busier than the last."""
    chance = random.Random(1)
    step = timedelta(days=DAYS) / count
    for number in range(count):
        at = (start + number * step).replace(microsecond=0)
        sender = senders[int(len(senders) * chance.random() ** 2)]
        recipient = f"recipient{number % 200_000}@example.com"
        yield (number + 1, at, number % 1000, account_id, sender, 1, "send", "delivered", recipient, at, at)

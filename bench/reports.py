"""`reports`: failure reports by SMTP, applied and durable before their 250, at one intake process.

PostgreSQL (durable) and the intake run, and nothing else of the product. All copies are of one account and one sender,
so that every report raises the same counters, as after a campaign.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import KeyRing
from app.db.engine import driver_connection
from app.kit.ports import free_port, is_answering
from bench.machine import cpu_seconds, wait_until_idle
from bench.options import Options
from bench.processes import Process, results
from bench.report_load import recipient
from bench.sheet import Sheet
from bench.stand import SENDER, Stand

CONNECTIONS = (1, 8, 32)
MOST_A_SECOND = 3_000
"""Copies that are laid down for a second of measuring."""
COLUMNS = ("id", "accepted_at", "accepted_ms", "account_id", "sender_id", "kind", "state", "recipient", "delivered_at")


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet("reports: failure reports of 2.5 KB by SMTP, one intake process")
    share = int(MOST_A_SECOND * options.seconds)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    with Stand() as stand:
        stand.run(partial(lay_copies, stand.key, at, share * len(CONNECTIONS) * options.runs))
        port = free_port()
        ours = stand.enter_context(stand.part("intake", intake_port=port, intake_mails_per_minute=0))
        ours.wait_for(lambda: is_answering("127.0.0.1", port))
        wait_until_idle([ours.pid])
        for number in range(options.runs * len(CONNECTIONS)):
            connections = CONNECTIONS[number % len(CONNECTIONS)]
            given = ["--first", 1 + number * share, "--copies", share, "--at", int(at.timestamp())]
            _measure(options, sheet, stand, ours, ["--port", port, "--connections", connections, *given])
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on; every report is on another copy of one sender")
        sheet.note(f"client, intake and PostgreSQL share the cores; {options.seconds:g} s a run")
    return sheet


def _measure(options: Options, sheet: Sheet, stand: Stand, ours: Process, arguments: list[object]) -> None:
    """Report for a while, and see that every 250 stands for one bounce that is counted once.

    Raises:
        RuntimeError: A reply was not 250.
    """
    stand.query("TRUNCATE bounces, suppressions, domain_events, hourly_counts, daily_counts")
    before, postgres_before = cpu_seconds([ours.pid]), cpu_seconds([stand.postgres.pid])
    keys = ["--key", stand.values["secret_keys"], "--domain", stand.values["bounce_domain"]]
    found = results([["bench.report_load", "--seconds", options.seconds, *keys, *arguments]])[0]
    used, used_by_postgres = cpu_seconds([ours.pid]) - before, cpu_seconds([stand.postgres.pid]) - postgres_before
    taken = found["replies"].get("250", 0)
    if len(found["replies"]) > 1 or not taken:
        raise RuntimeError(f"the intake said {found['replies']}; see {ours.log}")
    for counted in ("count(*) FROM bounces", "sum(hard_bounces) FROM hourly_counts", "count(*) FROM suppressions"):
        assert stand.value(f"SELECT {counted}") == taken, f"{taken} replies, another {counted}"
    commits = stand.value("SELECT count(DISTINCT xmin::text) FROM bounces")
    name = f"{arguments[3]} sessions"
    sheet.add(f"{name}", "reports/s", found["rate"])
    sheet.add(f"{name}: p50", "ms", found["p50_ms"])
    sheet.add(f"{name}: p99", "ms", found["p99_ms"])
    sheet.add(f"{name}: reports per commit", "", taken / commits)
    sheet.add(f"{name}: CPU of the intake", "us/report", used / taken * 1e6)
    sheet.add(f"{name}: CPU of PostgreSQL", "us/report", used_by_postgres / taken * 1e6)
    sheet.add(f"{name}: CPU of the client", "us/report", found["cpu_seconds"] / taken * 1e6)


async def lay_copies(key: str, at: datetime, copies: int, engine: AsyncEngine) -> None:
    """Lay delivered copies into the ledger, numbered from 1."""
    account_id = (await KeyRing(engine).fresh(key)).account_id
    async with driver_connection(engine) as connection:
        sender_id = await connection.fetchval("SELECT id FROM senders WHERE email = $1", SENDER)
        records = _rows(account_id, sender_id, at, copies)
        await connection.copy_records_to_table("messages", records=records, columns=COLUMNS)
        await connection.execute("VACUUM ANALYZE")


def _rows(account_id: int, sender_id: int, at: datetime, copies: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, copies + 1):
        yield (number, at, 0, account_id, sender_id, "send", "delivered", recipient(number), at)

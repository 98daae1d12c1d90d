"""`delivery`: copies a second from the queue to a fast SMTP server, beside the SMTP client and the signatures alone.

The queue is filled by a batcher while the delivery processes stand still (SIGSTOP), so that filling it is no part of
the measurement and all of them begin at the same moment. The limits are measured in turns with the product.
"""

import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import senders
from app.core.accounts import KeyRing
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from bench.counting_sink import View
from bench.machine import cpu_seconds, wait_until_idle
from bench.mails import lay
from bench.options import Options
from bench.processes import Process, results
from bench.sheet import Sheet
from bench.stand import SENDER, Stand

SIGNED_SENDER = "hello@signed.localhost.test"
PROCESSES = (1, 2)
SIGNING_SECONDS = 1.0
GIVE_UP_SECONDS = 300.0


@dataclass(frozen=True)
class _Target:
    process: Process
    port: int
    view: View


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"delivery: {options.copies:,} queued mails of 2 KB, one recipient each, to a local SMTP server")
    with Stand() as stand:
        view = View(stand.directory / "sink.state")
        sink = stand.enter_context(Process("bench.counting_sink", stand.directory / "sink.state"))
        target = _Target(sink, int(sink.line()), view)
        addresses = stand.run(partial(_senders, stand))
        for _ in range(options.runs):
            for count in PROCESSES:
                plain = _pool_alone(sheet, target, count, options.copies)
                _product(sheet, stand, target, _Case(count, "unsigned", addresses[0], options.copies, plain))
                signatures = _signing_alone(sheet, count)
                _product(sheet, stand, target, _Case(count, "RSA-2048", addresses[1], options.copies, signatures))
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on; the SMTP server takes part of the cores")
        sheet.note("rates: first to last acceptance at the server; 'recorded': until the last outcome was committed")
    return sheet


@dataclass(frozen=True)
class _Case:
    processes: int
    signing: str
    sender: tuple[int, str]
    copies: int
    limit: float

    @property
    def name(self) -> str:
        return f"{_processes(self.processes)}, {self.signing}"


def _processes(count: int) -> str:
    return f"{count} process{'es' if count > 1 else ''}"


def _product(sheet: Sheet, stand: Stand, target: _Target, case: _Case) -> None:
    relay = f"smtp://127.0.0.1:{target.port}"
    with ExitStack() as running:
        workers = [
            running.enter_context(stand.part("delivery", delivery_route="relay", delivery_relay_url=relay))
            for _ in range(case.processes)
        ]
        # Each keeps a journal from its start on, and removes it at its end.
        journals = stand.directory / "journals"
        workers[-1].wait_for(lambda: len(list(journals.glob("*.journal"))) >= case.processes)
        wait_until_idle([worker.pid for worker in workers])
        for worker in workers:
            worker.send(signal.SIGSTOP)
        last = int(stand.value("SELECT max(id) FROM messages"))
        rate = stand.run(partial(lay, stand.settings, stand.key, case.sender, case.copies))
        sheet.add("batcher alone, in this process", "copies/s", rate)
        target.view.reset()
        _measure(sheet, stand, target, case, workers)
    delivered = stand.value("SELECT count(*) FROM messages WHERE id > $1 AND state = 'delivered'", last)
    assert delivered == case.copies, f"{delivered:.0f} of {case.copies} delivered"


def _measure(sheet: Sheet, stand: Stand, target: _Target, case: _Case, workers: Sequence[Process]) -> None:
    parts = {"delivery": [worker.pid for worker in workers], "PostgreSQL": [stand.postgres.pid]}
    parts["the SMTP server"] = [target.process.pid]
    before = {name: cpu_seconds(pids) for name, pids in parts.items()}
    base = stand.value("SELECT sum(delivered) FROM daily_counts")
    for worker in workers:
        worker.send(signal.SIGCONT)
    recorded_at = stand.run(partial(_recorded, target.view, case.copies, base))
    used = {name: cpu_seconds(pids) - before[name] for name, pids in parts.items()}
    count, first, end = target.view.read()
    assert count >= case.copies, f"{count} of {case.copies} accepted"
    rate = count / (end - first)
    sheet.add(case.name, "copies/s", rate)
    sheet.add(f"{case.name}: recorded", "copies/s", count / (recorded_at - first))
    limit = "signatures alone" if "RSA" in case.signing else "SMTP client alone"
    sheet.add(f"{case.name}: ratio to {limit}", "", rate / case.limit)
    for name, seconds in used.items():
        sheet.add(f"{case.name}: CPU of {name}", "us/copy", seconds / count * 1e6)
    sheet.add(f"{case.name}: sent twice", "", count - case.copies)


async def _recorded(view: View, copies: int, base: float, engine: AsyncEngine) -> float:
    """Wait until every outcome is committed, and return that instant (monotonic).

    Raises:
        TimeoutError: It takes too long.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    async with driver_connection(engine) as connection:
        while time.monotonic() < deadline:
            if view.read()[0] < copies:
                time.sleep(0.02)  # noqa: ASYNC251 nothing else runs on this loop
                continue
            delivered: int = await connection.fetchval("SELECT sum(delivered) FROM daily_counts")
            if delivered >= base + copies:
                return time.monotonic()
            time.sleep(0.005)  # noqa: ASYNC251
    raise TimeoutError(f"{view.read()[0]} of {copies} copies were accepted")


def _pool_alone(sheet: Sheet, target: _Target, count: int, copies: int) -> float:
    target.view.reset()
    share = copies // count
    found = results([["bench.pool_alone", "--port", target.port, "--copies", share]] * count)
    seconds = max(one["ended"] for one in found) - min(one["began"] for one in found)
    rate: float = share * count / seconds
    sheet.add(f"SMTP client alone, {_processes(count)}", "copies/s", rate)
    cpu = sum(one["cpu_seconds"] for one in found) / (share * count)
    sheet.add(f"SMTP client alone, {_processes(count)}: its CPU", "us/copy", cpu * 1e6)
    sheet.note(f"the client alone sends mails of {found[0]['bytes']} octets, composed before")
    return rate


def _signing_alone(sheet: Sheet, count: int) -> float:
    found = results([["bench.signing_alone", SIGNING_SECONDS]] * count)
    rate = float(sum(one["rate"] for one in found))
    sheet.add(f"signatures alone, {_processes(count)}", "signatures/s", rate)
    cpu = sum(one["cpu_us"] for one in found) / count
    sheet.add(f"signatures alone, {_processes(count)}: CPU", "us/signature", cpu)
    return rate


async def _senders(stand: Stand, engine: AsyncEngine) -> tuple[tuple[int, str], tuple[int, str]]:
    """Return id and address of a sender without a DKIM key, and of one with an RSA-2048 key, which is made here."""
    caller = await KeyRing(engine).fresh(stand.key)
    async with unit_of_work(engine) as write:
        plain = await senders.get(write, caller.account_id, SENDER)
        signed = await senders.add(write, caller.account_id, email=SIGNED_SENDER, require_verification=False)
        await senders.set_dkim(write, Vault(stand.settings.secret_keys), signed, selector="bench")
        return (plain.id, SENDER), (signed.id, SIGNED_SENDER)

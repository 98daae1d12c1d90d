"""`campaign`: mails a second of a whole campaign, beside the SMTP client and the signatures alone.

HTML with five tags, ten tracked links, the pixel and the unsubscribe headers; ledger durable; to the recording SMTP
server. Targets are fixed while the delivery processes stand still (SIGSTOP), so that all of them begin at the same
moment. The limits are measured in turns with the product, on the same octets.
"""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, senders
from app.core.accounts import KeyRing
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from app.mail.dkim import make_key
from app.models.dkim_key import DkimKey
from bench import mailing, postfix
from bench.machine import cpu_seconds, wait_until_idle
from bench.options import Options
from bench.processes import Process, results
from bench.pss import PssSampler
from bench.record import Reader, Taken
from bench.sheet import Sheet
from bench.stand import SENDER, Stand

KILOBYTE = 1024
LARGE_SHARE = 5
"""Mails of 100 KB go to a fifth of the recipients."""
SIGNING_SECONDS = 1.0
STILL_SECONDS = 1.2
"""Longer than a delivery process waits before it looks at the queue."""
GIVE_UP_SECONDS = 600.0
ALONE_BYTES = 256 << 20
"""What the SMTP client alone may hold of mails in one process."""


SENDING_SECONDS = """
SELECT extract(epoch FROM max(attempt.attempted_at) - min(attempt.attempted_at))
  FROM attempts AS attempt JOIN messages AS message
    ON message.id = attempt.message_id AND message.accepted_at = attempt.accepted_at
 WHERE message.run_id = $1
"""


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    size: int
    sender: str
    processes: int
    share: int = 1


@dataclass(frozen=True, slots=True)
class _Bench:
    sheet: Sheet
    stand: Stand
    sink: Process
    port: int
    reader: Reader
    account_id: int
    audiences: dict[int, tuple[int, int]]
    """By share: audience and recipients."""


def _cases() -> list[_Case]:
    rsa, ed25519 = "hello@rsa.localhost.test", "hello@ed25519.localhost.test"
    two = [
        _Case("unsigned, 20 KB", 20, SENDER, 2),
        _Case("RSA-2048, 20 KB", 20, rsa, 2),
        _Case("Ed25519, 20 KB", 20, ed25519, 2),
        _Case("RSA-2048, 100 KB", 100, rsa, 2, LARGE_SHARE),
    ]
    return [*two, _Case("unsigned, 20 KB", 20, SENDER, 1), _Case("RSA-2048, 20 KB", 20, rsa, 1)]


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(
        f"campaign: {options.recipients:,} recipients, 5 tags, 10 tracked links, pixel, to a local SMTP server"
    )
    with Stand() as stand:
        record = stand.directory / "taken.record"
        sink = stand.enter_context(Process("bench.recording_sink", record))
        port = int(sink.line())
        stand.run(partial(_senders, stand))
        audiences = {}
        for share in (1, LARGE_SHARE):
            account_id, audience_id = mailing.audience(stand, f"reader{share}-", options.recipients // share)
            audiences[share] = (audience_id, options.recipients // share)
        bench = _Bench(sheet, stand, sink, port, Reader(record), account_id, audiences)
        for _ in range(options.runs):
            for case in _cases():
                _product(bench, case)
            if postfix.is_installed():
                _beside_smtp_source(bench)
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on; the SMTP server takes part of the cores")
        sheet.note("rates: first to last acceptance at the server; 'recorded': until the last outcome was committed")
        sheet.note("memory: PSS of the delivery processes, the only parts of the product that run")
    if not postfix.is_installed():
        sheet.note("smtp-source and smtp-sink are not installed here; no ratio to them")
    return sheet


@contextmanager
def _standing(bench: _Bench, case: _Case, port: int) -> Iterator[tuple[list[Process], int]]:
    """Lend delivery processes that stand still before a run whose targets are fixed, and the run."""
    stand = bench.stand
    with ExitStack() as running:
        relay = f"smtp://127.0.0.1:{port}"
        workers = [
            running.enter_context(stand.part("delivery", delivery_route="relay", delivery_relay_url=relay))
            for _ in range(case.processes)
        ]
        journals = stand.directory / "journals"
        workers[-1].wait_for(lambda: len(list(journals.glob("*.journal"))) >= case.processes)
        wait_until_idle([worker.pid for worker in workers])
        for worker in workers:
            worker.send(signal.SIGSTOP)
        still_since = time.monotonic()
        run_id = stand.run(partial(_begun, bench, case, bench.audiences[case.share][0]))
        time.sleep(max(still_since + STILL_SECONDS - time.monotonic(), 0.0))
        yield workers, run_id
    recipients = bench.audiences[case.share][1]
    delivered = stand.value("SELECT count(*) FROM messages WHERE run_id = $1 AND state = 'delivered'", run_id)
    assert delivered == recipients, f"{delivered:.0f} of {recipients} delivered"


def _product(bench: _Bench, case: _Case) -> None:
    with _standing(bench, case, bench.port) as (workers, run_id):
        taken = _measure(bench, case, workers, (run_id, bench.audiences[case.share][1]))
    _limits(bench, case, taken)


def _beside_smtp_source(bench: _Bench) -> None:
    """Measure the ratio to smtp-source, where smtp-sink takes the mails of both."""
    case, recipients = _cases()[0], bench.audiences[1][1]
    with postfix.smtp_sink() as port:
        alone = postfix.smtp_source(port, recipients, case.size * KILOBYTE)
        with _standing(bench, case, port) as (workers, run_id):
            for worker in workers:
                worker.send(signal.SIGCONT)
            bench.stand.run(partial(_recorded, bench.reader, 0, run_id, recipients))
    seconds = bench.stand.value(SENDING_SECONDS, run_id)
    bench.sheet.add("smtp-source to smtp-sink, 20 KB", "mails/s", alone)
    bench.sheet.add(f"{_name(case)}, to smtp-sink", "mails/s", recipients / seconds)
    bench.sheet.add(f"{_name(case)}, to smtp-sink: ratio to smtp-source", "", recipients / seconds / alone)


async def _begun(bench: _Bench, case: _Case, audience_id: int, engine: AsyncEngine) -> int:
    """Make a campaign, start it and fix its targets; return its run."""
    campaign = await mailing.campaign(
        engine,
        bench.account_id,
        [audience_id],
        subject="News for {FNAME}",
        html=mailing.newsletter(case.size * KILOBYTE),
        sender=case.sender,
    )
    run = await mailing.started(engine, bench.account_id, campaign.id)
    began = time.perf_counter()
    fixed = await campaigns.snapshot(engine, run.id)
    assert fixed is not None
    bench.sheet.add("fixing the targets", "targets/s", fixed.total / (time.perf_counter() - began))
    return run.id


def _measure(bench: _Bench, case: _Case, workers: Sequence[Process], what: tuple[int, int]) -> list[Taken]:
    sheet, (run_id, recipients) = bench.sheet, what
    pids = [worker.pid for worker in workers]
    parts = {"delivery": pids, "PostgreSQL": [bench.stand.postgres.pid], "the SMTP server": [bench.sink.pid]}
    before = {name: cpu_seconds(ids) for name, ids in parts.items()}
    bench.reader.skip()
    wanted = bench.reader.count + recipients
    with PssSampler(lambda: {"delivery": pids}) as memory:
        for worker in workers:
            worker.send(signal.SIGCONT)
        recorded_at = bench.stand.run(partial(_recorded, bench.reader, wanted, run_id, recipients))
        used = {name: cpu_seconds(ids) - before[name] for name, ids in parts.items()}
    taken = bench.reader.new()
    first, last = taken[0].at, taken[-1].at
    name = _name(case)
    sheet.add(name, "mails/s", len(taken) / (last - first))
    sheet.add(f"{name}: recorded", "mails/s", len(taken) / (recorded_at - first))
    quarter = len(taken) // 4
    ends = (taken[quarter].at - first, last - taken[-quarter - 1].at)
    sheet.add(f"{name}: rate of the last quarter over the first", "", ends[0] / ends[1])
    for part, seconds in used.items():
        sheet.add(f"{name}: CPU of {part}", "us/mail", seconds / len(taken) * 1e6)
    sheet.add(f"{name}: memory, largest", "MB", memory.largest / 1e6)
    sheet.add(f"{name}: octets of a mail", "", sum(mail.size for mail in taken) / len(taken))
    sheet.add(f"{name}: sent twice", "", len(taken) - recipients)
    return taken


async def _recorded(reader: Reader, wanted: int, run_id: int, recipients: int, engine: AsyncEngine) -> float:
    """Wait until every outcome is committed, and return that instant (monotonic).

    Raises:
        TimeoutError: It takes too long.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    async with driver_connection(engine) as connection:
        while time.monotonic() < deadline:
            if reader.count < wanted:
                time.sleep(0.02)  # noqa: ASYNC251 nothing else runs on this loop
                continue
            query = "SELECT delivered FROM run_counts WHERE run_id = $1"
            if await connection.fetchval(query, run_id) >= recipients:
                found = time.monotonic()
                await campaigns.finish(engine)
                return found
            time.sleep(0.005)  # noqa: ASYNC251
    raise TimeoutError(f"{wanted - reader.count} of {recipients} mails are missing")


def _limits(bench: _Bench, case: _Case, taken: Sequence[Taken]) -> None:
    """Measure what limits this case, alone, and the ratio to it."""
    rate = bench.sheet.figures[_name(case)].values[-1]
    if case.name.startswith("RSA"):
        found = results([["bench.signing_alone", SIGNING_SECONDS]] * case.processes)
        limit, alone = "RSA-2048 signatures alone", float(sum(one["rate"] for one in found))
        bench.sheet.add(f"{limit}, {_processes(case)}", "signatures/s", alone)
    else:
        limit, alone = "SMTP client alone", _client_alone(bench, case, taken[0].size)
    bench.sheet.add(f"{_name(case)}: ratio to {limit}", "", rate / alone)


def _client_alone(bench: _Bench, case: _Case, size: int) -> float:
    copies = min(ALONE_BYTES // size, bench.audiences[case.share][1] // case.processes)
    command = ["bench.pool_alone", "--port", bench.port, "--copies", copies, "--bytes", size]
    found = results([command] * case.processes)
    seconds = max(one["ended"] for one in found) - min(one["began"] for one in found)
    rate: float = copies * case.processes / seconds
    name = f"SMTP client alone, {size // 1000} kB, {_processes(case)}"
    bench.sheet.add(name, "mails/s", rate)
    cpu = sum(one["cpu_seconds"] for one in found) / (copies * case.processes)
    bench.sheet.add(f"{name}: its CPU", "us/mail", cpu * 1e6)
    return rate


def _name(case: _Case) -> str:
    return f"{_processes(case)}, {case.name}"


def _processes(case: _Case) -> str:
    return f"{case.processes} process{'es' if case.processes > 1 else ''}"


async def _senders(stand: Stand, engine: AsyncEngine) -> None:
    """Make a sender with an RSA-2048 key, and one with an Ed25519 key."""
    caller = await KeyRing(engine).fresh(stand.key)
    vault = Vault(stand.settings.secret_keys)
    async with unit_of_work(engine) as write:
        for algorithm in ("rsa", "ed25519"):
            domain = f"{algorithm}.localhost.test"
            sender = await senders.add(write, caller.account_id, email=f"hello@{domain}", require_verification=False)
            if algorithm == "ed25519":
                pem, record = make_key("ed25519")
                public = record.partition("p=")[2]
                key = {"domain": domain, "selector": "bench", "algorithm": algorithm, "public": public}
                write.add(DkimKey(account_id=caller.account_id, private_sealed=vault.seal(pem), **key))
                await write.flush()
            await senders.set_dkim(write, vault, sender, selector="bench")

"""Delivery processes that find their way to many local MX hosts, and campaigns to them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, campaigns, contacts
from app.core.accounts import KeyRing
from app.core.contacts import ContactRow
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from bench import mailing
from bench.machine import wait_until_idle
from bench.processes import Process
from bench.record import Reader
from bench.stand import Stand

HTML = '<html><body><p>Good day.</p><p><a href="{UNSUBSCRIBE_URL}">Unsubscribe</a></p></body></html>'
RETRY_SECONDS = 5
"""After a temporary failure, so that refused mail comes back all the time instead of after a minute."""
RATE = 20
"""Messages per second of a destination, by all processes together."""
RULES = f"""
[default]
connections = 5
rate = "{RATE}/s"
"""
"""The operator's shaping file."""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Scene:
    """MX hosts and the delivery processes that send to them.

    Attributes:
        reader: Of what the hosts have taken.
        sink: All hosts.
        workers: The delivery processes.
    """

    reader: Reader
    sink: Process
    workers: Sequence[Process]


@contextmanager
def scene(stand: Stand, hosts: Sequence[object], *, processes: int) -> Iterator[Scene]:
    """Lend hosts and delivery processes that have finished their start.

    Args:
        stand: Where.
        hosts: Arguments of `bench.shaping_sink`.
        processes: How many deliver.
    """
    number = next(_numbers)
    record, file = stand.directory / f"shaping-{number}.record", stand.directory / f"shaping-{number}.toml"
    file.write_text(RULES, encoding="utf-8")
    with ExitStack() as running:
        sink = running.enter_context(Process("bench.shaping_sink", record, *hosts))
        mx_port, dns_port = sink.line().split()
        running.callback(partial(_forget, record))
        workers = [running.enter_context(_worker(stand, file, mx_port, dns_port, processes)) for _ in range(processes)]
        for worker in workers:
            worker.wait_for(partial(worker.has_logged, "is up, route"))
        wait_until_idle([worker.pid for worker in workers])
        yield Scene(Reader(record), sink, workers)


def _worker(stand: Stand, rules: Path, mx_port: str, dns_port: str, processes: int) -> Process:
    return stand.part(
        "delivery",
        delivery_route="mx",
        delivery_mx_port=mx_port,
        delivery_name_servers=f"127.0.0.1:{dns_port}",
        delivery_allow_private=True,
        delivery_ipv6=False,
        delivery_mta_sts=False,
        delivery_shaping_file=rules,
        delivery_processes=processes,
        delivery_retry_seconds=RETRY_SECONDS,
    )


def _forget(record: Path) -> None:
    record.unlink(missing_ok=True)


def audience(stand: Stand, recipients: Mapping[str, int]) -> tuple[int, int]:
    """Make an audience of so many recipients by domain, mixed; return the ids of account and audience."""
    domains = [domain for domain, number in recipients.items() for _ in range(number)]
    random.Random(len(domains)).shuffle(domains)
    return stand.run(partial(_fill, stand, domains))


async def _fill(stand: Stand, domains: Sequence[str], engine: AsyncEngine) -> tuple[int, int]:
    account_id = (await KeyRing(engine).fresh(stand.key)).account_id
    async with unit_of_work(engine) as write:
        made = await audiences.create(write, account_id, name=f"readers {next(_numbers)}")
    rows = [ContactRow(f"reader{number}@{domain}", {}) for number, domain in enumerate(domains)]
    async with driver_connection(engine) as connection:
        for start in range(0, len(rows), mailing.AT_ONCE):
            await contacts.add_many(connection, account_id, made.id, rows[start : start + mailing.AT_ONCE])
        await connection.execute("ANALYZE contacts")
    return account_id, made.id


async def begin(account_id: int, audience_id: int, engine: AsyncEngine) -> tuple[int, int]:
    """Start a campaign and fix its targets; return the ids of campaign and run."""
    made = await mailing.campaign(engine, account_id, [audience_id], subject="News", html=HTML)
    run = await mailing.started(engine, account_id, made.id)
    fixed = await campaigns.snapshot(engine, run.id)
    assert fixed is not None
    return made.id, run.id


async def end(account_id: int, campaign_id: int, engine: AsyncEngine) -> None:
    """Stop what is left of a campaign, if anything is."""
    await campaigns.finish(engine)
    async with unit_of_work(engine) as write:
        if (await campaigns.get(write, account_id, campaign_id)).state is campaigns.RunState.SENDING:
            await campaigns.stop(write, account_id, campaign_id)

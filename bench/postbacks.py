"""`postbacks`: from a recorded bounce to the customer's server; and what a dead endpoint costs the others.

Bounces are laid down with their domain events, as delivery records them; each of 50 accounts has its own endpoint.
"""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from bench.machine import cpu_seconds
from bench.options import Options
from bench.processes import Process, wait_until
from bench.sheet import Sheet, percentile
from bench.stand import Stand

ENDPOINTS = 50
EVENTS = 10_000
"""Of one measurement of speed."""
RATE = 300
"""Events a second while latency is measured: what a machine does easily, so that waiting is what is seen."""
TICK_SECONDS = 0.05
TIMEOUT_SECONDS = 10
ACCOUNTS = """
INSERT INTO accounts (public_id, role, username, password_hash, account_name, bounce_url, bounce_url_active)
SELECT gen_random_uuid(), 'master', 'customer' || n || '@localhost.test', '', '', 'http://127.0.0.1/', true
FROM generate_series(1, $1::int) AS n
RETURNING id
"""
BOUNCES = """
WITH made AS (
    INSERT INTO bounces (message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code,
        regex_name, recipient, diagnostic, full_content)
    SELECT nextval('message_ids'), date_trunc('second', now()),
        ($1::bigint[])[1 + n % cardinality($1::bigint[])], 1, now(), 'hard', 'bad-mailbox', '5.1.1',
        'badmailbox01', n || '@example.org', '550 5.1.1 User unknown', ''
    FROM generate_series($2::int, $3::int) AS n
    RETURNING message_id, accepted_at, account_id, recipient
)
INSERT INTO domain_events (account_id, type, message_id, accepted_at, address)
SELECT account_id, 'email.bounced', message_id, accepted_at, recipient FROM made
"""
LEFT = """
SELECT (SELECT count(*) FROM domain_events WHERE NOT routed)
    + (SELECT count(*) FROM postbacks WHERE account_id = ANY ($1::bigint[]))
"""
"""What has not been told, and what nobody has looked at."""


class Customers:
    """Accounts with their endpoints."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.ids = [row["id"] for row in stand.query(ACCOUNTS, ENDPOINTS)]

    @contextmanager
    def serving(self, *, dead: int = 0) -> Iterator[Process]:
        """Serve, and tell the accounts where: the last of them get what is dead."""
        with Process("bench.answering", "--ports", ENDPOINTS, "--dead", dead) as server:
            ports = json.loads(server.line())
            urls = [f"http://127.0.0.1:{port}/?e=@email&r=@bouncerule&d=@diagnostic&s=@status" for port in ports]
            self.stand.query(
                "UPDATE accounts SET bounce_url = url FROM unnest($1::bigint[], $2::text[]) AS given (id, url)"
                " WHERE accounts.id = given.id",
                self.ids,
                urls,
            )
            yield server

    def outbox(self) -> Process:
        """Start the process that is measured."""
        return self.stand.part(
            "outbox", outbound_allow_private_networks=True, postbacks_timeout_seconds=TIMEOUT_SECONDS
        )

    def is_done(self, ids: list[int]) -> bool:
        """Tell whether everything of these accounts has been told."""
        return not self.stand.value(LEFT, ids)


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"postbacks: {ENDPOINTS} endpoints on the loopback, one outbox process")
    with Stand() as stand:
        customers = Customers(stand)
        for _ in range(options.runs):
            rate, work = _speed(customers)
            sheet.add("all at once: called, answered and recorded", "postbacks/s", rate)
            sheet.add("the outbox process's time on a core, for each", "ms", work * 1000)
            alone = _latency(customers, options.seconds * 2, dead=0)
            beside = _latency(customers, options.seconds * 2, dead=1)
            for share in (0.50, 0.99):
                name = f"p{share * 100:.0f} of 49 endpoints, from commit to arrival"
                sheet.add(f"{name}, alone", "ms", percentile(alone, share) * 1000)
                sheet.add(f"{name}, beside a dead one", "ms", percentile(beside, share) * 1000)
            added = percentile(beside, 0.99) / percentile(alone, 0.99) - 1
            sheet.add("what the dead one adds to the p99 of the others", "%", added * 100)
            stand.query("TRUNCATE postbacks")
        sheet.note(f"latency at {RATE} events/s; events are looked for every 500 ms, which is most of it")
        sheet.note("the dead endpoint accepts and never answers; beside its share of the events 5,000 wait for it")
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on")
    return sheet


def _speed(customers: Customers) -> tuple[float, float]:
    """Return postbacks a second, from the first call's arrival to the last record, and CPU seconds for each."""
    with customers.serving() as server, customers.outbox() as outbox:
        customers.stand.run(partial(lay_down, customers.ids, 1, EVENTS))
        wait_until("the last postback", lambda: customers.is_done(customers.ids), 120, every=0.2)
        ended, work = time.time(), cpu_seconds([outbox.pid])
        arrived = _arrivals(server)
        assert len(arrived) >= EVENTS
    return EVENTS / (ended - min(arrived.values())), work / EVENTS


def _latency(customers: Customers, seconds: float, *, dead: int) -> list[float]:
    """Return the sorted times of the first 49 endpoints, in seconds; the last is dead, or is told nothing."""
    others = customers.ids[:-1]
    with customers.serving(dead=dead) as server, customers.outbox():
        count = int(seconds * RATE)
        customers.stand.run(partial(lay_down, others[:1], 0, 0))
        if dead:
            customers.stand.run(partial(lay_down, customers.ids[-1:], 10_000_001, 10_005_000))
        wait_until("the first postback", lambda: customers.is_done(others[:1]), 60, every=0.2)
        laid = customers.stand.run(partial(_trickle, customers.ids if dead else others, count))
        wait_until("the last postback", lambda: customers.is_done(others), 60, every=0.2)
        arrived = _arrivals(server)
    return sorted(arrived[number] - laid[number] for number in laid if number in arrived)


def _arrivals(server: Process) -> dict[int, float]:
    """Return when the call for each event came first."""
    found: dict[int, float] = {}
    server.send(signal.SIGTERM)
    for path, at in server.result()["arrived"]:
        found.setdefault(int(path.partition("e=")[2].partition("%40")[0]), at)
    return found


async def lay_down(ids: list[int], first: int, last: int, engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        await connection.execute(BOUNCES, ids, first, last)


async def _trickle(ids: list[int], count: int, engine: AsyncEngine) -> dict[int, float]:
    """Lay events down at an even pace; return when each was committed."""
    laid: dict[int, float] = {}
    step = int(RATE * TICK_SECONDS)
    began = time.monotonic()
    async with driver_connection(engine) as connection:
        for number, first in enumerate(range(1, count, step)):
            await connection.execute(BOUNCES, ids, first, first + step - 1)
            laid |= dict.fromkeys(range(first, first + step), time.time())
            await asyncio.sleep(max(began + (number + 1) * TICK_SECONDS - time.monotonic(), 0))
    return laid

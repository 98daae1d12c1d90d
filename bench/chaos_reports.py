"""kill -9 of intake and outbox among failure reports from a server that tries again, and webhooks about them.

    make chaos ARGS="--reports 10000"

Both parts work at the same time; each is killed whenever another share of its work has been seen from outside, and
started again. None of the reports may be lost or counted twice, and what is told twice is told under the same id. Used
by the command (`bench.chaos`) and by the tests.
"""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import webhooks
from app.core.accounts import KeyRing
from app.core.webhooks import Rules
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.db.unit_of_work import unit_of_work
from app.kit.ports import free_port
from app.kit.secrets import Vault, derive
from bench.chaos_reports_server import OtherServer
from bench.chaos_reports_verdict import Told, Verdict, join
from bench.processes import Process
from bench.report_load import Reports, recipient
from bench.reports import lay_copies
from bench.stand import Stand
from bench.webhooks import LEFT
from tests.fixtures.web_server import WebServer, Writer, status, web_server

ANSWER_SECONDS = 0.03
"""How long the customer's server thinks, so that calls are open at any moment."""
STAGE_SECONDS = 600.0
"""How long one life of a part may take; on a quiet machine it takes seconds."""
END_SECONDS = 20.0
_OUTBOX = {"outbound_allow_private_networks": True, "postbacks_timeout_seconds": 1}
_ID = re.compile(rb"\r\nwebhook-id: *([^\r\n]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attack:
    """What the two have to bear.

    Attributes:
        reports: Failure reports, each on another copy.
        kills: Of each of the two.
    """

    reports: int
    kills: int


async def attack(wanted: Attack, stand: Stand, tell: Callable[[str], None], engine: AsyncEngine) -> Verdict:
    """Report, tell and kill; return what came of it.

    Args:
        wanted: How much.
        stand: New: nothing else is in its database.
        tell: Hears how it goes.
        engine: Of that database.

    Raises:
        RuntimeError: A kill came too late to tell anything.
        TimeoutError: A part does not get on.
    """
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    await lay_copies(stand.key, at, wanted.reports, engine)
    copies = {number: recipient(number) for number in range(1, wanted.reports + 1)}
    key, domain = derive(str(stand.values["secret_keys"]), "verp"), str(stand.values["bounce_domain"])
    port = free_port()
    server = OtherServer(Reports(key, domain, iter(()), int(at.timestamp())), port, list(copies))
    async with web_server(_slow) as customer, driver_connection(engine) as connection:
        await _subscribe(engine, stand, customer.port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_take_all(stand, wanted, server, port, tell))
            both.create_task(_tell_all(stand, wanted, customer, connection, tell))
        async with _part(stand, "outbox", **_OUTBOX):
            await _until(partial(_is_empty, connection))
        assert sorted(server.taken) == list(copies)
        return await join(copies, list(map(_told, customer.requests, customer.bodies)), connection)


async def _take_all(stand: Stand, wanted: Attack, server: OtherServer, port: int, tell: Callable[[str], None]) -> None:
    """Take the reports; be killed each time another share of them has been taken."""
    bringing = asyncio.create_task(server.run())
    values = {"intake_port": port, "intake_mails_per_minute": 0}
    for kill in range(1, wanted.kills + 1):
        async with _part(stand, "intake", **values) as process:
            await _seen(server.taken, kill * wanted.reports // (wanted.kills + 1))
            if bringing.done():
                raise RuntimeError("the intake was killed too late to tell anything")
            await _end(process, signal.SIGKILL)
        tell(f"intake killed, {len(server.taken):,} reports taken")
    async with _part(stand, "intake", **values):
        async with asyncio.timeout(STAGE_SECONDS):
            await bringing


async def _tell_all(
    stand: Stand, wanted: Attack, customer: WebServer, connection: Connection, tell: Callable[[str], None]
) -> None:
    """Tell the customer; be killed each time another share of it has been told."""
    for kill in range(1, wanted.kills + 1):
        async with _part(stand, "outbox", **_OUTBOX) as process:
            await _seen(customer.requests, kill * wanted.reports // (wanted.kills + 1))
            if await _is_empty(connection):
                raise RuntimeError("the outbox was killed too late to tell anything")
            await _end(process, signal.SIGKILL)
        tell(f"outbox killed, {len(customer.requests):,} webhooks told")
        # A claim lapses after half a minute; here it lapses at once.
        await connection.execute("UPDATE webhook_deliveries SET due_at = now() WHERE status = 'waiting'")


async def _subscribe(engine: AsyncEngine, stand: Stand, port: int) -> None:
    account_id = (await KeyRing(engine).fresh(stand.key)).account_id
    rules = Rules(Vault([str(stand.values["secret_keys"])]), anywhere=True)
    async with unit_of_work(engine) as write:
        url = f"http://127.0.0.1:{port}/"
        await webhooks.create(write, account_id, rules=rules, url=url, event_types=["email.bounced"])


@asynccontextmanager
async def _part(stand: Stand, name: str, **values: object) -> AsyncIterator[Process]:
    """Run a part; it ends by SIGTERM, if it has not been killed."""
    with stand.part(name, **values) as process:
        yield process
        if process.status is None:
            await _end(process, signal.SIGTERM)


async def _end(process: Process, number: signal.Signals) -> None:
    process.send(number)
    async with asyncio.timeout(END_SECONDS):
        while process.status is None:  # noqa: ASYNC110 another process: nothing here tells of its end
            await asyncio.sleep(0.01)


async def _seen(found: Sized, count: int) -> None:
    async with asyncio.timeout(STAGE_SECONDS):
        while len(found) < count:  # noqa: ASYNC110 it is other processes that bring it
            await asyncio.sleep(0.01)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(STAGE_SECONDS):
        while not await condition():  # noqa: ASYNC110 it is the database that tells
            await asyncio.sleep(0.05)


async def _is_empty(connection: Connection) -> bool:
    """Tell whether no event and no webhook waits."""
    return not await connection.fetchval(LEFT)


async def _slow(head: bytes, writer: Writer) -> None:
    await asyncio.sleep(ANSWER_SECONDS)
    await status(200)(head, writer)


def _told(head: bytes, body: bytes) -> Told:
    found = _ID.search(head)
    assert found is not None, head
    return Told(found[1].decode(), json.loads(body)["data"]["recipient"])

"""kill -9 of intake and outbox among reports from a server that tries again, and webhooks about them.

None is lost, none is counted twice, and what is told twice is told under the same id.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sized
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import webhooks
from app.core.webhooks import Rules
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from app.settings import Settings, as_environment, environment
from tests.core.webhooks.verifying import Received
from tests.e2e.test_postbacks import outbox
from tests.factories import Factories
from tests.factories.copies import CopySpec
from tests.fixtures.web_server import WebServer, Writer, status, web_server
from tests.smtpd.returning import dsn, return_path

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

REPORTS = 2_000
SENDERS = 20
KILLS = 3
"""Of each of the two."""
SECONDS = 90
"""A stage may take so long on a busy machine; it takes some seconds."""
LEFT = """
SELECT (SELECT count(*) FROM domain_events WHERE NOT routed)
    + (SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting')
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def intake(settings: Settings, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, ended in the end in whatever way."""
    names = ("public_url", "bounce_domain", "database_url", "broker_url", "data_dir")
    values = {name: getattr(settings, name) for name in names} | {
        "secret_keys": settings.secret_keys[0],
        "intake.port": port,
        "intake.mails_per_minute": 0,
        "logs.level": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", "app", "intake"], env=environment() | as_environment(values))
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


class OtherServer:
    """Brings reports until each is taken, over as many sessions as it can open."""

    def __init__(self, settings: Settings, port: int, ids: list[int], at: datetime) -> None:
        self._settings, self._port, self._at = settings, port, at
        self._waiting = list(reversed(ids))
        self.taken: list[int] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._bring() for _ in range(SENDERS)))

    async def _bring(self) -> None:
        while self._waiting:
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
                async with self._session() as (reader, writer):
                    while self._waiting:
                        await self._one(reader, writer)
            await asyncio.sleep(0.02)  # a server waits before it tries again

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await self._reply(reader, b"220")
            writer.write(b"HELO mx.example.org\r\n")
            await self._reply(reader, b"250")
            yield reader, writer
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        which = self._waiting.pop()
        try:
            path = return_path(self._settings, which, self._at)
            writer.write(f"MAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\n".encode() + dsn(path) + b".\r\n")
            for code in (b"250", b"250", b"354", b"250"):
                await self._reply(reader, code)
        except BaseException:
            self._waiting.append(which)  # whether it was taken is not known
            raise
        self.taken.append(which)

    @staticmethod
    async def _reply(reader: asyncio.StreamReader, code: bytes) -> None:
        line = await reader.readline()
        if not line.startswith(code):
            raise EOFError(line)


class Outbox:
    """Tells a customer, and is killed meanwhile."""

    def __init__(self, settings: Settings, told: WebServer, connection: Connection) -> None:
        self._settings, self._told, self._connection = settings, told, connection

    async def run(self) -> None:
        """Tell what happens; be killed each time another share of it has been told."""
        for kill in range(1, KILLS + 1):
            with outbox(self._settings) as process:
                await until(self._told.requests, kill * REPORTS // (KILLS + 1))
                assert await self._connection.fetchval(LEFT) > 0, "killed too late to tell anything"
                await killed(process)
            # A claim lapses after half a minute; here it lapses at once.
            await self._connection.execute("UPDATE webhook_deliveries SET due_at = now() WHERE status = 'waiting'")

    async def finish(self) -> None:
        """Tell what is left, and end."""
        with outbox(self._settings) as process:
            async with asyncio.timeout(SECONDS):
                while await self._connection.fetchval(LEFT):  # noqa: ASYNC110 it is the database that tells
                    await asyncio.sleep(0.05)
            await ended(process)


async def until(found: Sized, count: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(found) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def killed(process: "subprocess.Popen[bytes]") -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL


async def ended(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 20) == 0


async def slow(head: bytes, writer: Writer) -> None:
    """Answer so that calls are open at any moment."""
    await asyncio.sleep(0.03)
    await status(200)(head, writer)


async def subscribe(engine: AsyncEngine, settings: Settings, account_id: int, port: int) -> None:
    rules = Rules(Vault(settings.secret_keys), anywhere=True)
    async with unit_of_work(engine) as write:
        url = f"http://127.0.0.1:{port}/"
        await webhooks.create(write, account_id, rules=rules, url=url, event_types=["email.bounced"])


async def take_all(settings: Settings, port: int, server: OtherServer) -> None:
    """Take the reports; be killed each time another share of them has been taken."""
    bringing = asyncio.create_task(server.run())
    for kill in range(1, KILLS + 1):
        with intake(settings, port) as process:
            await until(server.taken, kill * REPORTS // (KILLS + 1))
            assert not bringing.done(), "killed too late to tell anything"
            await killed(process)
    with intake(settings, port) as process:
        async with asyncio.timeout(SECONDS):
            await bringing
        await ended(process)


async def test_kills_lose_and_double_nothing(settings: Settings, make: Factories, engine: AsyncEngine) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    account = await make.account()
    people = [f"r{n}@example.org" for n in range(REPORTS)]
    ids = await make.copies([CopySpec(account.id, 1, at, one) for one in people])
    port = free_port()
    server = OtherServer(settings, port, ids, at)
    async with web_server(slow) as told, driver_connection(engine) as connection:
        await subscribe(engine, settings, account.id, told.port)
        telling = Outbox(settings, told, connection)
        async with asyncio.TaskGroup() as both:
            both.create_task(take_all(settings, port, server))
            both.create_task(telling.run())
        await telling.finish()
        assert sorted(server.taken) == sorted(ids)
        assert await connection.fetchval("SELECT count(*) FROM bounces") == REPORTS
        assert await connection.fetchval("SELECT sum(hard_bounces) FROM hourly_counts") == REPORTS
        assert await connection.fetchval("SELECT sum(hard_bounces) FROM daily_counts") == REPORTS
        assert await connection.fetchval("SELECT count(*) FROM suppressions") == REPORTS
        events = await connection.fetch("SELECT type, count(*) AS n FROM domain_events GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in events] == [("email.bounced", REPORTS), ("suppression.added", REPORTS)]
        got = [Received.of(head, body) for head, body in zip(told.requests, told.bodies, strict=True)]
    pairs = {(one.json["data"]["recipient"], one.id) for one in got}
    assert sorted(person for person, _ in pairs) == sorted(people), "each is told of, under one id"
    assert len({id_ for _, id_ in pairs}) == REPORTS
    assert max(Counter(one.id for one in got).values()) <= KILLS + 1

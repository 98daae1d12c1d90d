"""A submission listener inside the test, and a raw client that says what it likes."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.settings import Settings
from app.smtpd.limits import Limits
from app.smtpd.submission.process import SubmissionServer
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import tuned
from tests.factories import Factories
from tests.factories.accounts import MadeAccount
from tests.fixtures.smtp_server import Received, SmtpServer, _certificate

ANSWER_SECONDS = 20


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["news@example.com"], x_headers=["X-Campaign"])


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-made certificate with its key in one file."""
    path = tmp_path / "smtp.pem"
    certificate, key = _certificate()
    path.write_bytes(key + certificate)
    return path


Listening = Callable[..., AbstractAsyncContextManager[SubmissionServer]]


@pytest.fixture
def listening(settings: Settings, engine: AsyncEngine) -> Listening:
    @asynccontextmanager
    async def listen(limits: Limits | None = None, **changes: Any) -> AsyncIterator[SubmissionServer]:
        """A listener with these settings of the group `smtp`; a whole group by its name."""
        groups = {name: changes.pop(name) for name in list(changes) if name in type(settings).model_fields}
        smtp = settings.smtp.model_copy(update=changes)
        server = SubmissionServer(settings.model_copy(update={"smtp": smtp, **groups}), engine, limits=limits)
        async with server:
            yield server

    return listen


@pytest.fixture
async def submission(listening: Listening) -> AsyncIterator[SubmissionServer]:
    async with listening() as submission:
        yield submission


class Raw:
    """One connection, spoken to octet by octet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        self = cls(*await asyncio.open_connection("127.0.0.1", port))
        assert (await self.reply()).startswith("220 ")
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def reply(self) -> str:
        """The last line of the next reply; "" at the end of the connection."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                line = (await self.reader.readline()).decode()
                if not line or line[3:4] != "-":
                    return line.rstrip("\r\n")

    def send(self, octets: bytes | str) -> None:
        self.writer.write(octets.encode() if isinstance(octets, str) else octets)

    async def say(self, line: str) -> str:
        self.send(f"{line}\r\n")
        return await self.reply()

    async def log_in(self, username: str, secret: str) -> str:
        await self.say("EHLO client.example")
        return await self.say("AUTH PLAIN " + base64.b64encode(f"\0{username}\0{secret}".encode()).decode())

    async def mail(self, octets: bytes | str, *recipients: str, sender: str = "news@example.com") -> str:
        """Hand over a mail whose octets bring their own final dot; return the last reply."""
        if (answer := await self.say(f"MAIL FROM:<{sender}>"))[0] != "2":
            return answer
        for recipient in recipients or ("jo@example.org",):
            if (answer := await self.say(f"RCPT TO:<{recipient}>"))[0] != "2":
                return answer
        assert (await self.say("DATA")).startswith("354")
        self.send(octets)
        return await self.reply()


Opening = Callable[[], AbstractAsyncContextManager[Raw]]


@pytest.fixture
def logged_in(submission: SubmissionServer, account: MadeAccount) -> Opening:
    """Opens connections of the account."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Raw]:
        async with await Raw.open(submission.port) as raw:
            assert (await raw.log_in(account.username, account.key)).startswith("235")
            yield raw

    return opening


class Ledger:
    """What is written."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def count(self) -> int:
        return int((await self.rows("SELECT count(*) AS n FROM messages"))[0]["n"])

    async def issues(self) -> list[tuple[str, str, str]]:
        rows = await self.rows("SELECT issue_type AS type, address, description FROM issues ORDER BY id")
        return [(row["type"], row["address"], row["description"]) for row in rows]


@pytest.fixture
def ledger(engine: AsyncEngine) -> Ledger:
    return Ledger(engine)


class Sink:
    """A receiving server, and a delivery process that sends to it."""

    def __init__(self, server: SmtpServer, settings: Settings, post: Post) -> None:
        delivery = {"route": "relay", "relay_url": f"smtp://127.0.0.1:{server.port}", "retry_seconds": [3600]}
        self.server = server
        self._settings = tuned(settings, **delivery)
        self._post = post

    async def received(self, count: int) -> list[Received]:
        """Deliver what is accepted; return what arrived, once that many copies have."""
        async with running(self._settings):
            await self._post.until("SELECT count(*) FROM messages WHERE state = 'delivered'", count)
        return self.server.messages


@pytest.fixture
async def sink(engine: AsyncEngine, settings: Settings, make: Factories) -> AsyncIterator[Sink]:
    async with SmtpServer() as server:
        yield Sink(server, settings, Post(engine, settings, make))

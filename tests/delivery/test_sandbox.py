"""The sandbox's SMTP listener, over a socket."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages, sandbox
from app.core.sandbox import Found, Search
from app.db.engine import make_engine
from app.db.unit_of_work import reading
from app.delivery.sandbox import SandboxServer
from app.kit import secrets
from app.mail import verp
from app.settings import Sandbox, Settings
from tests.factories import Factories
from tests.factories.copies import CopySpec
from tests.fixtures.bare import bare_settings

MAIL = b"From: Jo <jo@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n"


@pytest.fixture
async def server(settings: Settings, engine: AsyncEngine) -> AsyncIterator[SandboxServer]:
    settings = settings.model_copy(update={"sandbox": Sandbox(port=0, max_messages=5)})
    async with SandboxServer(settings, engine) as server:
        yield server


class Client:
    """A client that sends exactly these bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def replies(self, sent: bytes, count: int) -> list[str]:
        self.writer.write(sent)
        return [(await asyncio.wait_for(self.reader.readline(), 10)).decode().rstrip("\r\n") for _ in range(count)]

    async def codes(self, sent: bytes, count: int) -> list[str]:
        return [reply[:3] for reply in await self.replies(sent, count)]


@pytest.fixture
async def talk(server: SandboxServer) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert (await reader.readline()).startswith(b"220 ")
    yield Client(reader, writer)
    writer.close()


@pytest.fixture
async def refusing(tmp_path: Path) -> AsyncIterator[Client]:
    """A session with a listener that could keep nothing: for what never comes to keeping."""
    settings = bare_settings(tmp_path).model_copy(update={"sandbox": Sandbox(port=0)})
    engine = make_engine(settings)
    async with SandboxServer(settings, engine) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert (await reader.readline()).startswith(b"220 ")
        yield Client(reader, writer)
        writer.close()
    await engine.dispose()


async def kept(engine: AsyncEngine) -> list[Found]:
    async with reading(engine) as read:
        listed = await sandbox.page(read, None, Search(), before_id=None, limit=200)
        return [await sandbox.get(read, None, one.id) for one in listed]


async def test_a_mail_from_an_ordinary_client_is_kept(server: SandboxServer, engine: AsyncEngine) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, use_tls=False, start_tls=False) as client:
        await client.sendmail("a@example.com", ["b@example.org", "c@example.org"], MAIL)

    (mail,) = await kept(engine)
    assert mail.envelope_from == "a@example.com"
    assert mail.recipients == ["b@example.org", "c@example.org"]
    assert mail.from_header == "Jo <jo@example.com>"
    assert mail.subject == "Grüße"
    assert mail.raw == MAIL
    assert mail.size == len(MAIL)
    assert mail.account_id is None
    assert mail.email_id == ""


async def test_a_return_path_of_ours_tells_account_and_email_id(
    talk: Client, engine: AsyncEngine, settings: Settings, make: Factories
) -> None:
    account = await make.account()
    accepted_at = datetime.now(UTC).replace(microsecond=0)
    (message_id,) = await make.copies([CopySpec(account_id=account.id, sender_id=1, accepted_at=accepted_at)])
    key = secrets.derive(settings.secret_keys[0], "verp")
    token = verp.encode(key, accepted_at=int(accepted_at.timestamp()), message_id=message_id)
    sender = verp.return_path(token, "b@example.org", settings.bounce_domain).encode()

    await talk.codes(b"MAIL FROM:<" + sender + b">\r\nRCPT TO:<b@example.org>\r\nDATA\r\n", 3)
    assert await talk.codes(MAIL + b".\r\n", 1) == ["250"]

    (mail,) = await kept(engine)
    assert mail.account_id == account.id
    assert mail.email_id == messages.email_id(accepted_at, message_id, settings.node_name)


async def test_ehlo_offers_what_is_supported(refusing: Client) -> None:
    replies = await refusing.replies(b"EHLO client.example\r\n", 6)
    assert {reply[4:].partition(" ")[0] for reply in replies[1:]} == {
        "PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "ENHANCEDSTATUSCODES",
    }  # fmt: skip
    assert [reply[3] for reply in replies] == ["-"] * 5 + [" "]


async def test_whole_transactions_may_be_pipelined(talk: Client, engine: AsyncEngine) -> None:
    one = b"MAIL FROM:<> BODY=8BITMIME SIZE=90\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" + MAIL + b".\r\n"
    assert await talk.codes(one * 3 + b"QUIT\r\n", 13) == ["250", "250", "354", "250"] * 3 + ["221"]
    assert len(await kept(engine)) == 3


BODIES: list[tuple[bytes, bytes | None]] = [
    (b".\r\n", b""),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
    (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
    (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
    (b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n"),
    (b"a\r\n.\nQUIT\r\n.\r\n", b"a\r\n\nQUIT\r\n"),
    (b"Subject: \xff\x00\xfe\r\nFrom: =?nonsense?q?=ff?=\r\n\r\n\x00\xff\r\n.\r\n", None),
]
ENVELOPE = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"


async def test_only_crlf_dot_crlf_ends_a_mail(talk: Client, engine: AsyncEngine) -> None:
    for body, raw in BODIES:
        assert await talk.codes(ENVELOPE, 3) == ["250", "250", "354"]
        assert await talk.codes(body, 1) == ["250"]
        assert await talk.codes(b"NOOP\r\n", 1) == ["250"]
        newest = (await kept(engine))[0]
        assert newest.raw == (body.removesuffix(b".\r\n") if raw is None else raw), body


async def test_the_end_is_found_across_packets(talk: Client) -> None:
    sent = MAIL + b".\r\n"
    for cut in range(1, 7):
        assert await talk.codes(ENVELOPE, 3) == ["250", "250", "354"]
        talk.writer.write(sent[:-cut])
        await talk.writer.drain()
        # Long enough for the listener to have read the first packet; when it has not, the test is only weaker.
        await asyncio.sleep(0.02)
        assert await talk.codes(sent[-cut:], 1) == ["250"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"RCPT TO:<b@example.org>", "503"),
        (b"DATA", "503"),
        (b"MAIL FROM:a@example.com", "501"),
        (b"MAIL TO:<a@example.com>", "501"),
        (b"MAIL FROM:<a@example.com> RET=HDRS", "555"),
        (b"MAIL FROM:<a@example.com> SIZE=99999999999", "552"),
        (b"MAIL FROM:<a@example.com>\nRCPT TO:<x@example.org>", "501"),
        (b"STARTTLS", "500"),
        (b"X" * 5000, "500"),
        (b"\xff\xfe", "500"),
        (b"VRFY x", "252"),
        (b"HELO x", "250"),
        (b"RSET", "250"),
    ],
)
async def test_a_command_out_of_place_is_refused(refusing: Client, command: bytes, code: str) -> None:
    assert await refusing.codes(command + b"\r\n", 1) == [code]


async def test_a_mail_that_is_too_large_is_refused_and_the_session_goes_on(
    settings: Settings, engine: AsyncEngine
) -> None:
    send = settings.send.model_copy(update={"max_message_bytes": 100_000, "max_recipients": 2})
    small = settings.model_copy(update={"send": send, "sandbox": Sandbox(port=0)})
    async with SandboxServer(small, engine) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        client = Client(reader, writer)
        rcpt = b"RCPT TO:<b@example.org>\r\n"
        assert await client.codes(b"MAIL FROM:<>\r\n" + rcpt * 3 + b"DATA\r\n", 6) == [
            "220", "250", "250", "250", "452", "354",
        ]  # fmt: skip
        assert await client.codes(b"x" * 1_000_000 + b"\r\n.\r\n", 1) == ["552"]
        assert await client.codes(b"MAIL FROM:<>\r\n" + rcpt + b"DATA\r\n", 3) == ["250", "250", "354"]
        assert await client.codes(b"x\r\n.\r\n", 1) == ["250"]
        writer.close()
    assert [mail.raw for mail in await kept(engine)] == [b"x\r\n"]


async def test_the_oldest_go_first(talk: Client, engine: AsyncEngine) -> None:
    for number in range(8):
        one = b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n%d\r\n.\r\n" % number
        assert await talk.codes(one, 4) == ["250", "250", "354", "250"]
    assert [mail.raw for mail in await kept(engine)] == [b"7\r\n", b"6\r\n", b"5\r\n", b"4\r\n", b"3\r\n"]


async def test_without_postgresql_mail_is_deferred_and_the_session_stays(settings: Settings) -> None:
    nowhere = settings.model_copy(
        update={"database_url": "postgresql+asyncpg://app@127.0.0.1:1/app", "sandbox": Sandbox(port=0)}
    )
    engine = make_engine(nowhere)
    async with SandboxServer(nowhere, engine) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        client = Client(reader, writer)
        one = b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" + MAIL + b".\r\n"
        assert (await client.replies(one, 5))[4].startswith("451 4.3.0 ")
        assert await client.codes(one, 4) == ["250", "250", "354", "451"]
        writer.close()
    await engine.dispose()


async def test_a_session_of_mistakes_is_ended(refusing: Client) -> None:
    assert (await refusing.codes(b"NONSENSE\r\n" * 20, 21))[-1] == "421"
    assert await refusing.reader.read() == b""


async def test_the_process_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from app.delivery.sandbox import main\n"
        "from app.settings import Logs, Sandbox\n"
        "from app.telemetry import logs\n"
        "from tests.fixtures.bare import bare_settings\n"
        "settings = bare_settings(pathlib.Path(sys.argv[1])).model_copy(update={'sandbox': Sandbox(port=0)})\n"
        "logs.configure(Logs())\n"
        "asyncio.run(main(settings))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        started = orjson.loads(await asyncio.wait_for(process.stderr.readline(), 30))
        assert started["event"] == "sandbox.started"
        reader, writer = await asyncio.open_connection("127.0.0.1", started["port"])
        assert (await reader.readline()).startswith(b"220 ")
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert b"Traceback" not in await process.stderr.read()
        assert (await reader.read()).startswith(b"421 ")
        writer.close()
    finally:
        if process.returncode is None:
            process.kill()

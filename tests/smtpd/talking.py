"""A listener with a service that says what it is told to, and a client that sends exactly these bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from app.smtpd.limits import Limits
from app.smtpd.server import SmtpServer
from app.smtpd.service import Mail, Peer

SECONDS = 10.0


class Recorder:
    """A service that keeps what it gets in memory."""

    name = "mx.example.com"

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.reply = "250 2.0.0 kept"
        self.login_offered = False
        self.logins: list[tuple[str, str]] = []
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Event()

    def offers_login(self, peer: Peer) -> bool:
        return self.login_offered and peer.identity is None

    async def login(self, peer: Peer, username: str, password: str) -> str:
        self.logins.append((username, password))
        if password != "right":
            return "535 5.7.8 wrong"
        peer.identity = username
        return "235 2.7.0 welcome"

    async def sender(self, peer: Peer, address: str, size: int) -> str:
        del peer, size
        if address == "crash@example.com":
            raise ValueError(address)
        return "250 2.1.0 OK"

    async def recipient(self, peer: Peer, sender: str, address: str) -> str:
        del peer, sender
        return "550 5.1.1 no such mailbox" if address.startswith("nobody") else "250 2.1.5 OK"

    async def refused(self, peer: Peer, sender: str, recipients: tuple[str, ...], reply: str) -> str:
        del peer, sender, recipients
        return reply

    async def message(self, peer: Peer, mail: Mail) -> str:
        del peer
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if mail.raw == b"crash\r\n":
            raise ValueError("the service")
        self.mails.append(mail)
        return self.reply


class Client:
    """Sends bytes, reads lines; every wait has an end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def line(self) -> str:
        """The next line, "" at the end."""
        try:
            return (await asyncio.wait_for(self.reader.readline(), SECONDS)).decode().rstrip("\r\n")
        except ConnectionError:
            return ""

    async def reply(self) -> str:
        """The next reply, its lines joined by |."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return "|".join(lines)

    async def say(self, sent: bytes, replies: int = 1) -> list[str]:
        """Send, and return so many replies."""
        self.writer.write(sent)
        return [await self.reply() for _ in range(replies)]

    async def codes(self, sent: bytes, replies: int = 1) -> list[str]:
        return [reply[:3] for reply in await self.say(sent, replies)]

    async def rest(self) -> list[str]:
        """All lines until the server closes."""
        lines = []
        while line := await self.line():
            lines.append(line)
        return lines

    async def rest_bytes(self) -> bytes:
        """Whatever comes until the server closes."""
        try:
            return await asyncio.wait_for(self.reader.read(), SECONDS)
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def listening(service: Recorder, limits: Limits | None = None, **options: object) -> AsyncIterator[SmtpServer]:
    async with SmtpServer(service, "127.0.0.1", 0, limits or Limits(), **options) as server:  # type: ignore[arg-type]
        yield server


@asynccontextmanager
async def talking(
    limits: Limits | None = None, service: Recorder | None = None, **options: object
) -> AsyncIterator[tuple[Client, Recorder]]:
    """A client that has been greeted and has said EHLO."""
    service = service or Recorder()
    async with listening(service, limits, **options) as server:
        client = await Client.connect(server.port)
        assert (await client.line()).startswith("220 mx.example.com ")
        assert (await client.codes(b"EHLO client.example\r\n")) == ["250"]
        try:
            yield client, service
        finally:
            client.close()


def mail(content: bytes, recipient: bytes = b"b@example.org") -> bytes:
    """A whole pipelined transaction; the content ends with CRLF."""
    return b"MAIL FROM:<a@example.com>\r\nRCPT TO:<" + recipient + b">\r\nDATA\r\n" + content + b".\r\n"

"""A real HTTP/1.1 connection: bytes go out as a vector writes them, and come back as they were sent.

`Listener` is one uvicorn server in the test's process, set up as `app.cli.api` does; behind it stands the application
that a test puts there.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS = 15
"""How long an answer may take."""
NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Connection:
    """One connection, kept open from request to request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request and return its answer; Host and Content-Length are added where they are missing."""
        lines = {"Host": "mail.example.com", **(headers or {})}
        if body is not None or method == "POST":
            lines["Content-Length"] = str(len(body or b""))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + (body or b""))
        async with asyncio.timeout(SECONDS):
            await self._writer.drain()
            return await self._answer(method)

    async def _answer(self, method: str) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        assert len(headers) == len(pairs), f"a header came twice: {pairs}"
        if headers.get("transfer-encoding") == "chunked" and method != "HEAD":
            return Answer(status, headers, b"".join([chunk async for chunk in self._chunks()]))
        length = 0 if method == "HEAD" or status == NO_CONTENT else int(headers["content-length"])
        return Answer(status, headers, await self._reader.readexactly(length))

    async def _chunks(self) -> AsyncIterator[bytes]:
        """Yield a body whose length nobody knew before (RFC 9112, 7.1)."""
        length = -1
        while length:
            length = int(await self._reader.readuntil(b"\r\n"), 16)
            yield await self._reader.readexactly(length)
            assert await self._reader.readexactly(2) == b"\r\n"


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """A server on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        """Who answers."""
        self.port = 0

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Listener"]:
        """Serve until the block ends."""
        config = uvicorn.Config(
            self._serve,
            http="httptools",
            ws="none",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        # With the protocol named, asyncio switches Nagle's algorithm off; otherwise each answer takes 40 ms.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
            task = asyncio.create_task(server.serve([listener]))
            try:
                yield self
            finally:
                server.should_exit = True
                await asyncio.wait_for(task, SECONDS)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Open a connection and close it afterwards."""
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), SECONDS)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

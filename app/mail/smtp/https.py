"""One small GET over HTTPS, for MTA-STS policies: certificate checked, no redirects, everything bounded.

May import `httptools`, `app.mail.smtp` modules below it and the standard library.

Source: RFC 8461 section 3.3, RFC 9112.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence

import httptools

from app.mail.smtp.dial import dial
from app.mail.smtp.mta_sts import FetchFailed

MAX_BODY = 65_536
"""Largest body, in octets."""
MAX_HEAD = 16_384
"""Room for status line and header fields, in octets."""
MAX_TRIES = 3
"""Most addresses of a server that are tried."""
AT_A_TIME = 20
"""Fetches that may be under way together."""
_OK = 200


class HttpsFetch:
    """Gets text files; see `mta_sts.Fetch`."""

    def __init__(
        self,
        addresses: Callable[[str], Awaitable[Sequence[str]]],
        *,
        context: ssl.SSLContext | None = None,
        port: int = 443,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Prepare.

        Args:
            addresses: Finds the IP addresses of a name that may be connected to.
            context: Instead of the default one, which trusts the machine's authorities.
            port: TCP port of the servers.
            timeout_seconds: For one fetch as a whole.
        """
        self._addresses = addresses
        self._context = context or ssl.create_default_context()
        self._port = port
        self._timeout = timeout_seconds
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def __call__(self, host: str, path: str) -> bytes:
        """Return the body of `https://host/path`, which must be `text/plain`.

        Raises:
            FetchFailed: No connection, a bad certificate, another status than 200, another type, too large, too late.
        """
        try:
            async with asyncio.timeout(self._timeout), self._slots:
                return await self._from_any(host, path)
        except TimeoutError as error:
            raise FetchFailed(f"{host} did not answer in time") from error
        except (OSError, httptools.HttpParserError, ValueError) as error:
            raise FetchFailed(f"{host}: {error}") from error

    async def _from_any(self, host: str, path: str) -> bytes:
        """Try the addresses in turn.

        Raises:
            FetchFailed: None works.
        """
        failure: Exception | None = None
        for address in (await self._addresses(host))[:MAX_TRIES]:
            try:
                connection = await dial(address, self._port)
            except OSError as error:
                failure = error
                continue
            reader, writer = await asyncio.open_connection(sock=connection, ssl=self._context, server_hostname=host)
            try:
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/plain\r\nConnection: close\r\n\r\n".encode()
                )
                return await _read(reader)
            finally:
                writer.transport.abort()
        raise FetchFailed(f"{host}: {failure or 'no address'}") from failure


class _Response:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.type = ""
        self.framed = False
        self.body = bytearray()
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self.type = value.decode("latin-1").partition(";")[0].strip().lower()
        elif name.lower() in {b"content-length", b"transfer-encoding"}:
            self.framed = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read one response.

    Raises:
        FetchFailed: It is not what it should be.
    """
    response = _Response()
    parser = httptools.HttpResponseParser(response)
    taken = 0
    while not response.complete:
        data = await reader.read(8192)
        if not data:
            if response.framed or not parser.get_status_code():
                raise FetchFailed("the answer ends too early")
            break  # without a length the body ends with the connection
        taken += len(data)
        if taken > MAX_HEAD + MAX_BODY or len(response.body) > MAX_BODY:
            raise FetchFailed("the answer is too large")
        parser.feed_data(data)
    if parser.get_status_code() != _OK:  # RFC 8461, 3.3: redirects are not followed
        raise FetchFailed(f"status {parser.get_status_code()}")
    if len(response.body) > MAX_BODY:
        raise FetchFailed("the answer is too large")
    if response.type != "text/plain":
        raise FetchFailed(f"type {response.type or 'unknown'}")
    return bytes(response.body)

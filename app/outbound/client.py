"""The calls: one HTTP request to a checked address each. May import its siblings and `app.settings`."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.outbound import targets
from app.outbound.addresses import is_allowed
from app.outbound.errors import Failed, Refused, TimedOut
from app.outbound.names import MAX_ADDRESSES, Names, Resolve, system_addresses
from app.outbound.targets import Target
from app.settings import Outbound

USER_AGENT = "Trireme"
CONNECTIONS = 512
"""Open at once, in all."""
CONNECTIONS_PER_ENDPOINT = 64
CONNECT_SECONDS = 5.0
"""Longest wait for one address to take the connection."""
KEEP_ALIVE_SECONDS = 15.0
MAX_BODY = 64 * 1024
"""Octets of an answer's body that are read; a connection with more on its way is closed."""
BODY_SECONDS = 1.0
"""How long a body is read: the status has been told already, and only a body that ends frees its connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status code.
    """

    status: int


class Client:
    """Calls customers' URLs; one per process, used as `async with Client(...) as client`."""

    def __init__(self, settings: Outbound, *, resolve: Resolve = system_addresses) -> None:
        """Prepare; nothing is opened before the block.

        Args:
            settings: Whether private networks may be called.
            resolve: Returns the addresses of a name; runs in a thread.
        """
        self._anywhere = settings.allow_private_networks
        self._names = Names(resolve)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session, which belongs to the running loop."""
        connector = aiohttp.TCPConnector(
            resolver=_Checked(self),
            use_dns_cache=False,
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_ENDPOINT,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            raise_for_status=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, *, timeout_seconds: float, user_agent: str = USER_AGENT) -> Answer:
        """Call a URL by GET and return what it answered; a redirect is an answer like any other.

        Args:
            url: Complete; its path and query are sent as they are.
            timeout_seconds: For all of it: look-up, connection, TLS, the head of the answer.
            user_agent: Of the request.

        Raises:
            Refused: The URL is malformed, or leads to a network that may not be called.
            TimedOut: Its time is over.
            Failed: There was no connection, or no HTTP on it.
        """
        return await self._call("GET", url, None, {"User-Agent": user_agent}, timeout_seconds)

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
        """Call a URL by POST and return what it answered; a redirect is an answer like any other.

        Args:
            url: Complete; its path and query are sent as they are.
            body: Of the request.
            headers: Of the request, its `Content-Type` included; `User-Agent` is ours unless given.
            timeout_seconds: For all of it: look-up, connection, TLS, the body, the head of the answer.

        Raises:
            Refused: The URL is malformed, or leads to a network that may not be called.
            TimedOut: Its time is over.
            Failed: There was no connection, or no HTTP on it.
        """
        return await self._call("POST", url, body, {"User-Agent": USER_AGENT, **headers}, timeout_seconds)

    async def _call(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_seconds: float
    ) -> Answer:
        target = targets.parse(url)
        if target.address is not None:
            self.check([str(target.address)])
        try:
            # Around aiohttp's own limits, so that nothing escapes the one the caller has set.
            async with asyncio.timeout(timeout_seconds):
                return await self._send(method, target, body, headers, timeout_seconds)
        except TimeoutError:
            raise TimedOut("no answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failed(_reason(error)) from None

    async def _send(
        self, method: str, target: Target, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("a client is used inside of its block")
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds))
        response = await self._session.request(
            method, _url(target), data=body, headers=headers, allow_redirects=False, timeout=limits
        )
        try:
            await _finish(response)
        finally:
            response.close()  # does nothing once the body has ended: then the connection is back in the pool
        return Answer(response.status)

    async def addresses(self, name: str) -> list[str]:
        """Return the addresses of a name that a connection may be made to.

        Raises:
            Refused: One of them may not be called: who is public in part is not public.
            Failed: It has none.
        """
        found = list((await self._names.addresses(name))[:MAX_ADDRESSES])
        self.check(found)
        return found

    def check(self, addresses: list[str]) -> None:
        """See that a connection may be made to every one of the addresses.

        Raises:
            Refused: Not to all of them.
        """
        if self._anywhere:
            return
        for text in addresses:
            try:
                allowed = is_allowed(ip_address(text))
            except ValueError:
                allowed = False
            if not allowed:
                raise Refused("the host is in a network that may not be called")

    def _socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """Make the socket of a connection: the last look at where it goes, whatever way the address came."""
        family, kind, protocol, _, address = info
        self.check([str(address[0])])
        return socket.socket(family, kind, protocol)


class _Checked(AbstractResolver):
    """What aiohttp asks for addresses."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the checked addresses of a name.

        Raises:
            Refused: It leads where no call may go.
            Failed: It has no address.
        """
        del family
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._client.addresses(host)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _url(target: Target) -> URL:
    """Return the URL for aiohttp, put together from what was checked.

    Raises:
        Refused: The library reads another host or port out of it than we did.
    """
    url = URL.build(
        scheme=target.scheme,
        host=f"[{target.host}]" if ":" in target.host else target.host,
        port=target.port,
        path=target.path,
        query_string=target.query,
        encoded=True,
    )
    if (url.raw_host, url.port, url.user) != (target.host, target.port, None):
        raise Refused("the URL's host can be read in two ways")
    return url


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Read a short body to its end, so that the connection can be used again; a long or slow one is given up."""
    size = 0
    with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
        async with asyncio.timeout(BODY_SECONDS):
            while size <= MAX_BODY and (chunk := await response.content.readany()):
                size += len(chunk)


def _reason(error: Exception) -> str:
    """Return what went wrong, without what only we should know."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "TLS failed: the certificate or the handshake was refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or 'refused'}"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | OSError):
        return "the connection was lost"
    return "the answer was no HTTP"

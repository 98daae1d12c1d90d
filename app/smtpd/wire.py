"""The bytes of one SMTP connection: input that waits, output that is gathered, TLS.

Imports the standard library only.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

HIGH_WATER = 256 * 1024
"""Input that may wait before the client is made to wait."""


class Closed(Exception):
    """Raised when the client is gone."""


class Stopping(Exception):
    """Raised instead of waiting for the client once the listener closes."""


class Wire(asyncio.Protocol):
    """One connection, for one reader.

    Attributes:
        input: What has come and was not taken yet; the reader deletes what it takes.
        stopping: Whether a wait that is not `firm` ends with `Stopping`.
        address: The client's IP address.
        encrypted: Whether TLS is spoken.
    """

    def __init__(self, opened: Callable[["Wire"], None]) -> None:
        """Prepare.

        Args:
            opened: Called when the connection stands.
        """
        self.input = bytearray()
        self.stopping = False
        self.address = ""
        self.encrypted = False
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._output: list[str] = []
        self._ended = False
        self._reading_paused = False
        self._writing_paused = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._opened(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes; called by the event loop."""
        self.input += data
        if len(self.input) > HIGH_WATER and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note that nothing more comes; what has come is still answered. Called by the event loop."""
        self._ended = True
        self._wake()
        return not self.encrypted  # TLS knows no half-closed connection

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end; called by the event loop."""
        del exc
        self._ended = True
        self._transport = None
        self._wake()

    def pause_writing(self) -> None:
        """Note that the client does not read; called by the event loop."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Note that the client reads again; called by the event loop."""
        self._writing_paused = False
        self._wake()

    def stop(self) -> None:
        """Let waits that are not firm end."""
        self.stopping = True
        self._wake()

    def say(self, *lines: str) -> None:
        """Add lines to what is said next; they leave together (RFC 2920, 3.2)."""
        self._output.extend(lines)

    async def flush(self, deadline: float) -> None:
        """Send what was said, and wait while the client does not read.

        Args:
            deadline: Until when at most, by the loop's clock.

        Raises:
            Closed: The client is gone.
            TimeoutError: It did not read in time.
        """
        self.send()
        while self._is_blocked():
            await self._wait(deadline)

    def send(self) -> None:
        """Send what was said, without waiting.

        Raises:
            Closed: The client is gone.
        """
        if not self._output:
            return
        if self._transport is None or self._transport.is_closing():
            raise Closed
        self._transport.write(("\r\n".join(self._output) + "\r\n").encode("utf-8", "replace"))
        self._output.clear()

    async def fill(self, deadline: float, *, firm: bool = False) -> None:
        """Send what was said, and wait until there is more input.

        Args:
            deadline: Until when at most, by the loop's clock.
            firm: Whether to go on waiting when the listener closes.

        Raises:
            Closed: Nothing more will come.
            Stopping: The listener closes.
            TimeoutError: Nothing came in time.
        """
        await self.flush(deadline)
        known = len(self.input)
        if self._reading_paused and self._transport is not None and known <= HIGH_WATER:
            self._resume()
        while len(self.input) == known:
            if self._ended:
                raise Closed
            if self.stopping and not firm:
                raise Stopping
            if self._reading_paused:  # the reader holds on to a great deal, and wants more
                self._resume()
            await self._wait(deadline)

    async def start_tls(self, context: ssl.SSLContext, seconds: float) -> None:
        """Agree on TLS. What came before is thrown away: it may have been put there by somebody else.

        Raises:
            Closed: The client is gone.
            OSError, TimeoutError: TLS was not agreed on.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Closed
        self.input.clear()
        loop = asyncio.get_running_loop()
        made = await loop.start_tls(transport, self, context, server_side=True, ssl_handshake_timeout=seconds)
        if made is None:
            raise Closed
        self._transport = made
        self._reading_paused = False
        self.encrypted = True

    def close(self) -> None:
        """Send what was said and close."""
        if self._transport is None:
            return
        if self._output and not self._transport.is_closing():
            self._transport.write(("\r\n".join(self._output) + "\r\n").encode("utf-8", "replace"))
            self._output.clear()
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever waits to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def _is_blocked(self) -> bool:
        return self._writing_paused and self._transport is not None

    def _resume(self) -> None:
        if self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    async def _wait(self, deadline: float) -> None:
        """Wait for a change; a timer of its own costs a third of `asyncio.timeout`, and every mail waits."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_at(deadline, _expire, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _expire(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())

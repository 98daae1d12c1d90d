"""Octets out, replies in: the part of a pipelined session that knows nothing of messages.

May import `app.mail.smtp.replies` and the standard library.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import cast

from app.mail.smtp.replies import Reply, ReplyParser

logger = logging.getLogger(__name__)


class Wire(asyncio.Protocol):
    """A protocol on an open transport, with one timer. Whoever derives from it says what replies and the end mean.

    No exception leaves its callbacks: they end the session.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self.ended: str | None = None
        """Why nothing more will come; None while the session is good."""
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._parser = ReplyParser()
        self._expected = 0
        self._since = 0.0
        """When the server last said something, or what it is now waited for began."""
        self._is_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._transport.set_protocol(self)

    # ------------------------------------------------------------------ what the network says

    def data_received(self, data: bytes) -> None:
        """Take octets from the server (asyncio)."""
        if self.ended is not None:
            return
        try:
            parser = self._parser
            replies = parser.feed(data)
            if replies:
                self._since = monotonic()
            if parser.broken or len(replies) > self._expected:
                self._answer(replies[: self._expected], may_act=False)  # what was due still counts
                self._end(parser.broken or f"reply without a command: {replies[-1].text}")
            elif replies:
                self._expected -= len(replies)
                self._answer(replies)
        except Exception as error:  # noqa: BLE001 the promise of this class
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone (asyncio)."""
        self._end(f"connection lost: {exc}" if exc else "connection lost")

    def pause_writing(self) -> None:
        """Note that the send buffer is full (asyncio)."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Note that the send buffer has room again (asyncio)."""
        self._is_paused = False
        self._guarded(self._go_on)

    # ------------------------------------------------------------------ what it means

    def _answer(self, replies: list[Reply], *, may_act: bool = True) -> None:
        """Take replies down; without `may_act`, nothing may be begun on their account."""
        raise NotImplementedError

    def _go_on(self) -> None:
        """Write more, if something is left: the send buffer has room."""
        raise NotImplementedError

    def _overdue(self) -> tuple[float, Callable[[], None]]:
        """Return how many seconds what is going on may take, and what to do when it takes longer."""
        raise NotImplementedError

    def _gone(self, reason: str, *, is_late: bool) -> None:
        """Say what came of what was under way; the connection has been given up."""
        raise NotImplementedError

    # ------------------------------------------------------------------ what they share

    def _arm(self, seconds: float) -> None:
        """Have the time looked at after so many seconds at the latest; one timer serves many messages."""
        at = monotonic() + seconds
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        if self.ended is None:
            seconds, act = self._overdue()
            left = self._since + seconds - monotonic()
            if left > 0:
                self._arm(left)
            else:
                self._guarded(act)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do something, unless the session has ended; what fails ends it."""
        if self.ended is None:
            try:
                act()
            except Exception as error:  # noqa: BLE001 the promise of this class
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        logger.error("an SMTP session has failed", exc_info=error)
        self._end(repr(error))

    def _hang_up(self) -> None:
        """Say goodbye without waiting for the answer, and close."""
        self.ended = "closed"
        self._stop_timer()
        if not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    def _end(self, reason: str, *, is_late: bool = False) -> None:
        """Give the connection up at once, and what was under way here; the first reason stays."""
        if self.ended is None:
            self.ended = reason
            self._stop_timer()
            self._transport.abort()
            self._gone(reason, is_late=is_late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

"""The content of a mail, as DATA brings it: to its final dot, within its limits, and with whole line ends only.

Only CRLF.CRLF ends a mail, and a mail with a bare CR or LF is refused as a whole, so that nothing can be smuggled past
us or, through us, past others (RFC 5321, 2.3.8 and 4.1.1.4). Imports `app.smtpd.wire` and its limits.
"""

import asyncio
from typing import NamedTuple

from app.smtpd.limits import Budget, Limits
from app.smtpd.wire import Wire

_END = b"\r\n.\r\n"
_CR = ord("\r")
_PIECE = 128 * 1024


class Content(NamedTuple):
    """What has come.

    Attributes:
        raw: Dots undone; the beginning alone when there was more than is kept.
        size: Bytes of the whole; with dots as they came when `raw` is the beginning alone.
        refusal: The reply when it is not to be used; empty otherwise.
    """

    raw: bytes
    size: int
    refusal: str = ""


class ContentReader:
    """Reads one content and gives back what it took of the budget when it is closed."""

    def __init__(self, wire: Wire, limits: Limits, budget: Budget) -> None:
        """Take what it works with.

        Args:
            wire: Its input begins with the content.
            limits: Sizes and times.
            budget: Shared with all other sessions.
        """
        self._wire = wire
        self._limits = limits
        self._budget = budget
        self._keep = limits.kept_bytes or limits.message_bytes
        self._kept: list[bytes] = []
        self._taken = 0
        self._size = 0
        self._refusal = ""
        self._last = 0

    def close(self) -> None:
        """Give back what was taken of the budget; for when the mail has been dealt with."""
        self._budget.give_back(self._taken)
        self._taken = 0

    async def read(self, session_end: float) -> Content:
        """Return the content; its end, and nothing behind it, is taken from the input.

        Args:
            session_end: By the loop's clock.

        Raises:
            Closed, TimeoutError: The end did not come.
        """
        loop = asyncio.get_running_loop()
        deadline = min(loop.time() + self._limits.content_seconds, session_end)
        waiting = self._wire.input
        waiting[:0] = b"\r\n"  # the line end of DATA itself: the dot may stand on the very first line
        scanned = 0
        while (end := waiting.find(_END, scanned)) < 0:
            if len(waiting) > _PIECE:
                # A possible beginning of the end stays.
                self._take(waiting, len(waiting) - len(_END))
            scanned = max(0, len(waiting) - len(_END))
            await self._wire.fill(min(loop.time() + self._limits.command_seconds, deadline), firm=True)
        self._take(waiting, end + 2)
        del waiting[:3]
        return self._finished()

    def _take(self, waiting: bytearray, count: int) -> None:
        """Move so many bytes from the input to what is kept, or only count them."""
        piece = bytes(waiting[:count])
        del waiting[:count]
        self._size += count
        self._check_line_ends(piece)
        if self._size > self._limits.message_bytes + 2:
            self._refuse("552 5.3.4 message too large")
        room = self._keep + 2 - self._taken
        if self._refusal or room <= 0:
            return
        piece = piece[:room]
        if not self._budget.take(len(piece)):
            self._refuse("452 4.3.1 too much mail at the moment, try again")
            return
        self._taken += len(piece)
        self._kept.append(piece)

    def _check_line_ends(self, piece: bytes) -> None:
        """Look for a CR or LF of its own; the border between two pieces may lie within a CRLF."""
        if not piece:
            return
        whole = b"\r" + piece if self._last == _CR else piece
        self._last = piece[-1]
        ends, returns = whole.count(b"\r\n"), whole.count(b"\r")
        if whole.count(b"\n") != ends or returns - (self._last == _CR) != ends:
            self._refuse("550 5.6.0 bare CR or LF in the message")

    def _refuse(self, reply: str) -> None:
        if not self._refusal:
            self._refusal = reply
            self._kept.clear()
            self.close()

    def _finished(self) -> Content:
        if self._refusal:
            return Content(b"", self._size - 2, self._refusal)
        raw = b"".join(self._kept).replace(b"\r\n.", b"\r\n")[2:]
        return Content(raw, len(raw) if self._size <= self._keep + 2 else self._size - 2)

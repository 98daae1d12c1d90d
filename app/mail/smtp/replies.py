"""Replies of an SMTP server, parsed with limits. Imports the standard library only.

Source: RFC 5321 sections 4.2 and 4.5.3.1.5, RFC 2034 (enhanced status codes).
"""

import re
from dataclasses import dataclass

MAX_LINE = 2048
"""Longest reply line that is taken, in octets; the RFC's limit is 512."""
MAX_LINES = 100
"""Most lines of one reply."""

KNOWN = 16
"""Lines of a session that are read only once, because they come again and again."""

READY = 220
CLOSING = 421
SEND_BODY = 354

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |\Z)")


class BadReply(ValueError):
    """The server sent something that is no reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply."""

    code: int
    lines: tuple[str, ...]
    """The text of each line, without its code."""

    @property
    def positive(self) -> bool:
        """Whether the command was done (2xx)."""
        return 200 <= self.code < 300  # noqa: PLR2004 the RFC's own notation is 2xx

    @property
    def enhanced(self) -> str:
        """The enhanced status code, empty if there is none."""
        match = _ENHANCED.match(self.lines[0])
        return match[1] if match else ""

    @property
    def text(self) -> str:
        """The reply on one line: code, enhanced code once, words."""
        if len(self.lines) == 1:
            return f"{self.code} {self.lines[0]}".rstrip()
        enhanced = self.enhanced
        rest = [line.removeprefix(enhanced).strip() if enhanced else line for line in self.lines[1:]]
        return " ".join([str(self.code), *filter(None, (self.lines[0], *rest))])


class ReplyParser:
    """Cuts a stream of octets into replies."""

    __slots__ = ("_buffer", "_known", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._known: dict[bytes, Reply] = {}  # most replies of a session are the same few lines
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes.

        Raises:
            BadReply: A line is too long or has no code, or a reply has too many lines.
        """
        data = self._buffer + data if self._buffer else data
        replies: list[Reply] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end]
            known = self._known.get(line) if not self._lines else None
            reply = known or self._line(line)
            if reply is not None:
                replies.append(reply)
                if known is None and len(reply.lines) == 1 and len(self._known) < KNOWN:
                    self._known[line] = reply
            start = end + 1
        self._buffer = data[start:]
        if len(self._buffer) > MAX_LINE:
            raise BadReply("reply line too long")
        return replies

    def _line(self, raw: bytes) -> Reply | None:
        """Take one line; return the reply it completes.

        Raises:
            BadReply: It is not a line of a reply.
        """
        code = raw[:3]
        if len(raw) > MAX_LINE or not (code.isdigit() and raw[3:4] in {b"", b"\r", b" ", b"-"}):
            raise BadReply(f"not an SMTP reply: {raw[:80]!r}")
        self._lines.append(raw[4:].strip().decode("utf-8", "replace"))
        if raw[3:4] == b"-":
            if len(self._lines) >= MAX_LINES:
                raise BadReply("reply has too many lines")
            return None
        lines = tuple(self._lines)
        self._lines.clear()
        return Reply(int(code), lines)

"""Replies of an SMTP server, parsed with limits. Imports the standard library only.

Source: RFC 5321 sections 4.2 and 4.5.3.1.5, RFC 2034 (enhanced status codes).
"""

import re
from dataclasses import dataclass
from typing import cast

MAX_LINE = 2048
"""Longest reply line that is taken, in octets; the RFC's limit is 512."""
MAX_LINES = 100
"""Most lines of one reply."""

KNOWN = 64
"""Lines of a session that are kept with what they mean, because they come again and again."""

READY = 220
DONE = 250
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
        line = self.lines[0]
        if line.startswith("2.0.0 "):  # what nearly all messages are answered with
            return "2.0.0"
        match = _ENHANCED.match(line)
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

    __slots__ = ("_buffer", "_known", "_lines", "broken")

    def __init__(self) -> None:
        self.broken = ""
        """Why nothing more can be read; empty while all is well."""
        self._buffer = b""
        self._known: dict[bytes, Reply] = {}  # most replies of a session are the same few lines
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes; those before a line that is none (see `broken`) are among them."""
        if self.broken:
            return []
        lines = (self._buffer + data if self._buffer else data).split(b"\n")
        self._buffer = lines.pop()
        if len(self._buffer) > MAX_LINE:
            lines.append(self._buffer)
        known = list(map(self._known.get, lines))
        if all(known) and not self._lines:
            return cast(list[Reply], known)
        replies: list[Reply] = []
        for line, reply in zip(lines, known, strict=True):
            try:
                taken = reply if reply is not None and not self._lines else self._line(line)
            except BadReply as error:
                self.broken = str(error)
                break
            if taken is not None:
                replies.append(taken)
        return replies

    def _line(self, raw: bytes) -> Reply | None:
        """Take one line; return the reply it completes.

        Raises:
            BadReply: It is not a line of a reply.
        """
        if len(raw) > MAX_LINE:
            raise BadReply("reply line too long")
        code = raw[:3]
        if not (code.isdigit() and raw[3:4] in {b"", b"\r", b" ", b"-"}):
            raise BadReply(f"not an SMTP reply: {raw[:80]!r}")
        text = raw[4:].strip().decode("utf-8", "replace")
        if raw[3:4] == b"-":
            self._lines.append(text)
            if len(self._lines) >= MAX_LINES:
                raise BadReply("reply has too many lines")
            return None
        if self._lines:
            lines = (*self._lines, text)
            self._lines.clear()
            return Reply(int(code), lines)
        reply = Reply(int(code), (text,))
        if len(self._known) >= KNOWN:
            del self._known[next(iter(self._known))]  # the oldest, so that lines with a number in them go again
        self._known[raw] = reply
        return reply

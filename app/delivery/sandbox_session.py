"""One SMTP session of the sandbox: the receiving half of RFC 5321, strict about line ends.

Offers PIPELINING, 8BITMIME, SMTPUTF8, SIZE and ENHANCEDSTATUSCODES. Only CRLF ends a command and only CRLF.CRLF ends a
mail: a bare CR or LF is content, so nothing can be smuggled past it. Imports the standard library only.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

COMMAND_BYTES = 2048
"""Longest command line; RFC 5321 asks for 512, SMTPUTF8 and parameters for more."""
MISTAKES = 20
"""Refused commands after which a session is ended."""
_CHUNK = 65536
_END = b"\r\n.\r\n"
_PATH = re.compile(r'(?i)(FROM|TO):[ ]?<((?:"(?:\\.|[^"\\])*"|[^<>"\s])*)>((?: [^ ]+)*) *')
_PARAMETERS = re.compile(r"(?i) (?:SIZE=(\d{1,20})|BODY=(?:7BIT|8BITMIME)|SMTPUTF8)")


class Closed(Exception):
    """Raised when the peer is gone, silent for too long or told to go."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may do.

    Attributes:
        message_bytes: Largest mail.
        recipients: Most recipients of one mail.
        command_seconds: How long the peer may be silent.
    """

    message_bytes: int
    recipients: int
    command_seconds: float


@dataclass(frozen=True, slots=True)
class Received:
    """One mail: envelope and bytes, dots undone."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


Keep = Callable[[Received], Awaitable[bool]]
"""Keeps a mail durably and tells whether it could."""


class Session:
    """Speaks with one client until it quits or must go."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits, keep: Keep, name: str
    ) -> None:
        """Take what it works with.

        Args:
            reader: From the client.
            writer: To the client.
            limits: What it may do.
            keep: Keeps a mail.
            name: Ours, for the greeting.
        """
        self._reader, self._writer = reader, writer
        self._limits, self._keep, self._name = limits, keep, name
        self._input = bytearray()
        self._output: list[str] = []
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._mistakes = 0
        self.idle = True
        """Whether no mail is under way."""

    async def run(self) -> None:
        """Serve the session to its end; ends quietly however the client goes."""
        try:
            self._say(f"220 {self._name} ESMTP sandbox")
            while await self._command(await self._line()):
                self.idle = self._sender is None
                if self._mistakes >= MISTAKES:
                    self._say("421 4.7.0 too many mistakes")
                    break
            await self._flush()
        except (Closed, OSError, TimeoutError):
            return

    def _say(self, *lines: str) -> None:
        self._output.extend(lines)

    def _refuse(self, reply: str) -> None:
        self._mistakes += 1
        self._say(reply)

    async def _flush(self) -> None:
        if self._output:
            self._writer.write(("\r\n".join(self._output) + "\r\n").encode())
            self._output.clear()
            async with asyncio.timeout(self._limits.command_seconds):
                await self._writer.drain()

    async def _fill(self) -> None:
        # Replies leave when there is nothing more to read: one packet for a pipelined group (RFC 2920, 3.2).
        await self._flush()
        async with asyncio.timeout(self._limits.command_seconds):
            chunk = await self._reader.read(_CHUNK)
        if not chunk:
            raise Closed
        self._input += chunk

    async def _line(self) -> str | None:
        """Return the next command, or None for one that is too long."""
        too_long = False
        while (end := self._input.find(b"\r\n")) < 0:
            if len(self._input) > COMMAND_BYTES:
                too_long = True
                del self._input[:-1]
            await self._fill()
        line = bytes(self._input[:end])
        del self._input[: end + 2]
        return None if too_long or end > COMMAND_BYTES else line.decode("utf-8", "replace")

    async def _command(self, line: str | None) -> bool:
        """Carry out one command; False when the session ends."""
        verb, _, rest = (line or "").partition(" ")
        match verb.upper():
            case "EHLO":
                self._reset()
                size = f"250-SIZE {self._limits.message_bytes}"
                self._say(f"250-{self._name}", "250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8", size)
                self._say("250 ENHANCEDSTATUSCODES")
            case "HELO":
                self._reset()
                self._say(f"250 {self._name}")
            case "MAIL":
                self._mail(rest)
            case "RCPT":
                self._rcpt(rest)
            case "DATA":
                await self._data()
            case "RSET":
                self._reset()
                self._say("250 2.0.0 OK")
            case "NOOP":
                self._say("250 2.0.0 OK")
            case "VRFY":
                self._say("252 2.5.0 send some mail, it will be kept")
            case "QUIT":
                self._say("221 2.0.0 Bye")
                return False
            case _:
                self._refuse("500 5.5.2 unknown command" if line is not None else "500 5.5.6 line too long")
        return True

    def _reset(self) -> None:
        self._sender = None
        self._recipients = []

    def _mail(self, rest: str) -> None:
        match = _PATH.fullmatch(rest)
        if match is None or match[1].upper() != "FROM":
            return self._refuse("501 5.5.4 syntax: MAIL FROM:<address>")
        if self._sender is not None:
            return self._refuse("503 5.5.1 a mail is under way")
        sizes = [found[1] for found in _PARAMETERS.finditer(match[3])]
        if _PARAMETERS.sub("", match[3]):
            return self._refuse("555 5.5.4 unknown parameter")
        if any(size and int(size) > self._limits.message_bytes for size in sizes):
            return self._say("552 5.3.4 too large")
        self._sender = match[2]
        return self._say("250 2.1.0 OK")

    def _rcpt(self, rest: str) -> None:
        match = _PATH.fullmatch(rest)
        if match is None or match[1].upper() != "TO" or not match[2] or match[3]:
            return self._refuse("501 5.5.4 syntax: RCPT TO:<address>")
        if self._sender is None:
            return self._refuse("503 5.5.1 MAIL first")
        if len(self._recipients) >= self._limits.recipients:
            return self._say("452 4.5.3 too many recipients")
        self._recipients.append(match[2])
        return self._say("250 2.1.5 OK")

    async def _data(self) -> None:
        if not self._recipients or self._sender is None:
            self._refuse("503 5.5.1 RCPT first")
            return
        self._say("354 end with <CRLF>.<CRLF>")
        raw = await self._content()
        mail = Received(self._sender, tuple(self._recipients), raw) if raw is not None else None
        self._reset()
        if mail is None:
            self._say("552 5.3.4 too large")
        elif await self._keep(mail):
            self._say("250 2.0.0 kept")
        else:
            self._say("451 4.3.0 can't keep it now, try again")

    async def _content(self) -> bytes | None:
        """Return the mail up to its final dot, or None when it was too large."""
        self._input[:0] = b"\r\n"  # the line end of DATA itself: the dot may stand on the very first line
        scanned, too_large = 0, False
        while (end := self._input.find(_END, scanned)) < 0:
            if len(self._input) > self._limits.message_bytes + _CHUNK:
                too_large = True
                del self._input[: -len(_END)]
            scanned = max(0, len(self._input) - len(_END))
            await self._fill()
        content = bytes(self._input[: end + 2])
        del self._input[: end + len(_END)]
        content = content.replace(b"\r\n.", b"\r\n")[2:]
        return None if too_large or len(content) > self._limits.message_bytes else content

"""A session of the recording SMTP server, which is fast: see `bench.recording_sink`.

What a mail costs is a few microseconds besides the kernel's own: all sessions read into one buffer that stays in the
processor's cache, and the end of a mail is looked for from the end of what has arrived, because a client may send
nothing but its next envelope behind it before it has seen the replies (RFC 2920, 3.1: DATA is the last command of a
group).
"""

import asyncio
import re
import time
import zlib
from collections import Counter, deque
from dataclasses import dataclass
from typing import cast

from bench.record import Writer

BUFFER_BYTES = 1 << 20
"""What all sessions share for reading."""
LARGEST = 52_428_800
"""Octets of a session that may wait for their end; also what SIZE promises."""
TAIL = 4096
"""A mail's end is looked for in so many last octets first: an envelope is shorter."""
END = b"\r\n.\r\n"
EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE %d\r\n" % LARGEST
SAID = {
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"EHLO": EHLO,
    b"HELO": b"250 sink.example\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
TAKEN = b"250 2.0.0 Ok: queued\r\n"
DEFERRED = b"451 4.7.1 Come back later\r\n"
UNREAD_NANOSECONDS = 500_000_000
"""How long a reply may lie unread at a client, on a machine whose processors are taken away now and then."""
MESSAGE_ID = b"Message-ID: <"
NEXT = re.compile(rb"MAIL FROM:<([^>\r]*)>[^\r]*\r\nRCPT TO:<([^>\r]*)>[^\r]*\r\nDATA\r\n")
"""What a client at full speed sends behind a mail."""
TAKEN_AND_GO = TAKEN + b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go\r\n"


@dataclass(frozen=True, slots=True)
class Manner:
    """How the server behaves.

    Attributes:
        latency: Seconds before each group of replies.
        slow: Seconds more before the reply to a mail, for a share of the recipients.
        slow_share: That share, 0 to 1.
        defer_share: Share of recipients that are answered 451.
        defer_times: How often; 0 for always.
        marks: What precedes texts to be noted: of each its first place in the mail, up to the end of the word.
    """

    latency: float = 0.0
    slow: float = 0.0
    slow_share: float = 1.0
    defer_share: float = 0.0
    defer_times: int = 1
    marks: tuple[bytes, ...] = ()


class Server:
    """What all sessions share."""

    def __init__(self, writer: Writer, manner: Manner) -> None:
        self.writer = writer
        self.manner = manner
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.deferred: Counter[bytes] = Counter()
        self.sessions = 0

    def is_deferred(self, recipient: bytes) -> bool:
        """Tell whether this recipient is to come back later, and count it."""
        manner = self.manner
        if not _in_share(recipient, manner.defer_share):
            return False
        if manner.defer_times:
            self.deferred[recipient] += 1
            return self.deferred[recipient] <= manner.defer_times
        return True


class Session(asyncio.BufferedProtocol):
    """One connection."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.writer = server.writer
        self.own: bytearray | None = None
        """What has arrived and is not complete; None when there is nothing."""
        self.filled = 0
        self.in_data = False
        self.sender = b""
        self.recipients: list[bytes] = []
        self.pending: deque[bytes] = deque()
        self.number = 0
        self.took_at = 0
        self.left = False
        self.extra = 0.0
        self.delays = bool(server.manner.latency or server.manner.slow)
        self.is_plain = not self.delays and not server.manner.defer_share

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.loop = asyncio.get_running_loop()
        self.server.sessions += 1
        self.number = self.server.sessions
        self.writer.note_sessions(opened=1)
        self.say(b"220 sink.example ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        # A reply that has just left may not have been read.
        just_now = time.monotonic_ns() - self.took_at < UNREAD_NANOSECONDS
        is_open = self.in_data or self.recipients or self.pending or just_now
        self.writer.note_sessions(closed=1, dropped=int(bool(is_open) and not self.left))

    # ------------------------------------------------------------------ reading

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        own = self.own
        if own is None:
            return self.server.view
        if self.filled == len(own):
            own = self.own = own.ljust(2 * len(own))
        return memoryview(own)[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        own = self.own
        if own is None:
            done = self.parse(self.server.buffer, 0, nbytes, nbytes)
            if done < nbytes:
                self.keep(self.server.buffer[done:nbytes])
            return
        self.filled += nbytes
        done = self.parse(own, 0, self.filled, nbytes)
        if done == self.filled:
            self.own = None
            self.filled = 0
        elif done:
            self.keep(own[done : self.filled])
        elif self.filled > LARGEST:
            self.transport.abort()

    def keep(self, rest: bytearray) -> None:
        """Hold what is not complete in a buffer of the session's own."""
        self.filled = len(rest)
        self.own = rest.ljust(max(2 * len(rest), 1 << 17))

    def parse(self, buffer: bytearray, position: int, filled: int, new: int) -> int:
        """Take what is complete; return how far that goes."""
        replies: list[bytes] = []
        while position < filled:
            if self.in_data:
                end = find_end(buffer, position, filled, new)
                if end < 0:
                    break
                self.take(buffer, position, end)
                position = end + len(END)
                if self.is_plain and not replies and (found := NEXT.fullmatch(buffer, position, filled)):
                    self.sender, recipient = found.groups()
                    self.recipients.append(recipient)
                    self.transport.write(TAKEN_AND_GO)
                    return filled
                replies.append(TAKEN)
                self.in_data = False
            else:
                end = buffer.find(b"\n", position, filled)
                if end < 0:
                    break
                replies.append(self.command(bytes(buffer[position : end + 1])))
                position = end + 1
        if replies:
            self.say(b"".join(replies))
        if self.left and not self.delays:
            self.transport.close()
        return position

    def command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            recipient = line[line.find(b"<") + 1 : line.find(b">")]
            if self.server.manner.defer_share and self.server.is_deferred(recipient):
                return DEFERRED
            self.recipients.append(recipient)
            return b"250 2.1.5 Ok\r\n"
        if verb == b"DATA":
            if not self.recipients:
                return b"503 5.5.1 No recipients\r\n"
            self.in_data = True
            return b"354 Go\r\n"
        if verb == b"MAIL":
            self.sender = line[line.find(b"<") + 1 : line.find(b">")]
            self.recipients.clear()
        elif verb == b"RSET":
            self.recipients.clear()
        elif verb == b"QUIT":
            self.left = True
        return SAID.get(verb, b"502 5.5.1 What?\r\n")

    def take(self, buffer: bytearray, start: int, end: int) -> None:
        """Note a mail."""
        place = buffer.find(MESSAGE_ID, start, end) + len(MESSAGE_ID)
        closing = buffer.find(b">", place, end)
        message_id = bytes(buffer[place:closing]) if place >= len(MESSAGE_ID) else b""
        manner = self.server.manner
        texts = [self.sender, message_id, *[_word(buffer, mark, start, end) for mark in manner.marks]]
        for recipient in self.recipients:
            self.took_at = self.writer.add(self.number, end - start + 2, (recipient, *texts))
            if manner.slow and _in_share(recipient, manner.slow_share):
                self.extra = manner.slow
        self.recipients.clear()

    # ------------------------------------------------------------------ answering

    def say(self, replies: bytes) -> None:
        if not self.delays:
            if not self.transport.is_closing():
                self.transport.write(replies)
            return
        # Whichever timer comes first takes what is due first, so that the order holds.
        self.pending.append(replies)
        self.loop.call_later(self.server.manner.latency + self.extra, self.say_pending)
        self.extra = 0.0

    def say_pending(self) -> None:
        replies = self.pending.popleft()
        if not self.transport.is_closing():
            self.transport.write(replies)
            if self.left and not self.pending:
                self.transport.close()


def find_end(buffer: bytearray, start: int, filled: int, new: int) -> int:
    """Return where the end of the mail begins that began at `start`, -1 when it has not arrived.

    Args:
        buffer: What has arrived.
        start: Where the mail's content begins.
        filled: Where what has arrived ends.
        new: How much of that was not there before: the rest is not looked through again.
    """
    # An empty mail is a lone dot, without the line end before it.
    if buffer.startswith(b".\r\n", start):
        return start - 2
    unseen = max(start, filled - new - len(END))
    end = buffer.rfind(END, max(unseen, filled - TAIL), filled)
    if end < 0 and filled - unseen > TAIL and buffer[filled - 1] == ord("\n"):
        return buffer.find(END, unseen, filled)
    return end


def _word(buffer: bytearray, mark: bytes, start: int, end: int) -> bytes:
    place = buffer.find(mark, start, end)
    if place < 0:
        return b""
    place += len(mark)
    return bytes(buffer[place : min(place + 64, end)]).split(None, 1)[0]


def _in_share(recipient: bytes, share: float) -> bool:
    """Tell whether a recipient belongs to a share; always the same ones."""
    return bool(share) and zlib.crc32(recipient) % 10_000 < share * 10_000

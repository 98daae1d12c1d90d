"""The transaction with a server that offers PIPELINING: MAIL, RCPT and DATA in one write, then the body.

The body's write also carries the next envelope when there is one, so a busy session needs one round trip a message.
It works on the transport that aiosmtplib opened. May import `app.mail.smtp` below `connection`.

Source: RFC 2920; docs/perf.md, A2.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import cast

from app.mail.smtp.envelope import Offers, SendJob, Unsendable, envelope
from app.mail.smtp.outcome import Outcome, Status, from_reply, from_us
from app.mail.smtp.replies import CLOSING, SEND_BODY, BadReply, Reply, ReplyParser

LARGE = 256 * 1024
"""A body over this many octets is written in pieces, its dot only when all else has left."""
Following = Callable[[], SendJob | None]


class Wire(asyncio.Protocol):
    """Octets out, replies in; knows whether and why the connection ended."""

    def __init__(self, transport: asyncio.Transport, reply_timeout: float) -> None:
        self.transport = transport
        self.ended: str | None = None
        """Why nothing more will come; None while the connection is good."""
        self.replies: deque[Reply] = deque()
        self._parser = ReplyParser()
        self._expected = 0
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timeout = reply_timeout
        self._waiting_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._loop = asyncio.get_running_loop()
        transport.set_protocol(self)
        if transport.is_closing():
            self.end("connection lost")

    def write(self, data: bytes, replies: int) -> None:
        """Send octets that `replies` replies will answer."""
        self._expected += replies
        self.transport.write(data)

    async def drained(self) -> None:
        """Wait until more may be written, or the connection has ended, or the reply time-out has passed."""
        if not self._may_write.is_set():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._may_write.wait()
            except TimeoutError:
                self.end(f"the server took no data for {self._timeout:g} s")

    async def received(self, count: int) -> bool:
        """Wait until `count` replies are there; False when the connection ended before."""
        if len(self.replies) >= count or self.ended is not None:
            return len(self.replies) >= count
        self._wanted = count
        self._waiter = self._loop.create_future()
        self._waiting_since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check)
        try:
            await self._waiter
        finally:
            self._waiter = None
        return len(self.replies) >= count

    def _check(self) -> None:
        """End the connection when a reply is overdue; one timer serves many replies."""
        self._timer = None
        if self._waiter is not None:
            left = self._waiting_since + self._timeout - self._loop.time()
            if left > 0:
                self._timer = self._loop.call_later(left, self._check)
            else:
                self.end(f"no reply within {self._timeout:g} s")

    def end(self, reason: str) -> None:
        """Give the connection up at once; the first reason stays."""
        if self.ended is None:
            self.ended = reason
            self.transport.abort()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._may_write.set()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take octets from the server (asyncio)."""
        try:
            replies = self._parser.feed(data)
        except BadReply as error:
            self.end(str(error))
            return
        if not replies:
            return
        self._expected -= len(replies)
        self.replies += replies
        if self._expected < 0:
            self.end(f"reply without a command: {replies[-1].text}")
        elif replies[-1].code == CLOSING:
            self.end("the server closed the session")  # RFC 5321, 3.8: nothing else will be answered
        elif self._waiter is not None and len(self.replies) >= self._wanted and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone (asyncio)."""
        self.end(f"connection lost: {exc}" if exc else "connection lost")

    def pause_writing(self) -> None:
        """Note that the send buffer is full (asyncio)."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Note that the send buffer has room again (asyncio)."""
        self._may_write.set()


class PipelinedSession:
    """Transactions, one after the other, over one connection."""

    def __init__(self, transport: asyncio.BaseTransport, host: str, offers: Offers, reply_timeout: float) -> None:
        self.dot_sent = False
        """Whether a final dot has been written whose reply is not in yet."""
        self.untouched = False
        """Whether the last message failed before the server had answered anything of it."""
        self._wire = Wire(cast(asyncio.Transport, transport), reply_timeout)
        self._host = host
        self._offers = offers
        self._begun: SendJob | None = None
        self._needs_reset = False
        self._resets = 0

    @property
    def usable(self) -> bool:
        """Whether the next message may be tried here."""
        return self._wire.ended is None

    def close(self) -> None:
        """Say goodbye without waiting for the answer, and close."""
        if self._wire.ended is None and self._begun is None and not self.dot_sent:
            self._wire.ended = "closed"
            self._wire.transport.write(b"QUIT\r\n")
            self._wire.transport.close()
        self._wire.end("closed")

    def has_begun(self, job: SendJob) -> bool:
        """Say whether the envelope of a message is on the wire already."""
        return self._begun is job

    async def send(self, job: SendJob, commands: tuple[bytes, bytes] | None, following: Following | None) -> Outcome:
        """Carry out one transaction.

        Args:
            job: The message.
            commands: Its arguments of MAIL and RCPT; None when it has begun.
            following: Asked for the next message right before the body is written. What it returns must be the next
                message sent here, or the session must be closed.
        """
        started = time.monotonic()
        self.untouched = False
        if commands is not None:
            if self._begun is not None:  # another message's envelope is on the wire: never mix the two
                self._wire.end("another message has begun here")
            self._wire.write(self._begin(job, commands), 3 + self._resets)
        self._begun = None
        count = self._resets + 3
        complete = await self._wire.received(count)
        replies = [self._wire.replies.popleft() for _ in range(min(count, len(self._wire.replies)))][self._resets :]
        self._resets = 0
        refusal = next(
            (reply for reply, good in zip(replies, (2, 2, 3), strict=False) if reply.code // 100 != good), None
        )
        if not complete or refusal is not None or replies[2].code != SEND_BODY:
            return await self._refused(replies, refusal, started)
        return await self._transfer(job, following, started)

    def _begin(self, job: SendJob, commands: tuple[bytes, bytes]) -> bytes:
        """Return the octets that begin a transaction."""
        mail, rcpt = commands
        self._resets = int(self._needs_reset)
        reset = b"RSET\r\n" if self._needs_reset else b""
        self._needs_reset = False
        self._begun = job
        return b"%sMAIL %s\r\nRCPT %s\r\nDATA\r\n" % (reset, mail, rcpt)

    async def _refused(self, replies: list[Reply], refusal: Reply | None, started: float) -> Outcome:
        """Leave a transaction whose body will not be sent, in a state where the next one can begin."""
        wire = self._wire
        self.untouched = wire.ended is not None and (not replies or replies[0].code == CLOSING)
        if wire.ended is None:
            mail, rcpt, data = replies
            self._needs_reset = True
            if data.code == SEND_BODY and mail.positive and not rcpt.positive:
                # RFC 2920, 3.1: DATA may be accepted although no recipient was; a lone dot ends it.
                wire.write(b".\r\n", 1)
                if await wire.received(1):
                    wire.replies.popleft()
            elif data.code == SEND_BODY or refusal is None or refusal.code // 100 not in {4, 5}:
                wire.end("the server's replies make no sense")
        if refusal is not None:
            status = Status.DEFERRED if refusal.code // 100 < 4 else None  # noqa: PLR2004 neither 4xx nor 5xx
            return from_reply(refusal, self._host, _since(started), status=status)
        return self._lost(started)

    async def _transfer(self, job: SendJob, following: Following | None, started: float) -> Outcome:
        """Send the body, the dot and, if there is one, the next envelope; wait for the reply to the dot."""
        wire = self._wire
        data = job.data if len(job.data) <= LARGE else await self._write_large(job.data)
        if wire.ended is not None:
            return self._lost(started)
        ending = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
        ahead = self._begin_following(following)
        try:
            job.before_final_dot()
        except Exception as error:  # noqa: BLE001 whatever it is, the mail must not leave without its journal entry
            wire.end("given up")
            return from_us(Status.DEFERRED, "4.3.0", f"not sent: {error!r}", self._host, _since(started))
        self.dot_sent = True
        wire.write(data + ending + ahead, 4 if ahead else 1)
        answered = await wire.received(1)
        if not answered:
            return self._lost(started)
        self.dot_sent = False
        reply = wire.replies.popleft()
        status = Status.IN_DOUBT if reply.code // 100 not in {2, 4, 5} else None
        return from_reply(reply, self._host, _since(started), status=status)

    def _begin_following(self, following: Following | None) -> bytes:
        """Return the octets that begin the next transaction, if there is one."""
        job = following() if following is not None else None
        commands = envelope(job, self._offers) if job is not None else None
        if job is None or commands is None or isinstance(commands, Unsendable):
            return b""  # what is not sendable `Connection.send` will say when its turn comes
        return self._begin(job, commands)

    async def _write_large(self, data: bytes) -> bytes:
        """Write all but the last piece of a body at the server's pace; return that last piece."""
        last = (len(data) - 1) // LARGE * LARGE
        for start in range(0, last, LARGE):
            self._wire.write(data[start : start + LARGE], 0)
            await self._wire.drained()
            if self._wire.ended is not None:
                break
        return data[last:]

    def _lost(self, started: float) -> Outcome:
        status = Status.IN_DOUBT if self.dot_sent else Status.DEFERRED
        reason = self._wire.ended or "connection lost"
        enhanced = "4.4.1" if reason.startswith(("no reply", "the server took")) and not self.dot_sent else "4.4.2"
        return from_us(status, enhanced, reason, self._host, _since(started))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)

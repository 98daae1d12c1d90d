"""The transaction with a server that offers PIPELINING: MAIL, RCPT and DATA in one write, then the body.

The body's write also carries the next envelope when there is one, so a busy session needs one round trip a message.
Everything happens in the callbacks of a protocol on the transport that aiosmtplib opened: replies come in, the message
is settled, the next one taken and written. May import `app.mail.smtp` below `connection`.

Source: RFC 2920; docs/perf.md, A2.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

from app.mail.smtp.envelope import Offers, SendJob, Unsendable, Withdrawn, envelope
from app.mail.smtp.outcome import Outcome, Outcomes, Status, from_reply, from_us
from app.mail.smtp.replies import CLOSING, DONE, SEND_BODY, Reply
from app.mail.smtp.session import Owner
from app.mail.smtp.wire import Wire

LARGE = 256 * 1024
"""A body over this many octets is written in pieces, its dot only when all else has left."""
MAX_UNSENDABLE = 100
"""Messages in a row that are settled without being sent before other work of the loop gets its turn."""


# Where a session is. Up to _LONE_DOT: whose reply comes next. Plain numbers, because they are compared for every reply.
_RESET: Final = 0
_MAIL: Final = 1
_DATA: Final = 3
_DOT: Final = 4
_LONE_DOT: Final = 5  # the dot after a DATA that was taken although no recipient was
_GO: Final = 6  # the envelope has been answered
_BODY: Final = 7  # the body is being written in pieces
_READY: Final = 8
_RESTING: Final = 9
_A_ROUND: Final = 4
"""Replies to a body and the next envelope: to the dot, MAIL, RCPT and DATA."""


class PipelinedSession(Wire):
    """Transactions, one after the other, over one connection."""

    def __init__(
        self, transport: asyncio.BaseTransport, host: str, offers: Offers, owner: Owner, reply_timeout: float
    ) -> None:
        super().__init__(transport)
        self.served = 0
        """Messages begun here."""
        self._host = host
        self._offers = offers
        self._owner = owner
        self._timeout = reply_timeout
        self._outcomes = Outcomes(host)
        self._at: int = _READY
        self._job: SendJob | None = None
        self._ahead: SendJob | None = None
        """The message after the present one; with the body of that its envelope leaves."""
        self._refusal: Reply | None = None
        self._refused_at: int = _MAIL
        self._needs_reset = False
        self._finishing = False
        self._large = b""
        self._written = 0
        self._started = 0.0

    # ------------------------------------------------------------------ what the owner says

    def start(self, job: SendJob) -> None:
        """Send a first message, then go on with what the owner has."""
        self._job = job
        if self._transport.is_closing():
            self._end("connection lost")
        else:
            self._guarded(self._start)

    def wake(self) -> None:
        """Ask the owner for a message, if resting."""
        if self._at == _RESTING:
            self._at = _READY
            self._guarded(self._next)

    def finish(self) -> None:
        """End what has begun, then close; a resting session closes now."""
        self._finishing = True
        if self._at == _RESTING and self.ended is None:
            self._quit()

    def abort(self, reason: str) -> None:
        """Close at once; a message whose content has not been touched is given back, another settled."""
        job = self._job
        if self.ended is None and job is not None and self._at not in {_DOT, _BODY} and self._refusal is None:
            self._job = None
            self._owner.give_back(job)
        self._end(reason)

    # ------------------------------------------------------------------ replies

    def _answer(self, replies: list[Reply], *, may_act: bool = True) -> None:
        """Take replies down, and do what they ask for."""
        if not (may_act and self._is_as_hoped(replies)):
            self._answer_each(replies, may_act=may_act)
            return
        self._on_dot(replies[0])
        if self.ended is None:
            self._at = _GO
            self._compose()

    def _answer_each(self, replies: list[Reply], *, may_act: bool) -> None:  # noqa: C901 all that may come, in one place
        """Take replies down one by one, and do what they ask for."""
        for reply in replies:
            code, at = reply.code, self._at
            if at == _DOT:
                self._on_dot(reply)
            elif at == _LONE_DOT:
                self._at = _READY
            elif at == _RESET:
                self._at = _MAIL
            elif at < _DOT:
                if code // 100 != (3 if at == _DATA else 2) and self._refusal is None:
                    self._refusal = reply
                    self._refused_at = at
                self._at = at + 1 if at != _DATA else _GO
            if code == CLOSING:
                self._end("the server closed the session")  # RFC 5321, 3.8: nothing else will be answered
            if not may_act or self.ended is not None:
                continue
            if self._at == _GO:
                if code == SEND_BODY and self._refusal is None:
                    self._compose()
                else:
                    self._on_refusal(reply)
            elif self._at == _READY:
                self._next()

    def _is_as_hoped(self, replies: list[Reply]) -> bool:
        """Say whether these end a message and let the next one's content come, as nearly all of a busy session do."""
        return (
            len(replies) == _A_ROUND
            and self._at == _DOT
            and self._ahead is not None
            and not self._finishing
            and replies[3].code == SEND_BODY
            and replies[0].code == replies[1].code == replies[2].code == DONE
        )

    def _on_dot(self, reply: Reply) -> None:
        """Settle a message, and make the one whose envelope travelled along the present one."""
        job, ahead = self._job, self._ahead
        milliseconds = int((self._since - self._started) * 1000)
        self._started = self._since
        if ahead is None or self._finishing:
            self._job = None
            self._at = _READY
        else:
            self._job, self._ahead = ahead, None
            self._at = _MAIL
            self.served += 1
        if job is not None:
            self._owner.settle(job, self._outcomes.of(reply, milliseconds))
        if reply.code // 100 not in {2, 4, 5}:
            self._end("the server's replies make no sense")

    def _on_refusal(self, reply: Reply) -> None:
        """Leave a transaction whose body will not be sent in a state where the next one can begin.

        Args:
            reply: The one to DATA.
        """
        refusal, job = self._refusal, self._job
        may_go_on = reply.code != SEND_BODY or self._refused_at > _MAIL
        if job is None or refusal is None or refusal.code // 100 not in {4, 5} or not may_go_on:
            self._end("the server's replies make no sense")
            return
        self._job = self._refusal = None
        self._needs_reset = True
        if reply.code == SEND_BODY:
            # RFC 2920, 3.1: DATA may be accepted although no recipient was; a lone dot ends it.
            self._at = _LONE_DOT
            self._expected += 1
            self._transport.write(b".\r\n")
        else:
            self._at = _READY
        self._owner.settle(job, from_reply(refusal, self._host, self._milliseconds()))
        if self._at == _READY:
            self._next()

    # ------------------------------------------------------------------ messages

    def _start(self) -> None:
        if (job := self._job) is not None:
            commands = envelope(job, self._offers)
            if isinstance(commands, bytes):
                self._begin(commands)
            else:
                self._job = None
                self._reject(job, commands)
                self._next()

    def _next(self) -> None:
        """Begin the next message, or rest, or close."""
        commands = self._take()
        if commands:
            self._job, self._ahead = self._ahead, None
            self._begin(commands)
        elif self._finishing or self.served >= self._owner.max_per_connection:
            self._quit()
        else:
            self._at = _RESTING
            self._since = monotonic()
            self._arm(self._owner.idle_seconds)
            self._owner.resting(self)

    def _take(self) -> bytes:
        """Take the message after the present one, if there is one; return its envelope."""
        owner = self._owner
        if self._ahead is not None or self._finishing or self.served >= owner.max_per_connection:
            return b""
        for _ in range(MAX_UNSENDABLE):
            job = self._ahead = owner.next_job(self)
            if job is None:
                return b""
            commands = envelope(job, self._offers)
            if isinstance(commands, bytes):
                return commands
            self._ahead = None
            self._reject(job, commands)
        self._loop.call_soon(owner.wake)
        return b""

    def _begin(self, commands: bytes) -> None:
        """Send the envelope of the present message."""
        self._started = self._since = monotonic()
        self.served += 1
        self._refusal = None
        if self._needs_reset:
            self._needs_reset = False
            self._at = _RESET
            self._expected += 4
            commands = b"RSET\r\n" + commands
        else:
            self._at = _MAIL
            self._expected += 3
        self._arm(self._timeout)
        self._transport.write(commands)

    def _compose(self) -> None:
        """Have the present message's content made, and send it."""
        job = self._job
        if job is None:
            return
        try:
            data = job.content()
        except Withdrawn:
            self._job = None
            self._owner.give_back(job)
            self._end("the message was withdrawn")  # whatever came next would be taken for its content
            return
        except Exception as error:  # noqa: BLE001 whatever it is, it is this message's alone
            self._give_up(job, f"not composed: {error!r}")
            return
        if len(data) > LARGE:
            self._large, self._written, self._at = data, 0, _BODY
            self._go_on()
        else:
            self._send(data)

    def _go_on(self) -> None:
        """Write the pieces of a large body at the server's pace."""
        while self._at == _BODY and not self._is_paused:
            start = self._written
            if start + LARGE >= len(self._large):
                piece, self._large = self._large[start:], b""
                self._send(piece)
                return
            self._written = start + LARGE
            self._since = monotonic()
            self._transport.write(self._large[start : self._written])

    def _send(self, data: bytes) -> None:
        """Write a body or its last piece, the dot and, if there is one, the next envelope."""
        job = self._job
        if job is None:
            return
        ahead = self._take()
        try:
            job.before_final_dot()
        except Exception as error:  # noqa: BLE001 whatever it is, the mail must not leave without its journal entry
            self._give_up(job, f"not sent: {error!r}")
            return
        self._at = _DOT
        self._expected += 4 if ahead else 1
        self._since = monotonic()
        self._transport.write(b"".join((data, b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n", ahead)))

    def _reject(self, job: SendJob, why: Unsendable) -> None:
        self._owner.settle(job, from_us(Status.REJECTED, why.enhanced, why.reason, self._host))

    def _give_up(self, job: SendJob, reason: str) -> None:
        """Defer a message that the server waits for and we can not send."""
        self._job = None
        self._owner.settle(job, from_us(Status.DEFERRED, "4.3.0", reason, self._host, self._milliseconds()))
        self._end("given up")

    def _milliseconds(self) -> int:
        return int((monotonic() - self._started) * 1000)

    # ------------------------------------------------------------------ endings

    def _overdue(self) -> tuple[float, Callable[[], None]]:
        """Return how many seconds what is going on may take, and what to do when it takes longer."""
        return (self._owner.idle_seconds, self._quit) if self._at == _RESTING else (self._timeout, self._time_out)

    def _time_out(self) -> None:
        what = "the server took no data for" if self._at == _BODY else "no reply within"
        self._end(f"{what} {self._timeout:g} s", is_late=True)

    def _quit(self) -> None:
        """Say goodbye without waiting for the answer, and close."""
        if self._ahead is not None:  # its envelope is on the wire: the server would take QUIT for its content
            self._end("closed")
        else:
            self._hang_up()
            self._owner.ended(self)

    def _gone(self, reason: str, *, is_late: bool) -> None:
        """Say what came of what was under way; the connection has been given up."""
        job, ahead = self._job, self._ahead
        self._job = self._ahead = None
        self._large = b""
        try:
            if job is not None and not (self._is_untouched() and self.served > 1 and self._owner.retry(job)):
                self._owner.settle(job, self._lost(reason, is_late=is_late))
            if ahead is not None and not self._owner.retry(ahead):
                self._owner.settle(ahead, from_us(Status.DEFERRED, "4.4.2", reason, self._host))
        finally:
            self._owner.ended(self)

    def _is_untouched(self) -> bool:
        """Say whether the server has answered nothing of the present message, or only that it closes the session.

        Trying it once more on a fresh session is then safe and likely to help, if this one worked before.
        """
        if self._refusal is not None:
            return self._refused_at == _MAIL and self._refusal.code == CLOSING
        return self._at <= _MAIL

    def _lost(self, reason: str, *, is_late: bool) -> Outcome:
        """Return the outcome of a message whose session has ended."""
        if self._refusal is not None:
            status = Status.DEFERRED if self._refusal.code // 100 < 4 else None  # noqa: PLR2004 neither 4xx nor 5xx
            return from_reply(self._refusal, self._host, self._milliseconds(), status=status)
        is_sent = self._at == _DOT
        status = Status.IN_DOUBT if is_sent else Status.DEFERRED
        enhanced = "4.4.1" if is_late and not is_sent else "4.4.2"
        return from_us(status, enhanced, reason, self._host, self._milliseconds())

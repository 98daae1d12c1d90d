"""The transaction with a server that does not offer PIPELINING: one command, one reply, by aiosmtplib.

May import `aiosmtplib` and `app.mail.smtp` below `connection`.
"""

import asyncio
import logging
from time import monotonic

import aiosmtplib

from app.mail.smtp.envelope import Offers, SendJob, Unsendable, Withdrawn, envelope
from app.mail.smtp.outcome import Outcome, Status, from_reply, from_us
from app.mail.smtp.replies import CLOSING, SEND_BODY, Reply
from app.mail.smtp.session import Owner

logger = logging.getLogger(__name__)


class SequentialSession:
    """Transactions, one after the other, over one connection; a task of its own carries them out."""

    def __init__(self, smtp: aiosmtplib.SMTP, host: str, offers: Offers, owner: Owner, reply_timeout: float) -> None:
        self.ended: str | None = None
        """Why nothing more will come; None while the session is good."""
        self.served = 0
        """Messages begun here."""
        self._smtp = smtp
        self._host = host
        self._offers = offers
        self._owner = owner
        self._timeout = reply_timeout
        self._job: SendJob | None = None
        self._task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[SendJob | None] | None = None
        self._finishing = False
        self._needs_reset = False
        self._is_untouched = True
        self._is_composed = False
        self._dot_sent = False
        self._started = 0.0

    def start(self, job: SendJob) -> None:
        """Send a first message, then go on with what the owner has."""
        self._job = job
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Ask the owner for a message, if resting."""
        rest = self._rest
        if rest is None or rest.done():
            return
        job = self._owner.next_job(self)
        if job is not None:
            self._job = job
            rest.set_result(job)
        elif not rest.done():
            self._owner.resting(self)

    def finish(self) -> None:
        """End what has begun, then close; a resting session closes now."""
        self._finishing = True
        if self._rest is not None and not self._rest.done():
            self._rest.set_result(None)
            self._quit()

    def abort(self, reason: str) -> None:
        """Close at once; a message whose content has not been touched is given back, another settled."""
        job = self._job
        if self.ended is None and job is not None and not self._is_composed:
            self._job = None
            self._owner.give_back(job)
        self._end(reason)
        if self._task is not None:
            self._task.cancel()

    # ------------------------------------------------------------------ the task

    async def _run(self) -> None:
        try:
            while self._job is not None or await self._has_next():
                await self._serve()
                if self.ended is not None:
                    return
            self._quit()
        except asyncio.CancelledError:
            self._end("interrupted")
            raise
        except Exception as error:
            logger.exception("an SMTP session has failed")
            self._end(repr(error))

    async def _has_next(self) -> bool:
        """Take the next message, waiting for it as long as a session may rest."""
        if self._finishing or self.served >= self._owner.max_per_connection:
            return False
        self._job = self._owner.next_job(self)
        if self._job is not None or self._finishing:
            return self._job is not None
        loop = asyncio.get_running_loop()
        rest = self._rest = loop.create_future()
        timer = loop.call_later(self._owner.idle_seconds, _stop_resting, rest)
        self._owner.resting(self)
        try:
            return await rest is not None
        finally:
            timer.cancel()
            self._rest = None

    async def _serve(self) -> None:
        """Send the present message and settle it."""
        job = self._job
        if job is None:
            return
        self._is_untouched, self._is_composed, self._dot_sent = True, False, False
        self._started = monotonic()
        commands = envelope(job, self._offers)
        if isinstance(commands, Unsendable):
            self._settle(job, from_us(Status.REJECTED, commands.enhanced, commands.reason, self._host))
            return
        self.served += 1
        try:
            await self._transact(job, commands)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._end(str(error) or "connection lost", is_late=isinstance(error, TimeoutError))

    async def _transact(self, job: SendJob, commands: bytes) -> None:
        if self._needs_reset:
            await self._command(b"RSET")
            if self._hears_more():
                return
        self._needs_reset = True
        for command, good in zip(commands.split(b"\r\n"), (2, 2, 3), strict=False):
            reply = await self._command(command)
            if reply.code == CLOSING and self._is_untouched:
                self._end("the server closed the session", reply=reply)
                return
            self._is_untouched = False
            if reply.code // 100 != good or (good == 3 and reply.code != SEND_BODY):  # noqa: PLR2004 3xx
                self._refused(job, reply)
                return
            if self._hears_more():
                return
        data = self._content(job)
        if data is None:
            return
        reply = await self._transfer(data)
        self._needs_reset = False
        status = Status.IN_DOUBT if reply.code // 100 not in {2, 4, 5} else None
        self._settle(job, from_reply(reply, self._host, self._milliseconds(), status=status))
        if reply.code == CLOSING or status is not None:
            self._end("the server closed the session")
        self._hears_more()

    def _content(self, job: SendJob) -> bytes | None:
        """Return the body, noted in the journal; None: the session has been given up."""
        self._is_composed = True
        step = "composed"
        try:
            data = job.content()
            step = "sent"
            job.before_final_dot()
        except Withdrawn:
            self._job = None
            self._owner.give_back(job)
        except Exception as error:  # noqa: BLE001 whatever it is, it is this message's alone
            reason = f"not {step}: {error!r}"
            self._settle(job, from_us(Status.DEFERRED, "4.3.0", reason, self._host, self._milliseconds()))
        else:
            return data
        self._end("given up")  # whatever came next would be taken for content
        return None

    def _refused(self, job: SendJob, reply: Reply) -> None:
        odd = reply.code // 100 not in {4, 5}
        status = Status.DEFERRED if odd else None
        self._settle(job, from_reply(reply, self._host, self._milliseconds(), status=status))
        if odd or reply.code == CLOSING:
            self._end("the server's replies make no sense" if odd else "the server closed the session")
        self._hears_more()

    def _hears_more(self) -> bool:
        """End the session when octets came behind a reply.

        aiosmtplib keeps them, and would take them for the answer to the next command.
        """
        if self.ended is None and getattr(self._smtp.protocol, "_buffer", None):
            self._end("reply without a command")
        return self.ended is not None

    async def _command(self, command: bytes) -> Reply:
        response = await self._smtp.execute_command(command, timeout=self._timeout)
        return Reply(response.code, tuple(response.message.split("\n")))

    async def _transfer(self, data: bytes) -> Reply:
        """Send body and dot; aiosmtplib's own method would rewrite the body, which is ready as it is.

        Raises:
            SMTPServerDisconnected: The connection is gone.
        """
        protocol = self._smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        self._dot_sent = True
        protocol.write(data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"))
        async with asyncio.timeout(self._timeout):
            response = await protocol.read_response()
        return Reply(response.code, tuple(response.message.split("\n")))

    # ------------------------------------------------------------------ endings

    def _settle(self, job: SendJob, outcome: Outcome) -> None:
        if self._job is job:  # else the session was aborted, and said what it knew
            self._job = None
            self._owner.settle(job, outcome)

    def _milliseconds(self) -> int:
        return int((monotonic() - self._started) * 1000)

    def _quit(self) -> None:
        """Say goodbye without waiting for the answer, and close."""
        if self.ended is None:
            self.ended = "closed"
            if self._smtp.protocol is not None and self._smtp.is_connected:
                self._smtp.protocol.write(b"QUIT\r\n")
            self._smtp.close()
            self._owner.ended(self)

    def _end(self, reason: str, *, reply: Reply | None = None, is_late: bool = False) -> None:
        """Give the connection up at once, and what was under way here; the first reason stays."""
        if self.ended is not None:
            return
        self.ended = reason
        self._smtp.close()
        job, self._job = self._job, None
        try:
            if job is not None and not (self._is_untouched and self.served > 1 and self._owner.retry(job)):
                self._owner.settle(job, self._lost(reason, reply, is_late=is_late))
        finally:
            self._owner.ended(self)

    def _lost(self, reason: str, reply: Reply | None, *, is_late: bool) -> Outcome:
        """Return the outcome of a message whose session has ended."""
        if reply is not None:
            return from_reply(reply, self._host, self._milliseconds())
        status = Status.IN_DOUBT if self._dot_sent else Status.DEFERRED
        enhanced = "4.4.1" if is_late and not self._dot_sent else "4.4.2"
        return from_us(status, enhanced, reason, self._host, self._milliseconds())


def _stop_resting(rest: asyncio.Future[SendJob | None]) -> None:
    if not rest.done():
        rest.set_result(None)

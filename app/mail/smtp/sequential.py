"""The transaction with a server that does not offer PIPELINING: one command, one reply, by aiosmtplib.

May import `aiosmtplib` and `app.mail.smtp` below `connection`.
"""

import asyncio
import time
from collections.abc import Callable

import aiosmtplib

from app.mail.smtp.envelope import SendJob
from app.mail.smtp.outcome import Outcome, Status, from_reply, from_us
from app.mail.smtp.replies import CLOSING, SEND_BODY, Reply


class SequentialSession:
    """Transactions, one after the other, over one connection."""

    def __init__(self, smtp: aiosmtplib.SMTP, host: str, reply_timeout: float) -> None:
        self.dot_sent = False
        """Whether a final dot has been written whose reply is not in yet."""
        self.untouched = False
        """Whether the last message failed before the server had answered anything of it."""
        self._smtp = smtp
        self._host = host
        self._timeout = reply_timeout
        self._needs_reset = False

    @property
    def usable(self) -> bool:
        """Whether the next message may be tried here."""
        return self._smtp.is_connected

    def close(self) -> None:
        """Say goodbye without waiting for the answer, and close."""
        if self._smtp.protocol is not None and self._smtp.is_connected:
            self._smtp.protocol.write(b"QUIT\r\n")
        self._smtp.close()

    def has_begun(self, job: SendJob) -> bool:
        """Say that no message ever begins before its turn."""
        del job
        return False

    async def send(
        self, job: SendJob, commands: tuple[bytes, bytes] | None, following: Callable[[], SendJob | None] | None
    ) -> Outcome:
        """Carry out one transaction; `following` is of no use here."""
        del following
        if commands is None:
            return from_us(Status.DEFERRED, "4.3.0", "nothing has begun", self._host)
        started = time.monotonic()
        self.untouched = True
        try:
            return await self._transaction(job, commands, started)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._smtp.close()
            late = isinstance(error, TimeoutError) and not self.dot_sent
            status = Status.IN_DOUBT if self.dot_sent else Status.DEFERRED
            reason = str(error) or "connection lost"
            return from_us(status, "4.4.1" if late else "4.4.2", reason, self._host, _since(started))

    async def _transaction(self, job: SendJob, commands: tuple[bytes, bytes], started: float) -> Outcome:
        mail, rcpt = commands
        if self._needs_reset:
            await self._command(b"RSET")
        self._needs_reset = True
        for command, good in ((b"MAIL " + mail, 2), (b"RCPT " + rcpt, 2), (b"DATA", 3)):
            reply = await self._command(command)
            self.untouched = self.untouched and reply.code == CLOSING
            if reply.code // 100 != good or (good == 3 and reply.code != SEND_BODY):  # noqa: PLR2004 3xx
                return self._refused(reply, started)
        try:
            job.before_final_dot()
        except Exception as error:  # noqa: BLE001 whatever it is, the mail must not leave without its journal entry
            self._smtp.close()
            return from_us(Status.DEFERRED, "4.3.0", f"not sent: {error!r}", self._host, _since(started))
        reply = await self._transfer(job.data)
        self.dot_sent = False
        self._needs_reset = False
        if reply.code == CLOSING:
            self._smtp.close()
        status = Status.IN_DOUBT if reply.code // 100 not in {2, 4, 5} else None
        return from_reply(reply, self._host, _since(started), status=status)

    def _refused(self, reply: Reply, started: float) -> Outcome:
        odd = reply.code // 100 not in {4, 5}
        if odd or reply.code == CLOSING:
            self._smtp.close()
        return from_reply(reply, self._host, _since(started), status=Status.DEFERRED if odd else None)

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
        self.dot_sent = True
        protocol.write(data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"))
        async with asyncio.timeout(self._timeout):
            response = await protocol.read_response()
        return Reply(response.code, tuple(response.message.split("\n")))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)

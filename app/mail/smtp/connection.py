"""One SMTP session. Every exception of network and protocol becomes an Outcome here, and nowhere else.

May import `app.mail.smtp` (not `pool`) and the standard library.
"""

import asyncio
import ssl
from collections.abc import Callable

from app.mail.smtp.envelope import Offers, SendJob, Unsendable, envelope
from app.mail.smtp.opening import open_session
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.pipelined import PipelinedSession
from app.mail.smtp.routes import Host, Route
from app.mail.smtp.sequential import SequentialSession

__all__ = ["Connection", "SendJob"]


class Connection:
    """A session with one host; sends one message at a time."""

    def __init__(self, session: PipelinedSession | SequentialSession, host: str, offers: Offers) -> None:
        """Wrap a session; `open` makes one."""
        self.host = host
        self.offers = offers
        self.served = 0
        """Messages tried here."""
        self._session = session

    @classmethod
    async def open(  # noqa: D417 the rest is documented at open_session
        cls,
        route: Route,
        host: Host,
        *,
        helo_name: str,
        connect_timeout: float,
        reply_timeout: float,
        tls_context: ssl.SSLContext | None = None,
    ) -> "Connection | Outcome":
        """Open a session with one host; see `open_session` for what may come instead.

        Args:
            reply_timeout: For every reply from then on, in seconds.
        """
        opened = await open_session(
            route, host, helo_name=helo_name, timeout_seconds=connect_timeout, tls_context=tls_context
        )
        if isinstance(opened, Outcome):
            return opened
        session: PipelinedSession | SequentialSession
        if opened.offers.pipelining and opened.smtp.transport is not None:
            session = PipelinedSession(opened.smtp.transport, host.name, opened.offers, reply_timeout)
        else:
            session = SequentialSession(opened.smtp, host.name, reply_timeout)
        return cls(session, host.name, opened.offers)

    @property
    def usable(self) -> bool:
        """Whether the next message may be tried here."""
        return self._session.usable

    @property
    def was_stale(self) -> bool:
        """Whether the last message failed because the session had ended before the server saw it.

        Trying it once more on a fresh session is then safe and likely to help.
        """
        return self.served > 1 and self._session.untouched and not self._session.usable

    async def send(self, job: SendJob, following: Callable[[], SendJob | None] | None = None) -> Outcome:
        """Hand one message over.

        Args:
            job: The message.
            following: Asked for the next message right before this one's body is written; its envelope then travels
                in the same write. What it returned must be sent here next, or the connection closed.

        Raises:
            CancelledError: The caller was cancelled; the connection is closed then, see `interrupted`.
        """
        self.served += 1
        commands = None if self._session.has_begun(job) else envelope(job, self.offers)
        if isinstance(commands, Unsendable):
            return from_us(Status.REJECTED, commands.enhanced, commands.reason, self.host)
        try:
            return await self._session.send(job, commands, following)
        except asyncio.CancelledError:
            self.close()
            raise
        except Exception as error:  # noqa: BLE001 the promise of this module
            outcome = self.interrupted(repr(error))
            self.close()
            return outcome

    def interrupted(self, reason: str = "interrupted") -> Outcome:
        """Return the outcome of a transaction that was cut off on our side."""
        status = Status.IN_DOUBT if self._session.dot_sent else Status.DEFERRED
        return from_us(status, "4.4.2", reason, self.host)

    def close(self) -> None:
        """Close the session, with a goodbye where that is possible."""
        self._session.close()

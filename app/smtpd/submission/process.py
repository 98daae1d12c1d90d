"""The submission process. Imports its siblings, the listener, `app.core`, `app.db`, `app.queue`, `app.settings`."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import KeyRing, LogIns
from app.core.messages import Batcher
from app.core.senders import SenderBook
from app.db.engine import make_engine
from app.kit import memory
from app.kit.clock import Clock, SystemClock
from app.kit.secrets import Vault
from app.models.message import Kind
from app.queue import JobQueue
from app.settings import Settings
from app.smtpd.limits import Limits
from app.smtpd.server import SmtpServer, tls_context
from app.smtpd.submission.desk import Parts, SubmissionDesk
from app.telemetry import counters
from app.telemetry.logger import Logger

SURPLUS_RECIPIENTS = 1_000
"""Recipients beyond the limit that are still told so one by one, before the listener stops asking."""
_LOG = Logger(__name__)


def limits_of(settings: Settings) -> Limits:
    """Return what clients of submission may do."""
    return Limits(
        message_bytes=settings.send.max_message_bytes,
        buffered_bytes=max(settings.api.batch_bytes, 2 * settings.send.max_message_bytes),
        recipients=settings.send.max_recipients + SURPLUS_RECIPIENTS,
        connections=settings.smtp.connections,
        connections_per_address=settings.smtp.connections,  # whole companies are behind one address
        commands=10_000_000,
    )


class SubmissionServer:
    """The listener with what stands behind it; a context manager that listens inside its block.

    Attributes:
        port: Where it listens, once it does.
    """

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Take what it works with.

        Args:
            settings: Address, limits, keys.
            engine: Of the process.
            limits: What clients may do, instead of what the settings say.
            clock: Tells the time of acceptance; the machine's when None.

        Raises:
            OSError, ssl.SSLError: The certificate can't be used.
        """
        self._settings = settings
        self._engine = engine
        self._limits = limits or limits_of(settings)
        self._clock = clock or SystemClock()
        given = settings.smtp
        self._tls = tls_context(given.certificate_file, given.key_file) if given.certificate_file else None
        self._stack = AsyncExitStack()
        self.port = given.port

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The address is taken.
        """
        settings = self._settings
        async with AsyncExitStack() as stack:
            queue = JobQueue(settings, counters.count_nudge_failed)
            queue.start()
            stack.callback(queue.close)
            keys = KeyRing(self._engine)
            stack.push_async_callback(keys.close)
            batcher = Batcher(self._engine, settings, queue, self._clock, _count_group)
            await batcher.start()
            stack.push_async_callback(batcher.close)
            logins = LogIns(self._engine, Vault(settings.secret_keys), keys)
            parts = Parts(settings, keys, logins, SenderBook(self._engine), batcher, self._clock)
            name = settings.delivery.helo_name or urlsplit(settings.public_url).hostname or "localhost"
            server = SmtpServer(SubmissionDesk(name, parts), settings.smtp.host, self.port, self._limits, tls=self._tls)
            await stack.enter_async_context(server)
            self.port = server.port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and end what is under way."""
        await self._stack.aclose()


def _count_group(entries: int, copies: Mapping[Kind, int]) -> None:
    counters.observe_batch(entries)
    for kind, count in copies.items():
        counters.count_messages(kind, "accepted", count)


async def serve(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT; without a port only wait for that.

    PostgreSQL need not be there at the start: mails are put off (451) until it is.

    Raises:
        OSError, ssl.SSLError: The address is taken, or the certificate can't be used.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if not settings.smtp.port:
        _LOG.info("submission.off")
        await stop.wait()
        return
    engine = make_engine(settings, pool_size=4)
    memory.settle()
    try:
        async with SubmissionServer(settings, engine) as server:
            _LOG.info("submission.started", host=settings.smtp.host, port=server.port)
            await stop.wait()
            _LOG.info("submission.stopping")
    finally:
        await engine.dispose()

"""The intake process. Imports its siblings, the listener, `app.db`, `app.settings`."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import make_engine
from app.kit import memory
from app.settings import Settings
from app.smtpd.intake.applying import Applier
from app.smtpd.intake.desk import IntakeDesk
from app.smtpd.intake.maildir import Maildir
from app.smtpd.limits import Limits
from app.smtpd.server import SmtpServer, tls_context
from app.telemetry.logger import Logger

AT_ONCE = 8
"""Transactions of one process at a time, beside the one that applies delivery reports in groups."""
_LOG = Logger(__name__)


def limits_of(settings: Settings) -> Limits:
    """Return what clients of the intake may do."""
    given = settings.intake
    return Limits(
        message_bytes=given.max_message_bytes,
        kept_bytes=given.kept_bytes,
        buffered_bytes=max(64 * 1024 * 1024, 4 * given.kept_bytes),
        connections=given.connections,
        connections_per_address=given.connections_per_address,
        command_seconds=given.reply_timeout_seconds,
        session_seconds=given.session_seconds,
    )


class IntakeServer:
    """The listener with what stands behind it; a context manager that listens inside its block.

    Attributes:
        port: Where it listens, once it does.
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, *, limits: Limits | None = None) -> None:
        """Take what it works with.

        Args:
            settings: Address, limits, keys.
            engine: Of the process.
            limits: What clients may do, instead of what the settings say.

        Raises:
            OSError, ssl.SSLError: The certificate can't be used.
        """
        given = settings.intake
        tls = tls_context(given.certificate_file, given.key_file) if given.certificate_file else None
        self._applier = Applier(settings, engine, at_once=AT_ONCE)
        desk = IntakeDesk(
            given.name or settings.bounce_domain,
            settings.bounce_domain,
            self._applier,
            mails_per_minute=given.mails_per_minute,
        )
        self._server = SmtpServer(desk, given.host, given.port, limits or limits_of(settings), tls=tls)
        self._parts = AsyncExitStack()
        self.port = given.port

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The address is taken.
        """
        await self._parts.enter_async_context(self._applier)
        await self._parts.enter_async_context(self._server)
        self.port = self._server.port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and end what is under way."""
        await self._parts.aclose()


async def serve(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT.

    PostgreSQL need not be there at the start: mails are put off (451) until it is.

    Raises:
        OSError, ssl.SSLError: The address is taken, or the certificate can't be used.
    """
    stop = _stop_on_signal()
    engine = make_engine(settings, pool_size=AT_ONCE + 1)
    memory.settle()
    try:
        async with IntakeServer(settings, engine) as server:
            _LOG.info("intake.started", host=settings.intake.host, port=server.port)
            await stop.wait()
            _LOG.info("intake.stopping")
    finally:
        await engine.dispose()


async def watch(settings: Settings, directory: Path, *, once: bool = False) -> None:
    """Take the mails of a folder until SIGTERM or SIGINT, or until it is empty.

    Args:
        settings: Keys, and what bounces lead to.
        directory: A maildir.
        once: Whether to end when nothing is new.

    Raises:
        OSError: The folder can't be used.
        DatabaseAway: PostgreSQL is away, and it was to be done once.
    """
    stop = _stop_on_signal()
    engine = make_engine(settings, pool_size=2)
    try:
        async with Applier(settings, engine, at_once=1) as applier:
            await Maildir(directory, applier, settings.intake.kept_bytes).run(stop, once=once)
    finally:
        await engine.dispose()


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop

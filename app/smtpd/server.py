"""The SMTP listener: takes connections within its limits, and closes cleanly. Imports its siblings.

Whatever a session does, the listener goes on; a client that may not come in hears 421 and why.
"""

import asyncio
import ssl
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from app.smtpd.limits import Budget, Limits
from app.smtpd.pace import group_of
from app.smtpd.service import Service
from app.smtpd.session import Session
from app.smtpd.wire import Wire
from app.telemetry.logger import Logger

BACKLOG = 512
_LOG = Logger(__name__)


def tls_context(certificate_file: Path, key_file: Path | None) -> ssl.SSLContext:
    """Return what STARTTLS needs.

    Args:
        certificate_file: The chain, PEM.
        key_file: Its private key, PEM; None: in the same file.

    Raises:
        OSError, ssl.SSLError: The files can't be read, or do not fit.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file, key_file)
    return context


class SmtpServer:
    """The listener; a context manager that listens inside its block.

    Attributes:
        port: Where it listens, once it does.
    """

    def __init__(
        self,
        service: Service,
        host: str,
        port: int,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Take what it works with.

        Args:
            service: Decides over sessions and mails.
            host: Address to listen on.
            port: TCP port; 0: any free one.
            limits: What clients may do.
            tls: For STARTTLS; None: it is not offered.
            reuse_port: Whether other processes may listen there as well, and share the connections.
        """
        self.port = port
        self._service, self._host, self._limits, self._tls = service, host, limits, tls
        self._reuse_port = reuse_port
        self._budget = Budget(limits.buffered_bytes)
        self._sessions: dict[asyncio.Task[None], tuple[Wire, Session]] = {}
        self._by_group: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    @property
    def sessions(self) -> int:
        """How many sessions there are now."""
        return len(self._sessions)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The address is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Wire(self._opened),
            self._host,
            self.port,
            backlog=BACKLOG,
            reuse_port=self._reuse_port or None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; sessions without a mail under way hear 421 at once, the others when it is answered."""
        if self._server is not None:
            self._server.close()
        for wire, _ in self._sessions.values():
            wire.stop()
        if self._sessions:
            await asyncio.wait(list(self._sessions), timeout=self._limits.close_seconds)
        remaining = dict(self._sessions)
        for task, (wire, _) in remaining.items():
            task.cancel()
            wire.abort()
        await asyncio.gather(*remaining, return_exceptions=True)

    def _opened(self, wire: Wire) -> None:
        group = group_of(wire.address)
        limits = self._limits
        if len(self._sessions) >= limits.connections or self._by_group[group] >= limits.connections_per_address:
            wire.say("421 4.7.0 too many connections")
            wire.close()
            return
        self._by_group[group] += 1
        session = Session(wire, self._service, limits, self._budget, self._tls)
        task = asyncio.get_running_loop().create_task(self._run(session, wire, group))
        self._sessions[task] = (wire, session)
        task.add_done_callback(self._ended)

    async def _run(self, session: Session, wire: Wire, group: str) -> None:
        try:
            await session.run()
        except Exception:  # noqa: BLE001 the listener goes on
            _LOG.exception("smtpd.session_failed", client=wire.address)
            wire.abort()
        finally:
            self._by_group[group] -= 1
            if not self._by_group[group]:
                del self._by_group[group]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sessions.pop(task, None)

"""The sandbox inbox: an SMTP server that keeps everything it gets (docs/contract/native.md, 18).

A mail is durable in PostgreSQL before its 250: what waits is written by one statement, then what has gathered meanwhile
by the next, so that the load itself makes the groups. May import `app.core`, `app.db`, `app.mail`, `app.telemetry`.
"""

import asyncio
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import sandbox
from app.core.messages import email_id
from app.core.sandbox import Arrival
from app.db.engine import driver_connection, is_disconnect, make_engine
from app.delivery.sandbox_session import Limits, Received, Session
from app.kit import secrets
from app.kit.clock import Clock, SystemClock
from app.mail import verp
from app.settings import Settings
from app.telemetry.logger import Logger

CONNECTIONS = 200
"""Sessions at once; more are told to come back."""
GROUP_MAILS = 500
GROUP_BYTES = 32 * 1024 * 1024
"""What one statement writes at most."""
STORE_SECONDS = 20.0
"""How long one statement may take before its mails are refused for now."""
CLOSE_SECONDS = 10.0
"""How long mails under way may take when the server stops."""
_LOG = Logger(__name__)


class Keeper:
    """Writes mails in groups and tells each sender when its own is durable."""

    def __init__(self, engine: AsyncEngine, *, max_messages: int) -> None:
        """Take what it works with.

        Args:
            engine: Of the process.
            max_messages: Mails kept at most.
        """
        self._engine = engine
        self._max_messages = max_messages
        self._waiting: list[tuple[Arrival, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, arrival: Arrival) -> bool:
        """Keep a mail; True when it is durable, False when it could not be."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._write_on_one_connection()
        finally:
            self._writing = None

    async def _write_on_one_connection(self) -> None:
        group = self._next_group()
        try:
            async with driver_connection(self._engine) as connection:
                while group:  # borrowing a connection costs more than writing a group
                    outcomes = await self._store(connection, [arrival for arrival, _ in group])
                    _answer(group, outcomes)
                    group = self._next_group()
        except Exception as error:  # noqa: BLE001 whatever it was, the client must hear 451 and the server go on
            _LOG.warning("sandbox.not_kept", mails=len(group), error=f"{type(error).__name__}: {error}"[:500])
            _answer(group, [False] * len(group))

    def _next_group(self) -> list[tuple[Arrival, asyncio.Future[bool]]]:
        count, size = 0, 0
        for arrival, _ in self._waiting[:GROUP_MAILS]:
            size += len(arrival.raw)
            if count and size > GROUP_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _store(self, connection: "asyncpg.Connection[asyncpg.Record]", arrivals: Sequence[Arrival]) -> list[bool]:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await sandbox.store(connection, arrivals, max_messages=self._max_messages)
        except asyncpg.PostgresError as error:
            if is_disconnect(error):
                raise
            if len(arrivals) > 1:
                # One mail must not take the others with it: each alone.
                return [(await self._store(connection, [arrival]))[0] for arrival in arrivals]
            _LOG.warning("sandbox.not_kept", mails=1, error=f"{type(error).__name__}: {error}"[:500])
            return [False]
        return [True] * len(arrivals)


def _answer(group: Sequence[tuple[Arrival, asyncio.Future[bool]]], outcomes: Sequence[bool]) -> None:
    for (_, kept), outcome in zip(group, outcomes, strict=True):
        if not kept.done():
            kept.set_result(outcome)


class SandboxServer:
    """The listener; a context manager that listens inside its block.

    Attributes:
        port: Where it listens, once it does.
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, *, clock: Clock | None = None) -> None:
        """Take what it works with.

        Args:
            settings: Address, limits, and the secret keys that read return paths.
            engine: Of the process.
            clock: Tells the time.
        """
        self.port = settings.sandbox.port
        self._settings = settings
        self._clock = clock or SystemClock()
        self._keys = [secrets.derive(key, "verp") for key in settings.secret_keys]
        self._keeper = Keeper(engine, max_messages=settings.sandbox.max_messages)
        self._limits = Limits(
            # What may be submitted, grown by a transfer encoding and our own header.
            message_bytes=2 * settings.send.max_message_bytes,
            recipients=settings.send.max_recipients,
            command_seconds=settings.delivery.reply_timeout_seconds,
        )
        self._sessions: dict[asyncio.Task[None], Session] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The address is taken.
        """
        host = self._settings.sandbox.host
        self._server = await asyncio.start_server(self._serve, host, self.port, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, let mails under way end, end the sessions."""
        if self._server is not None:
            self._server.close()
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS
        while busy := [task for task, session in self._sessions.items() if not session.idle]:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait(busy, timeout=min(left, 0.05))
        remaining = list(self._sessions)
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._sessions) >= CONNECTIONS:
            writer.write(b"421 4.7.0 too many connections\r\n")
            writer.close()
            return
        session = Session(reader, writer, self._limits, self._keep, "sandbox")
        self._sessions[task] = session
        try:
            await session.run()
        except asyncio.CancelledError:
            # Only `__aexit__` cancels a session; it ends here, because asyncio logs what a stream's task raises.
            writer.write(b"421 4.3.2 stopping\r\n")
        finally:
            del self._sessions[task]
            writer.close()

    async def _keep(self, mail: Received) -> bool:
        accepted_at, message_id = self._copy_of(mail.sender)
        arrival = Arrival(
            received_at=self._clock.now(),
            envelope_from=mail.sender,
            recipients=mail.recipients,
            raw=mail.raw,
            accepted_at=accepted_at,
            message_id=message_id,
            email_id=email_id(accepted_at, message_id, self._settings.node_name)
            if accepted_at is not None and message_id is not None
            else "",
        )
        return await self._keeper.keep(arrival)

    def _copy_of(self, sender: str) -> tuple[datetime, int] | tuple[None, None]:
        token = verp.token_of(sender)
        copy = verp.decode(self._keys, token) if token else None
        return (None, None) if copy is None else (datetime.fromtimestamp(copy[0], UTC), copy[1])


async def main(settings: Settings) -> None:
    """Run the sandbox until SIGTERM or SIGINT.

    PostgreSQL need not be there at the start: mails are refused for now (451) until it is.

    Raises:
        OSError: The address is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    engine = make_engine(settings, pool_size=2)
    try:
        async with SandboxServer(settings, engine) as server:
            _LOG.info("sandbox.started", host=settings.sandbox.host, port=server.port)
            await stop.wait()
            _LOG.info("sandbox.stopping")
    finally:
        await engine.dispose()

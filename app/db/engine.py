"""The engine of one process, and the driver's own connection for the hot paths."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.settings import Settings

IDLE_SECONDS = 1.0
"""After which a pooled connection is asked whether its server is still there."""


def make_engine(settings: Settings, *, pool_size: int | None = None) -> AsyncEngine:
    """Return an engine with a bounded pool, bound to the event loop that first uses it.

    Args:
        settings: `database_url` and the group `database`.
        pool_size: Connections kept, instead of `database.pool_size`.
    """
    engine = create_async_engine(
        settings.database_url,
        pool_size=pool_size or settings.database.pool_size,
        max_overflow=4,
        pool_timeout=10,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # an error's text reaches the log; addresses and keys must not
        connect_args={
            "timeout": settings.database.connect_timeout_seconds,
            "command_timeout": settings.database.statement_timeout_seconds,
            "server_settings": {
                "application_name": "trireme",
                "jit": "off",  # statements here are short; compiling them costs more than it saves
                "timezone": "UTC",
            },
        },
    )
    _replace_lost(engine)
    return engine


def _replace_lost(engine: AsyncEngine) -> None:
    """Have connections replaced that were lost while they lay in the pool.

    The driver knows of one that was closed. Of one that just fell silent nobody knows, so it is asked; the pool can do
    that before each use, but three round trips are a sixth of a request.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: Any, _lent: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("closed while it was idle")
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) > IDLE_SECONDS:
            try:
                connection.ping()
            except Exception as error:
                raise DisconnectionError("fell silent while it was idle") from error


async def driver_of(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """Return the asyncpg connection inside a SQLAlchemy one.

    Values of type jsonb go in as JSON text and come out parsed.
    """
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)


@asynccontextmanager
async def driver_connection(engine: AsyncEngine) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Lend an asyncpg connection of the engine's pool, for COPY, arrays and explicit transactions.

    A connection that was lost meanwhile is thrown away instead of going back to the pool, and so is one that is still
    in a transaction: whoever is cancelled while it begins leaves it open, and the pool does not know of it.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: No connection could be made.
    """
    async with engine.connect() as connection:
        driver = await driver_of(connection)
        try:
            yield driver
        finally:
            if driver.is_closed() or driver.is_in_transaction():
                await connection.invalidate()


class DatabaseAway(ConnectionError):
    """Raised by `app.db.unit_of_work` when PostgreSQL, or the way to it, is gone: try again later."""


def is_disconnect(error: BaseException) -> bool:
    """Tell whether the error means that the server or the way to it is gone, not that a statement was refused."""
    lost: tuple[type[BaseException], ...] = (
        OSError,
        EOFError,
        TimeoutError,
        asyncio.IncompleteReadError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # what a query meets whose connection ends under it
        asyncpg.PostgresConnectionError,
        asyncpg.exceptions.AdminShutdownError,
        asyncpg.exceptions.CrashShutdownError,
        asyncpg.exceptions.CannotConnectNowError,
        asyncpg.exceptions.TooManyConnectionsError,
    )
    cause: Any = error
    while cause is not None:
        if isinstance(cause, lost):
            return True
        cause = getattr(cause, "orig", None) or cause.__cause__
    return False


class KeptConnection:
    """One connection of the pool, kept for a loop that uses it all the time, and opened anew after a loss.

    Lending it anew for each use would cost as much as a short statement.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        """Prepare; nothing connects before `get`."""
        self._engine = engine
        self._stack = AsyncExitStack()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def get(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Return the connection, opened when there is none.

        Raises:
            OSError, asyncpg.PostgresError, TimeoutError: No connection could be made.
        """
        if self._connection is None or self._connection.is_closed():
            await self.drop()
            self._connection = await self._stack.enter_async_context(driver_connection(self._engine))
        return self._connection

    async def drop(self) -> None:
        """Give the connection up; the next `get` opens another."""
        self._connection = None
        with contextlib.suppress(Exception):  # it is given up in any case
            await self._stack.aclose()
        self._stack = AsyncExitStack()

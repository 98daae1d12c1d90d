"""A connection that was lost in the pool is replaced before anybody gets it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db import engine as engines
from app.db.engine import driver_connection, make_engine
from app.settings import Database, Settings

SOCKET = ".s.PGSQL.5432"


class Line:
    """The way to a server, which may fall silent: what is sent then is swallowed."""

    def __init__(self, server: Path) -> None:
        self.server = server
        self.folder = ""
        self.silent: set[int] = set()
        self.opened = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.opened = self.opened, self.opened + 1
        there_reader, there_writer = await asyncio.open_unix_connection(self.server)
        both = self._pass(reader, there_writer, number), self._pass(there_reader, writer, number)
        self._tasks |= {asyncio.create_task(one) for one in both}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        with suppress(ConnectionError):
            while octets := await reader.read(65_536):
                if number not in self.silent:
                    writer.write(octets)
        writer.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def line(settings: Settings) -> AsyncIterator[Line]:
    """A way to the test's database."""
    line = Line(Path(str(make_url(settings.database_url).query["host"])) / SOCKET)
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.start_unix_server(line.open, Path(folder) / SOCKET)
        line.folder = folder
        yield line
        server.close()
        await line.close()


@pytest.fixture
async def engine(settings: Settings, line: Line) -> AsyncIterator[AsyncEngine]:
    """An engine whose connections go that way, one at a time, and wait a fifth of a second for an answer."""
    url = make_url(settings.database_url).update_query_dict({"host": line.folder})
    database = Database(pool_size=1, statement_timeout_seconds=0.2)
    update = {"database_url": url.render_as_string(hide_password=False), "database": database}
    engine = make_engine(settings.model_copy(update=update))
    yield engine
    await engine.dispose()


async def backend(engine: AsyncEngine) -> int:
    async with driver_connection(engine) as connection:
        pid: int = await connection.fetchval("SELECT pg_backend_pid()")
        return pid


async def test_one_that_was_closed_is_replaced(engine: AsyncEngine, line: Line, settings: Settings) -> None:
    known = asyncio.Event()
    async with driver_connection(engine) as connection:
        first = connection.get_server_pid()
        connection.add_termination_listener(lambda _: known.set())
    other = make_engine(settings)
    async with driver_connection(other) as another:
        await another.execute("SELECT pg_terminate_backend($1, 5000)", first)
    await other.dispose()
    await asyncio.wait_for(known.wait(), 5)
    assert await backend(engine) != first
    assert line.opened == 2


async def test_one_that_fell_silent_is_replaced_when_it_was_idle(
    engine: AsyncEngine, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await backend(engine)
    line.silent = {0}
    with pytest.raises(TimeoutError):
        await backend(engine)  # nobody asked it: it was in use a moment ago
    monkeypatch.setattr(engines, "IDLE_SECONDS", 0.0)
    second = await backend(engine)
    assert second != first
    assert await backend(engine) == second, "it was asked, and there"

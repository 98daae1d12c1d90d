"""Services on the state of vectors.yaml: shared ones by name, and a fresh one for whoever needs the state as it was.

The state is laid down once, in a database that the others are cloned from.
"""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection, make_engine
from app.delivery.drain import Drain
from app.main import create_app
from app.settings import Settings
from tests.contract.documents import SETTINGS
from tests.contract.fixtures import World, lay_down
from tests.contract.wire import Connection, Listener
from tests.fixtures import database
from tests.fixtures.smtp_server import Received, SmtpServer

DELIVERY_SECONDS = 20
_numbers = itertools.count(1)


def _with(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return settings with some changed by their logical names."""
    for name, value in changes.items():
        group_name, _, field = name.partition(".")
        group = getattr(settings, group_name)
        assert field in type(group).model_fields, name
        settings = settings.model_copy(update={group_name: group.model_copy(update={field: value})})
    return settings


@dataclass(frozen=True)
class Scene:
    """A service at work on its own database."""

    settings: Settings
    engine: AsyncEngine
    world: World
    listener: Listener

    def connection(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """Open a connection to the service."""
        return self.listener.connection()

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def delivered(self) -> list[Received]:
        """Deliver everything that waits to an SMTP server and return what arrived there.

        Raises:
            TimeoutError: Not all of it was taken.
        """
        async with SmtpServer() as server:
            relay = {"route": "relay", "relay_url": f"smtp://127.0.0.1:{server.port}"}
            drain = Drain(
                self.settings.model_copy(update={"delivery": self.settings.delivery.model_copy(update=relay)})
            )
            task = asyncio.create_task(drain.run())
            try:
                async with asyncio.timeout(DELIVERY_SECONDS):
                    await self._finished()
            finally:
                drain.stop()
                await asyncio.wait_for(task, DELIVERY_SECONDS)
            return server.messages

    async def _finished(self) -> None:
        waiting = """
            SELECT (SELECT count(*) FROM messages WHERE (mail_id > 0 OR run_id > 0) AND finished_at IS NULL)
                + (SELECT count(*) FROM runs WHERE state = 'sending' AND next_seq <= total) AS copies
        """
        copies = -1
        while copies:
            await asyncio.sleep(0.02)
            copies = (await self.rows(waiting))[0]["copies"]


class Stage:
    """Makes scenes."""

    def __init__(self, server_url: str, template: str, broker_url: str, directory: Path, listener: Listener) -> None:
        self._server_url = server_url
        self._template = template
        self._broker_url = broker_url
        self._directory = directory
        self._listener = listener
        self._stack = contextlib.AsyncExitStack()
        self._made: tuple[str, World] | None = None
        self._shared: dict[str, tuple[Scene, Any]] = {}

    @property
    def port(self) -> int:
        """Where the service listens."""
        return self._listener.port

    async def close(self) -> None:
        """Stop what is shared and drop its databases."""
        await self._stack.aclose()

    async def shared(self, name: str) -> Scene:
        """Return the scene of this name, put behind the listener; all who ask for the name have the same."""
        if name not in self._shared:
            self._shared[name] = await self._stack.enter_async_context(self._scene({}))
        scene, self._listener.app = self._shared[name]
        return scene

    @contextlib.asynccontextmanager
    async def fresh(self, changes: Mapping[str, Any]) -> AsyncIterator[Scene]:
        """Make a scene of one's own, with some settings changed."""
        async with self._scene(changes) as (scene, self._listener.app):
            yield scene

    @contextlib.asynccontextmanager
    async def _scene(self, changes: Mapping[str, Any]) -> AsyncIterator[tuple[Scene, Any]]:
        if self._made is None:
            url = await self._stack.enter_async_context(self._clone(self._template))
            settings = self._settings(url, {})
            engine = make_engine(settings)
            world = await lay_down(engine, settings)
            await engine.dispose()
            self._made = url.partition("?")[0].rpartition("/")[2], world
        name, world = self._made
        async with self._clone(name) as url:
            settings = self._settings(url, changes)
            engine = make_engine(settings)
            application = create_app(settings, engine=engine)
            try:
                async with application.running():
                    yield Scene(settings, engine, world, self._listener), application
            finally:
                await engine.dispose()

    @contextlib.asynccontextmanager
    async def _clone(self, template: str) -> AsyncIterator[str]:
        name = f"trireme_contract_{os.getpid()}_{next(_numbers)}"
        await database.administer(self._server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield database.with_database(self._server_url, name)
        finally:
            await database.administer(self._server_url, f"DROP DATABASE {name} WITH (FORCE)")

    def _settings(self, url: str, changes: Mapping[str, Any]) -> Settings:
        directory = self._directory / str(next(_numbers))
        directory.mkdir()
        return _with(database.settings_for(url, self._broker_url, directory), {**SETTINGS, **changes})

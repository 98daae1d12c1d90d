"""A delivery process inside the test: the real drain, a real SMTP server, a real queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.messages import Accepted, Batcher
from app.db.engine import driver_connection
from app.delivery.drain import Drain
from app.kit.clock import SystemClock
from app.settings import Settings
from tests.core.messages.conftest import Nudges, draft_of
from tests.delivery.mailing import HoldingServer, Mailing
from tests.factories import Factories
from tests.factories.accounts import AccountFactory, MadeAccount
from tests.fixtures.smtp_server import SmtpServer


@pytest.fixture
async def server() -> AsyncIterator[HoldingServer]:
    async with HoldingServer() as server:
        yield server


@pytest.fixture
def to_server(settings: Settings, server: SmtpServer) -> Settings:
    """The test's settings, with everything going to its SMTP server."""
    delivery = settings.delivery.model_copy(
        update={"route": "relay", "relay_url": f"smtp://127.0.0.1:{server.port}", "retry_seconds": [3600]}
    )
    return settings.model_copy(update={"delivery": delivery})


Running = Callable[..., AbstractAsyncContextManager[Drain]]


@asynccontextmanager
async def running(settings: Settings, **parts: Any) -> AsyncIterator[Drain]:
    """A drain at work; stopped in good order afterwards."""
    drain = Drain(settings, **parts)
    task = asyncio.create_task(drain.run())
    try:
        yield drain
    finally:
        drain.stop()
        await asyncio.wait_for(task, 20)


class Post:
    """Hands mail over and waits for what becomes of it."""

    def __init__(self, engine: AsyncEngine, settings: Settings, make: AccountFactory) -> None:
        self.engine = engine
        self._settings = settings
        self._make = make
        self._account: MadeAccount | None = None

    async def account(self) -> MadeAccount:
        if self._account is None:
            self._account = await self._make.account(senders=["news@example.com"])
        return self._account

    async def accept(self, *recipients: str, **changes: Any) -> Accepted:
        batcher = Batcher(self.engine, self._settings, Nudges(), SystemClock())
        await batcher.start()
        try:
            return await batcher.accept(draft_of(await self.account(), *recipients, **changes))
        finally:
            await batcher.close()

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def until(self, query: str, expected: object, *args: object) -> None:
        """Wait until the query's one value is as expected; say what it was when it never is."""
        value: object = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                while True:
                    rows = await self.rows(query, *args)
                    value = next(iter(rows[0].values())) if rows else None
                    if value == expected:
                        return
                    await asyncio.sleep(0.02)
        raise AssertionError(f"{query}: {value!r}, expected {expected!r}")

    async def gone(self, path: Path) -> None:
        """Wait until a file is removed."""
        for _ in range(500):
            if not await asyncio.to_thread(path.exists):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{path} is still there")


@pytest.fixture
def post(engine: AsyncEngine, settings: Settings, make: AccountFactory) -> Post:
    return Post(engine, settings, make)


@pytest.fixture
def mailing(engine: AsyncEngine, make: Factories) -> Mailing:
    return Mailing(engine, make)

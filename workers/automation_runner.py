"""Moves contacts on through automations: takes runs whose time has come, turn by turn, in one transaction each.

Nothing is kept here: a runner that dies leaves every run where it was, for the next one or for another process.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import automations
from app.core.automations import Advanced
from app.core.transactional import Site
from app.db.engine import driver_connection, is_disconnect
from app.db.unit_of_work import unit_of_work
from app.settings import Settings

POLL_SECONDS = 0.5
AWAY_SECONDS = 1.0
TIDY_SECONDS = 60.0
logger = logging.getLogger(__name__)


class AutomationRunner:
    """Moves runs on until told to stop; several processes may do it at once."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        *,
        on_moved: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of the process.
            settings: Of the process.
            on_moved: Called after each turn that moved runs on.
            clock: Instead of the database's.
        """
        self._engine = engine
        self._site = Site.of(settings)
        self._default_cap = settings.quota.default_monthly
        self._on_moved = on_moved
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for runs now."""
        self._wake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Move on what is due, and look again in a moment; while the database is away, wait for it."""
        loop = asyncio.get_running_loop()
        watcher = asyncio.create_task(self._wake_when(stopping))
        tidy_at = loop.time() + TIDY_SECONDS
        try:
            while not stopping.is_set():
                self._wake.clear()
                moved = await self._turn()
                if loop.time() >= tidy_at:
                    await self._tidy()
                    tidy_at = loop.time() + TIDY_SECONDS
                if moved:
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        finally:
            watcher.cancel()

    async def advance(self) -> Advanced:
        """Do one turn."""
        now = self._clock() if self._clock else None
        async with unit_of_work(self._engine) as write:
            advanced = await automations.advance(write, site=self._site, default_cap=self._default_cap, now=now)
        if advanced.runs:
            self._on_moved()
        return advanced

    async def _turn(self) -> int:
        try:
            return (await self.advance()).runs
        except Exception as error:
            if not is_disconnect(error):
                logger.exception("automations could not be moved on, and are tried again")
            await asyncio.sleep(AWAY_SECONDS)
            return 0

    async def _tidy(self) -> None:
        try:
            async with driver_connection(self._engine) as connection:
                await automations.tidy(connection)
        except Exception as error:
            if not is_disconnect(error):
                logger.exception("automations could not be tidied up")

    async def _wake_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._wake.set()

"""When keys were last used: written to the minute, in the background, in a transaction of its own. Uses the repository.

Nobody waits for it and nobody depends on it: while PostgreSQL is away, or somebody changes the key, it is left out.
"""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import repository
from app.db.engine import DatabaseAway
from app.db.unit_of_work import unit_of_work
from app.models.api_key import ApiKey

EVERY = timedelta(minutes=1)
"""How exact it is."""
LONGEST_SECONDS = 5.0
"""How long one writing may take."""
MAX_TASKS = 100
"""Writings at a time; beyond that a use goes unnoted."""


class KeyUse:
    """One process's notes of use."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Prepare.

        Args:
            engine: Where keys are.
        """
        self._engine = engine
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, key: ApiKey) -> None:
        """Note that a key, as it was just read, is in use."""
        known = key.last_used_at
        if (known is not None and datetime.now(UTC) - known < EVERY) or len(self._tasks) >= MAX_TASKS:
            return
        task = asyncio.create_task(self._write(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LONGEST_SECONDS)

    async def _write(self, key: ApiKey) -> None:
        with contextlib.suppress(SQLAlchemyError, DatabaseAway, OSError, TimeoutError):
            async with asyncio.timeout(LONGEST_SECONDS), unit_of_work(self._engine) as write:
                await repository.note_use(write, key.id, EVERY)

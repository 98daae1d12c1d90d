"""Copies that were claimed and will not be begun now go back to the queue, in groups."""

import asyncio
import logging
from collections import defaultdict

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Copy
from app.db.engine import KeptConnection, is_disconnect
from app.db.sql import Connection
from app.delivery.recorder import Recorder

GATHER_SECONDS = 0.02
RETRY_SECONDS = 0.5

logger = logging.getLogger(__name__)


class Returns:
    """Releases copies; until that is committed they stay in their leases."""

    def __init__(self, engine: AsyncEngine, recorder: Recorder) -> None:
        """Prepare; `run` works.

        Args:
            engine: One connection of it is kept.
            recorder: Keeps the leases, and forgets what was released.
        """
        self._kept = KeptConnection(engine)
        self._recorder = recorder
        self._waiting: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._arrived = asyncio.Event()

    def put(self, copy: Copy, after_seconds: float = 0.0) -> None:
        """Give a copy back, to be claimed again by anybody after so long."""
        self._waiting[copy.lease_id][copy.message_id] = after_seconds
        self._arrived.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self._arrived.wait()
                await asyncio.sleep(GATHER_SECONDS)
                self._arrived.clear()
                if not await self._flush_safely():
                    await asyncio.sleep(RETRY_SECONDS)
                    self._arrived.set()
        finally:
            await self._kept.drop()

    async def flush(self, connection: Connection) -> None:
        """Release everything that waits.

        Raises:
            OSError, asyncpg.PostgresError: What is not released yet waits still.
        """
        while self._waiting:
            lease_id, given = next(iter(self._waiting.items()))
            ids, after = list(given), list(given.values())  # one statement for a lease, however long each is to wait
            await messages.release(connection, lease_id, ids, after_seconds=after)
            for message_id in ids:
                del given[message_id]
            if not given:
                del self._waiting[lease_id]
            if self._recorder.drop(lease_id, ids):
                await messages.end_leases(connection, [lease_id])

    async def _flush_safely(self) -> bool:
        try:
            await self.flush(await self._kept.get())
        except Exception as error:
            if not is_disconnect(error):
                logger.exception("copies can't be given back")
            await self._kept.drop()
            return False
        return True

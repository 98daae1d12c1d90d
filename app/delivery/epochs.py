"""What was claimed under an older epoch of its run must not begin any more.

A pause, a stop and a resume raise the epoch of a run and notify it. This process takes note, returns what it has not
begun, and says so in its leases, which is what the pause waits for. A look more than twice a second covers notices that
were lost.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Copy, Owner
from app.db.engine import KeptConnection, is_disconnect
from app.db.sql import Connection

LOOK_SECONDS = 0.4
"""Well below what a pause waits at most, so that it is obeyed in time without a notice too."""
REMEMBERED = 10_000
"""Runs whose epoch is remembered; an older one has long been told to every claim."""

logger = logging.getLogger(__name__)


class Epochs:
    """The newest epoch known of each run. One per process; `run` keeps it."""

    def __init__(
        self,
        engine: AsyncEngine,
        owner: Owner,
        held_runs: Callable[[], Iterable[int]],
        on_change: Callable[[int], None],
    ) -> None:
        """Prepare.

        Args:
            engine: One connection of it is kept, to listen.
            owner: This process.
            held_runs: Runs this process has claimed copies of.
            on_change: Told the id of a run whose epoch has risen, at once; what it leaves begun may end.
        """
        self._kept = KeptConnection(engine)
        self._owner = owner
        self._held_runs = held_runs
        self._on_change = on_change
        self._known: OrderedDict[int, int] = OrderedDict()
        self._to_obey: dict[int, int] = {}
        self._news = asyncio.Event()

    def is_withdrawn(self, copy: Copy) -> bool:
        """Tell whether a copy was claimed under an older epoch of its run."""
        return copy.run_id is not None and copy.epoch < self._known.get(copy.run_id, 0)

    def note(self, run_id: int, epoch: int) -> None:
        """Take note of the epoch of a run; an older one than known changes nothing."""
        if epoch <= self._known.get(run_id, 0):
            return
        self._known[run_id] = epoch
        self._known.move_to_end(run_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self._on_change(run_id)
        self._to_obey[run_id] = epoch
        self._news.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        listening: Connection | None = None
        try:
            while True:
                try:
                    connection = await self._kept.get()
                    if connection is not listening:
                        await connection.add_listener(messages.CHANNEL, self._heard)
                        listening = connection
                    await self._obey(connection)
                    await self._look(connection)
                    await self._obey(connection)
                except Exception as error:
                    if not is_disconnect(error):
                        logger.exception("watching the epochs of runs failed")
                    await self._kept.drop()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), LOOK_SECONDS)
                self._news.clear()
        finally:
            await self._kept.drop()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        run_id, _, epoch = str(payload).partition(":")
        if run_id.isdecimal() and epoch.isdecimal():
            self.note(int(run_id), int(epoch))

    async def _obey(self, connection: Connection) -> None:
        while self._to_obey:
            run_id, epoch = next(iter(self._to_obey.items()))
            await messages.obey(connection, self._owner, run_id, epoch)
            if self._to_obey.get(run_id) == epoch:
                del self._to_obey[run_id]

    async def _look(self, connection: Connection) -> None:
        """Ask for the epochs of the runs this process holds copies of."""
        held = list(self._held_runs())
        if held:
            for run_id, epoch in await messages.epochs(connection, held):
                self.note(run_id, epoch)

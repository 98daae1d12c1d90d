"""Routes domain events: what follows from each is written into tables of its own, once.

A consumer is a function that gets a connection, in the transaction that also marks the events as routed, and the
events. Whoever wants to follow events (webhooks, automations) is added to `consumers_of`.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import automations, events, postbacks, tracking, transactional, webhooks
from app.core.events import Event
from app.db.engine import KeptConnection, is_disconnect
from app.db.sql import Connection
from app.settings import Settings

BATCH = 200
"""Events routed in one transaction."""
POLL_SECONDS = 0.5
AWAY_SECONDS = 1.0
PATIENCE = 5
"""How often one event alone may fail before it is set aside, so that it does not hold up the others for ever."""
MOST_REMEMBERED = 1000

Consumer = Callable[[Connection, Sequence[Event]], Awaitable[object]]
logger = logging.getLogger(__name__)


def consumers_of(settings: Settings) -> tuple[Consumer, ...]:
    """Return who follows the events of an installation.

    Mail comes last: it holds counters that all accepted mail wants, until the transaction ends.
    """
    greet = partial(
        transactional.greet, site=transactional.Site.of(settings), default_cap=settings.quota.default_monthly
    )
    return (postbacks.enqueue, webhooks.enqueue, tracking.forget, automations.enter, greet)


class EventRouter:
    """Routes until told to stop; several processes may do it at once."""

    def __init__(self, engine: AsyncEngine, *, on_routed: Callable[[], None], consumers: Sequence[Consumer]) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of the process.
            on_routed: Called after each commit.
            consumers: Who follows the events, of `consumers_of`.
        """
        self._kept = KeptConnection(engine)
        self._on_routed = on_routed
        self._consumers = consumers
        self._failures: Counter[int] = Counter()

    async def run(self, stopping: asyncio.Event) -> None:
        """Route what there is, and look again in a moment; while the database is away, wait for it."""
        try:
            while not stopping.is_set():
                if await self._turn() == BATCH:
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), POLL_SECONDS)
        finally:
            await self._kept.drop()

    async def route(self, limit: int = BATCH) -> int:
        """Route the oldest events and return how many they were."""
        connection = await self._kept.get()
        async with connection.transaction():
            taken = await events.take(connection, limit)
            if limit == 1 and taken and self._failures[taken[0].id] >= PATIENCE:
                logger.error("event %s can't be routed and is set aside", taken[0].id)
            else:
                for consumer in self._consumers if taken else ():
                    await self._consume(consumer, connection, taken)
            await events.mark_routed(connection, taken)
        if taken:
            self._on_routed()
        return len(taken)

    async def _consume(self, consumer: Consumer, connection: Connection, taken: Sequence[Event]) -> None:
        try:
            await consumer(connection, taken)
        except Exception as error:
            if len(taken) == 1 and not is_disconnect(error):
                if len(self._failures) >= MOST_REMEMBERED:
                    self._failures.clear()
                self._failures[taken[0].id] += 1
            raise

    async def _turn(self) -> int:
        try:
            return await self.route()
        except Exception as error:
            await self._kept.drop()
            if is_disconnect(error):
                await asyncio.sleep(AWAY_SECONDS)
                return 0
            logger.exception("events could not be routed together, and are routed one by one")
        try:
            for _ in range(BATCH):
                if not await self.route(1):
                    break
        except Exception as error:
            await self._kept.drop()
            if not is_disconnect(error):
                logger.exception("an event could not be routed")
        return 0

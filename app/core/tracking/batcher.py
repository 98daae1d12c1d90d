"""Recording opens and clicks in groups: what waits is written together, and each waits for the commit.

One flusher per process takes whatever has gathered, writes it in one transaction, answers, and looks again. The rules:

* A group that PostgreSQL refuses is tried again event by event: one bad event does not fail its neighbours.
* A lost connection, also in the middle of a commit: the same is written again. Ids were given before, so what was
  committed after all changes nothing.
* PostgreSQL away: who waits hears so after some seconds, or at once when it has been away for longer; the event stays
  here and is written when PostgreSQL is back.
* What may wait is bounded in events and bytes; beyond that `Overloaded`.
* A client that hangs up cancels nothing: what was handed over is written.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.errors import Overloaded
from app.core.tracking.recording import (
    MAX_IP,
    MAX_URL,
    MAX_USER_AGENT,
    Clicked,
    Opened,
    TrackedEvent,
    next_ids,
    record_events,
)
from app.db.engine import DatabaseAway, KeptConnection, is_disconnect
from app.kit.clock import Clock

GROUP_EVENTS = 500
ID_BLOCK = 1_000
EVENT_BYTES = 500
"""What an event takes beside its texts, near enough."""
PATIENCE_SECONDS = 3.0
CLOSING_SECONDS = 10.0
RETRY_SECONDS = 0.1
TRANSIENT = frozenset({"25", "40", "53", "55", "57", "58"})
"""Classes of errors that are no fault of what was to be written: read-only server, deadlock, no room, lock, operator,
system (PostgreSQL, appendix A)."""

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    """One event, and who waits for it."""

    event: TrackedEvent
    size: int
    future: "asyncio.Future[None]"

    def answer(self, error: Exception | None = None) -> None:
        """Tell that it is durable, or why it is not."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)
            self.future.exception()  # who handed it over may be gone; that nobody looks at the error is no error


class EventBatcher:
    """Records opens and clicks in groups. One per process and event loop."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        *,
        most_events: int = 50_000,
        most_bytes: int = 64 * 1024 * 1024,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            engine: Of `make_engine`; one connection of it is kept.
            clock: Tells when events happen.
            most_events: Most that may wait.
            most_bytes: Most bytes that may wait.
            patience_seconds: How long `opened` and `clicked` wait at most.
        """
        self._clock = clock
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._patience = patience_seconds
        self._bytes = 0
        self._queue: list[_Waiting] = []
        self._in_hand = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._away_since: float | None = None
        self._ids: list[int] = []
        self._flusher: asyncio.Task[None] | None = None
        self._connection = KeptConnection(engine)

    @property
    def waiting(self) -> int:
        """Events that are not written yet."""
        return len(self._queue) + self._in_hand

    async def start(self) -> None:
        """Start the flusher."""
        self._flusher = asyncio.create_task(self._run(), name="event-batcher")

    async def close(self, *, patience_seconds: float = CLOSING_SECONDS) -> None:
        """Write what waits, then stop; later events are refused.

        Args:
            patience_seconds: After so long without PostgreSQL what still waits is lost, and the log says how much.
        """
        self._closing = True
        self._arrived.set()
        if self._flusher is not None:
            _, late = await asyncio.wait([self._flusher], timeout=patience_seconds)
            if late:
                logger.error("%d events could not be written before the end", self.waiting)
                self._flusher.cancel()
                await asyncio.wait([self._flusher])
        await self._connection.drop()

    async def opened(self, message_id: int, accepted_at: datetime, *, ip: str, user_agent: str) -> None:
        """Return once an open is durable; of a copy that does not exist nothing is recorded.

        Args:
            message_id: The copy.
            accepted_at: Its partition.
            ip: Who fetched the pixel, "" unknown.
            user_agent: With which program, "" unknown.

        Raises:
            Overloaded: Too much waits, the process is stopping, or PostgreSQL refuses this very event, which is
                logged; nothing will be recorded.
            DatabaseAway: It took too long; the event will be recorded when PostgreSQL is back.
        """
        ip, agent = ip[:MAX_IP], user_agent[:MAX_USER_AGENT]
        await self._submit(Opened(self._id(), message_id, accepted_at, self._clock.now(), ip, agent), len(agent))

    async def clicked(
        self, message_id: int, accepted_at: datetime, *, link: int, url: str, ip: str, user_agent: str
    ) -> None:
        """Return once a click is durable; of a copy that does not exist nothing is recorded.

        Args:
            message_id: The copy.
            accepted_at: Its partition.
            link: Number of the link in its content, from 0.
            url: Where it leads.
            ip: Who came, "" unknown.
            user_agent: With which program, "" unknown.

        Raises:
            Overloaded: As `opened`.
            DatabaseAway: As `opened`.
        """
        ip, agent, url = ip[:MAX_IP], user_agent[:MAX_USER_AGENT], url[:MAX_URL]
        event = Clicked(self._id(), message_id, accepted_at, self._clock.now(), ip, agent, link, url)
        await self._submit(event, len(agent) + len(url))

    def _id(self) -> int | None:
        """Return an id of those that are in stock; without one the event gets its id when it is first written."""
        return self._ids.pop() if self._ids else None

    async def _submit(self, event: TrackedEvent, size: int) -> None:
        """Hand an event over and wait.

        Raises:
            Overloaded: As `opened`.
            DatabaseAway: As `opened`.
        """
        size += EVENT_BYTES
        if self._closing:
            raise Overloaded("the process is stopping")
        if self.waiting >= self._most_events or self._bytes + size > self._most_bytes:
            raise Overloaded("too many events wait to be written")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(event, size, loop.create_future())
        self._bytes += size
        self._queue.append(waiting)
        self._arrived.set()
        since = time.monotonic() if self._away_since is None else self._away_since
        try:
            # Who stops waiting cancels the future alone; the event is the flusher's.
            async with asyncio.timeout(max(0.0, since + self._patience - time.monotonic())):
                await waiting.future
        except TimeoutError:
            raise DatabaseAway("the database is away") from None

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                group, self._queue = self._queue[:GROUP_EVENTS], self._queue[GROUP_EVENTS:]
                self._in_hand = len(group)
                try:
                    await self._flush(group)
                except Exception as error:
                    logger.exception("%d events could not be recorded", len(group))
                    _answer(group, error)
                finally:
                    self._bytes -= sum(waiting.size for waiting in group)
                self._in_hand = 0
            if self._closing:
                return

    async def _flush(self, group: list[_Waiting]) -> None:
        """Write the group, whatever it takes, and answer every one of it."""
        while True:
            try:
                await self._write(group)
            except Exception as error:
                if _is_transient(error):
                    await self._wait_for_database(error)
                    continue
                if not isinstance(error, asyncpg.PostgresError):
                    raise
                await self._after_refusal(group, error)
            else:
                self._is_back()
                _answer(group)
            return

    async def _write(self, group: list[_Waiting]) -> None:
        """Write the group.

        Raises:
            ConnectionError: There is no connection to write it on, whatever the reason.
        """
        try:
            connection = await self._connection.get()
        except Exception as error:
            raise ConnectionError(f"no connection: {error}") from error
        if len(self._ids) < GROUP_EVENTS:
            block = await next_ids(connection, ID_BLOCK)  # meanwhile others take from the stock: join it only now
            self._ids = sorted([*self._ids, *block], reverse=True)
        for waiting in group:
            if waiting.event.id is None:
                waiting.event = replace(waiting.event, id=self._ids.pop())
        await record_events(connection, [waiting.event for waiting in group])

    async def _wait_for_database(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            logger.warning("events wait for the database: %s", error)
        await self._connection.drop()
        await asyncio.sleep(RETRY_SECONDS)

    def _is_back(self) -> None:
        if self._away_since is not None:
            away = time.monotonic() - self._away_since
            logger.warning("events are written again after %.1f s; %d wait", away, self.waiting)
            self._away_since = None

    async def _after_refusal(self, group: list[_Waiting], error: asyncpg.PostgresError) -> None:
        self._is_back()
        if len(group) == 1:
            logger.error("an event was refused: %s", error)
            _answer(group, Overloaded("the event was refused"))
            return
        logger.warning("a group of %d events was refused, trying one by one: %s", len(group), error)
        for waiting in group:
            await self._flush([waiting])


def _answer(group: Iterable[_Waiting], error: Exception | None = None) -> None:
    for waiting in group:
        waiting.answer(error)


def _is_transient(error: Exception) -> bool:
    """Tell whether the same may well succeed later."""
    if isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in TRANSIENT:
        return True
    return is_disconnect(error)

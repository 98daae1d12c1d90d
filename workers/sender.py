"""Calls customers' URLs: claims what is due, from each endpoint what it has room for, and records how it ended.

One engine for postbacks and webhooks: what is called, and how, is said by `Calls`. No transaction is open while a call
is. A call that was made and could not be recorded is made again: at least once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import KeptConnection, is_disconnect
from app.db.sql import Connection
from app.outbound import Ended, Endpoints, OutboundError, TimedOut
from app.outbound.client import Answer, Client

TOTAL = 400
"""Calls open at once."""
CLAIM = 256
"""Calls taken in one claim."""
GROUP = 500
"""Results recorded in one go."""
MOST_UNRECORDED = 2000
"""Results that may wait for a database that is away, before nothing more is called."""
SLOW_SECONDS = 2.0
"""An answer that takes longer earns its endpoint no room."""
PACE_SECONDS = 0.02
"""Between two claims, and between two groups of results: many small ones would cost more than the calls."""
POLL_SECONDS = 0.5
AWAY_SECONDS = 1.0
STOP_SECONDS = 12.0
"""How long open calls may go on after the order to stop."""
LAST_RECORD_SECONDS = 1.0
Due = TypeVar("Due")
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class Calls(Protocol[Due, Result]):
    """What there is to call, and what to say."""

    name: str
    """For the log: `postbacks`."""
    timeout_seconds: float
    """Of one call."""

    async def claim(
        self, connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float
    ) -> Sequence[Due]:
        """Take calls that are due."""
        ...

    def endpoint_of(self, due: Due) -> str:
        """Return what the call is to."""
        ...

    async def call(self, client: Client, due: Due) -> Answer:
        """Make the call.

        Raises:
            OutboundError: There was no answer.
        """
        ...

    def result(self, due: Due, status: int | None, error: str) -> Result:
        """Return how the call ended: an HTTP status, or why there was none."""
        ...

    async def record(self, connection: Connection, results: Sequence[Result]) -> tuple[int, Sequence[str]]:
        """Record how calls ended; return how many failed, and sentences about those that were given up."""
        ...


class Sender(Generic[Due, Result]):
    """Calls until told to stop; several processes may do it at once."""

    def __init__(
        self,
        engine: AsyncEngine,
        client: Client,
        calls: Calls[Due, Result],
        *,
        on_ended: Callable[[str, int], None] = lambda _result, _count: None,
    ) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of the process.
            client: Opened.
            calls: What there is to call.
            on_ended: Gets a result (delivered, failed, given_up) and how many calls had it.
        """
        self.endpoints = Endpoints(TOTAL)
        self._client = client
        self._calls = calls
        self._on_ended = on_ended
        self._claiming = KeptConnection(engine)
        self._recording = KeptConnection(engine)
        self._open: set[asyncio.Task[None]] = set()
        self._results: list[Result] = []
        self._wake = asyncio.Event()

    @property
    def lease_seconds(self) -> float:
        """How long a claim is ours: a call, and room to record it."""
        return self._calls.timeout_seconds * 1.5 + 5

    def wake(self) -> None:
        """Look for calls now."""
        self._wake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Claim, call and record; once told to stop, let open calls end and record them."""
        ended = asyncio.Event()
        recorder = asyncio.create_task(self._record_all(ended))
        watcher = asyncio.create_task(self._wake_when(stopping))
        try:
            await self._claim_all(stopping)
            if self._open:
                await asyncio.wait(self._open, timeout=STOP_SECONDS)
        finally:
            for task in (watcher, *self._open):
                task.cancel()
            ended.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(recorder, LAST_RECORD_SECONDS)
            await self._claiming.drop()
            await self._recording.drop()

    async def _wake_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._wake.set()

    async def _claim_all(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()
            begun = 0
            if self.endpoints.free > 0 and len(self._results) < MOST_UNRECORDED:
                begun = await self._claim()
            if begun or self.endpoints.after:
                await asyncio.sleep(PACE_SECONDS)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            await asyncio.sleep(PACE_SECONDS)

    async def _claim(self) -> int:
        """Begin what is due and may be begun; return how many calls."""
        try:
            connection = await self._claiming.get()
            claimed = await self._calls.claim(connection, self.endpoints, limit=CLAIM, lease_seconds=self.lease_seconds)
        except Exception as error:
            await self._claiming.drop()
            if not is_disconnect(error):
                logger.exception("%s could not be claimed", self._calls.name)
            await asyncio.sleep(AWAY_SECONDS)
            return 0
        for due in claimed:
            self.endpoints.began(self._calls.endpoint_of(due))
            call = asyncio.create_task(self._call(due))
            self._open.add(call)
            call.add_done_callback(self._open.discard)
        return len(claimed)

    async def _call(self, due: Due) -> None:
        how, status, error = Ended.FAILED, None, ""
        began = time.monotonic()
        try:
            status = (await self._calls.call(self._client, due)).status
            how = Ended.ANSWERED if time.monotonic() - began < SLOW_SECONDS else Ended.SLOW
        except TimedOut as late:
            how, error = Ended.TIMED_OUT, late.reason
        except OutboundError as refused:
            error = refused.reason
        except Exception:
            logger.exception("a call could not be made, of %s", self._calls.name)
            error = "the call could not be made"
        finally:
            self.endpoints.ended(self._calls.endpoint_of(due), how)
        self._results.append(self._calls.result(due, status, error))
        self._wake.set()  # there is room again

    async def _record_all(self, ended: asyncio.Event) -> None:
        while self._results or not ended.is_set():
            group = self._results[:GROUP]
            if group and await self._record(group):
                del self._results[: len(group)]
            elif group:
                await asyncio.sleep(AWAY_SECONDS)
            await asyncio.sleep(PACE_SECONDS)

    async def _record(self, group: Sequence[Result]) -> bool:
        """Record the results; False: the database is away."""
        try:
            connection = await self._recording.get()
        except Exception as error:
            if not is_disconnect(error):
                logger.warning("results of %s wait for the database", self._calls.name, exc_info=True)
            return False
        try:
            failed, given_up = await self._calls.record(connection, group)
        except Exception as error:
            await self._recording.drop()
            if is_disconnect(error):
                return False
            logger.exception("results of %s could not be recorded", self._calls.name)
            # One by one; what fails even alone is called again when its lease has ended.
            return len(group) == 1 or all([await self._record([one]) for one in group])
        self._tell(len(group) - failed, failed - len(given_up), given_up)
        return True

    def _tell(self, delivered: int, failed: int, given_up: Sequence[str]) -> None:
        for result, count in (("delivered", delivered), ("failed", failed), ("given_up", len(given_up))):
            if count:
                self._on_ended(result, count)
        for sentence in given_up:
            logger.warning("%s", sentence)

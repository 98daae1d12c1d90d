"""Calls customers' URLs: claims what is due, from each endpoint what it has room for, and records how it ended.

No transaction is open while a call is. A call that was made and could not be recorded is made again: at least once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import postbacks
from app.core.postbacks import Due, Ended, Endpoints, Result
from app.db.engine import KeptConnection, is_disconnect
from app.outbound import Client, OutboundError, TimedOut
from app.settings import Postbacks

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
logger = logging.getLogger(__name__)


class PostbackSender:
    """Calls until told to stop; several processes may do it at once."""

    def __init__(
        self,
        engine: AsyncEngine,
        client: Client,
        settings: Postbacks,
        *,
        on_ended: Callable[[str, int], None] = lambda _result, _count: None,
    ) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of the process.
            client: Opened.
            settings: Time-out and retries.
            on_ended: Gets a result (delivered, failed, given_up) and how many calls had it.
        """
        self.endpoints = Endpoints(TOTAL)
        self._client = client
        self._settings = settings
        self._on_ended = on_ended
        self._claiming = KeptConnection(engine)
        self._recording = KeptConnection(engine)
        self._calls: set[asyncio.Task[None]] = set()
        self._results: list[Result] = []
        self._wake = asyncio.Event()

    @property
    def lease_seconds(self) -> float:
        """How long a claim is ours: a call, and room to record it."""
        return self._settings.timeout_seconds * 1.5 + 5

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
            if self._calls:
                await asyncio.wait(self._calls, timeout=STOP_SECONDS)
        finally:
            for task in (watcher, *self._calls):
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
            claimed = await postbacks.claim(connection, self.endpoints, limit=CLAIM, lease_seconds=self.lease_seconds)
        except Exception as error:
            await self._claiming.drop()
            if not is_disconnect(error):
                logger.exception("postbacks could not be claimed")
            await asyncio.sleep(AWAY_SECONDS)
            return 0
        for due in claimed:
            self.endpoints.began(due.endpoint)
            call = asyncio.create_task(self._call(due))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return len(claimed)

    async def _call(self, due: Due) -> None:
        how, error = Ended.FAILED, ""
        began = time.monotonic()
        try:
            answer = await self._client.get(due.url, timeout_seconds=self._settings.timeout_seconds)
            how = Ended.ANSWERED if time.monotonic() - began < SLOW_SECONDS else Ended.SLOW
            if not HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST:
                error = f"HTTP status {answer.status}"
        except TimedOut as late:
            how, error = Ended.TIMED_OUT, late.reason
        except OutboundError as refused:
            error = refused.reason
        except Exception:
            logger.exception("a postback could not be called")
            error = "the call could not be made"
        finally:
            self.endpoints.ended(due.endpoint, how)
        self._results.append(Result(due, error))
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
                logger.warning("results of postbacks wait for the database", exc_info=True)
            return False
        try:
            given_up = await postbacks.record(connection, group, retries=self._settings.retries)
        except Exception as error:
            await self._recording.drop()
            if is_disconnect(error):
                return False
            logger.exception("results of postbacks could not be recorded")
            # One by one; what fails even alone is called again when its lease has ended.
            return len(group) == 1 or all([await self._record([one]) for one in group])
        self._tell(group, given_up)
        return True

    def _tell(self, group: Sequence[Result], given_up: Sequence[Result]) -> None:
        failed = sum(bool(result.error) for result in group)
        for result, count in (
            ("delivered", len(group) - failed),
            ("failed", failed - len(given_up)),
            ("given_up", len(given_up)),
        ):
            if count:
                self._on_ended(result, count)
        for one in given_up:
            logger.warning(
                "postback given up: account %s, event %s, %s at %s: %s",
                one.due.account_id,
                one.due.event_id,
                one.due.kind,
                one.due.endpoint,
                one.error,
            )

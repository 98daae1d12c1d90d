"""The ticker: every sweep, its period, its reason. `python -m workers.scheduler`.

Several may run; the one that holds the advisory lock acts, and the lock goes with its connection. A sweep asks for a
job; what a lost job would have done, the next one does.
"""

import asyncio
import contextlib
import logging
import signal
import time
from dataclasses import dataclass

import uvloop

from app.core.jobs import Job, MakePartitions
from app.db.engine import KeptConnection, is_disconnect, make_engine
from app.db.unit_of_work import Publisher
from app.queue import JobQueue
from app.settings import Settings, settings
from app.telemetry import counters, logs

TICK_SECONDS = 1.0
LOCK_KEY = 0x7469_636B  # "tick"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A job that is asked for again and again.

    Attributes:
        job: What to do.
        period_seconds: How often.
        reason: Why it is needed.
    """

    job: Job
    period_seconds: float
    reason: str


SWEEPS = (Sweep(MakePartitions(), 3600, "a month without a partition could accept no mail"),)


class Ticker:
    """Asks for what is due, while it holds the lock."""

    def __init__(self, settings: Settings, queue: Publisher) -> None:
        """Prepare; `run` works."""
        self._engine = make_engine(settings, pool_size=1)
        self._kept = KeptConnection(self._engine)
        self._queue = queue
        self._due = dict.fromkeys(SWEEPS, 0.0)
        self._acting = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick until told to stop."""
        while not stopping.is_set():
            try:
                if await self._may_act():
                    self._tick()
            except Exception as error:
                if not is_disconnect(error):
                    logger.exception("a tick failed")
                self._acting = False
                await self._kept.drop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
        await self._kept.drop()
        await self._engine.dispose()

    async def _may_act(self) -> bool:
        """Hold the lock, or see that the connection which holds it still lives."""
        connection = await self._kept.get()
        if self._acting:
            await connection.fetchval("SELECT 1")
            return True
        self._acting = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY))
        if self._acting:
            logger.info("this scheduler acts")
        return self._acting

    def _tick(self) -> None:
        now = time.monotonic()
        for sweep, due in self._due.items():
            if now >= due:
                self._queue.publish([sweep.job])
                self._due[sweep] = now + sweep.period_seconds


async def _main(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    queue = JobQueue(settings, on_failure=counters.count_nudge_failed)
    queue.start()
    try:
        await Ticker(settings, queue).run(stopping)
    finally:
        queue.close()


def main() -> None:
    """Run the scheduler until SIGTERM or SIGINT."""
    logs.configure(settings().logs)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(settings()))


if __name__ == "__main__":
    main()

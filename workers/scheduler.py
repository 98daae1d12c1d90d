"""The ticker: every sweep and chore, its period, its reason. `python -m workers.scheduler`.

Several may run; the one that holds the advisory lock acts, and the lock goes with its connection. A sweep asks for a
job; what a lost job would have done, the next one does. A chore (`workers.chores`) is done here, in a task of its own:
one that hangs or fails holds up neither the ticks nor the others.
"""

import asyncio
import contextlib
import logging
import signal
import time
from dataclasses import dataclass
from functools import partial

import uvloop

from app.core.jobs import FoldTallies, ForgetOld, Job, MakePartitions, SweepTransfers, VerifyDueSenders, WindUpAccounts
from app.db.engine import KeptConnection, is_disconnect, make_engine
from app.db.unit_of_work import Publisher
from app.queue import JobQueue
from app.settings import Settings, settings
from app.telemetry import counters, logs
from workers.chores import CampaignChores, Chore

TICK_SECONDS = 1.0
SHORTEST_SECONDS = 0.05
"""Between two ticks, also when a schedule is overdue."""
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


SWEEPS = (
    Sweep(MakePartitions(), 3600, "a month without a partition could accept no mail"),
    Sweep(VerifyDueSenders(), 60, "DNS tells nobody when a record is published, changed or gone"),
    Sweep(SweepTransfers(), 5, "a worker that dies leaves its job where it was, and a nudge may be lost"),
    Sweep(WindUpAccounts(), 300, "what a deleted account had under way may come back to the queue"),
    Sweep(FoldTallies(), 60, "every change of contacts leaves a row by which they are counted"),
    Sweep(ForgetOld(), 3600, "what is kept for a time grows old by itself, and what was in the way is gone later"),
)


class Ticker:
    """Asks for what is due, while it holds the lock."""

    def __init__(self, settings: Settings, queue: Publisher) -> None:
        """Prepare; `run` works."""
        self._engine = make_engine(settings, pool_size=4)
        self._kept = KeptConnection(self._engine)
        self._queue = queue
        self._campaigns = CampaignChores(queue)
        self._due: dict[Sweep | Chore, float] = dict.fromkeys((*SWEEPS, *self._campaigns.all()), 0.0)
        self._running: dict[Chore, asyncio.Task[None]] = {}
        self._acting = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick until told to stop."""
        try:
            await self._run(stopping)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await self._kept.drop()
            await self._engine.dispose()

    async def _run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                if await self._may_act():
                    self._tick()
            except Exception as error:
                if not is_disconnect(error):
                    logger.exception("a tick failed")
                self._acting, self._campaigns.next_due = False, None
                await self._kept.drop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self._pause())

    def _pause(self) -> float:
        """Return how long to wait for the next tick: not past the next schedule."""
        due = self._campaigns.next_due
        wait = TICK_SECONDS if due is None else min(TICK_SECONDS, due - time.monotonic())
        return max(wait, min(SHORTEST_SECONDS, TICK_SECONDS))

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
        for each, due in self._due.items():
            if now < due:
                continue
            if isinstance(each, Sweep):
                self._queue.publish([each.job])
            elif each in self._running:
                continue
            else:
                task = self._running[each] = asyncio.create_task(self._do(each))
                task.add_done_callback(partial(self._done, each))
            self._due[each] = now + each.period_seconds

    async def _do(self, chore: Chore) -> None:
        try:
            async with asyncio.timeout(chore.longest_seconds):
                await chore.act(self._engine)
        except TimeoutError:
            logger.warning("a chore took too long: %s", chore.name)
        except Exception as error:
            # Away, the database is looked for by the next tick.
            if not is_disconnect(error):
                logger.exception("a chore failed: %s", chore.name)

    def _done(self, chore: Chore, _: asyncio.Task[None]) -> None:
        del self._running[chore]


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

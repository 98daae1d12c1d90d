"""What the scheduler does itself, because a lost nudge or a missing worker must not delay it: chores of campaigns.

May import everything in `app`.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.db.unit_of_work import Publisher

WORKERS_TURN_SECONDS = 5.0
"""How long a queued run waits for a worker before the scheduler fixes its targets itself."""
CHORE_SECONDS = 10.0
SNAPSHOT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something the scheduler does itself, again and again.

    Attributes:
        name: For the log.
        act: Does it; twice at once or twice in a row must do no harm.
        period_seconds: How often; 0 = at each tick.
        longest_seconds: When it is given up, to be begun again.
        reason: Why it is needed.
    """

    name: str
    act: Callable[[AsyncEngine], Awaitable[None]]
    period_seconds: float
    longest_seconds: float
    reason: str


class CampaignChores:
    """The chores of campaigns, and what they remember between ticks.

    Attributes:
        next_due: When the next schedule is due, on the monotonic clock; None without one.
    """

    def __init__(self, publisher: Publisher) -> None:
        """Remember nothing yet.

        Args:
            publisher: Takes the nudges.
        """
        self.next_due: float | None = None
        self._publisher = publisher
        self._seen: dict[int, float] = {}

    def all(self) -> tuple[Chore, ...]:
        """Return the chores."""
        return (
            Chore("start due campaigns", self.start_due, 0, CHORE_SECONDS, "a schedule is exact to a second"),
            Chore("fix targets", self.snapshot, 1, SNAPSHOT_SECONDS, "there may be no worker, or no broker"),
            Chore("end campaigns", self.finish, 1, CHORE_SECONDS, "what is sent to the last one is done"),
            Chore("cancel stopped", self.cancel_stopped, 1, CHORE_SECONDS, "copies may be released after a stop"),
            Chore("drop targets", self.clean_up, 5, CHORE_SECONDS, "nobody needs the targets of an ended run"),
        )

    async def start_due(self, engine: AsyncEngine) -> None:
        """Start what is due, and note when the next schedule is."""
        due = await campaigns.start_due(engine)
        if due.jobs:
            self._publisher.publish(due.jobs)
        self.next_due = None if due.next_seconds is None else time.monotonic() + due.next_seconds

    async def snapshot(self, engine: AsyncEngine) -> None:
        """Fix the targets of runs no worker has come for."""
        now = time.monotonic()
        waiting = await campaigns.queued(engine)
        self._seen = {run_id: self._seen.get(run_id, now) for run_id in waiting}
        for run_id, since in self._seen.items():
            if now - since >= WORKERS_TURN_SECONDS:
                await campaigns.snapshot(engine, run_id, publisher=self._publisher)

    async def finish(self, engine: AsyncEngine) -> None:
        """End the runs of which nothing is left to do."""
        await campaigns.finish(engine)

    async def cancel_stopped(self, engine: AsyncEngine) -> None:
        """Cancel what reached the queue after its run was stopped."""
        await campaigns.cancel_stopped(engine)

    async def clean_up(self, engine: AsyncEngine) -> None:
        """Delete targets of ended runs, until they are gone or the time is over."""
        while await campaigns.clean_up(engine):
            pass

"""Outcomes -> PostgreSQL: whatever has gathered is committed together, again and again until it is.

What can't be committed stays in memory and in the journal, and the drain claims nothing new meanwhile.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Record, Recorded, SuppressionRules
from app.db.engine import KeptConnection, is_disconnect
from app.delivery.journal import Journal

GROUP = 500
"""Most outcomes in one commit."""
ENOUGH = 400
GATHER_SECONDS = 0.05
"""With fewer than so many, others are waited for this long: a commit costs much the same for one as for a hundred.
What the process is killed with meanwhile stands in the journal."""
RETRY_SECONDS = 0.2

logger = logging.getLogger(__name__)


class Recorder:
    """Commits outcomes in groups and ends leases with the last of their copies."""

    def __init__(
        self,
        engine: AsyncEngine,
        journal: Journal,
        rules: SuppressionRules,
        *,
        on_recorded: Callable[[Sequence[Recorded]], None] | None = None,
        has_sequel: Callable[[Record], bool] | None = None,
    ) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of `make_engine`; one connection of it is kept.
            journal: Forgets a copy once its outcome is committed.
            rules: What bounces lead to.
            on_recorded: Told what was committed.
            has_sequel: Takes what was committed and tells whether something follows from it: who says so forgets the
                note in the journal when that has happened.
        """
        self._connection = KeptConnection(engine)
        self._journal = journal
        self._rules = rules
        self._has_sequel = has_sequel
        self._on_recorded = on_recorded
        self._waiting: deque[Record] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._held: defaultdict[int, set[int]] = defaultdict(set)
        self._held_count = 0
        self._ended: set[int] = set()
        self._ending_now: set[int] = set()
        self.healthy = True
        """Whether the last group was committed at once."""

    @property
    def held(self) -> int:
        """Copies under a lease of this process."""
        return self._held_count

    def hold(self, lease_id: int, message_ids: Iterable[int]) -> None:
        """Note the copies of a lease; it ends when each has been recorded or dropped."""
        held = self._held[lease_id]
        before = len(held)
        held.update(message_ids)
        self._held_count += len(held) - before

    def drop(self, lease_id: int, message_ids: Iterable[int]) -> bool:
        """Note that copies of a lease have been released; return whether that was the last of it."""
        held = self._held[lease_id]
        before = len(held)
        held.difference_update(message_ids)
        self._held_count += len(held) - before
        if not held:
            del self._held[lease_id]
        return not held

    def holds(self, lease_id: int) -> bool:
        """Tell whether a lease has copies left."""
        return lease_id in self._held

    def leases(self) -> dict[int, set[int]]:
        """Return the leases of this process with their copies."""
        return {lease_id: set(held) for lease_id, held in self._held.items()}

    def add(self, record: Record) -> None:
        """Hand over one outcome."""
        self._waiting.append(record)
        self._arrived.set()

    def close(self) -> None:
        """End `run` once nothing waits."""
        self._closing = True
        self._arrived.set()

    async def run(self) -> None:
        """Commit what arrives until closed and empty."""
        try:
            while not (self._closing and not self._waiting):
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    if len(self._waiting) < ENOUGH and not self._closing:
                        await asyncio.sleep(GATHER_SECONDS)
                    group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                    await self._commit(group)
                if self._ended:
                    await self._end_leases()
        finally:
            await self._connection.drop()

    async def _end_leases(self) -> None:
        """End leases whose last copy was released while the others were being recorded: no group will."""
        try:
            await messages.end_leases(await self._connection.get(), list(self._ended))
        except Exception as error:  # the next group ends them, or the lease keeper
            if not is_disconnect(error):
                logger.exception("leases can't be ended")
            await self._connection.drop()
        else:
            self._ended.clear()

    async def _commit(self, group: Sequence[Record]) -> None:
        while True:
            try:
                recorded = await self._try(group)
            except Exception as error:
                if is_disconnect(error):
                    self.healthy = False
                    await self._connection.drop()
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if not isinstance(error, asyncpg.PostgresError):
                    raise
                if len(group) > 1:
                    logger.warning("a group of %d outcomes was refused, trying one by one: %s", len(group), error)
                    for one in group:
                        await self._commit([one])
                    return
                if isinstance(error, asyncpg.exceptions.TransactionRollbackError):
                    await asyncio.sleep(RETRY_SECONDS)  # a deadlock or serialization failure: the same may pass now
                    continue
                logger.exception("the outcome of copy %d can't be recorded", group[0].message_id)
                return
            self.healthy = True
            self._done(group, recorded)
            return

    async def _try(self, group: Sequence[Record]) -> list[Recorded]:
        connection = await self._connection.get()
        if not self.healthy and await messages.is_recorded(connection, group[0]):
            return []  # the commit had happened; only its answer was lost
        ending = self._ending(group)
        recorded = await messages.record(connection, group, ended_leases=[*ending, *self._ended], rules=self._rules)
        self._ended.clear()
        self._ending_now.update(ending)
        return recorded

    def _ending(self, group: Sequence[Record]) -> list[int]:
        return [lease_id for lease_id, ids in _by_lease(group).items() if self._held.get(lease_id, set()) <= ids]

    def _done(self, group: Sequence[Record], recorded: Sequence[Recorded]) -> None:
        for lease_id, ids in _by_lease(group).items():
            if self.drop(lease_id, ids) and lease_id not in self._ending_now:
                self._ended.add(lease_id)  # the others of it were released while this was being committed
        for record in group:
            if self._has_sequel is None or not self._has_sequel(record):
                self._journal.forget(record.message_id, record.attempt)
        self._ending_now.clear()
        if self._on_recorded is not None and recorded:
            self._on_recorded(recorded)


def _by_lease(group: Sequence[Record]) -> dict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for record in group:
        found[record.lease_id].add(record.message_id)
    return found

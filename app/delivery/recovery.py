"""Takes over what dead processes held.

On the same host the journal's lock tells at once whether a process lives, and the journal what it had begun. Leases of
another host are taken only long after they ended, and whatever is sent again then is flagged, because nobody can say
what was sent before.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from app.core import messages
from app.core.messages import Orphan, Owner, Undone
from app.db.sql import Connection
from app.delivery.journal import Journal, JournalLocked, Noted, dead_journal
from app.delivery.recorder import Recorder
from app.delivery.retry import Policy, decide, in_doubt
from app.delivery.sequels import Sequels
from app.kit.clock import Clock
from app.mail.smtp.outcome import Outcome, Status

GRACE_SECONDS = 60.0
"""How long after its end the lease of another host is left alone."""

logger = logging.getLogger(__name__)

_UNKNOWN = Outcome(
    status=Status.IN_DOUBT,
    code=0,
    enhanced="",
    reply="the delivery process ended between the final dot and the reply",
    host="",
    duration_ms=0,
)


class Recovery:
    """Finds leases without an owner and settles their copies."""

    def __init__(
        self,
        owner: Owner,
        journals: Path,
        journal: Journal,
        recorder: Recorder,
        clock: Clock,
        *,
        sequels: Sequels,
        policy: Policy,
        lease_seconds: float,
    ) -> None:
        """Prepare; `sweep` works.

        Args:
            owner: This process.
            journals: Directory of the journals of this host.
            journal: Of this process.
            recorder: Takes the outcomes.
            clock: Tells the time.
            sequels: Does what simulated recipients had still to do.
            policy: What to do with copies in doubt.
            lease_seconds: How long a lease is good.
        """
        self._owner = owner
        self._journals = journals
        self._journal = journal
        self._recorder = recorder
        self._sequels = sequels
        self._clock = clock
        self._policy = policy
        self._lease_seconds = lease_seconds
        self._connected_at = time.monotonic()

    def reconnected(self) -> None:
        """Note that PostgreSQL was away: leases may have ended whose owners live and could not renew them."""
        self._connected_at = time.monotonic()

    async def sweep(self, connection: Connection) -> int:
        """Settle what dead processes held; return how many copies that were."""
        orphans = await messages.orphaned_leases(connection, self._owner, grace_seconds=GRACE_SECONDS)
        here = [orphan for orphan in orphans if orphan.owner.host == self._owner.host]
        settled = 0
        for incarnation in self._journals_and(orphan.owner.incarnation for orphan in here):
            leases = [orphan for orphan in here if orphan.owner.incarnation == incarnation]
            with contextlib.suppress(JournalLocked):
                settled += await self._settle_here(connection, incarnation, leases)
        if time.monotonic() - self._connected_at > self._lease_seconds:
            for orphan in orphans:
                if orphan.owner.host != self._owner.host:
                    settled += await self._settle_elsewhere(connection, orphan)
        return settled

    async def settle_unknown(self, connection: Connection, leases: Sequence[int]) -> int:
        """Give back leases in this process's own name that it knows nothing of; return how many copies.

        A claim was committed and the connection ended before its answer came: nothing of it was begun.
        """
        settled = 0
        known = self._recorder.leases()
        for lease_id in leases:
            if lease_id not in known:
                orphan = Orphan(lease_id, self._owner)
                undone = await messages.take_over(connection, orphan, self._owner, lease_seconds=self._lease_seconds)
                settled += await self._settle(connection, undone, lambda _: None)
        return settled

    def _journals_and(self, incarnations: Iterable[UUID]) -> set[UUID]:
        """Return the incarnations with leases, and those that have left a journal behind."""
        found = set(incarnations)
        for path in self._journals.glob("*.journal"):
            with contextlib.suppress(ValueError):
                found.add(UUID(path.stem))
        return found - {self._owner.incarnation}

    async def _settle_here(self, connection: Connection, incarnation: UUID, leases: Sequence[Orphan]) -> int:
        path = self._journals / f"{incarnation}.journal"
        with dead_journal(path) as notes:
            if len(notes) > self._journal.room:
                return 0  # when what this process has in flight has been recorded
            # Its notes become ours before its leases do: if this process is killed now, they are not lost.
            for noted in notes:
                self._journal.adopt(noted)
            told = {(noted.message_id, noted.attempt): noted for noted in notes}
            settled = 0
            for orphan in leases:
                undone = await messages.take_over(connection, orphan, self._owner, lease_seconds=self._lease_seconds)
                settled += await self._settle(
                    connection, undone, lambda copy: told.pop((copy.message_id, copy.attempt), None)
                )
            for noted in told.values():  # recorded before the process ended
                if not self._sequels.resume(noted):
                    self._journal.forget(noted.message_id, noted.attempt)
            path.unlink(missing_ok=True)
        if settled:
            logger.warning("took over %d copies of the ended process %s", settled, incarnation)
        return settled

    async def _settle_elsewhere(self, connection: Connection, orphan: Orphan) -> int:
        undone = await messages.take_over(connection, orphan, self._owner, lease_seconds=self._lease_seconds)
        settled = await self._settle(connection, undone, lambda copy: Noted(copy.message_id, copy.attempt, None))
        logger.warning("took over %d copies of host %s, which may be sent twice", settled, orphan.owner.host)
        return settled

    async def _settle(
        self, connection: Connection, undone: Sequence[Undone], note_of: Callable[[Undone], Noted | None]
    ) -> int:
        """Record what is known of each copy, and release those that were not begun."""
        if not undone:
            return 0
        lease_id, now = undone[0].lease_id, self._clock.now()
        self._recorder.hold(lease_id, [copy.message_id for copy in undone])
        untouched = []
        for copy in undone:
            noted = note_of(copy)
            if noted is None:
                untouched.append(copy.message_id)
            else:
                self._settle_one(copy, noted, now)
        if untouched:
            await messages.release(connection, lease_id, untouched)
            if self._recorder.drop(lease_id, untouched):
                await messages.end_leases(connection, [lease_id])
        return len(undone)

    def _settle_one(self, copy: Undone, noted: Noted, now: datetime) -> None:
        if noted.outcome is not None:
            self._recorder.add(decide(copy, noted.outcome, now=now, policy=self._policy))
        else:
            due_at = now if self._policy.resend_in_doubt else None
            self._recorder.add(in_doubt(copy, _UNKNOWN, now=now, due_at=due_at))

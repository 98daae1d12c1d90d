"""Recording what attempts brought: attempts, ledger, bounces, queue and counters in one transaction.

Imports the other modules of this package, models and db.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

import asyncpg

from app.core.messages.bounces import BounceFacts, SuppressionRules, follow_up
from app.db.sql import Connection, Sql, single, sparse
from app.models.message import Kind, State
from app.models.suppression import Reason

sql = Sql(__package__)

_TOLD_WHEN_BLOCKED = {Reason.HARDBOUNCE, Reason.SOFTBOUNCE}
_MESSAGE_ID = attrgetter("message_id")
_OWN, _ALIKE = 3, 15
"""Where columns end that differ from copy to copy, and where those that mostly do not."""
_NO_BOUNCE = (None,) * 4
_FINAL = (State.DELIVERED, State.BOUNCED, State.BLOCKED, State.FAILED, State.CANCELLED)  # looked up by identity


class AttemptOutcome(StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    """The connection or the process ended between the final dot and the reply."""
    BLOCKED = "blocked"
    """Not attempted: the recipient has been suppressed since."""
    FAILED = "failed"
    """Not attempted: it could not be composed or routed on our side."""


@dataclass(slots=True)
class Record:
    """One attempt to be recorded. Not changed after it was made; freezing it would double what making it costs.

    Attributes:
        lease_id: The claim.
        message_id: The copy.
        accepted_at: Its partition.
        attempt: Number of the attempt.
        lane: Lane of the next attempt.
        attempted_at: When the outcome was known.
        outcome: What became of the attempt.
        state: What the copy becomes.
        code: SMTP reply code, 0 without a reply.
        enhanced: Enhanced status code, "" without.
        reply: What was said, or what went wrong on our side.
        host: Who said it.
        duration_ms: Milliseconds the attempt took.
        due_at: When the next attempt is due, None without one.
        duplicate: Whether the recipient may get it twice.
        blocked_reason: Reason of the suppression.
        bounce: The bounce's facts, when it becomes one.
    """

    lease_id: int
    message_id: int
    accepted_at: datetime
    attempt: int
    lane: int
    attempted_at: datetime
    outcome: AttemptOutcome
    state: State
    code: int = 0
    enhanced: str = ""
    reply: str = ""
    host: str = ""
    duration_ms: int = 0
    due_at: datetime | None = None
    duplicate: bool = False
    blocked_reason: str | None = None
    bounce: BounceFacts | None = None

    @property
    def final(self) -> bool:
        """Whether nothing will change the copy's state by itself."""
        return self.state in _FINAL


@dataclass(frozen=True, slots=True)
class Recorded:
    """Copies of which the same was recorded, for the process's own counters.

    Attributes:
        kind: What made them.
        state: What they became.
        bounce_type: Of the bounce, None without.
        category: Of the bounce, None without.
        copies: How many.
    """

    kind: Kind
    state: State
    bounce_type: str | None
    category: str | None
    copies: int


async def record(
    connection: Connection, records: Sequence[Record], *, ended_leases: Sequence[int] = (), rules: SuppressionRules
) -> list[Recorded]:
    """Record attempts in one transaction; durable when it returns. What was recorded before changes nothing.

    Without bounces the transaction is one statement. With them it holds what follows from them too, taken in this
    order: copies, counters, suppression lists, contacts.

    Args:
        connection: Outside of a transaction.
        records: One or more, at most one per copy.
        ended_leases: Leases that have nothing left to record afterwards.
        rules: What bounces lead to.

    Raises:
        asyncpg.PostgresError, OSError: Nothing was recorded, or, lost during the commit, nobody knows; `is_recorded`
            tells.
    """
    columns = [*_columns(records), list(ended_leases)]
    if not any(_has_consequences(one) for one in records):
        return _recorded(await sql.fetch(connection, "record_outcomes", *columns))
    async with connection.transaction():
        rows = await sql.fetch(connection, "record_outcomes", *columns)
        accepted_ats = {one.message_id: one.accepted_at for one in records}
        bounced, blocked = (
            sorted(message_id for row in rows if row["state"] == state for message_id in row["message_ids"])
            for state in (State.BOUNCED, State.BLOCKED)
        )
        await follow_up(connection, accepted_ats, bounced=bounced, blocked=blocked, rules=rules)
    return _recorded(rows)


async def is_recorded(connection: Connection, one: Record) -> bool:
    """Tell whether the transaction that recorded this attempt was committed."""
    rows = await sql.fetch(connection, "attempt_exists", one.message_id, one.accepted_at, one.attempt, one.lease_id)
    return bool(rows[0]["known"])


async def delivered_copy(connection: Connection, message_id: int) -> datetime | None:
    """Return when a copy was accepted that a server took; None when there is none with this id."""
    rows = await sql.fetch(connection, "delivered_copy", message_id)
    return rows[0]["accepted_at"] if rows else None


def _has_consequences(one: Record) -> bool:
    return one.bounce is not None or one.blocked_reason in _TOLD_WHEN_BLOCKED


def _recorded(rows: Sequence[asyncpg.Record]) -> list[Recorded]:
    return [
        Recorded(Kind(row["kind"]), State(row["state"]), row["bounce_type"], row["category"], row["copies"])
        for row in rows
    ]


def _columns(records: Sequence[Record]) -> list[Sequence[object]]:
    rows = [
        (
            one.message_id, one.attempted_at, one.duration_ms,
            one.accepted_at, one.attempt, one.lease_id, one.outcome, one.code, one.enhanced, one.reply, one.host,
            one.state, one.final, one.lane, one.duplicate,
            one.due_at, one.blocked_reason, *(_NO_BOUNCE if one.bounce is None else astuple(one.bounce)),
        )
        for one in sorted(records, key=_MESSAGE_ID)
    ]  # fmt: skip
    columns = list(zip(*rows, strict=True))
    own, alike, rare = columns[:_OWN], columns[_OWN:_ALIKE], columns[_ALIKE:]
    return [*own, *map(single, alike), *map(sparse, rare)]

"""Recording what attempts brought: attempts, ledger, bounces, queue and counters in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.db.sql import Connection, Sql
from app.models.bounce import BounceType
from app.models.message import Kind, State

sql = Sql(__package__)


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


@dataclass(frozen=True, slots=True)
class BounceFacts:
    """Three facts that are stored independently, and the rule that decided.

    Attributes:
        bounce_type: Hard or soft.
        category: One of the 18.
        code: Enhanced status code.
        regex_name: Which rule decided.
    """

    bounce_type: BounceType
    category: str
    code: str
    regex_name: str


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
        return self.state in {State.DELIVERED, State.BOUNCED, State.BLOCKED, State.FAILED, State.CANCELLED}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded, for the process's own counters.

    Attributes:
        kind: What made the copy.
        state: What it became.
        bounce_type: Of the bounce, None without.
        category: Of the bounce, None without.
    """

    kind: Kind
    state: State
    bounce_type: str | None
    category: str | None


async def record(
    connection: Connection, records: Sequence[Record], *, ended_leases: Sequence[int] = ()
) -> list[Recorded]:
    """Record attempts in one statement and transaction; durable when it returns.

    Args:
        connection: Outside of a transaction.
        records: One or more, at most one per copy.
        ended_leases: Leases that have nothing left to record afterwards.

    Raises:
        asyncpg.PostgresError, OSError: Nothing was recorded, or, lost during the commit, nobody knows; `is_recorded`
            tells.
    """
    rows = await sql.fetch(connection, "record_outcomes", *_columns(records), list(ended_leases))
    return [Recorded(Kind(row["kind"]), State(row["state"]), row["bounce_type"], row["category"]) for row in rows]


async def is_recorded(connection: Connection, one: Record) -> bool:
    """Tell whether the transaction that recorded this attempt was committed."""
    rows = await sql.fetch(connection, "attempt_exists", one.message_id, one.accepted_at, one.attempt, one.lease_id)
    return bool(rows[0]["known"])


def _columns(records: Sequence[Record]) -> list[list[object]]:
    rows = [
        (
            one.message_id, one.accepted_at, one.attempt, one.lease_id, one.attempted_at, one.outcome.value, one.code,
            one.enhanced, one.reply, one.host, one.duration_ms, one.state.value, one.final, one.due_at, one.lane,
            one.duplicate, one.blocked_reason,
            one.bounce and one.bounce.bounce_type.value, one.bounce and one.bounce.category,
            one.bounce and one.bounce.code, one.bounce and one.bounce.regex_name,
        )
        for one in sorted(records, key=lambda one: one.message_id)
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]

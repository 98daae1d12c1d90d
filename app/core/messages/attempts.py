"""What was tried with copies. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

MOST_ATTEMPTS = 10_000
"""Attempts that one question tells of."""
_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a copy.

    Attributes:
        attempt: Number, from 1; 0 where another system made it.
        attempted_at: When the outcome was known.
        outcome: `delivered`, `deferred`, `rejected`, `in_doubt`, `blocked`, `failed`.
        code: SMTP reply code, 0 without a reply.
        enhanced: Enhanced status code, "" without.
        reply: What the server said, or what went wrong on our side.
        host: The server that was talked to.
        duration_ms: Milliseconds.
    """

    attempt: int
    attempted_at: datetime
    outcome: str
    code: int
    enhanced: str
    reply: str
    host: str
    duration_ms: int


async def attempts_of(read: ReadSession, copies: Sequence[tuple[int, datetime]]) -> dict[int, tuple[Attempt, ...]]:
    """Return the attempts at copies, in order, by message id; a copy without any is left out.

    Args:
        read: The transaction.
        copies: Message id and acceptance of each.
    """
    if not copies:
        return {}
    ids, moments = map(list, zip(*copies, strict=True))
    found: dict[int, tuple[Attempt, ...]] = {}
    for row in await _sql.rows(read, "attempts_of", ids, moments, MOST_ATTEMPTS):
        attempt = Attempt(
            row.attempt, row.attempted_at, row.outcome, row.code, row.enhanced, row.reply, row.host, row.duration_ms
        )
        found[row.message_id] = (*found.get(row.message_id, ()), attempt)
    return found

"""The delivery queue as people look at it. Imports db.

Source: docs/contract/native.md, 17.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

_SQL = Sql("app.core.system")


@dataclass(frozen=True, slots=True)
class Destination:
    """What waits for one domain.

    Attributes:
        domain: Of the recipients.
        queued: Copies that were never tried.
        deferred: Copies that wait for another attempt.
        oldest_accepted_at: When the oldest of them was accepted.
        next_attempt_at: When the first of them is due.
        oldest_at: When the oldest copy of the whole queue was accepted.
    """

    domain: str
    queued: int
    deferred: int
    oldest_accepted_at: datetime
    next_attempt_at: datetime
    oldest_at: datetime


async def destinations(read: ReadSession, limit: int) -> Sequence[Destination]:
    """Return the domains with the most copies in the queue, the most first.

    Copies of campaigns that were never tried are not in the queue but among the targets of their run, and what is
    being tried now is in a lease.

    Args:
        read: The transaction.
        limit: Most domains.
    """
    rows = await _SQL.rows(read, "queue_by_domain", limit)
    return [Destination(**row._asdict()) for row in rows]

"""Counters by sender: gathered in memory, added in the recording transaction, last and in key order.

The order is what keeps many writers from waiting for each other in a circle; adding first, or unsorted, would lock
hot rows for the length of a transaction or deadlock (measured: docs/design.md, 4).
"""

from collections import defaultdict
from datetime import UTC, datetime

from app.db.sql import Connection, Sql

METRICS = (
    "accepted",
    "delivered",
    "deferred",
    "hard_bounces",
    "soft_bounces",
    "blocked_complaint",
    "blocked_hardbounce",
    "blocked_manual",
    "blocked_softbounce",
    "blocked_unsubscribe",
)
"""Columns of `hourly_counts` and `daily_counts`, in the order of the statements' parameters."""

_POSITION = {name: index for index, name in enumerate(METRICS)}

sql = Sql(__package__)


class Tally:
    """Counts of one transaction, by account, sender and bucket."""

    def __init__(self) -> None:
        self._hours: defaultdict[tuple[int, int, datetime], list[int]] = defaultdict(lambda: [0] * len(METRICS))

    def add(self, metric: str, count: int, *, account_id: int, sender_id: int, at: datetime) -> None:
        """Count events.

        Args:
            metric: One of `METRICS`.
            count: How many.
            account_id: Owner.
            sender_id: Sender.
            at: The events' own time, aware.
        """
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._hours[account_id, sender_id, hour][_POSITION[metric]] += count

    async def write(self, connection: Connection) -> None:
        """Add everything to the tables, hours before days; the last statements of the transaction."""
        if not self._hours:
            return
        days: defaultdict[tuple[int, int, datetime], list[int]] = defaultdict(lambda: [0] * len(METRICS))
        for (account_id, sender_id, hour), counts in self._hours.items():
            day = days[account_id, sender_id, hour.replace(hour=0)]
            for position, count in enumerate(counts):
                day[position] += count
        await sql.execute(connection, "add_hourly_counts", *_columns(self._hours))
        await sql.execute(connection, "add_daily_counts", *_columns(days))


def _columns(counts: "dict[tuple[int, int, datetime], list[int]]") -> list[list[object]]:
    rows = [(*key, *values) for key, values in counts.items()]
    return [list(column) for column in zip(*rows, strict=True)]

"""Counters after events were taken over: what a recount of the copies says afterwards, less what it said before.

Imports db.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from app.core.ingest.values import EventKind
from app.db.sql import Connection, Sql

_RUN_ONLY = {"clicked", "failed", "cancelled"}
sql = Sql(__package__)


class Count:
    """The difference between two recounts of the same copies."""

    def __init__(self, kinds: Collection[EventKind]) -> None:
        """Note which companions may change.

        Args:
            kinds: Of the events that are taken over.
        """
        self._changes: Counter[tuple[Any, ...]] = Counter()
        self._kinds = set(kinds)
        self._with_deferrals = True

    async def take(self, connection: Connection, copies: Sequence[tuple[int, datetime]], sign: int) -> None:
        """Count what the copies have.

        Args:
            connection: In the transaction that holds them.
            copies: Ids and partitions.
            sign: -1 before the change, 1 afterwards.
        """
        if sign < 0:
            # Which deferrals count depends on when the copy was finished; copies that are new have none.
            self._with_deferrals = bool(copies) or EventKind.DEFERRED in self._kinds
        if not copies:
            return
        ids, seconds = map(list, zip(*copies, strict=True))
        kinds = self._kinds
        rows = await sql.fetch(
            connection,
            "facts",
            ids,
            seconds,
            EventKind.BOUNCED in kinds,
            self._with_deferrals,
            bool(kinds & {EventKind.OPENED, EventKind.CLICKED}),
            bool(kinds & {EventKind.COMPLAINED, EventKind.UNSUBSCRIBED}),
        )
        for row in rows:
            key = (row["account_id"], row["sender_id"], row["run_id"], row["hour"], row["metric"])
            self._changes[key] += sign * row["count"]

    async def add(self, connection: Connection) -> None:
        """Bring the counters up to date: runs, then hours, then days."""
        changes = [(*key, change) for key, change in self._changes.items() if change]
        runs = [(run_id, metric, change) for _, _, run_id, _, metric, change in changes if run_id is not None]
        if runs:
            await sql.execute(connection, "add_to_runs", *map(list, zip(*runs, strict=True)))
        hours = [
            (account_id, sender_id, hour, metric, change)
            for account_id, sender_id, _, hour, metric, change in changes
            if metric not in _RUN_ONLY
        ]
        if hours:
            await sql.execute(connection, "add_to_counts", *map(list, zip(*hours, strict=True)))

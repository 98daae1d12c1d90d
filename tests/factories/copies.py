"""Copies laid down directly in the ledger, with the counters that belong to them.

For tests of what is read from the ledger; how copies come about by themselves is tested over HTTP.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.unit_of_work import unit_of_work
from app.models import DailyCount, HourlyCount, Message
from app.models.message import MESSAGE_IDS, Kind, State

BLOCKED_COLUMNS = {
    "complaint": "blocked_complaint",
    "hardbounce": "blocked_hardbounce",
    "manual": "blocked_manual",
    "softbounce": "blocked_softbounce",
    "unsubscribe": "blocked_unsubscribe",
    "deleted": "blocked_manual",
}
METRICS = ("accepted", "delivered", *dict.fromkeys(BLOCKED_COLUMNS.values()))
ROWS_PER_STATEMENT = 1000


class CopyFields(TypedDict, total=False):
    """What may be told about a copy besides whose it is, when, and for whom."""

    delivered: bool
    bounced: bool
    blocked_reason: str | None
    x_headers: dict[str, str] | None
    extra: dict[str, object]


@dataclass(frozen=True)
class CopySpec:
    """One copy that should have been accepted."""

    account_id: int
    sender_id: int
    accepted_at: datetime
    recipient: str = "recipient1@example.com"
    delivered: bool = True
    bounced: bool = False
    blocked_reason: str | None = None
    x_headers: dict[str, str] | None = None
    extra: dict[str, object] = field(default_factory=dict)

    def row(self, message_id: int) -> dict[str, object]:
        """Return its row of `messages`."""
        second = self.accepted_at.replace(microsecond=0)
        blocked = self.blocked_reason is not None
        state = State.BLOCKED if blocked else State.DELIVERED if self.delivered else State.QUEUED
        return {
            "id": message_id,
            "accepted_at": second,
            "accepted_ms": self.accepted_at.microsecond // 1000,
            "account_id": self.account_id,
            "sender_id": self.sender_id,
            "recipient": self.recipient,
            "kind": Kind.SEND,
            "state": State.BOUNCED if self.bounced else state,
            "delivered_at": second if self.delivered and not blocked else None,
            "bounced_at": second if self.bounced else None,
            "blocked_reason": self.blocked_reason,
            "finished_at": None,
            "postback_at": None,
            "x_headers": self.x_headers,
            **self.extra,
        }


class CopyFactory:
    """Makes copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def copies(self, specs: Iterable[CopySpec]) -> list[int]:
        """Write the copies and raise the counters of their hours and days; return their ids."""
        specs = list(specs)
        if not specs:
            return []
        async with unit_of_work(self.engine) as write:
            numbers = func.generate_series(1, len(specs)).table_valued("number")
            ids = list((await write.execute(select(MESSAGE_IDS.next_value()).select_from(numbers))).scalars())
            await write.execute(insert(Message), [spec.row(id_) for spec, id_ in zip(specs, ids, strict=True)])
            for bucket, model in (("hour", HourlyCount), ("day", DailyCount)):
                rows = _counts(specs, bucket)
                for start in range(0, len(rows), ROWS_PER_STATEMENT):
                    given = upsert(model).values(rows[start : start + ROWS_PER_STATEMENT])
                    added = {name: getattr(model, name) + given.excluded[name] for name in METRICS}
                    keys = ["account_id", "sender_id", bucket]
                    await write.execute(given.on_conflict_do_update(index_elements=keys, set_=added))
        return ids


def _counts(specs: list[CopySpec], bucket: str) -> list[dict[str, object]]:
    """Return rows for `hourly_counts` or `daily_counts`."""
    totals: dict[tuple[int, int, object], Counter[str]] = {}
    for spec in specs:
        hour = spec.accepted_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        start: object = hour if bucket == "hour" else hour.date()
        counter = totals.setdefault((spec.account_id, spec.sender_id, start), Counter())
        counter["accepted"] += 1
        counter["delivered"] += bool(spec.row(0)["delivered_at"])
        if spec.blocked_reason:
            counter[BLOCKED_COLUMNS[spec.blocked_reason]] += 1
    return [
        {"account_id": account_id, "sender_id": sender_id, bucket: start, **{name: counter[name] for name in METRICS}}
        for (account_id, sender_id, start), counter in totals.items()
    ]

"""Copies accepted, claimed and recorded by the real statements, and what stands in the tables afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, messages
from app.core.audit import Scope
from app.core.messages import (
    AttemptOutcome,
    Batcher,
    BounceFacts,
    Copy,
    Owner,
    Record,
    ReportedBounce,
    SuppressionRules,
)
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.db.unit_of_work import unit_of_work
from app.models.bounce import BounceType
from app.models.message import State
from tests.core.messages.conftest import RULES, draft_of
from tests.factories import MadeAccount

HARD = BounceFacts(BounceType.HARD, "bad-mailbox", "5.1.1", "badmailbox03")
SOFT = BounceFacts(BounceType.SOFT, "quota-issues", "5.2.2", "quotaissues02")
OWNER = Owner("here", uuid4())
EVENTS = """
    SELECT type, address, data, message_id IS NOT NULL AS of_copy FROM domain_events
    WHERE type NOT LIKE 'contact.created' ORDER BY id
"""


def outcome(copy: Copy, state: State, *, at: datetime | None = None, **more: Any) -> Record:
    """A record of a copy that became so."""
    outcomes = {
        State.DELIVERED: AttemptOutcome.DELIVERED, State.BOUNCED: AttemptOutcome.REJECTED,
        State.BLOCKED: AttemptOutcome.BLOCKED, State.DEFERRED: AttemptOutcome.DEFERRED,
        State.UNCERTAIN: AttemptOutcome.IN_DOUBT, State.FAILED: AttemptOutcome.FAILED,
    }  # fmt: skip
    claim = (copy.lease_id, copy.message_id, copy.accepted_at, copy.attempt, copy.lane)
    if state is State.BOUNCED:
        more = {"bounce": HARD, "reply": "550 5.1.1 User unknown", "code": 550, **more}
    return Record(*claim, at or datetime.now(UTC), outcomes[state], state, **more)


@dataclass
class Ledger:
    """Hands mail over and records what became of it."""

    engine: AsyncEngine
    batcher: Batcher
    rules: SuppressionRules = RULES

    async def claim(self, account: MadeAccount, *recipients: str, **changes: Any) -> list[Copy]:
        """Accept mail and claim it, and whatever else is due."""
        await self.batcher.accept(draft_of(account, *recipients, **changes))
        return await self.due()

    async def due(self) -> list[Copy]:
        async with driver_connection(self.engine) as connection:
            return await messages.claim_due(connection, OWNER, limit=100, lease_seconds=60)

    async def record(self, *records: Record, on: "Connection | None" = None) -> None:
        """Record; on a connection of the test's the leases stay, so that they are nothing to wait for."""
        if on is not None:
            await messages.record(on, records, rules=self.rules)
            return
        async with driver_connection(self.engine) as connection:
            leases = [one.lease_id for one in records]
            await messages.record(connection, records, ended_leases=leases, rules=self.rules)

    async def bounce(
        self, account: MadeAccount, *recipients: str, facts: BounceFacts = SOFT, hours_ago: float = 0
    ) -> None:
        """Let a mail to each bounce, some time ago."""
        copies = await self.claim(account, *recipients)
        await self.record(*(outcome(copy, State.BOUNCED, bounce=facts) for copy in copies))
        if hours_ago:
            ids = [copy.message_id for copy in copies]
            await self.rows("UPDATE bounces SET bounced_at = bounced_at - $1::interval WHERE message_id = ANY ($2)",
                            timedelta(hours=hours_ago), ids)  # fmt: skip

    async def report(self, copy: Copy, facts: BounceFacts = HARD, **more: Any) -> bool:
        """Report a failure of a copy."""
        async with unit_of_work(self.engine) as write:
            reported = ReportedBounce(
                copy.message_id, copy.accepted_at, facts, "550 5.1.1 User unknown", "Subject: Undelivered\n\nSorry."
            )
            return bool(await messages.report_bounces(write, [reported], rules=self.rules, **more))

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def values(self, query: str, *args: object) -> list[Any]:
        return [next(iter(row.values())) for row in await self.rows(query, *args)]

    async def suppressed(self) -> dict[str, str]:
        rows = await self.rows("SELECT address, reason FROM suppressions ORDER BY address")
        return {row["address"]: row["reason"] for row in rows}

    async def events(self) -> Sequence[tuple[str, str]]:
        """Types and addresses of what was told, in order."""
        return [(row["type"], row["address"]) for row in await self.rows(EVENTS)]

    async def sound(self) -> None:
        """Ledger, queue, leases and all counters agree."""
        async with driver_connection(self.engine) as connection:
            report = await audit.check(connection, Scope.recent(datetime.now(UTC)))
        assert report.shown == ()

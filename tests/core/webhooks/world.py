"""An account with webhooks, its events, and deliveries on a clock of the test's own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events, webhooks
from app.core.events import EventType
from app.core.webhooks import Due, Result, Rules, Webhook
from app.db.sql import Connection
from app.db.unit_of_work import reading, unit_of_work
from app.kit.secrets import Vault
from app.outbound import Endpoints
from tests.factories import Factories
from tests.factories.accounts import MadeAccount

NOW = datetime.now(UTC).replace(microsecond=0)
LEASE = 30.0
VAULT = Vault(["a secret key of this test, long enough"])
RULES = Rules(VAULT, anywhere=False)
URL = "https://hooks.example.com/trireme"


class World:
    """One account, and a connection."""

    def __init__(self, make: Factories, engine: AsyncEngine, connection: Connection) -> None:
        self.make = make
        self.engine = engine
        self.connection = connection
        self.account: MadeAccount

    async def open(self) -> None:
        self.account = await self.make.account(senders=["news@example.com"])

    async def webhook(self, *types: str, account_id: int = 0, url: str = URL) -> tuple[Webhook, str]:
        async with unit_of_work(self.engine) as write:
            return await webhooks.create(
                write, account_id or self.account.id, rules=RULES, url=url, event_types=types or ("*",)
            )

    async def get(self, webhook: Webhook) -> Webhook:
        async with reading(self.engine) as read:
            return await webhooks.get(read, webhook.account_id, webhook.id)

    async def change(self, webhook: Webhook, **changes: Any) -> None:
        async with unit_of_work(self.engine) as write:
            await webhooks.change(write, webhook.account_id, webhook.id, changes, rules=RULES)

    async def happen(self, type_: EventType, *, account_id: int = 0, **more: Any) -> None:
        async with unit_of_work(self.engine) as write:
            await events.emit(write, account_id or self.account.id, type_, **more)

    async def route(self) -> int:
        async with self.connection.transaction():
            taken = await events.take(self.connection, 1000)
            count = await webhooks.enqueue(self.connection, taken, now=NOW)
            await events.mark_routed(self.connection, taken)
        return count

    async def claim(self, after: float = 0.0, *, endpoints: Endpoints | None = None, limit: int = 100) -> list[Due]:
        now = NOW + timedelta(seconds=after)
        known = endpoints or Endpoints(1000)
        return await webhooks.claim(self.connection, known, limit=limit, lease_seconds=LEASE, now=now)

    async def record(self, *results: Result, after: float = 0.0) -> list[Result]:
        return await webhooks.record(self.connection, results, now=NOW + timedelta(seconds=after))

    async def told(self) -> list[str]:
        types: Sequence[str] = await self.connection.fetchval(
            "SELECT told_events FROM accounts WHERE id = $1", self.account.id
        )
        return list(types)

    async def value(self, statement: str, *args: object) -> Any:
        return await self.connection.fetchval(statement, *args)

    async def fill(self, webhook: Webhook, count: int) -> None:
        """Put deliveries in without events."""
        await self.connection.execute(
            "INSERT INTO webhook_deliveries (webhook_id, account_id, event_type, event_at, event_id, sample, due_at)"
            " SELECT $1, $2, 'email.bounced', $3, gen_random_uuid(), '{}', $3 FROM generate_series(1, $4::int)",
            webhook.id, webhook.account_id, NOW, count,
        )  # fmt: skip

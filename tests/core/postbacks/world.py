"""An account that wants to be told of its bounces, complaints and unsubscriptions, and what happens to its mail."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events, postbacks
from app.core.events import EventType
from app.core.postbacks import Due, Result
from app.db.sql import Connection
from app.db.unit_of_work import unit_of_work
from app.models import Bounce, Complaint, Unsubscription
from app.outbound import Endpoints
from tests.factories import Factories
from tests.factories.accounts import MadeAccount
from tests.factories.copies import CopySpec

NOW = datetime.now(UTC).replace(microsecond=0)
LEASE = 20.0
URLS = {
    "bounce_url": "http://b.example/?e=@email&r=@bouncerule&t=@bouncetype&c=@X-Campaign",
    "complaint_url": "https://s.example/?e=@email&c=@X-Campaign",
    "unsubscribe_url": "http://u.example:8080/?e=@email",
}


class World:
    """An account that wants to be told, its events, and a connection."""

    def __init__(self, make: Factories, engine: AsyncEngine, connection: Connection) -> None:
        self.make = make
        self.engine = engine
        self.connection = connection
        self.account: MadeAccount
        self._asking = asyncio.Lock()  # a server's behaviour may ask beside the test

    async def open(self, **fields: Any) -> None:
        switches = {f"{name}_active": True for name in URLS}
        values: Any = {**URLS, **switches, **fields}
        self.account = await self.make.account(x_headers=["X-Campaign"], senders=["news@example.com"], **values)

    async def copy(self, recipient: str, **values: Any) -> int:
        sender_id = self.account.senders["news@example.com"]
        spec = CopySpec(
            self.account.id, sender_id, NOW, recipient=recipient, x_headers={"X-Campaign": "sp ring"}, **values
        )
        return (await self.make.copies([spec]))[0]

    def _row(self, message_id: int, recipient: str) -> dict[str, Any]:
        sender_id = self.account.senders["news@example.com"]
        return {
            "message_id": message_id,
            "accepted_at": NOW,
            "account_id": self.account.id,
            "sender_id": sender_id,
            "recipient": recipient,
        }

    async def happen(self, type_: EventType, message_id: int, recipient: str, **said_of_it: str) -> None:
        """Record an event of a copy as the rest of the platform does; `said_of_it` are columns of a bounce."""
        row = self._row(message_id, recipient)
        async with unit_of_work(self.engine) as write:
            if type_ is EventType.EMAIL_BOUNCED:
                said = (
                    {"bounce_type": "hard", "category": "bad-mailbox", "code": "5.1.1", "regex_name": "x01"}
                    | {"diagnostic": "550 no"}
                    | said_of_it
                )
                await write.execute(insert(Bounce).values({**row, **said, "bounced_at": NOW, "full_content": ""}))
            if type_ is EventType.EMAIL_COMPLAINED:
                await write.execute(
                    insert(Complaint).values({**row, "complained_at": NOW, "source": "x", "full_content": ""})
                )
            await events.emit(write, self.account.id, type_, address=recipient, message_id=message_id, accepted_at=NOW)
        if type_ is EventType.EMAIL_UNSUBSCRIBED:
            event_id = await self.value("SELECT max(id) FROM domain_events")
            async with unit_of_work(self.engine) as write:
                for id_ in (event_id, event_id + 1000):
                    values = row | {"id": id_, "occurred_at": NOW, "means": "page", "ip": "", "user_agent": ""}
                    await write.execute(insert(Unsubscription).values(values))

    async def route(self) -> int:
        async with self.connection.transaction():
            taken = await events.take(self.connection, 1000)
            count = await postbacks.enqueue(self.connection, taken, now=NOW)
            await events.mark_routed(self.connection, taken)
        return count

    async def claim(self, after: float = 0.0, *, endpoints: Endpoints | None = None, limit: int = 100) -> list[Due]:
        now = NOW + timedelta(seconds=after)
        known = endpoints or Endpoints(1000)
        return await postbacks.claim(self.connection, known, limit=limit, lease_seconds=LEASE, now=now)

    async def record(self, *results: Result, after: float = 0.0, retries: int = 3) -> list[Result]:
        now = NOW + timedelta(seconds=after)
        return await postbacks.record(self.connection, results, retries=retries, now=now)

    async def value(self, statement: str) -> Any:
        async with self._asking:
            return await self.connection.fetchval(statement)

    async def fill(self, endpoint: str, count: int, *, url: str = "http://x/") -> None:
        """Put calls in without events."""
        await self.connection.execute(
            "INSERT INTO postbacks (account_id, kind, event_id, message_id, accepted_at, url, endpoint, due_at)"
            " SELECT $1, 'bounce', n, n, $2, $3, $4, $2 FROM generate_series(1, $5::int) AS n",
            self.account.id, NOW, url, endpoint, count,
        )  # fmt: skip

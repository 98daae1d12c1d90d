"""A ready campaign, and the verbs in transactions of their own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.audiences import Audience
from app.core.campaigns import Campaign, Run, RunState, Start, View
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from tests.factories import Factories, MadeAccount

SENDER = "news@acme.example"


def starting(delta: timedelta) -> Start:
    """A start that far from now, UTC."""
    at = (datetime.now(UTC) + delta).replace(microsecond=0)
    return Start(at, at.replace(tzinfo=None).isoformat(), "UTC")


@dataclass
class Stage:
    """An account with an audience of three and a ready campaign."""

    engine: AsyncEngine
    make: Factories
    account: MadeAccount
    audience: Audience
    campaign: Campaign

    async def do(self, verb: Callable[..., Awaitable[Any]], **values: Any) -> Any:
        """Carry a verb out on the campaign, and commit."""
        async with unit_of_work(self.engine) as write:
            return await verb(write, self.account.id, self.campaign.id, **values)

    async def view(self) -> View:
        """The campaign as it is now."""
        async with reading(self.engine) as read:
            return await campaigns.get(read, self.account.id, self.campaign.id)

    async def state(self) -> RunState:
        """Its state."""
        return (await self.view()).state

    async def run(self) -> Run:
        """Its latest run."""
        run = (await self.view()).run
        assert run is not None
        return run

    async def start(self, **values: Any) -> Run:
        """Start it."""
        run: Run = await self.do(campaigns.start, **values)
        return run

    async def sending(self) -> Run:
        """Start it and fix its targets."""
        await campaigns.snapshot(self.engine, (await self.start()).id)
        return await self.run()

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Rows of the database."""
        async with driver_connection(self.engine) as connection:
            return await connection.fetch(query, *args)

    async def targets(self, run: Run) -> list[tuple[int, str, int]]:
        """Number, address and audience of each target."""
        rows = await self.fetch(
            "SELECT seq, address, audience_id FROM run_targets WHERE run_id = $1 ORDER BY seq", run.id
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def stage(make: Factories, engine: AsyncEngine) -> Stage:
    account = await make.account(senders=[SENDER])
    audience = await make.audience(account, fields=["FIRST_NAME"])
    await make.contacts(audience, 3)
    return Stage(engine, make, account, audience, await make.campaign(account, [audience]))

"""All that recipients do at the same time: nobody waits in a circle, and the audit finds every number right."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, contacts, tracking
from app.core.audit import Scope
from app.core.tracking import Clicked, Means, Opened
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from tests.core.tracking.conftest import NOON, differences, totals
from tests.core.tracking.test_complaints import copy_of
from tests.factories import Factories

COPIES = 12
ROUNDS = 25
WRITERS = 5
SCOPE = Scope.from_day((NOON - timedelta(days=1)).date())


async def test_every_number_is_right_and_nobody_waits_in_a_circle(engine: AsyncEngine, make: Factories) -> None:
    account = await make.account(senders=["news@example.com"])
    audience = await make.audience(account)
    copies: list[int] = []
    for number in range(COPIES):
        address = f"reader{number % 4}@example.org"  # the same people again and again
        mine: dict[str, object] = {}
        if number % 2:
            if number < 4:
                await make.contact(audience, address)
            async with unit_of_work(engine) as write:
                contact = await contacts.get(write, account.id, audience.id, address)
            mine = {"kind": "campaign", "run_id": 7, "contact_id": contact.id, "fields": {"@": audience.id}}
        copies.append(await copy_of(make, account, address, **mine))

    def at(chance: random.Random) -> datetime:
        return NOON + timedelta(minutes=chance.randrange(-90, 15 * 60))

    async def visits(chance: random.Random) -> None:
        some = [chance.choice(copies) for _ in range(chance.randrange(1, 20))]
        opens = [Opened(None, copy, NOON, at(chance), "", "") for copy in some]
        clicks = [Clicked(None, copy, NOON, at(chance), "", "", chance.randrange(3), "x") for copy in some]
        async with driver_connection(engine) as connection:
            await tracking.record_events(connection, chance.sample([*opens, *clicks], len(some)))

    async def complains(chance: random.Random) -> None:
        async with unit_of_work(engine) as write:
            await tracking.complain(write, chance.choice(copies), NOON, source="test", at=at(chance))

    async def unsubscribes(chance: random.Random) -> None:
        async with unit_of_work(engine) as write:
            await tracking.unsubscribe(write, chance.choice(copies), NOON, means=Means.PAGE, at=at(chance))

    async def forgets(chance: random.Random) -> None:
        async with unit_of_work(engine) as write:
            await contacts.unsuppress(write, account.id, [f"reader{chance.randrange(4)}@example.org"])

    deeds: list[Callable[[random.Random], Awaitable[None]]] = [visits, visits, complains, unsubscribes, forgets]

    async def writer(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            await chance.choice(deeds)(chance)

    await asyncio.gather(*map(writer, range(WRITERS)))
    async with driver_connection(engine) as connection:
        assert await differences(connection) == []
        assert await audit.check(connection, SCOPE) == audit.Report()
    found = await totals(engine)
    assert set(found) == {"opens", "unique_opens", "clicks", "unique_clicks", "complaints", "unsubscribes"}

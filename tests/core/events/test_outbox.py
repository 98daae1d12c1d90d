"""The outbox: written with what it tells, seen after the commit, routed once."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events
from app.core.events import Event, EventType
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work

ACCEPTED_AT = datetime(2016, 11, 22, 12, tzinfo=UTC)


async def emit(engine: AsyncEngine, *addresses: str) -> None:
    async with unit_of_work(engine) as write:
        for address in addresses:
            await events.emit(write, 7, EventType.SUPPRESSION_ADDED, address=address)


async def route(engine: AsyncEngine, limit: int = 100) -> list[Event]:
    async with driver_connection(engine) as connection, connection.transaction():
        taken = await events.take(connection, limit)
        await events.mark_routed(connection, taken)
    return taken


async def test_an_event_is_taken_with_all_that_was_told(engine: AsyncEngine) -> None:
    before = datetime.now(UTC)
    async with unit_of_work(engine) as write:
        await events.emit(
            write, 7, EventType.CONTACT_TAGGED, contact_id=3, audience_id=4, address="a@x.example", message_id=5,
            accepted_at=ACCEPTED_AT, data={"tags": ["new", "ü"]},
        )  # fmt: skip
        await events.emit(write, 8, EventType.SUPPRESSION_REMOVED)
    full, bare = await route(engine)
    assert before <= full.occurred_at <= datetime.now(UTC)
    assert full == Event(
        full.id, full.occurred_at, 7, "contact.tagged", 5, ACCEPTED_AT, 3, 4, "a@x.example", {"tags": ["new", "ü"]}
    )
    assert bare == Event(bare.id, full.occurred_at, 8, "suppression.removed", None, None, None, None, None, None)


async def test_nobody_sees_an_event_of_a_transaction_that_is_open_or_rolled_back(engine: AsyncEngine) -> None:
    async def fail() -> None:
        async with unit_of_work(engine) as write:
            await events.emit(write, 7, EventType.CONTACT_CREATED)
            assert await route(engine) == []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await route(engine) == []
    await emit(engine, "a@x.example")
    assert len(await route(engine)) == 1


async def test_events_come_in_order_as_many_as_asked_for_and_once(engine: AsyncEngine) -> None:
    addresses = [f"p{number}@x.example" for number in range(5)]
    await emit(engine, *addresses[:3])
    await emit(engine, *addresses[3:])
    first, second = await route(engine, limit=2), await route(engine)
    assert [event.address for event in first] == addresses[:2]
    assert [event.address for event in second] == addresses[2:]
    assert await route(engine) == []
    await emit(engine, "late@x.example")
    assert len(await route(engine, limit=0)) == 1  # a limit that makes no sense is the least that does


async def test_a_router_that_fails_leaves_its_events_for_the_next(engine: AsyncEngine) -> None:
    await emit(engine, "a@x.example")

    async def fail() -> None:
        async with driver_connection(engine) as connection, connection.transaction():
            await events.mark_routed(connection, await events.take(connection, 10))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert [event.address for event in await route(engine)] == ["a@x.example"]


async def test_two_routers_share_the_work_and_wait_for_nobody(engine: AsyncEngine) -> None:
    await emit(engine, *(f"p{number}@x.example" for number in range(6)))
    async with driver_connection(engine) as one, driver_connection(engine) as other:
        async with one.transaction(), other.transaction():
            mine = await events.take(one, 4)
            theirs = await asyncio.wait_for(events.take(other, 4), 5)
            assert [event.address for event in (*mine, *theirs)] == [f"p{number}@x.example" for number in range(6)]
            await events.mark_routed(one, mine)
            await asyncio.wait_for(events.mark_routed(other, theirs), 5)
        assert await events.take(one, 10) == []


async def test_many_routers_route_each_event_once_while_it_rains(engine: AsyncEngine) -> None:
    count, writers = 40, 5
    routed: list[Event] = []

    async def router() -> None:
        while len(routed) < count * writers:
            routed.extend(await route(engine, limit=7))

    async def writer(name: int) -> None:
        for number in range(count):
            await emit(engine, f"{name}.{number}@x.example")

    await asyncio.wait_for(asyncio.gather(*(writer(name) for name in range(writers)), router(), router(), router()), 60)
    assert len({event.id for event in routed}) == len(routed) == count * writers


async def test_events_of_several_months_are_one_queue(engine: AsyncEngine) -> None:
    await emit(engine, "new@x.example")
    async with driver_connection(engine) as connection:
        await connection.execute(
            "INSERT INTO domain_events (id, occurred_at, account_id, type) VALUES (nextval('event_ids'), $1, 7, 'later')",
            ACCEPTED_AT,
        )
        plan = await connection.fetch("EXPLAIN SELECT id FROM domain_events WHERE NOT routed ORDER BY id LIMIT 10")
    assert "Merge Append" in str(plan)
    assert [(event.address, event.type) for event in await route(engine)] == [
        ("new@x.example", "suppression.added"),
        (None, "later"),
    ]

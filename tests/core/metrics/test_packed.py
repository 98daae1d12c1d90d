"""Closed hours are packed as they are, whoever changes them; and no reader sees an hour twice or not at all."""

import asyncio
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from struct import unpack

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics, retention
from app.core.metrics import Step, window
from app.core.retention import Limits, closing
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from tests.core.metrics.pieces import close
from tests.core.metrics.test_counts import SPAN, START, World, build, draw
from tests.factories import Factories
from tests.factories.history import BounceSpec

MEASURES = (
    "accepted",
    "hard_bounces",
    "soft_bounces",
    "blocked",
    "blocked_complaint",
    "blocked_hardbounce",
    "blocked_manual",
    "blocked_softbounce",
    "blocked_unsubscribe",
)
Numbers = dict[tuple[str, int, int, date], tuple[int, ...]]


async def closed_and_packed(engine: AsyncEngine) -> tuple[Numbers, Numbers]:
    """Return the 24 numbers of each measure, sender and day that are not all zero, and the same out of the octets."""
    closed: Numbers = {}
    packed: Numbers = {}
    async with driver_connection(engine) as connection:
        for row in await connection.fetch("SELECT * FROM closed_hours"):
            for measure in MEASURES:
                if row[measure] is not None:
                    closed[measure, row["account_id"], row["sender_id"], row["day"]] = tuple(row[measure])
        for row in await connection.fetch("SELECT * FROM packed_counts"):
            hours, days = unpack(">192i", row["hours"]), unpack(">8i", row["days"])
            assert any(hours), "what is zero throughout is not packed"
            for number in range(8):
                numbers = hours[24 * number : 24 * number + 24]
                assert days[number] == sum(numbers)
                if any(numbers):
                    day = date(1970, 1, 1) + timedelta(days=row["span"] * 8 + number)
                    packed[row["measure"], row["account_id"], row["sender_id"], day] = numbers
    return closed, packed


async def test_what_is_closed_is_packed(make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await draw(make)
    account = world.subs[0]
    sender = next(iter(account.senders.values()))
    for number, days in enumerate((2.5, 4.2, 9.0, 9.0)):
        await make.copies(world.specs[number * 150 : number * 150 + 150])
        copy = await make.sent(account.id, sender, START + timedelta(hours=7 * number))
        await make.bounced(copy, BounceSpec(START + timedelta(hours=8 * number), ("soft", "hard")[number % 2]))
        await close(engine, START + timedelta(days=days), busy=2, monkeypatch=monkeypatch)
        closed, packed = await closed_and_packed(engine)
        assert packed == closed
        assert {measure for measure, *_ in closed} > {"accepted", "blocked", "soft_bounces"}
    kept = START + timedelta(days=3)
    limits = Limits(detail_days=0, count_days=(datetime.now(UTC) - kept).days)
    await retention.forget(engine, now=datetime.now(UTC), limits=limits)
    closed, packed = await closed_and_packed(engine)
    assert packed == closed
    assert {day for *_, day in closed} == {(kept + timedelta(days=more)).date() for more in range(2)}
    async with driver_connection(engine) as connection:
        await connection.execute("DELETE FROM closed_hours")
    assert await closed_and_packed(engine) == ({}, {})


async def test_hours_are_counted_once_while_they_are_closed(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(make)
    monkeypatch.setattr(closing, "BATCH", 3)
    monkeypatch.setattr(closing, "BUSY", 2)

    async def close_slowly() -> None:
        async with driver_connection(engine) as connection:
            await closing.close(connection, START + timedelta(days=9) + closing.OPEN, float("inf"))

    closer = asyncio.create_task(close_slowly())
    seen = 0
    while not closer.done() or not seen:
        await _check(engine, world, random.Random(seen))
        seen += 1
    await closer
    await _check(engine, world, random.Random(seen))
    assert seen > 3


async def _check(engine: AsyncEngine, world: World, chance: random.Random) -> None:
    first, last = sorted(chance.sample(range(-3600, SPAN + 3600), 2))
    asked = window(START + timedelta(seconds=first), START + timedelta(seconds=last))
    expected = Counter(spec.sender_id for spec in world.inside(asked, {sub.id for sub in (world.master, *world.subs)}))
    async with reading(engine) as read:
        rows = await metrics.email_counts(read, world.master.caller, asked)
        assert {row.key: row.copies for row in rows} == expected
        for step in Step:
            series = await metrics.email_series(read, world.master.caller, asked, step=step)
            assert {key: sum(numbers) for key, (numbers,) in series.columns.items()} == expected

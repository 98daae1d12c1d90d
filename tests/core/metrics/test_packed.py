"""Closed hours are packed as they are, whoever changes them; and no reader sees an hour twice or not at all."""

import asyncio
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from struct import unpack

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics, retention
from app.core.metrics import Step, Window, window
from app.core.retention import Limits, closing
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from tests.core.metrics.pieces import close
from tests.core.metrics.test_counts import SPAN, START, World, build, draw, ranges
from tests.factories import Factories
from tests.factories.copies import CopySpec
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


async def days_of_32(engine: AsyncEngine) -> Counter[tuple[str, int, int, date]]:
    """Return what `packed_days` says of each measure, sender and day."""
    found: Counter[tuple[str, int, int, date]] = Counter()
    async with driver_connection(engine) as connection:
        for row in await connection.fetch("SELECT * FROM packed_days"):
            days = unpack(">32i", row["days"])
            assert any(days), "what is zero throughout is not packed"
            for number, count in enumerate(days):
                day = date(1970, 1, 1) + timedelta(days=row["span"] * 32 + number)
                found[row["measure"], row["account_id"], row["sender_id"], day] = count
    return +found


async def hours_of_days(engine: AsyncEngine) -> Numbers:
    """Return what `packed_hours` has of each measure, sender and day."""
    found: Numbers = {}
    async with driver_connection(engine) as connection:
        for row in await connection.fetch("SELECT * FROM packed_hours"):
            numbers = unpack(">216i", row["hours"])
            for place, measure in enumerate(MEASURES):
                hours = numbers[24 * place : 24 * place + 24]
                if any(hours):
                    found[measure, row["account_id"], row["sender_id"], row["day"]] = hours
    return found


async def seconds_of_hours(engine: AsyncEngine) -> Numbers:
    """Return how many seconds `closed_seconds` has of each measure, sender and day, by hour."""
    found: dict[tuple[str, int, int, date], list[int]] = {}
    async with driver_connection(engine) as connection:
        for row in await connection.fetch("SELECT * FROM closed_seconds"):
            assert row["seconds"] == sorted(row["seconds"])
            assert {*row["seconds"]} <= {*range(3600)}
            hour = row["hour"].astimezone(UTC)
            key = row["measure"], row["account_id"], row["sender_id"], hour.date()
            found.setdefault(key, [0] * 24)[hour.hour] = len(row["seconds"])
    return {key: tuple(hours) for key, hours in found.items()}


async def test_what_is_closed_is_packed(make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await draw(make)
    account = world.subs[0]
    sender = next(iter(account.senders.values()))
    for number, days in enumerate((2.5, 4.2, 9.0, 9.0)):
        await make.copies(world.specs[number * 150 : number * 150 + 150])
        copy = await make.sent(account.id, sender, START + timedelta(hours=7 * number))
        await make.bounced(copy, BounceSpec(START + timedelta(hours=8 * number), ("soft", "hard")[number % 2]))
        await close(engine, START + timedelta(days=days), monkeypatch=monkeypatch)
        closed, packed = await closed_and_packed(engine)
        assert packed == closed == await hours_of_days(engine) == await seconds_of_hours(engine)
        assert await days_of_32(engine) == {key: sum(hours) for key, hours in closed.items()}
        assert {measure for measure, *_ in closed} > {"accepted", "blocked", "soft_bounces"}
    kept = START + timedelta(days=3)
    limits = Limits(detail_days=0, count_days=(datetime.now(UTC) - kept).days)
    await retention.forget(engine, now=datetime.now(UTC), limits=limits)
    closed, packed = await closed_and_packed(engine)
    assert packed == closed == await hours_of_days(engine) == await seconds_of_hours(engine)
    assert await days_of_32(engine) == {key: sum(hours) for key, hours in closed.items()}
    assert {day for *_, day in closed} == {(kept + timedelta(days=more)).date() for more in range(2)}
    async with driver_connection(engine) as connection:
        await connection.execute("DELETE FROM closed_hours")
    assert await closed_and_packed(engine) == ({}, {})
    assert not await days_of_32(engine)
    assert not await hours_of_days(engine)


async def test_parts_of_closed_hours_are_told_without_the_ledger(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(make)
    account = world.subs[0]
    sender = next(iter(account.senders.values()))
    for second, bounce_type in ((0, "soft"), (1799, "hard"), (1800, "hard"), (3599, "soft")):
        copy = await make.sent(account.id, sender, START)
        await make.bounced(copy, BounceSpec(START + timedelta(seconds=second), bounce_type))
    await close(engine, START + timedelta(days=9), monkeypatch=monkeypatch)
    mine = {world.master.id, *(sub.id for sub in world.subs)}
    sent = [await _sent(engine, world, asked) for asked in ranges(random.Random(5), 25)]
    async with driver_connection(engine) as connection:
        await connection.execute("TRUNCATE messages, bounces")
    for asked, before in zip(ranges(random.Random(5), 25), sent, strict=True):
        assert await _sent(engine, world, asked) == before, asked
    for asked in ranges(random.Random(4), 25):
        inside = world.inside(asked, mine)
        blocked = Counter(spec.sender_id for spec in inside if spec.blocked_reason is not None)
        async with reading(engine) as read:
            rows = await metrics.blocked_counts(read, world.master.caller, asked)
            assert {row.key: row.blocked for row in rows} == blocked, asked
    for first, last, soft, hard in ((0, 1800, 1, 1), (1, 1800, 0, 1), (1800, 3599, 0, 1), (1799, 3600, 1, 2)):
        asked = window(START + timedelta(seconds=first), START + timedelta(seconds=last))
        async with reading(engine) as read:
            [row] = await metrics.bounce_counts(read, world.master.caller, asked)
            assert (row.key, row.bounces.soft, row.bounces.hard) == (sender, soft, hard), asked


async def _sent(engine: AsyncEngine, world: World, asked: Window) -> dict[int, int]:
    async with reading(engine) as read:
        rows = await metrics.email_counts(read, world.master.caller, asked)
        return {row.key: row.copies for row in rows}


async def test_what_comes_late_is_counted_in_the_ledger_until_its_hour_is_closed_again(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = await make.account(senders=["a@x.example", "b@x.example"])
    first, second = master.senders.values()

    async def told(seconds: int) -> dict[int, int]:
        asked = window(START, START + timedelta(seconds=seconds))
        async with reading(engine) as read:
            rows = await metrics.email_counts(read, master.caller, asked)
            return {row.key: row.copies for row in rows}

    async def forge(account_id: int) -> None:
        """Make seconds tell of other copies than the ledger."""
        async with driver_connection(engine) as connection:
            forged = "UPDATE closed_seconds SET seconds = array_fill(600::smallint, ARRAY[7]) WHERE account_id = $1"
            await connection.execute(forged, account_id)

    await make.copies([CopySpec(master.id, first, START + timedelta(seconds=600))])
    await close(engine, START + timedelta(days=1), monkeypatch=monkeypatch)
    assert await told(600) == {}
    assert await told(601) == {first: 1}
    await forge(master.id)
    assert await told(601) == {first: 7}
    await make.copies([CopySpec(master.id, second, START + timedelta(seconds=1200))])
    assert await told(601) == {first: 1}
    assert await told(1201) == {first: 1, second: 1}
    await close(engine, START + timedelta(days=1), monkeypatch=monkeypatch)
    assert await told(1201) == {first: 1, second: 1}
    await forge(master.id)
    assert await told(1201) == {first: 7, second: 7}


async def test_hours_are_counted_once_while_they_are_closed(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(make)
    monkeypatch.setattr(closing, "BATCH", 3)

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

"""Every answer equals a plain recount of what happened, whatever is filtered, grouped and cut."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import measures
from app.core.errors import Invalid
from app.core.measures import By, Filters, Interval, Metric, Question
from app.db.unit_of_work import reading
from app.models.message import Kind
from tests.core.measures.world import DOMAINS, SPAN, START, World, build
from tests.core.metrics.pieces import close
from tests.factories import Factories

ZONES = ["UTC", "America/New_York", "Asia/Kolkata"]
GROUPS = [By.NONE, By.ACCOUNT, By.SENDER, By.CAMPAIGN, By.DOMAIN]


def ranges(chance: random.Random) -> Iterator[tuple[datetime, datetime]]:
    yield START - timedelta(days=3), START + timedelta(days=30)
    while True:
        step = chance.choice([1, 1, 60, 3600, 86_400])
        start = START + timedelta(seconds=chance.randrange(-7200, SPAN, step))
        length = chance.choice([1, 59, 3599, 3600, 3601, 86_400, chance.randrange(1, SPAN), chance.randrange(1, SPAN)])
        yield start, start + timedelta(seconds=length)


def filters_of(chance: random.Random, world: World) -> Filters:
    senders = sorted(world.accounts[0].senders.values())
    return chance.choice(
        [
            Filters(account=chance.choice(world.accounts).id),
            Filters(sender_id=chance.choice(senders)),
            Filters(campaign_id=chance.choice(world.campaigns)),
            Filters(audience_id=chance.choice(world.audiences)),
            Filters(domain=chance.choice(DOMAINS).lower()),
            Filters(kind=chance.choice([Kind.SEND, Kind.CAMPAIGN, Kind.TEST])),
            Filters(kind=Kind.CAMPAIGN, domain="a.example", sender_id=senders[0]),
            Filters(),
            Filters(),
        ]
    )


async def ask_all(world: World, engine: AsyncEngine, chance: random.Random, questions: int) -> None:
    master, sub, _ = world.accounts
    seen = {master.id, sub.id}
    spans = ranges(chance)
    for _ in range(questions):
        (start, end), filters = next(spans), filters_of(chance, world)
        asked = Question(start, end, filters)
        async with reading(engine) as read:
            totals = await measures.summary(read, master.caller, asked)
        expected = world.recount(seen, start, end, filters)
        assert totals == {metric: expected[None, metric] for metric in Metric}, asked
        by, interval = (
            chance.choice(GROUPS),
            chance.choice([Interval.DAY, Interval.WEEK, Interval.MONTH, Interval.HOUR]),
        )
        zone = ZoneInfo(chance.choice(ZONES))
        names = chance.sample(list(Metric), chance.choice([1, 3, len(Metric)]))
        async with reading(engine) as read:
            series = await measures.timeseries(
                read, master.caller, asked, metrics=names, interval=interval, zone=zone, by=by
            )
        borders = [start, *series.starts[1:], end]
        buckets = [world.recount(seen, *border, filters, by) for border in pairwise(borders)]
        whole = world.recount(seen, start, end, filters, by)
        keys = {key for key, metric in whole if metric in names} if by is not By.NONE else {None}
        found = {None if key is None else str(key.number or key.name): columns for key, columns in series.lines}
        assert found.keys() == keys, (asked, by)
        for key, columns in found.items():
            assert list(columns) == names
            for name, numbers in columns.items():
                assert numbers == [bucket[key, name] for bucket in buckets], (asked, by, key, name, interval, zone)


async def test_answers_equal_a_recount(make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await build(make, engine)
    await ask_all(world, engine, random.Random(1), 35)
    assert await close(engine, START + timedelta(days=12), monkeypatch=monkeypatch)
    await ask_all(world, engine, random.Random(2), 35)
    await the_largest(world, engine)
    await others_see_nothing(world, engine)


async def the_largest(world: World, engine: AsyncEngine) -> None:
    master, sub, _ = world.accounts
    asked = Question(START, START + timedelta(days=30))
    cases = [
        (Metric.ACCEPTED, By.DOMAIN),
        (Metric.ACCEPTED, By.SENDER),
        (Metric.BLOCKED, By.CAMPAIGN),
        (Metric.REFUSED, By.DOMAIN),
        (Metric.HARD_BOUNCES, By.CATEGORY),
        (Metric.SOFT_BOUNCES, By.CATEGORY),
        (Metric.CLICKS, By.LINK),
        (Metric.UNIQUE_CLICKS, By.LINK),
    ]
    for metric, by in cases:
        for limit in (1, 2, 10):
            async with reading(engine) as read:
                found = await measures.top(read, master.caller, asked, metric=metric, by=by, limit=limit)
            counts = world.recount({master.id, sub.id}, asked.start, asked.end, asked.filters, by)
            expected = sorted(
                ((key, n) for (key, one), n in counts.items() if one is metric), key=lambda x: (-x[1], x[0])
            )
            assert [(str(key.number or key.name), n) for key, n in found] == expected[:limit]
    for metric, by in ((Metric.OPENS, By.CATEGORY), (Metric.OPENS, By.LINK)):
        async with reading(engine) as read:
            with pytest.raises(Invalid):
                await measures.top(read, master.caller, asked, metric=metric, by=by, limit=1)


async def others_see_nothing(world: World, engine: AsyncEngine) -> None:
    master, sub, stranger = world.accounts
    asked = START, START + timedelta(days=30)
    whats = [
        Filters(account=master.id),
        Filters(account=master.public_id),
        *(Filters(sender_id=number) for number in master.senders.values()),
        *(Filters(campaign_id=number) for number in world.campaigns[:4]),
        *(Filters(audience_id=number) for number in world.audiences[:4]),
    ]
    for filters in whats:
        for key in [stranger] if filters.sender_id or filters.account else [stranger, sub]:
            of_sub = filters.campaign_id in world.campaigns[2:4] or filters.audience_id in world.audiences[2:4]
            if key is sub and of_sub:
                continue
            async with reading(engine) as read:
                totals = await measures.summary(read, key.caller, Question(*asked, filters))
            assert not any(totals.values()), filters
    async with reading(engine) as read:
        own = await measures.summary(read, sub.caller, Question(*asked))
    assert own == {metric: world.recount({sub.id}, *asked, Filters())[None, metric] for metric in Metric}


async def test_of_groups_the_50_largest_are_told(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account(senders=["a@x.example"])
    sender = account.senders["a@x.example"]
    at = datetime(2016, 11, 5, 12, tzinfo=UTC)
    copies = [
        await make.delivered(account.id, sender, at, f"r@d{number:02}.example")
        for number in range(60)
        for _ in range(1 + number // 30)
    ]
    await make.opened(copies[0], at)
    asked = Question(at, at + timedelta(hours=1))
    for metrics, expected in (
        ([Metric.ACCEPTED], [f"d{number:02}.example" for number in (*range(30, 60), *range(20))]),
        ([Metric.OPENS, Metric.ACCEPTED], [f"d{number:02}.example" for number in (0, *range(30, 60), *range(1, 20))]),
        ([Metric.OPENS], ["d00.example"]),
    ):
        async with reading(engine) as read:
            series = await measures.timeseries(
                read, account.caller, asked, metrics=metrics, interval=Interval.HOUR, zone=ZoneInfo("UTC"), by=By.DOMAIN
            )
        assert [key.name for key, _ in series.lines if key] == expected


def test_rates_are_shares_and_zero_of_nothing() -> None:
    totals = dict.fromkeys(Metric, 0)
    assert set(vars_of(measures.rates(totals))) == {0.0}
    totals |= {Metric.ACCEPTED: 12, Metric.BLOCKED: 2, Metric.DELIVERED: 8, Metric.HARD_BOUNCES: 1}
    totals |= {Metric.SOFT_BOUNCES: 1, Metric.UNIQUE_OPENS: 4, Metric.UNIQUE_CLICKS: 2, Metric.COMPLAINTS: 1}
    assert vars_of(measures.rates(totals)) == [0.8, 0.25, 0.5, 0.25, 0.125, 0.0]


def vars_of(rates: measures.Rates) -> list[float]:
    return [rates.delivery, rates.bounce, rates.open, rates.click, rates.complaint, rates.unsubscribe]

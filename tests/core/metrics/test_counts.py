"""Counts from the counters equal a recount of the list, whatever the range cuts."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts, metrics
from app.core.errors import Invalid
from app.core.metrics import RollUp, Scope, Step, Window, window
from app.db.unit_of_work import reading, unit_of_work
from tests.core.metrics.pieces import close, single
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

START = datetime(2016, 11, 20, tzinfo=UTC)
SPAN = 5 * 86_400
REASONS = [None, None, None, "manual", "unsubscribe"]


class World:
    """A master with two subs and another master, with copies at random instants."""

    def __init__(self, master: MadeAccount, subs: list[MadeAccount], other: MadeAccount) -> None:
        self.master, self.subs, self.other = master, subs, other
        self.specs: list[CopySpec] = []

    def fill(self, chance: random.Random, count: int) -> None:
        for _ in range(count):
            account = chance.choice([self.master, *self.subs, self.other])
            second = chance.choice(
                [chance.randrange(SPAN), chance.randrange(0, SPAN, 3600), chance.randrange(0, SPAN, 86_400)]
            )
            self.specs.append(
                CopySpec(
                    account.id,
                    chance.choice(list(account.senders.values())),
                    START + timedelta(seconds=second, milliseconds=chance.randrange(1000)),
                    recipient=f"r{chance.randrange(30)}@example.com",
                    delivered=chance.random() < 0.7,
                    blocked_reason=chance.choice(REASONS),
                )
            )

    def inside(self, asked: Window, account_ids: set[int]) -> list[CopySpec]:
        return [
            one for one in self.specs if one.account_id in account_ids and asked.start <= one.accepted_at < asked.end
        ]


async def draw(make: Factories) -> World:
    """Return a world whose copies are not written yet."""
    master = await make.account(senders=["a@x.example", "b@x.example"])
    subs = [await make.account(parent=master, senders=[f"s{number}@x.example", "a@x.example"]) for number in range(2)]
    world = World(master, subs, await make.account(senders=["o@x.example"]))
    world.fill(random.Random(20161122), 700)
    return world


async def build(make: Factories) -> World:
    world = await draw(make)
    await make.copies(world.specs)
    return world


def ranges(chance: random.Random, count: int) -> list[Window]:
    """Ranges that cut days, hours, or nothing; short and long ones."""
    found = [
        window(START, START + timedelta(seconds=SPAN)),
        window(START - timedelta(days=3), START + timedelta(days=9)),
    ]
    for _ in range(count):
        step = chance.choice([1, 1, 60, 3600, 86_400])
        start = chance.randrange(-7200, SPAN, step)
        length = chance.choice([1, 59, 3599, 3600, 3601, 7300, 86_399, 86_400, chance.randrange(1, SPAN)])
        found.append(window(START + timedelta(seconds=start), START + timedelta(seconds=start + length)))
    return found


async def build_and_close(
    make: Factories, engine: AsyncEngine, closings: list[float], monkeypatch: pytest.MonkeyPatch
) -> World:
    """Build a world of which hours are closed in between; the rest of it comes late, for all but the last closing."""
    world = await draw(make)
    size = -(-len(world.specs) // max(len(closings), 1))
    for number, days in enumerate(closings or [0.0]):
        await make.copies(world.specs[number * size : (number + 1) * size])
        await close(engine, START + timedelta(days=days), monkeypatch=monkeypatch)
    return world


CLOSINGS = pytest.mark.parametrize("closings", [[], [2.3], [9.0], [2.5, 4.2], [9.0, -9.0], [9.0, 9.0, 9.0]])
"""Days after the start until which hours are closed, one time after the other, more copies coming in between."""


@CLOSINGS
async def test_counts_equal_a_recount(
    make: Factories, engine: AsyncEngine, closings: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_and_close(make, engine, closings, monkeypatch)
    mine = {world.master.id, *(sub.id for sub in world.subs)}
    addresses = {id_: email for one in (world.master, *world.subs) for email, id_ in one.senders.items()}
    async with reading(engine) as read:
        for asked in ranges(random.Random(1), 25):
            expected = Counter(spec.sender_id for spec in world.inside(asked, mine))
            rows = await metrics.email_counts(read, world.master.caller, asked)
            assert [(row.key, row.copies, row.sender) for row in rows] == [
                (key, expected[key], addresses[key]) for key in sorted(expected)
            ], asked
            by_user = Counter(spec.account_id for spec in world.inside(asked, mine))
            rows = await metrics.email_counts(read, world.master.caller, asked, by=RollUp.USER)
            assert [(row.key, row.copies, row.sender) for row in rows] == [
                (key, by_user[key], None) for key in sorted(by_user)
            ], asked


@CLOSINGS
async def test_series_equal_a_recount(
    make: Factories, engine: AsyncEngine, closings: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_and_close(make, engine, closings, monkeypatch)
    mine = {world.master.id, *(sub.id for sub in world.subs)}
    async with reading(engine) as read:
        for number, asked in enumerate(ranges(random.Random(2), 15)):
            for step in Step:
                by = (RollUp.SENDER, RollUp.USER)[number % 2]
                inside = world.inside(asked, mine)
                keys = sorted({spec.sender_id if by is RollUp.SENDER else spec.account_id for spec in inside})
                counted = Counter(
                    (
                        spec.sender_id if by is RollUp.SENDER else spec.account_id,
                        max(start for start in asked.starts(step) if start <= spec.accepted_at),
                    )
                    for spec in inside
                )
                expected = {key: [(start, counted[key, start]) for start in asked.starts(step)] for key in keys}
                series = single(await metrics.email_series(read, world.master.caller, asked, step=step, by=by))
                assert series == expected, (asked, step)
                assert list(series) == keys


async def test_the_list_holds_what_is_counted_page_by_page(make: Factories, engine: AsyncEngine) -> None:
    world = await build(make)
    mine = {world.master.id, *(sub.id for sub in world.subs)}
    async with reading(engine) as read:
        for asked in ranges(random.Random(3), 12):
            expected = [(spec.accepted_at.replace(microsecond=0), spec.recipient) for spec in world.inside(asked, mine)]
            found: list[tuple[datetime, str]] = []
            ids: list[tuple[datetime, int]] = []
            for offset in range(0, len(expected) + 100, 100):
                page = await metrics.emails(read, world.master.caller, asked, offset=offset, limit=100)
                found += [(row.accepted_at, row.recipient) for row in page]
                ids += [(row.accepted_at, row.message_id) for row in page]
            assert sorted(found) == sorted(expected)
            assert ids == sorted(ids)


async def test_scopes_narrow_and_never_widen(make: Factories, engine: AsyncEngine) -> None:
    world = await build(make)
    everything = window(START, START + timedelta(seconds=SPAN))
    sub, other = world.subs[0], world.other
    cases = [
        (world.master, Scope(user_id=sub.id), {sub.id}, None),
        (world.master, Scope(user_id=other.id), set(), None),
        (world.master, Scope(sender_id=other.senders["o@x.example"]), set(), None),
        (world.master, Scope(sender="O@x.example"), set(), None),
        (world.master, Scope(sender="A@X.Example"), {world.master.id, *(one.id for one in world.subs)}, "a@x.example"),
        (world.master, Scope(sender="a@x.example", user_id=sub.id), {sub.id}, "a@x.example"),
        (world.master, Scope(sender="a@x.example", sender_id=sub.senders["s0@x.example"]), set(), None),
        (world.master, Scope(sender="no address"), set(), None),
        (sub, Scope(), {sub.id}, None),
        (sub, Scope(user_id=world.master.id), set(), None),
        (other, Scope(), {other.id}, None),
    ]
    names = {id_: email for one in (world.master, *world.subs, other) for email, id_ in one.senders.items()}
    async with reading(engine) as read:
        for who, scope, account_ids, sender in cases:
            expected = [
                spec for spec in world.inside(everything, account_ids) if sender in {None, names[spec.sender_id]}
            ]
            counts = await metrics.email_counts(read, who.caller, everything, scope=scope)
            assert {row.key: row.copies for row in counts} == Counter(spec.sender_id for spec in expected), scope
            rows = await metrics.emails(read, who.caller, everything, scope=scope, limit=5000)
            assert len(rows) == len(expected), scope
            series = await metrics.email_series(read, who.caller, everything, scope=scope, step=Step.DAY)
            assert sum(sum(numbers) for (numbers,) in series.columns.values()) == len(expected), scope


async def test_a_deleted_sub_account_still_counts(make: Factories, engine: AsyncEngine) -> None:
    world = await build(make)
    everything = window(START, START + timedelta(seconds=SPAN))
    async with unit_of_work(engine) as write:
        before = await metrics.email_counts(write, world.master.caller, everything)
        await accounts.delete_sub(write, world.master.caller, world.subs[0].username)
        assert await metrics.email_counts(write, world.master.caller, everything) == before


async def test_too_long_a_series_is_refused(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    async with reading(engine) as read:
        with pytest.raises(Invalid):
            await metrics.email_series(read, made.caller, window(START, START + timedelta(days=2000)), step=Step.HOUR)

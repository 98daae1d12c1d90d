"""Counts and lists of bounces and of blocked copies equal a recount of random events, whatever the range cuts."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics
from app.core.metrics import Bounces, RollUp, Step, Window, window
from app.core.suppressions import Reason
from app.db.unit_of_work import reading
from app.models.bounce import BounceType
from tests.core.metrics.pieces import close, pairs, single
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec
from tests.factories.history import BounceSpec, LaidCopy

START = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
"""Two days before a month ends, so that partitions are crossed; those around today are always there."""
SPAN = 4 * 86_400
REASONS = [*Reason, "deleted"]
Event = TypeVar("Event")


@dataclass
class World:
    """A master with two subs, and another master; what happened to the first three."""

    master: MadeAccount
    mine: list[MadeAccount]
    other: MadeAccount
    bounces: list[tuple[LaidCopy, BounceSpec]] = field(default_factory=list)
    blocked: list[LaidCopy] = field(default_factory=list)


def _moment(chance: random.Random, after: int = 0) -> int:
    step = chance.choice([1, 3600, 86_400])
    return max(after, chance.randrange(0, SPAN, step))


async def build(make: Factories) -> World:
    """Lay random events down; those of the other master as well, which nobody else may see."""
    master = await make.account(senders=["a@x.example", "b@x.example"])
    subs = [await make.account(parent=master, senders=[f"s{number}@x.example"]) for number in range(2)]
    world = World(master, [master, *subs], await make.account(senders=["o@x.example"]))
    chance = random.Random(20161128)
    accounts = [*world.mine, world.other]
    moments = [_moment(chance) for _ in range(400)]
    specs = []
    for moment in moments:
        account = chance.choice(accounts)
        specs.append(
            CopySpec(
                account.id,
                chance.choice(list(account.senders.values())),
                START + timedelta(seconds=moment),
                f"r{chance.randrange(9)}@example.com",
                delivered=False,
                blocked_reason=chance.choice(REASONS) if chance.random() < 0.5 else None,
            )
        )
    pairs = []
    for copy, moment in zip(await make.lay(specs), moments, strict=True):
        if copy.spec.blocked_reason:
            world.blocked.append(copy)
        else:
            later = timedelta(seconds=_moment(chance, moment), microseconds=chance.randrange(1_000_000))
            pairs.append((copy, BounceSpec(START + later, chance.choice(list(BounceType)))))
    await make.bounces(pairs)
    mine = {account.id for account in world.mine}
    world.bounces = [pair for pair in pairs if pair[0].spec.account_id in mine]
    world.blocked = [copy for copy in world.blocked if copy.spec.account_id in mine]
    return world


def ranges(chance: random.Random, count: int) -> list[Window]:
    """Return ranges that cut days, hours, or nothing; short and long ones."""
    found = [window(START - timedelta(days=3), START + timedelta(days=9))]
    for _ in range(count):
        start = START + timedelta(seconds=_moment(chance))
        length = chance.choice([1, 3599, 3600, 3601, 7300, 86_399, 86_400, chance.randrange(1, SPAN)])
        found.append(window(start, start + timedelta(seconds=length)))
    return found


def inside(events: Sequence[Event], at: Callable[[Event], datetime], asked: Window) -> list[Event]:
    return [event for event in events if asked.start <= at(event) < asked.end]


def _bounced_at(pair: tuple[LaidCopy, BounceSpec]) -> datetime:
    return pair[1].at


def _accepted_at(copy: LaidCopy) -> datetime:
    return copy.accepted_at


def _key(copy: LaidCopy, by: RollUp) -> int:
    return copy.spec.sender_id if by is RollUp.SENDER else copy.spec.account_id


def _bucket(at: datetime, asked: Window, step: Step) -> datetime:
    return max(start for start in asked.starts(step) if start <= at)


@pytest.mark.parametrize("days", [None, 1.4, 3.0, 9.0])
async def test_bounces_equal_a_recount(
    make: Factories, engine: AsyncEngine, days: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(make)
    if days is not None:
        await close(engine, START + timedelta(days=days), monkeypatch=monkeypatch)
    chance = random.Random(1)
    async with reading(engine) as read:
        for asked in ranges(chance, 15):
            by, step = chance.choice(list(RollUp)), chance.choice(list(Step))
            kind = chance.choice([None, *BounceType])
            events = [one for one in inside(world.bounces, _bounced_at, asked) if kind in {None, one[1].type}]
            counted = Counter((_key(copy, by), bounce.type) for copy, bounce in events)
            rows = await metrics.bounce_counts(read, world.master.caller, asked, by=by, bounce_type=kind)
            assert {row.key: row.bounces for row in rows} == {
                key: Bounces(counted[key, "soft"], counted[key, "hard"]) for key in {key for key, _ in counted}
            }
            assert [row.key for row in rows] == sorted(row.key for row in rows)
            series = pairs(
                await metrics.bounce_series(read, world.master.caller, asked, step=step, by=by, bounce_type=kind)
            )
            placed = Counter((_key(copy, by), _bucket(one.at, asked, step), one.type) for copy, one in events)
            assert series == {
                key: [
                    (start, Bounces(placed[key, start, "soft"], placed[key, start, "hard"]))
                    for start in asked.starts(step)
                ]
                for key in sorted({key for key, _ in counted})
            }


async def test_pages_of_bounces_hold_each_once_in_order(make: Factories, engine: AsyncEngine) -> None:
    world = await build(make)
    async with reading(engine) as read:
        for asked in ranges(random.Random(2), 8):
            expected = sorted(
                (bounce.at.replace(microsecond=0), copy.accepted_at, copy.message_id)
                for copy, bounce in inside(world.bounces, _bounced_at, asked)
            )
            found = []
            for offset in range(0, len(expected) + 17, 17):
                page = await metrics.bounces(read, world.master.caller, asked, offset=offset, limit=17)
                found += [(row.bounced_at.replace(microsecond=0), row.accepted_at, row.message_id) for row in page]
            assert found == expected


@pytest.mark.parametrize("days", [None, 1.4, 3.0, 9.0])
async def test_blocked_copies_equal_a_recount(
    make: Factories, engine: AsyncEngine, days: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(make)
    if days is not None:
        await close(engine, START + timedelta(days=days), monkeypatch=monkeypatch)
    chance = random.Random(3)
    async with reading(engine) as read:
        for asked in ranges(chance, 15):
            by, step = chance.choice(list(RollUp)), chance.choice(list(Step))
            reason = chance.choice([None, *Reason])
            copies = [copy for copy in inside(world.blocked, _accepted_at, asked) if reason in {None, _shown(copy)}]
            counted = Counter((_key(copy, by), _shown(copy)) for copy in copies)
            rows = await metrics.blocked_counts(read, world.master.caller, asked, by=by, reason=reason)
            assert {row.key: (row.blocked, row.bounces) for row in rows} == {
                key: (
                    sum(counted[key, one] for one in Reason),
                    Bounces(counted[key, Reason.SOFTBOUNCE], counted[key, Reason.HARDBOUNCE]),
                )
                for key in {key for key, _ in counted}
            }
            series = single(
                await metrics.blocked_series(read, world.master.caller, asked, step=step, by=by, reason=reason)
            )
            placed = Counter((_key(copy, by), _bucket(copy.accepted_at, asked, step)) for copy in copies)
            assert series == {
                key: [(start, placed[key, start]) for start in asked.starts(step)]
                for key in sorted({key for key, _ in counted})
            }
            listed = await metrics.blocked_emails(read, world.master.caller, asked, reason=reason, limit=1000)
            assert [(row.accepted_at, row.message_id) for row in listed] == sorted(
                (copy.accepted_at, copy.message_id) for copy in copies
            )


def _shown(copy: LaidCopy) -> Reason:
    stored = copy.spec.blocked_reason
    return Reason.MANUAL if stored == "deleted" else Reason(stored or "")

"""Each list holds what a recount of the same history finds, whatever the filters, page by page; counts equal lists."""

import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import reports
from app.core.reports import BounceKind, Filters
from app.db.unit_of_work import reading, unit_of_work
from app.mail.bounce_rules import blocked_type
from app.models import Issue
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec
from tests.factories.history import BounceSpec, LaidCopy

START = datetime(2016, 11, 10, tzinfo=UTC)
SPAN = 5 * 86_400
REASONS = ["hardbounce", "complaint", "softbounce", "manual", "unsubscribe"]
HEADERS: list[dict[str, str] | None] = [None, {"X-A": "one"}, {"x-a": "two", "X-B": "one"}, {"X-B": "one"}]
KINDS: list[BounceKind | None] = [None, *BounceKind]


@dataclass(frozen=True)
class Fact:
    """Something that happened, as a report should tell it."""

    what: str
    account_id: int
    sender: str
    recipient: str
    at: datetime
    x_headers: dict[str, str] | None
    more: tuple[object, ...] = ()


@dataclass
class World:
    """Two accounts with senders of the same names, and what happened."""

    accounts: list[MadeAccount]
    facts: list[Fact] = field(default_factory=list)

    def note(self, what: str, copy: LaidCopy, at: datetime, *more: object) -> None:
        spec = copy.spec
        names = {id_: email for one in self.accounts for email, id_ in one.senders.items()}
        self.facts.append(Fact(what, spec.account_id, names[spec.sender_id], spec.recipient, at, spec.x_headers, more))

    def found(self, what: str, account: MadeAccount, filters: Filters) -> list[tuple[object, ...]]:
        """Return what a list should hold, sorted."""
        facts = [one for one in self.facts if one.what == what and one.account_id == account.id]
        return sorted(
            (one.at, one.recipient, _flat(one.x_headers), *map(str, one.more)) for one in facts if _fits(one, filters)
        )


def _flat(x_headers: dict[str, str] | None) -> str:
    return str(sorted((x_headers or {}).items()))


def _fits(one: Fact, filters: Filters) -> bool:
    had = {name.lower(): value for name, value in (one.x_headers or {}).items()}
    wanted = {name.lower(): value for name, value in filters.x_headers if name.lower() in {"x-a", "x-b"}}
    return (
        filters.start <= one.at < filters.end
        and (filters.sender is None or one.sender == filters.sender.lower())
        and (filters.recipient is None or one.recipient.lower() == filters.recipient.lower())
        and (filters.domain is None or one.recipient.rpartition("@")[2].lower() == filters.domain.lower())
        and all(had.get(name) == value for name, value in wanted.items())
    )


async def build(make: Factories, chance: random.Random, copies: int) -> World:
    """Lay down copies and what happened to them, at random."""
    mine = await make.account(x_headers=["X-A", "X-B"], senders=["a@x.example", "b@x.example"])
    sub = await make.account(parent=mine, x_headers=["X-A", "X-B"], senders=["a@x.example", "s@x.example"])
    world = World([mine, sub])
    specs = []
    for _ in range(copies):
        account = chance.choice(world.accounts)
        specs.append(
            CopySpec(
                account.id,
                chance.choice(list(account.senders.values())),
                START + timedelta(seconds=chance.randrange(0, SPAN, chance.choice([1, 3600]))),
                f"{chance.choice('Rrq')}{chance.randrange(4)}@{chance.choice(['example.com', 'example.org'])}",
                delivered=chance.random() < 0.8,
                blocked_reason=chance.choice(REASONS) if chance.random() < 0.25 else None,
                x_headers=chance.choice(HEADERS),
            )
        )
    bounces: list[tuple[LaidCopy, BounceSpec]] = []
    for copy in await make.lay(specs):
        spec = copy.spec
        world.note("sent", copy, spec.accepted_at)
        if spec.blocked_reason:
            world.note(blocked_type(spec.blocked_reason), copy, spec.accepted_at, spec.blocked_reason)
            continue
        later = spec.accepted_at + timedelta(seconds=chance.randrange(86_400), microseconds=chance.randrange(10**6))
        if chance.random() < 0.3:
            bounces.append((copy, BounceSpec(later, type=chance.choice(["hard", "soft"]))))
            world.note(bounces[-1][1].type, copy, later)
            continue
        if spec.delivered:
            world.note("delivered", copy, spec.accepted_at)
        await _engage(make, world, copy, later, chance)
    await make.bounces(bounces)
    return world


async def _engage(make: Factories, world: World, copy: LaidCopy, later: datetime, chance: random.Random) -> None:
    if chance.random() < 0.2:
        await make.complained(copy, later)
        world.note("complaints", copy, later)
    opens = [later + timedelta(minutes=number) for number in range(chance.randrange(3))]
    for at in opens:
        await make.opened(copy, at, ip="192.0.2.7")
        world.note("opens", copy, at, "192.0.2.7")
    if opens:
        world.note("unique_opens", copy, opens[0], len(opens))
    for link in range(chance.randrange(3)):
        clicks = [later + timedelta(minutes=number, seconds=link) for number in range(chance.randrange(1, 3))]
        url = f"https://example.com/{link}"
        for at in clicks:
            await make.clicked(copy, at, url, link=link)
            world.note("clicks", copy, at, url)
        world.note("unique_clicks", copy, clicks[0], url, len(clicks))


def questions(chance: random.Random, count: int) -> Iterable[Filters]:
    """Filters alone and combined; some match nothing."""
    yield Filters(START, START + timedelta(seconds=SPAN * 2))
    yield Filters(START + timedelta(seconds=SPAN), START)
    yield Filters(START - timedelta(days=90_000), START + timedelta(days=2_000_000))
    choices: dict[str, list[Any]] = {
        "sender": ["A@X.example", "s@x.example", "nobody@x.example"],
        "recipient": ["r1@EXAMPLE.com", "Q2@example.org", "nobody@example.com"],
        "domain": ["Example.com", "example.net"],
        "x_headers": [(("x-a", "one"),), (("X-B", "one"), ("X-Other", "1")), (("X-A", "two"), ("X-B", "one"))],
    }
    for _ in range(count):
        start = START + timedelta(seconds=chance.randrange(-7200, SPAN))
        given = {name: chance.choice(values) for name, values in choices.items() if chance.random() < 0.35}
        yield Filters(start, start + timedelta(seconds=chance.choice([3600, 86_400, SPAN, SPAN * 2])), **given)


Verb = Callable[..., Awaitable[list[Any]]]
Counter = Callable[..., Awaitable[int]]
PLAIN: list[tuple[str, Verb, Counter, dict[str, bool], tuple[str, ...]]] = [
    ("sent", reports.sent, reports.count_sent, {}, ()),
    ("delivered", reports.sent, reports.count_sent, {"delivered": True}, ()),
    ("complaints", reports.complaints, reports.count_complaints, {}, ()),
    ("opens", reports.opens, reports.count_opens, {}, ("ip",)),
    ("unique_opens", reports.unique_opens, reports.count_unique_opens, {}, ("total",)),
    ("clicks", reports.clicks, reports.count_clicks, {}, ("url",)),
    ("unique_clicks", reports.unique_clicks, reports.count_unique_clicks, {}, ("url", "total")),
]


async def pages(page: Callable[..., Awaitable[list[Any]]]) -> list[Any]:
    """Return all rows of a list, asked page by page, and one more beyond its end."""
    rows: list[Any] = []
    for number in range(1000):
        found = await page(offset=number * 7, limit=7)
        rows += found
        if not found:
            return rows
    raise AssertionError("endless")


def shown(rows: list[Any], *names: str) -> list[tuple[object, ...]]:
    return [
        (
            getattr(row, "accepted_at", None) or row.occurred_at,
            row.recipient,
            _flat(row.x_headers),
            *(str(getattr(row, name)) for name in names),
        )
        for row in rows
    ]


async def test_lists_and_counts_equal_a_recount(make: Factories, engine: AsyncEngine) -> None:
    world = await build(make, random.Random(20161122), 160)
    everything = Filters(START, START + timedelta(seconds=SPAN * 2))
    async with reading(engine) as read:
        for what, verb, counter, more, names in PLAIN:
            for account in world.accounts:
                assert world.found(what, account, everything), f"no {what} to look at"
            for asked in questions(random.Random(what), 25):
                account = world.accounts[len(asked.x_headers) % 2]
                expected = world.found(what, account, asked)
                rows = shown(await pages(partial(verb, read, account.id, asked, **more)), *names)
                assert sorted(rows) == expected, (what, asked)
                assert [row[0] for row in rows] == [row[0] for row in expected], "not by time"
                assert await counter(read, account.id, asked, **more) == len(expected)


async def test_bounces_and_blocked_copies_equal_a_recount(make: Factories, engine: AsyncEngine) -> None:
    world = await build(make, random.Random(5), 160)
    account = world.accounts[0]
    async with reading(engine) as read:
        for asked in questions(random.Random(6), 25):
            counts = await reports.count_bounces(read, account.id, asked)
            assert list(counts) == list(BounceKind)
            for kind in KINDS:
                words = ["hard", "soft"] if kind is None else [str(kind)]
                expected = sorted(row[:3] for word in words for row in world.found(word, account, asked))
                rows = await pages(partial(reports.bounces, read, account.id, asked, kind=kind))
                assert sorted(shown(rows)) == expected, (kind, asked)
                assert {str(row.kind) for row in rows} <= set(words)
                if kind:
                    assert counts[kind] == len(expected)
            blocked = await reports.count_blocked(read, account.id, asked)
            assert blocked == {kind: found for kind, found in counts.items() if found and not kind.is_bounce}


async def test_a_copy_that_is_blocked_while_it_waits_counts_at_that_moment(
    make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account(senders=["a@x.example"])
    accepted, blocked = START, START + timedelta(days=2)
    await make.blocked(account.id, account.senders["a@x.example"], accepted, reason="manual", finished_at=blocked)
    hour = timedelta(hours=1)
    async with reading(engine) as read:
        for at, number in ((accepted, 0), (blocked, 1)):
            asked = Filters(at - hour, at + hour)
            rows = await reports.bounces(read, account.id, asked, kind=BounceKind.SUPPRESSED)
            assert [row.occurred_at for row in rows] == [blocked] * number
            assert (await reports.count_bounces(read, account.id, asked))[BounceKind.SUPPRESSED] == number


async def test_long_texts_are_cut_and_left_out_on_demand(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account(senders=["a@x.example"])
    copy = await make.delivered(account.id, account.senders["a@x.example"], START)
    await make.bounced(copy, BounceSpec(START + timedelta(seconds=1), content="ü" * 70_000))
    asked = Filters(START, START + timedelta(days=1))
    async with reading(engine) as read:
        (row,) = await reports.bounces(read, account.id, asked)
        assert row.text == "ü" * 65_536
        (row,) = await reports.bounces(read, account.id, asked, with_text=False)
        assert row.text == ""


async def test_issues_are_found_by_who_tried_and_for_whom(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(x_headers=["X-A"]), await make.account()
    rows = [
        ("a@y.example", "No <Who@X.example>", {"X-A": "one"}),
        ("B@y.example", "who@x.example", None),
        ("c@z.example", "", None),
    ]
    async with unit_of_work(engine) as write:
        for number, (address, sender, headers) in enumerate(rows):
            values = {
                "account_id": account.id,
                "occurred_at": START + timedelta(minutes=number),
                "issue_type": "refused",
                "address": address,
                "sender": sender,
                "description": f"text {number}",
                "x_headers": headers,
            }
            await write.execute(insert(Issue).values(values))
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [0, 1, 2]),
        ({"sender": "WHO@x.example"}, [0, 1]),
        ({"sender": "x.example"}, []),
        ({"recipient": "b@Y.example"}, [1]),
        ({"domain": "y.example"}, [0, 1]),
        ({"x_headers": (("x-a", "one"),)}, [0]),
        ({"x_headers": (("x-b", "one"),)}, [0, 1, 2]),
    ]
    async with reading(engine) as read:
        for given, numbers in cases:
            asked = Filters(START, START + timedelta(days=1), **given)
            found = await reports.issues(read, account.id, asked)
            assert [row.description for row in found] == [f"text {number}" for number in numbers], given
            assert await reports.count_issues(read, account.id, asked) == len(numbers)
            assert await reports.issues(read, account.id, asked, offset=1, limit=1) == found[1:2]
            assert await reports.issues(read, other.id, asked) == []


@pytest.mark.parametrize("statement", ["sent", "opens", "unique_clicks", "bounces", "blocked_counts"])
async def test_strange_texts_find_nothing(statement: str, make: Factories, engine: AsyncEngine) -> None:
    verbs: dict[str, Callable[..., Awaitable[Any]]] = {
        "sent": reports.sent,
        "opens": reports.opens,
        "unique_clicks": reports.unique_clicks,
        "bounces": reports.bounces,
        "blocked_counts": reports.count_blocked,
    }
    account = await make.account(x_headers=["X-A"], senders=["a@x.example"])
    copy = await make.delivered(account.id, account.senders["a@x.example"], START)
    await make.opened(copy, START)
    strange = ["'; --", "%", "\\", "x" * 100_000, "\U0001f600", "a@b@c", "@"]
    async with reading(engine) as read:
        for text in strange:
            for given in ({"sender": text}, {"recipient": text}, {"domain": text}, {"x_headers": (("X-A", text),)}):
                asked = Filters(START, START + timedelta(days=1), **given)
                assert not await verbs[statement](read, account.id, asked)

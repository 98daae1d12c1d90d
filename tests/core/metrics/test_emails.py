import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics
from app.core.metrics import EmailRow, ListFilters, seeking, window
from app.db.unit_of_work import reading
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

NOON = datetime(2016, 11, 22, 12, tzinfo=UTC)
DAY = window(NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(days=1))


async def listed(
    engine: AsyncEngine, made: MadeAccount, *, delivered: bool | None = None, **filters: object
) -> list[EmailRow]:
    given = ListFilters(**filters)  # type: ignore[arg-type]
    async with reading(engine) as read:
        return await metrics.emails(read, made.caller, DAY, filters=given, delivered=delivered)


@pytest.fixture
async def made(make: Factories) -> MadeAccount:
    """An account with four copies."""
    account = await make.account(x_headers=["X-Campaign", "X-Region"], senders=["a@x.example"])
    sender = account.senders["a@x.example"]
    headers = [{"X-Campaign": "spring", "X-Region": "NH"}, {"X-Campaign": "Spring"}, None, {"x-campaign": "spring"}]
    recipients = ["Jo@example.com", "jo@sub.example.com", '"a@b"@example.com', "ann@example.com"]
    await make.copies(
        CopySpec(
            account.id,
            sender,
            NOON + timedelta(seconds=number),
            recipient=recipient,
            x_headers=values,
            delivered=number < 2,
            bounced=number == 1,
        )
        for number, (recipient, values) in enumerate(zip(recipients, headers, strict=True))
    )
    return account


async def test_filters_combine(made: MadeAccount, engine: AsyncEngine, subtests: pytest.Subtests) -> None:
    cases: list[tuple[dict[str, object], list[int]]] = [
        ({}, [0, 1, 2, 3]),
        ({"recipient": "JO@EXAMPLE.COM"}, [0]),
        ({"recipient": "o@example.com"}, []),
        ({"domain": "Example.com"}, [0, 2, 3]),
        ({"domain": "com"}, []),
        ({"local": "jO"}, [0, 1]),
        ({"local": '"a@b"'}, [2]),
        ({"local": "jo", "domain": "example.com"}, [0]),
        ({"delivered": True}, [0]),
        ({"delivered": False}, [1, 2, 3]),
        ({"x_headers": (("x-CAMPAIGN", "spring"),)}, [0, 3]),
        ({"x_headers": (("X-Campaign", "spring"), ("X-Region", "NH"))}, [0]),
        ({"x_headers": (("X-Region", "nh"),)}, []),
        ({"x_headers": (("X-Other", "unconfigured"),)}, [0, 1, 2, 3]),
        ({"x_headers": (("X-Campaign", "spr<in>g"),)}, [0, 3]),
    ]
    for filters, expected in cases:
        with subtests.test(filters=filters):
            rows = await listed(engine, made, **filters)  # type: ignore[arg-type]
            assert [(row.accepted_at - NOON).seconds for row in rows] == expected


async def test_a_row_tells_what_became_of_its_copy(made: MadeAccount, engine: AsyncEngine) -> None:
    rows = await listed(engine, made)
    assert [row.delivered for row in rows] == [True, False, False, False]
    assert rows[0].x_headers == {"X-Campaign": "spring", "X-Region": "NH"}
    assert rows[2].x_headers is None
    assert {row.account_id for row in rows} == {made.id}


async def test_past_the_end_there_is_nothing(made: MadeAccount, engine: AsyncEngine) -> None:
    async with reading(engine) as read:
        for offset in (4, 5, 10**6, 2**62):
            assert await metrics.emails(read, made.caller, DAY, offset=offset) == []
        cut = window(NOON + timedelta(seconds=1), NOON + timedelta(seconds=3))
        assert len(await metrics.emails(read, made.caller, cut)) == 2
        assert len(await metrics.emails(read, made.caller, cut, offset=1)) == 1
        assert await metrics.emails(read, made.caller, cut, offset=2) == []


async def test_copies_of_one_second_are_ordered_by_id(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account(senders=["a@x.example"])
    ids = await make.copies([CopySpec(account.id, account.senders["a@x.example"], NOON)] * 30)
    rows = await listed(engine, account)
    assert [row.message_id for row in rows] == sorted(ids)


async def test_narrowed_lists_of_many_accounts_are_the_matching_copies_in_order(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeking, "DEEP", 5)
    chance = random.Random(20161122)
    names = ["X-A", "X-Bb", "x-ccc", "X-Dddd"]
    master = await make.account(x_headers=names, senders=["a@x.example"])
    subs = [await make.account(parent=master, x_headers=names, senders=["a@x.example"]) for _ in range(2)]
    specs = [
        CopySpec(
            made.id,
            made.senders["a@x.example"],
            NOON + timedelta(seconds=chance.randrange(9000)),
            recipient=f"r{chance.randrange(4)}@{chance.choice(['one', 'two'])}.example",
            x_headers={name: chance.choice("uvw") for name in names if chance.random() < 0.6} or None,
            bounced=chance.random() < 0.5,
        )
        for made in chance.choices([master, *subs], k=250)
    ]
    await make.copies(specs)
    for filters in (
        ListFilters(x_headers=(("X-A", "u"),)),
        ListFilters(x_headers=(("x-bb", "v"), ("X-Dddd", "w"))),
        ListFilters(x_headers=(("X-CCC", "w"),), domain="ONE.example"),
        ListFilters(x_headers=(("X-A", "u"), ("X-A", "v"))),
        ListFilters(domain="two.example"),
        ListFilters(domain="r1@two.example"),
    ):
        expected = [
            NOON + timedelta(seconds=int((spec.accepted_at - NOON).total_seconds()))
            for spec in specs
            if matches(spec, filters)
        ]
        found: list[EmailRow] = []
        async with reading(engine) as read:
            for offset in range(0, 260, 13):
                found += await metrics.emails(read, master.caller, DAY, filters=filters, offset=offset, limit=13)
        assert sorted(expected) == [row.accepted_at for row in found]
        assert [(row.accepted_at, row.message_id) for row in found] == sorted(
            (row.accepted_at, row.message_id) for row in found
        )


def matches(spec: CopySpec, filters: ListFilters) -> bool:
    had = {name.lower(): value for name, value in (spec.x_headers or {}).items()}
    domain = spec.recipient.rpartition("@")[2]
    return all(had.get(name.lower()) == value for name, value in filters.x_headers) and (
        filters.domain is None or filters.domain.lower() == domain
    )

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics
from app.core.metrics import EmailRow, ListFilters, window
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

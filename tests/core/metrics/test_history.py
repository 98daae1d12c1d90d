"""What the history factory lays down is what a recount of it gives."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from tests.factories import Factories
from tests.factories.history import BounceSpec

AT = datetime(2016, 11, 22, 23, 59, 30, tzinfo=UTC)


async def test_events_count_at_their_own_times(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account(senders=["a@x.example"])
    sender = account.senders["a@x.example"]
    copy = await make.delivered(account.id, sender, AT, "ann@example.org", x_headers={"X-A": "1"})
    for minutes in (1, 2):
        await make.opened(copy, AT + timedelta(minutes=minutes))
        await make.clicked(copy, AT + timedelta(minutes=minutes))
    await make.clicked(copy, AT + timedelta(hours=2), link=1)
    await make.complained(copy, AT + timedelta(minutes=1))
    await make.unsubscribed(copy, AT + timedelta(minutes=1))
    await make.bounced(await make.sent(account.id, sender, AT), BounceSpec(AT + timedelta(minutes=1), "soft"))
    await make.blocked(account.id, sender, AT, reason="deleted", finished_at=AT + timedelta(hours=1))
    columns = (
        "accepted, delivered, soft_bounces, hard_bounces, blocked_manual, opens, unique_opens, clicks, unique_clicks, "
        "complaints, unsubscribes"
    )
    async with driver_connection(engine) as connection:
        days = await connection.fetch(f"SELECT {columns} FROM daily_counts ORDER BY day")  # noqa: S608 own constant
        hours = await connection.fetch(f"SELECT {columns} FROM hourly_counts ORDER BY hour")  # noqa: S608 own constant
        engagement = await connection.fetchrow("SELECT opens, clicks, opened_at, clicked_at FROM engagements")
    assert [tuple(row) for row in days] == [(3, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0), (0, 0, 1, 0, 0, 2, 1, 3, 2, 1, 1)]
    assert [tuple(row) for row in hours] == [
        (3, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0),
        (0, 0, 1, 0, 0, 2, 1, 2, 1, 1, 1),
        (0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0),
    ]
    first = AT + timedelta(minutes=1)
    assert engagement is not None
    assert tuple(engagement) == (2, 3, first, first)

"""A batcher that runs, and what the counters say beside a recount."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.tracking import Clicked, EventBatcher, Opened
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.kit.clock import SystemClock
from tests.factories import Factories

NOON = datetime(2016, 11, 22, 12, tzinfo=UTC)
UNKNOWN = 10**12
"""No copy has this id."""
COPIES = """
    INSERT INTO messages (id, accepted_at, accepted_ms, account_id, sender_id, run_id, kind, state, recipient,
        delivered_at, finished_at)
    SELECT number, $1, 0, $2, $3 + number % 2, CASE WHEN number % 3 <> 0 THEN 1 + number % 2 END, 'send', 'delivered',
        'reader' || number || '@example.com', $1, $1
    FROM generate_series(1, $4::int) AS number
"""
COUNTED = """
    SELECT metric, account_id, sender_id, start, count(*)
    FROM (
        SELECT 'opens' AS metric, account_id, sender_id, date_trunc($1, occurred_at, 'UTC') AS start FROM opens
        UNION ALL
        SELECT 'unique_opens', account_id, sender_id, date_trunc($1, opened_at, 'UTC') FROM engagements
        WHERE opened_at IS NOT NULL
        UNION ALL
        SELECT 'clicks', account_id, sender_id, date_trunc($1, occurred_at, 'UTC') FROM clicks
        UNION ALL
        SELECT 'unique_clicks', account_id, sender_id, date_trunc($1, clicked_at, 'UTC') FROM link_clicks
    ) AS facts
    GROUP BY 1, 2, 3, 4
"""
STORED = """
    SELECT metric, account_id, sender_id, start, stored
    FROM (
        SELECT 'hour' AS bucket, account_id, sender_id, hour AS start, opens, unique_opens, clicks, unique_clicks
        FROM hourly_counts
        UNION ALL
        SELECT 'day', account_id, sender_id, day::timestamp AT TIME ZONE 'UTC', opens, unique_opens, clicks,
            unique_clicks
        FROM daily_counts
    ) AS kept
    CROSS JOIN LATERAL (VALUES
        ('opens', opens), ('unique_opens', unique_opens), ('clicks', clicks), ('unique_clicks', unique_clicks)
    ) AS metrics (metric, stored)
    WHERE bucket = $1 AND stored <> 0
"""
RUNS_COUNTED = """
    SELECT run_id, sum(opens)::bigint, count(opened_at), sum(clicks)::bigint, count(clicked_at)
    FROM engagements WHERE run_id IS NOT NULL GROUP BY 1
"""
RUNS_STORED = "SELECT run_id, opens, opened, clicks, clicked FROM run_counts"
COPIES_COUNTED = """
    SELECT message_id, count(*) FILTER (WHERE kind = 'open'), count(*) FILTER (WHERE kind = 'click'),
        bool_or(kind = 'open'), bool_or(kind = 'click')
    FROM (SELECT message_id, 'open' AS kind FROM opens UNION ALL SELECT message_id, 'click' FROM clicks) AS events
    GROUP BY 1
"""
COPIES_STORED = "SELECT message_id, opens, clicks, opened_at IS NOT NULL, clicked_at IS NOT NULL FROM engagements"
LINKS_COUNTED = "SELECT message_id, link, count(*) FROM clicks GROUP BY 1, 2"
LINKS_STORED = "SELECT message_id, link, clicks FROM link_clicks"


@pytest.fixture
async def batcher(engine: AsyncEngine) -> AsyncIterator[EventBatcher]:
    batcher = EventBatcher(engine, SystemClock(), patience_seconds=60.0)  # on a busy machine too
    await batcher.start()
    yield batcher
    await batcher.close()


@pytest.fixture
async def copies(engine: AsyncEngine, make: Factories) -> None:
    """A hundred copies, 1 to 100, that were delivered at noon, of two senders, most of them of one of two runs."""
    account = await make.account(senders=["news@example.com"])
    async with driver_connection(engine) as connection:
        await connection.execute(COPIES, NOON, account.id, account.senders["news@example.com"], 100)


def opened(message_id: int, *, number: int | None = None, at: datetime = NOON, **values: Any) -> Opened:
    """An open; `number` is its id."""
    given = {"ip": "192.0.2.1", "user_agent": "Mozilla/5.0 (X11)", **values}
    return Opened(number, message_id, NOON, at, **given)


def clicked(message_id: int, link: int = 0, *, number: int | None = None, at: datetime = NOON) -> Clicked:
    """A click; `number` is its id."""
    return Clicked(
        number, message_id, NOON, at, "192.0.2.1", "Mozilla/5.0 (X11)", link=link, url=f"https://shop.example/{link}"
    )


async def fetch(engine: AsyncEngine, query: str, *args: object) -> list[tuple[Any, ...]]:
    async with driver_connection(engine) as connection:
        return [tuple(row) for row in await connection.fetch(query, *args)]


async def differences(connection: Connection) -> list[tuple[Any, ...]]:
    """Return every number that is not what a recount of the events gives."""
    found: list[tuple[Any, ...]] = []
    pairs = [(COUNTED, STORED, "hour"), (COUNTED, STORED, "day")]
    pairs += [(RUNS_COUNTED, RUNS_STORED, ""), (COPIES_COUNTED, COPIES_STORED, ""), (LINKS_COUNTED, LINKS_STORED, "")]
    for counted, stored, bucket in pairs:
        arguments = [bucket] if bucket else []
        one = {tuple(row) for row in await connection.fetch(counted, *arguments)}
        other = {tuple(row) for row in await connection.fetch(stored, *arguments)}
        found += [("counted", *row) for row in one - other] + [("stored", *row) for row in other - one]
    return found


async def totals(engine: AsyncEngine) -> dict[str, int]:
    """Return the sums of the days."""
    names = ("opens", "unique_opens", "clicks", "unique_clicks", "complaints", "unsubscribes")
    columns = ", ".join(f"coalesce(sum({name}), 0)::int" for name in names)
    rows = await fetch(engine, f"SELECT {columns} FROM daily_counts")  # noqa: S608 names are ours
    return {name: number for name, number in zip(names, rows[0], strict=True) if number}

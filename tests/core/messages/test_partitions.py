"""Partitions are made ahead, once, and while mail flows."""

import asyncio
from datetime import UTC, date, datetime

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.messages import MONTHS_AHEAD, make_partitions, months_left, partitions
from app.db.engine import driver_connection


async def test_they_reach_four_months_ahead(engine: AsyncEngine) -> None:
    assert await make_partitions(engine) == 0
    assert await months_left(engine, datetime.now(UTC)) == MONTHS_AHEAD


async def test_two_at_once_make_each_once(engine: AsyncEngine) -> None:
    months = [date(2031, month, 1) for month in range(1, 13)]
    made = await asyncio.gather(*(make_partitions(engine, months) for _ in range(3)))
    assert sorted(made) == [0, 0, 12 * len(partitions.PARTITIONED)]


async def test_making_one_disturbs_no_open_transaction(engine: AsyncEngine) -> None:
    """A reader and a writer of the ledger are in the middle of something."""
    async with driver_connection(engine) as other, other.transaction():
        await other.execute(
            "INSERT INTO messages (id, accepted_at, account_id, sender_id, accepted_ms, kind, state, recipient)"
            " VALUES (1, date_trunc('second', now()), 1, 1, 0, 'send', 'queued', 'jo@example.org')"
        )
        await other.fetch("SELECT * FROM messages")
        assert await make_partitions(engine, [date(2032, 1, 1)]) == len(partitions.PARTITIONED)


async def test_a_month_without_one_takes_no_mail(engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO mails (id, accepted_at, account_id, headers) VALUES (1, '2040-01-01', 1, '[]')"
            )


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1)), st.integers(-400, 400))
def test_months_follow_each_other(day: date, count: int) -> None:
    month = partitions.month_of(day)
    there = partitions.following(month, count)
    assert there.day == 1
    assert (there.year * 12 + there.month) - (month.year * 12 + month.month) == count
    assert partitions.following(there, -count) == month

"""What is old goes, what is not stays, and nobody waits for it."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages, retention
from app.core.messages import Owner
from app.core.retention import Limits, first_kept
from app.db.engine import driver_connection
from tests.core.messages.conftest import Nudges, batcher, draft_of, nudges
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec

__all__ = ["Nudges", "batcher", "nudges"]

OLD = datetime(2016, 11, 22, 9, 30, tzinfo=UTC)
LIMITS = Limits(detail_days=540, count_days=0)
OWNER = Owner("here", uuid4())


async def value(engine: AsyncEngine, query: str) -> Any:
    async with driver_connection(engine) as connection:
        return await connection.fetchval(query)


async def months(engine: AsyncEngine) -> list[str]:
    async with driver_connection(engine) as connection:
        rows = await connection.fetch("SELECT relname AS name FROM pg_class WHERE relname ~ '_p2016\\d\\d$'")
    return [row["name"] for row in rows]


async def forget(engine: AsyncEngine, limits: Limits = LIMITS) -> retention.Forgotten:
    return await retention.forget(engine, now=datetime.now(UTC), limits=limits)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    """An account with a bounce in an old month, and a copy in this one."""
    account = await make.account(senders=["news@example.com"])
    (sender_id,) = account.senders.values()
    await make.bounced(await make.delivered(account.id, sender_id, OLD), BounceSpec(OLD + timedelta(hours=1)))
    await make.delivered(account.id, sender_id, datetime.now(UTC))
    return account


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention.months, "DETACH_SECONDS", 0.3)


async def test_an_old_month_goes_as_a_whole_and_its_counts_stay(
    engine: AsyncEngine, account: MadeAccount, client: httpx2.AsyncClient
) -> None:
    assert await forget(engine) == retention.Forgotten(tables=len(messages.PARTITIONED))
    assert await months(engine) == []
    assert await value(engine, "SELECT count(*) FROM messages") == 1
    assert await value(engine, "SELECT sum(accepted) FROM daily_counts") == 2
    assert await value(engine, "SELECT sum(hard_bounces) FROM counted_hours") == 1
    query = {"apikey": account.key, "starttime": "2016-11-01T00:00:00Z", "endtime": "2016-12-01T00:00:00Z"}
    for path in ("/rest/json/reports/sent", "/rest/json/reports/bounces", "/rest/json/reports/opens"):
        answer = await client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert not next(iter(answer.json()["response"]["data"].values())), path
    assert await forget(engine) == retention.Forgotten()


async def test_what_is_kept_for_ever_stays(engine: AsyncEngine, account: MadeAccount) -> None:
    assert await forget(engine, Limits(detail_days=0, count_days=0)) == retention.Forgotten()
    assert await value(engine, "SELECT count(*) FROM messages") == 2


@pytest.mark.usefixtures("account")
async def test_hours_that_are_over_are_closed(engine: AsyncEngine) -> None:
    before = await value(engine, "SELECT sum(accepted) FROM counted_hours")
    await forget(engine, Limits(detail_days=0, count_days=0))
    assert await value(engine, "SELECT count(*) FROM closed_hours") == 1
    assert await value(engine, "SELECT count(*) FROM hourly_counts WHERE hour < '2017-01-01'") == 0
    assert await value(engine, "SELECT sum(accepted) FROM counted_hours") == before


@pytest.mark.parametrize("place", ["queue", "lease"])
async def test_a_month_of_which_a_copy_waits_stays(
    engine: AsyncEngine, account: MadeAccount, make: Factories, place: str
) -> None:
    (sender_id,) = account.senders.values()
    copy = await make.sent(account.id, sender_id, OLD)
    async with driver_connection(engine) as connection:
        if place == "queue":
            await connection.execute(
                "INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site)"
                " VALUES ($1, $2, now(), 1, 1, 'example.com')",
                copy.message_id,
                copy.accepted_at,
            )
        else:
            await connection.execute(
                "INSERT INTO delivery_leases (host, incarnation, claimed_at, lease_until, message_ids, accepted_ats,"
                " attempts, lanes) VALUES ('here', gen_random_uuid(), now(), now(), ARRAY[$1::bigint],"
                " ARRAY[$2::timestamptz], '{1}', '{1}')",
                copy.message_id,
                copy.accepted_at,
            )
    assert await forget(engine) == retention.Forgotten()
    assert len(await months(engine)) == len(messages.PARTITIONED)
    async with driver_connection(engine) as connection:
        await connection.execute("DELETE FROM delivery_queue; DELETE FROM delivery_leases")
    assert (await forget(engine)).tables == len(messages.PARTITIONED)


async def test_old_counts_refusals_and_names_go_a_batch_at_a_time(
    engine: AsyncEngine, account: MadeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention.service, "BATCH", 2)
    (sender_id,) = account.senders.values()
    async with driver_connection(engine) as connection:
        await connection.execute(
            "INSERT INTO issues (account_id, occurred_at, issue_type, address, sender, description)"
            " SELECT $1, at, 'refused', '', '', '' FROM unnest(ARRAY['2016-01-01'::timestamptz, '2016-01-02',"
            " '2016-01-03', '2016-01-04', '2016-01-05', now()]) AS at",
            account.id,
        )
        await connection.execute(
            "INSERT INTO foreign_email_ids (account_id, email_id, message_id, accepted_at, given)"
            " VALUES ($1, 'old', 1, '2016-11-22', true), ($1, 'new', 2, now(), true)",
            account.id,
        )
        await connection.execute(
            "INSERT INTO hourly_counts (account_id, sender_id, hour, accepted)"
            " SELECT $1, $2, '2016-11-23'::timestamptz + n * interval '1 hour', 1 FROM generate_series(1, 7) AS n",
            account.id,
            sender_id,
        )
    # Two days of hours, closed before they went; seconds of the old copy and of its bounce; the day of the old bounce;
    # five refusals; one name.
    assert (await forget(engine, Limits(detail_days=540, count_days=400))).rows == 2 + 2 + 1 + 5 + 1
    assert await value(engine, "SELECT count(*) FROM issues") == 1
    assert await value(engine, "SELECT email_id FROM foreign_email_ids") == "new"
    assert await value(engine, "SELECT count(*) FROM hourly_counts") == 1
    assert await value(engine, "SELECT count(*) FROM daily_counts") == 1


async def test_sends_and_claims_go_on_while_a_month_is_dropped(
    engine: AsyncEngine, account: MadeAccount, batcher: messages.Batcher
) -> None:
    """A reader that began before holds the dropping up, and nobody else."""
    longest, rounds, dropped = 0.0, 0, asyncio.Event()

    async def send() -> None:
        nonlocal longest, rounds
        async with driver_connection(engine) as connection:
            while not dropped.is_set() or rounds < 3:
                began = time.monotonic()
                await batcher.accept(draft_of(account, "jo@example.org"))
                assert await messages.claim_due(connection, OWNER, limit=10, lease_seconds=60)
                await connection.fetch("SELECT * FROM bounces")
                longest, rounds = max(longest, time.monotonic() - began), rounds + 1

    async def drop() -> None:
        try:
            async with driver_connection(engine) as reader, reader.transaction():
                await reader.fetch("SELECT * FROM messages, mails, bounces")
                going = asyncio.create_task(forget(engine))
                await _until_waiting(engine)
                before = rounds
                async with asyncio.timeout(20):
                    while rounds < before + 3:  # noqa: ASYNC110 the sender tells nobody
                        await asyncio.sleep(0.01)
                assert not going.done()
            assert (await going).tables == len(messages.PARTITIONED)
        finally:
            dropped.set()

    await asyncio.gather(send(), drop())
    assert longest < 3
    assert await months(engine) == []


async def test_what_was_held_up_is_ended_by_the_next_run(
    engine: AsyncEngine, account: MadeAccount, quick: None
) -> None:
    async with driver_connection(engine) as reader, reader.transaction():
        await reader.fetch("SELECT * FROM messages")
        assert (await forget(engine)).tables < len(messages.PARTITIONED)
        assert "messages_p201611" in await months(engine)
    await forget(engine)
    assert await months(engine) == []


async def test_months_that_are_held_up_hold_up_nothing_else(
    engine: AsyncEngine, account: MadeAccount, quick: None
) -> None:
    """A table lets one partition go at a time."""
    await messages.make_partitions(engine, [date(2016, 12, 1)])
    async with driver_connection(engine) as reader, reader.transaction():
        await reader.fetch("SELECT * FROM messages")
        assert (await forget(engine, Limits(540, 1))).rows > 0
        assert {"messages_p201611", "messages_p201612"} <= set(await months(engine))
    await forget(engine)
    assert await months(engine) == []


async def test_two_at_once_do_it_once(engine: AsyncEngine, account: MadeAccount) -> None:
    done = await asyncio.gather(forget(engine), forget(engine))
    assert sorted(one.tables for one in done) == [0, len(messages.PARTITIONED)]


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.times(), st.integers(1, 4000))
def test_nothing_younger_than_is_kept_is_in_an_old_month(day: date, at: time_of_day, days: int) -> None:
    now = datetime.combine(day, at, UTC)
    kept, oldest = first_kept(now, days), (now - timedelta(days=days)).date()
    assert kept.day == 1
    assert timedelta(0) <= oldest - kept < timedelta(days=31)


async def _until_waiting(engine: AsyncEngine) -> None:
    """Return when a statement waits for the end of another transaction."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        " AND query LIKE '%DETACH PARTITION%'"
    )
    async with asyncio.timeout(20), driver_connection(engine) as connection:
        while not await connection.fetchval(waiting):  # noqa: ASYNC110 the server tells nobody
            await asyncio.sleep(0.005)

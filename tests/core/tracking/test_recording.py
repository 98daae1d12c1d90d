"""What opens and clicks add, written by many at the same time and more than once."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.tracking import Clicked, Opened, next_ids, record_events
from app.core.tracking.recording import TrackedEvent
from app.db.engine import driver_connection
from tests.core.tracking.conftest import NOON, UNKNOWN, clicked, differences, fetch, opened, totals

pytestmark = pytest.mark.usefixtures("copies")
MIDNIGHT = NOON + timedelta(hours=12)


async def record(engine: AsyncEngine, *events: TrackedEvent) -> int:
    async with driver_connection(engine) as connection:
        return await record_events(connection, events)


async def agree(engine: AsyncEngine) -> bool:
    async with driver_connection(engine) as connection:
        assert await differences(connection) == []
    return True


class TestRecordEvents:
    async def test_an_open_is_written_with_what_is_known_of_its_copy(self, engine: AsyncEngine) -> None:
        at = NOON + timedelta(hours=1, seconds=5)
        assert await record(engine, opened(1, at=at, ip="192.0.2.9", user_agent="Mozilla/5.0")) == 1
        row = (await fetch(engine, "SELECT * FROM opens"))[0]
        message = (await fetch(engine, "SELECT account_id, sender_id, run_id FROM messages WHERE id = 1"))[0]
        assert row[:2] == (1, NOON)
        assert row[3:] == (*message, at, "192.0.2.9", "Mozilla/5.0", True)
        engaged = "SELECT opens, clicks, opened_at, clicked_at, open_ip FROM engagements"
        assert await fetch(engine, engaged) == [(1, 0, at, None, "192.0.2.9")]
        assert await fetch(engine, "SELECT hour, opens, unique_opens FROM hourly_counts") == [
            (NOON + timedelta(hours=1), 1, 1)
        ]
        assert await fetch(engine, "SELECT run_id, opens, opened, clicks, clicked FROM run_counts") == [
            (message[2], 1, 1, 0, 0)
        ]
        assert await agree(engine)

    async def test_a_click_is_no_open(self, engine: AsyncEngine) -> None:
        assert await record(engine, clicked(1, 3), clicked(1, 4), clicked(1, 3)) == 3
        assert await totals(engine) == {"clicks": 3, "unique_clicks": 2}
        assert await fetch(engine, "SELECT opens, clicks, opened_at, clicked_at FROM engagements") == [
            (0, 3, None, NOON)
        ]
        assert await fetch(engine, "SELECT link, url, clicks FROM link_clicks ORDER BY link") == [
            (3, "https://shop.example/3", 2),
            (4, "https://shop.example/4", 1),
        ]
        assert await fetch(engine, "SELECT opens, opened, clicks, clicked FROM run_counts") == [(0, 0, 3, 1)]
        assert await agree(engine)

    async def test_the_first_stays_the_first(self, engine: AsyncEngine) -> None:
        late, early = NOON + timedelta(hours=2), NOON + timedelta(hours=1)
        await record(engine, opened(1, at=late, ip="late"), opened(1, at=early, ip="early"), clicked(1, at=late))
        await record(engine, opened(1, at=NOON, ip="later"), clicked(1, at=NOON), opened(2))
        first = "SELECT opened_at, open_ip, clicked_at, opens, clicks FROM engagements WHERE message_id = 1"
        assert await fetch(engine, first) == [(early, "early", late, 3, 2)]
        assert await totals(engine) == {"opens": 4, "unique_opens": 2, "clicks": 2, "unique_clicks": 1}
        assert await agree(engine)

    async def test_each_counts_in_the_bucket_of_its_own_time(self, engine: AsyncEngine) -> None:
        before, after = MIDNIGHT - timedelta(microseconds=1), MIDNIGHT
        await record(engine, opened(2, at=before), opened(2, at=after), opened(4, at=after), clicked(4, at=after))
        days = "SELECT day::text, opens, unique_opens, clicks, unique_clicks FROM daily_counts ORDER BY day"
        assert await fetch(engine, days) == [("2016-11-22", 1, 1, 0, 0), ("2016-11-23", 2, 1, 1, 1)]
        assert await agree(engine)

    async def test_what_was_written_changes_nothing_when_written_again(self, engine: AsyncEngine) -> None:
        async with driver_connection(engine) as connection:
            ids = await next_ids(connection, 6)
            events: list[TrackedEvent] = [opened(1, number=ids[0]), opened(1, number=ids[1]), clicked(2, number=ids[2])]
            assert await record_events(connection, events) == 3
            before = await totals(engine)
            assert await record_events(connection, events) == 0
            assert await totals(engine) == before
            more = [*events, opened(1, number=ids[3]), clicked(2, 1, number=ids[4]), opened(3, number=ids[5])]
            assert await record_events(connection, more) == 3
        assert await totals(engine) == {"opens": 4, "unique_opens": 2, "clicks": 2, "unique_clicks": 2}
        assert await agree(engine)

    async def test_copies_that_do_not_exist_are_dropped(self, engine: AsyncEngine) -> None:
        other_second = Opened(None, 1, NOON + timedelta(seconds=1), NOON, "", "")
        other_month = Opened(None, 1, NOON.replace(year=1999), NOON, "", "")
        assert await record(engine, opened(UNKNOWN), opened(2**70), clicked(1, 2**40), other_second, other_month) == 0
        assert await record(engine) == 0
        assert await record(engine, opened(UNKNOWN), opened(7), clicked(UNKNOWN, 1)) == 1
        assert await totals(engine) == {"opens": 1, "unique_opens": 1}

    async def test_foreign_texts_are_cut_and_cleaned(self, engine: AsyncEngine) -> None:
        await record(engine, opened(1, ip="1" * 99, user_agent="a\0\ud800ü" + "x" * 600))
        ip, agent = (await fetch(engine, "SELECT ip, user_agent FROM opens"))[0]
        assert (ip, len(agent), agent[:5]) == ("1" * 45, 499, "a?üxx")

    async def test_it_is_part_of_the_callers_transaction(self, engine: AsyncEngine) -> None:
        async with driver_connection(engine) as connection:
            transaction = connection.transaction()
            await transaction.start()
            assert await record_events(connection, [opened(1)]) == 1
            await transaction.rollback()
        assert await totals(engine) == {}


class TestAtTheSameTime:
    async def test_two_equal_clicks_count_one_unique(self, engine: AsyncEngine) -> None:
        """The second one waits for the first, which really holds what both need."""
        async with driver_connection(engine) as first, driver_connection(engine) as second:
            transaction = first.transaction()
            await transaction.start()
            await record_events(first, [clicked(1), opened(1)])
            waiting = asyncio.create_task(record_events(second, [clicked(1), opened(1)]))
            await _until_blocked(engine)
            await transaction.commit()
            assert await waiting == 1 + 1
        assert await totals(engine) == {"opens": 2, "unique_opens": 1, "clicks": 2, "unique_clicks": 1}
        assert await fetch(engine, "SELECT sum(opened)::int, sum(clicked)::int FROM run_counts") == [(1, 1)]
        assert await agree(engine)

    async def test_one_that_was_taken_back_was_not_the_first(self, engine: AsyncEngine) -> None:
        async with driver_connection(engine) as first, driver_connection(engine) as second:
            transaction = first.transaction()
            await transaction.start()
            await record_events(first, [clicked(1)])
            waiting = asyncio.create_task(record_events(second, [clicked(1)]))
            await _until_blocked(engine)
            await transaction.rollback()
            await waiting
        assert await totals(engine) == {"clicks": 1, "unique_clicks": 1}

    async def test_the_same_written_twice_at_once_is_written_once(self, engine: AsyncEngine) -> None:
        """A connection is lost in mid-flight: its statement still runs when the same is written again."""
        async with driver_connection(engine) as first, driver_connection(engine) as second:
            events = [opened(number, number=10_000 + number) for number in range(1, 5)]
            transaction = first.transaction()
            await transaction.start()
            await record_events(first, events)
            waiting = asyncio.create_task(record_events(second, events))
            await _until_blocked(engine)
            await transaction.commit()
            assert await waiting == 0
        assert await totals(engine) == {"opens": 4, "unique_opens": 4}

    async def test_many_writers_do_not_wait_in_a_circle(self, engine: AsyncEngine) -> None:
        chance = random.Random(4)
        groups = [[_any_event(chance) for _ in range(chance.randrange(1, 60))] for _ in range(60)]
        lanes = [groups[number::6] for number in range(6)]

        async def write(lane: list[list[TrackedEvent]]) -> None:
            async with driver_connection(engine) as connection:
                for group in lane:
                    assert await record_events(connection, group) == len(group)

        await asyncio.gather(*map(write, lanes))
        every = [event for group in groups for event in group]
        links = {(event.message_id, event.link) for event in every if isinstance(event, Clicked)}
        opens = [event.message_id for event in every if isinstance(event, Opened)]
        assert await totals(engine) == {
            "opens": len(opens),
            "unique_opens": len(set(opens)),
            "clicks": len(every) - len(opens),
            "unique_clicks": len(links),
        }
        assert await agree(engine)


def _any_event(chance: random.Random) -> TrackedEvent:
    at = MIDNIGHT + timedelta(minutes=chance.randrange(-180, 180))
    if chance.random() < 0.5:
        return opened(chance.randrange(1, 30), at=at)
    return clicked(chance.randrange(1, 30), chance.randrange(3), at=at)


async def _until_blocked(engine: AsyncEngine) -> None:
    """Return when a statement waits for another transaction.

    Raises:
        TimeoutError: None does.
    """
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(20), driver_connection(engine) as connection:
        while not await connection.fetchval(waiting):  # noqa: ASYNC110 the server tells nobody
            await asyncio.sleep(0.005)


moments = st.sampled_from([NOON, MIDNIGHT - timedelta(seconds=1), MIDNIGHT, MIDNIGHT + timedelta(hours=5)])
events = st.one_of(
    st.builds(opened, st.integers(1, 6) | st.just(UNKNOWN), at=moments),
    st.builds(clicked, st.integers(1, 6) | st.just(UNKNOWN), st.integers(0, 2), at=moments),
)
groups = st.lists(st.tuples(st.lists(events, max_size=8), st.integers(0, 2)), min_size=1, max_size=4)
"""Groups, and which of three writers writes each."""


class TestAnyInterleaving:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(given_groups=groups, again=st.sets(st.integers(0, 3)))
    async def test_counters_are_what_a_recount_gives(
        self, engine: AsyncEngine, given_groups: list[tuple[list[Any], int]], again: set[int]
    ) -> None:
        """All examples follow one another in one database; some groups are written twice, as after a lost commit."""
        async with driver_connection(engine) as connection:
            numbered = [(await _numbered(connection, group), lane) for group, lane in given_groups]
            expected = await _facts(connection)
            for event in (event for group, _ in numbered for event in group if event.message_id != UNKNOWN):
                expected.add((event.message_id, event.link if isinstance(event, Clicked) else None))

        async def write(writer: int) -> None:
            async with driver_connection(engine) as connection:
                for number, (group, lane) in enumerate(numbered):
                    if lane == writer:
                        await record_events(connection, group)
                        if number in again:
                            assert await record_events(connection, group) == 0

        await asyncio.gather(*map(write, range(3)))
        async with driver_connection(engine) as connection:
            assert await differences(connection) == []
            assert await _facts(connection) == expected


async def _numbered(connection: Any, group: Sequence[TrackedEvent]) -> list[TrackedEvent]:
    ids = await next_ids(connection, len(group))
    return [
        clicked(event.message_id, event.link, number=number, at=event.occurred_at)
        if isinstance(event, Clicked)
        else opened(event.message_id, number=number, at=event.occurred_at)
        for event, number in zip(group, ids, strict=True)
    ]


async def _facts(connection: Any) -> set[tuple[int, int | None]]:
    """Return copies that were opened, with None, and links that were clicked."""
    rows = await connection.fetch(
        "SELECT message_id, NULL::int AS link FROM engagements WHERE opened_at IS NOT NULL"
        " UNION ALL SELECT message_id, link FROM link_clicks"
    )
    return {tuple(row) for row in rows}

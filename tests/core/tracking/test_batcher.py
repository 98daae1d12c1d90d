"""The failure rules of recording events, each against a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.tracking import Busy, EventBatcher, record_events
from app.core.tracking import batcher as module
from app.core.tracking.recording import TrackedEvent
from app.db.engine import DatabaseAway, driver_connection, make_engine
from app.db.sql import Connection
from app.kit.clock import SystemClock
from app.settings import Settings
from tests.core.tracking.conftest import NOON, UNKNOWN, differences, fetch, totals
from tests.fixtures.database import administer

pytestmark = pytest.mark.usefixtures("copies")
AGENT = "Mozilla/5.0 (X11)"


async def open_(batcher: EventBatcher, message_id: int, agent: str = AGENT) -> None:
    await batcher.opened(message_id, NOON, ip="192.0.2.1", user_agent=agent)


async def click(batcher: EventBatcher, message_id: int, link: int = 0) -> None:
    url = f"https://shop.example/{link}"
    await batcher.clicked(message_id, NOON, link=link, url=url, ip="192.0.2.1", user_agent=AGENT)


async def agree(engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        assert await differences(connection) == []


class Away:
    """The way to the database, cut and mended by renaming the database under everybody's feet."""

    def __init__(self, server_url: str, database: str) -> None:
        self._server = server_url
        self._name = database

    async def cut(self) -> None:
        await administer(self._server, f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        await administer(
            self._server,
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{self._name}'",  # noqa: S608
        )

    async def mend(self) -> None:
        await administer(self._server, f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")


@pytest.fixture
def away(database_server_url: str, database_url: str) -> Away:
    return Away(database_server_url, database_url.rpartition("/")[2].partition("?")[0])


class TestDurability:
    async def test_what_returned_is_written(self, batcher: EventBatcher, engine: AsyncEngine) -> None:
        began = datetime.now(UTC)
        await open_(batcher, 1)
        await click(batcher, 1, 2)
        assert await totals(engine) == {"opens": 1, "unique_opens": 1, "clicks": 1, "unique_clicks": 1}
        at = (await fetch(engine, "SELECT occurred_at FROM opens"))[0][0]
        assert began <= at <= datetime.now(UTC)

    async def test_what_waits_is_written_together(self, batcher: EventBatcher, engine: AsyncEngine) -> None:
        await asyncio.gather(*(open_(batcher, 1 + number % 100) for number in range(1200)))
        assert await totals(engine) == {"opens": 1200, "unique_opens": 100}
        commits = await fetch(engine, "SELECT count(DISTINCT xmin::text) FROM opens")
        assert commits[0][0] <= 4
        assert batcher.waiting == 0
        await agree(engine)

    async def test_ids_are_given_once_however_they_are_restocked(
        self, batcher: EventBatcher, engine: AsyncEngine
    ) -> None:
        """An id given twice would be taken for a repetition, and the second event passed over."""
        visitors: list[asyncio.Task[None]] = []
        for number in range(6000):
            visitors.append(asyncio.create_task(open_(batcher, 1, f"visitor {number}")))
            await asyncio.sleep(0)  # so that some come while ids are being fetched
        await asyncio.gather(*visitors)
        found = await fetch(engine, "SELECT count(*), count(DISTINCT id), count(DISTINCT user_agent) FROM opens")
        assert tuple(found[0]) == (6000, 6000, 6000)

    async def test_equal_events_in_two_processes_count_one_unique(
        self, batcher: EventBatcher, engine: AsyncEngine
    ) -> None:
        other = EventBatcher(engine, SystemClock())
        await other.start()
        both = [batcher, other]
        tasks = [click(one, copy, link) for copy in range(1, 21) for link in range(3) for one in both for _ in range(3)]
        tasks += [open_(one, copy) for copy in range(1, 21) for one in both for _ in range(2)]
        await asyncio.gather(*tasks)
        await other.close()
        assert await totals(engine) == {"opens": 80, "unique_opens": 20, "clicks": 360, "unique_clicks": 60}
        assert await fetch(engine, "SELECT sum(opened)::int, sum(clicked)::int FROM run_counts") == [(14, 14)]
        await agree(engine)

    async def test_a_copy_that_does_not_exist_is_no_error(self, batcher: EventBatcher, engine: AsyncEngine) -> None:
        await asyncio.gather(open_(batcher, UNKNOWN), click(batcher, UNKNOWN), open_(batcher, 1))
        assert await totals(engine) == {"opens": 1, "unique_opens": 1}

    async def test_a_client_that_hangs_up_cancels_nothing(self, batcher: EventBatcher, engine: AsyncEngine) -> None:
        hanging = asyncio.create_task(open_(batcher, 1))
        await asyncio.sleep(0)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        await open_(batcher, 2)
        assert await totals(engine) == {"opens": 2, "unique_opens": 2}

    async def test_closing_writes_what_waits_and_refuses_what_comes(self, engine: AsyncEngine) -> None:
        batcher = EventBatcher(engine, SystemClock())
        waiting = [asyncio.create_task(open_(batcher, copy)) for copy in range(1, 11)]
        await asyncio.sleep(0)
        await batcher.start()
        await batcher.close()
        await asyncio.gather(*waiting)
        with pytest.raises(Busy):
            await open_(batcher, 11)
        assert await totals(engine) == {"opens": 10, "unique_opens": 10}

    async def test_too_much_waiting_is_refused_at_once(self, engine: AsyncEngine) -> None:
        for bounds in ({"most_events": 3}, {"most_bytes": 3 * (module.EVENT_BYTES + len(AGENT))}):
            batcher = EventBatcher(engine, SystemClock(), **bounds)  # not started: nothing is taken from it
            waiting = [asyncio.create_task(open_(batcher, copy)) for copy in range(1, 4)]
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await open_(batcher, 4)
            await batcher.start()
            await asyncio.gather(*waiting)
            await open_(batcher, 4)
            await batcher.close()
        assert await totals(engine) == {"opens": 8, "unique_opens": 4}


class TestRefusals:
    async def test_a_refused_event_does_not_fail_its_neighbours(
        self, batcher: EventBatcher, engine: AsyncEngine
    ) -> None:
        async with driver_connection(engine) as connection:
            await connection.execute("ALTER TABLE opens ADD CHECK (user_agent <> 'refuse me')")
        agents = [AGENT, AGENT, "refuse me", AGENT, AGENT]
        calls = [open_(batcher, number, agent) for number, agent in enumerate(agents, 1)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(result, Busy) for result in results] == [0, 0, 1, 0, 0]
        assert await fetch(engine, "SELECT message_id FROM opens ORDER BY 1") == [(1,), (2,), (4,), (5,)]
        await open_(batcher, 6)
        assert batcher.waiting == 0
        await agree(engine)

    async def test_a_deadlock_refuses_nobody(
        self, batcher: EventBatcher, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ours are locked in one order; whoever is not ours may still be the other half of a circle."""
        errors = [asyncpg.DeadlockDetectedError("a circle"), asyncpg.DiskFullError("no room")]

        async def record(connection: Connection, events: Sequence[TrackedEvent]) -> int:
            if errors:
                raise errors.pop()
            return await record_events(connection, events)

        monkeypatch.setattr(module, "record_events", record)
        await asyncio.gather(open_(batcher, 1), open_(batcher, 2))
        assert await totals(engine) == {"opens": 2, "unique_opens": 2}


class TestLostConnections:
    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_an_answer_that_is_lost_counts_nothing_twice(
        self, when: str, batcher: EventBatcher, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The connection is really cut: before the statement, or after it has committed."""
        cuts = [when, when]

        async def cut(connection: Connection, events: Sequence[TrackedEvent]) -> int:
            if not cuts:
                return await record_events(connection, events)
            if cuts.pop() == "after":
                assert await record_events(connection, events) in {0, 30}
            connection.terminate()
            raise ConnectionResetError("cut")

        monkeypatch.setattr(module, "record_events", cut)
        await asyncio.gather(*(click(batcher, 1 + number % 10, number % 2) for number in range(30)))
        assert cuts == []
        assert await totals(engine) == {"clicks": 30, "unique_clicks": 10}
        await agree(engine)

    async def test_a_database_that_is_away_gets_everything_when_it_is_back(
        self, engine: AsyncEngine, away: Away
    ) -> None:
        batcher = EventBatcher(engine, SystemClock(), patience_seconds=0.5)
        await batcher.start()
        await open_(batcher, 1)
        await away.cut()
        results = await asyncio.gather(*(click(batcher, copy) for copy in range(1, 51)), return_exceptions=True)
        assert {type(result) for result in results} == {DatabaseAway}
        assert batcher.waiting == 50
        async with asyncio.timeout(0.4):  # it has been away for longer: nobody waits for what is known
            with pytest.raises(DatabaseAway):
                await click(batcher, 51)
        await away.mend()
        late = await asyncio.gather(open_(batcher, 52), return_exceptions=True)
        await batcher.close()
        assert all(result is None or isinstance(result, DatabaseAway) for result in late)
        assert await totals(engine) == {"opens": 2, "unique_opens": 2, "clicks": 51, "unique_clicks": 51}
        await agree(engine)

    async def test_closing_without_a_database_ends_and_says_what_is_lost(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        nowhere = settings.model_copy(update={"database_url": "postgresql+asyncpg://app@127.0.0.1:1/app"})
        engine = make_engine(nowhere)
        batcher = EventBatcher(engine, SystemClock(), patience_seconds=0.1)
        await batcher.start()
        for copy in range(3):
            with pytest.raises(DatabaseAway):
                await open_(batcher, copy)
        await batcher.close(patience_seconds=0.2)
        await engine.dispose()
        assert "3 events could not be written before the end" in caplog.text

"""The audit finds what was damaged and nothing else."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit
from app.core.audit import MOST_SHOWN, Report, Scope
from app.db.engine import driver_connection
from app.kit.uids import Noun, uid
from tests.core.audit.damages import DAMAGES, DONE, QUEUED, SENDING
from tests.core.audit.world import NOON, build
from tests.factories import Factories

SCOPE = Scope.from_day(date(2016, 11, 20))


async def audited(engine: AsyncEngine, scope: Scope = SCOPE) -> Report:
    async with driver_connection(engine) as connection:
        return await audit.check(connection, scope)


async def execute(engine: AsyncEngine, statements: str) -> None:
    async with driver_connection(engine) as connection:
        await connection.execute(statements)


async def test_a_ledger_in_order_has_no_differences(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    assert await audited(engine) == Report(runs=QUEUED)
    for scope in (SCOPE.only(account_id=world.account_id), SCOPE.only(run_id=SENDING)):
        assert (await audited(engine, scope)).total == 0
    async with driver_connection(engine) as connection:
        assert await audit.check_identity(connection, SCOPE) == Report(runs=QUEUED)
        kinds = "SELECT count(DISTINCT state) FROM messages"
        assert await connection.fetchval(kinds) == 9, "every state takes part"


@pytest.mark.parametrize("name", DAMAGES)
async def test_one_damage_is_that_difference(name: str, engine: AsyncEngine, make: Factories) -> None:
    statement, expected = DAMAGES[name]
    await build(engine, make)
    await execute(engine, statement)
    report = await audited(engine)
    assert {(one.what, one.counted, one.stored) for one in report.shown} == expected
    assert report.total == len(report.shown) == len(expected)


async def test_a_difference_says_where(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    await execute(
        engine,
        "DELETE FROM delivery_queue WHERE message_id = 1;"
        "UPDATE runs SET total = 2 WHERE state = 'done';"
        "UPDATE hourly_counts SET accepted = 0 WHERE hour = '2016-11-22 12:00+00'",
    )
    assert [one.where for one in (await audited(engine)).shown] == [
        f"run {uid(Noun.RUN, DONE)}",
        "copy 1 of 2016-11-22 12:00:00",
        f"account {world.account_id}, sender {world.sender_id}, 2016-11-22 12h",
    ]


async def test_a_copy_that_is_held_waits_for_nobody(engine: AsyncEngine, make: Factories) -> None:
    await build(engine, make)
    await execute(engine, "DELETE FROM delivery_queue WHERE message_id IN (1, 9)")
    assert (await audited(engine)).total == 2
    report = await audited(engine, Scope(SCOPE.since, holds=True))
    assert [one.stored for one in report.shown] == ["queued"], "only copies in doubt are held"


async def test_the_scope_is_kept(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    other = await make.account()
    await execute(
        engine,
        "UPDATE runs SET total = 9 WHERE state IN ('done', 'sending'); DELETE FROM delivery_queue WHERE message_id = 1;"
        "UPDATE hourly_counts SET delivered = 99 WHERE hour = '2016-11-22 12:00+00'",
    )
    assert (await audited(engine)).total == 5
    assert (await audited(engine, SCOPE.only(account_id=world.account_id))).total == 5
    assert await audited(engine, SCOPE.only(account_id=other.id)) == Report()
    alone = await audited(engine, SCOPE.only(run_id=DONE))
    assert (alone.runs, [one.what for one in alone.shown]) == (1, ["run total"])
    later = await audited(engine, Scope.from_day(date(2016, 11, 24)))
    assert later.runs == 3, "what had ended before is left out"
    assert {one.what for one in later.shown} == {"run total", "run targets"}


async def test_an_event_may_come_long_after_its_copy(engine: AsyncEngine, make: Factories) -> None:
    await build(engine, make)
    # Accepted in November 2016, resumed and delivered years later: beyond what is looked at first.
    await execute(
        engine,
        "UPDATE messages SET delivered_at = '2026-11-21 10:30+00', state = 'delivered', finished_at = delivered_at"
        " WHERE id = 1; DELETE FROM delivery_queue WHERE message_id = 1;"
        "INSERT INTO hourly_counts (account_id, sender_id, hour, delivered)"
        " SELECT account_id, sender_id, '2026-11-21 10:00+00', 1 FROM messages WHERE id = 1;"
        "INSERT INTO daily_counts (account_id, sender_id, day, delivered)"
        " SELECT account_id, sender_id, '2026-11-21', 1 FROM messages WHERE id = 1",
    )
    assert (await audited(engine, Scope.from_day(date(2026, 11, 1)))).total == 0


async def test_what_is_described_is_bounded_and_what_is_counted_is_not(engine: AsyncEngine, make: Factories) -> None:
    await build(engine, make)
    await execute(
        engine,
        "INSERT INTO delivery_queue SELECT 10000 + number, accepted_at, due_at, 1, 1, '' FROM delivery_queue,"
        " generate_series(1, 500) AS number WHERE message_id = 1",
    )
    report = await audited(engine)
    assert (report.total, len(report.shown)) == (500, MOST_SHOWN)


async def test_the_audit_waits_for_no_writer(engine: AsyncEngine, make: Factories) -> None:
    await build(engine, make)
    async with driver_connection(engine) as writer, writer.transaction():
        for table in ("runs", "messages", "delivery_queue", "delivery_leases", "hourly_counts", "run_counts"):
            await writer.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        await writer.execute("UPDATE runs SET total = 99")
        assert (await audited(engine)).total == 0, "what is not committed is not seen"


def test_recent_is_forty_days_from_a_days_start() -> None:
    assert Scope.recent(NOON).since.isoformat() == "2016-10-13T00:00:00+00:00"

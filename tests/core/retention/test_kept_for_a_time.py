"""The audit log and ended runs of automations go after their time; that somebody was in an automation stays known."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import automations, contacts, retention
from app.core.automations import Automation
from app.core.retention import Limits
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.settings import Settings
from tests.core.automations.world import World
from tests.factories import Factories

TAG = {"type": "add_tag", "tag": "done"}
WAIT = {"type": "wait", "minutes": 60}
LIMITS = Limits(detail_days=0, count_days=0, audit_days=400, automation_run_days=90)


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine, settings: Settings) -> World:
    return await World(make, engine, settings).open()


async def forget(engine: AsyncEngine, limits: Limits = LIMITS) -> int:
    return (await retention.forget(engine, now=datetime.now(UTC), limits=limits)).rows


async def end_long_ago(world: World) -> None:
    """Make all runs that have ended so old that they are not kept."""
    await world.rows("UPDATE automation_runs SET ended_at = now() - interval '92 days' WHERE ended_at IS NOT NULL")


async def entered(world: World, automation: Automation) -> int:
    async with reading(world.engine) as read:
        return (await automations.counts(read, [automation]))[automation.id].entered


async def test_old_entries_of_the_audit_log_go_a_batch_at_a_time(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention.service, "BATCH", 2)
    await make.account()
    async with driver_connection(engine) as connection:
        await connection.execute("DELETE FROM audit_log")
        await connection.execute(
            "INSERT INTO audit_log (occurred_at, actor, action, object_type, object_id)"
            " SELECT now() - make_interval(days => age), 'jo', 'changed', 'key', age::text"
            " FROM unnest(ARRAY[500, 450, 420, 410, 402, 399, 20, 0]) AS age"
        )
    assert await forget(engine, Limits(detail_days=0, count_days=0)) == 0
    assert await forget(engine) == 5
    async with driver_connection(engine) as connection:
        left = await connection.fetch("SELECT object_id FROM audit_log ORDER BY id")
    assert [row["object_id"] for row in left] == ["399", "20", "0"]


async def test_whose_run_is_gone_does_not_enter_again(world: World) -> None:
    automation = await world.automation(TAG)
    contact = await world.contact()
    await world.settle()
    await end_long_ago(world)
    assert await forget(world.engine, Limits(detail_days=0, count_days=0)) == 0
    assert await forget(world.engine) == 1
    assert await world.runs() == []
    await world.do(contacts.unsubscribe, contact.id)
    await world.do(contacts.subscribe, contact.id)
    await world.contact("other@example.org")
    await world.settle()
    assert await world.runs() == [("finished", "")]
    assert await entered(world, automation) == 2  # the counts stay


async def test_with_reentry_it_may_enter_again_and_once_is_known_when_that_ends(world: World) -> None:
    automation = await world.automation(TAG, reentry=True)
    contact = await world.contact()
    for times in (1, 2):
        await world.settle()
        await end_long_ago(world)
        assert await forget(world.engine) == 1
        assert await entered(world, automation) == times
        await world.do(contacts.unsubscribe, contact.id)
        if times == 2:
            await world.of(automations.pause, automation)
            await world.of(automations.change, automation, reentry=False)
            await world.of(automations.activate, automation)
        await world.do(contacts.subscribe, contact.id)
    await world.settle()
    assert await entered(world, automation) == 2


async def test_whoever_is_on_the_way_or_just_through_stays(world: World) -> None:
    await world.automation(WAIT)
    await world.automation(TAG)
    await world.contact()
    await world.settle()
    await world.rows("UPDATE automation_runs SET entered_at = now() - interval '200 days'")
    assert await forget(world.engine) == 0
    assert sorted(await world.runs()) == [("active", ""), ("finished", "")]


async def test_a_run_that_somebody_holds_is_left_for_the_next_time(world: World) -> None:
    await world.automation(TAG)
    await world.contact()
    await world.settle()
    await end_long_ago(world)
    async with driver_connection(world.engine) as connection, connection.transaction():
        await connection.execute("SELECT FROM automation_runs FOR UPDATE")
        assert await forget(world.engine) == 0
    assert await forget(world.engine) == 1


async def test_of_a_deleted_automation_nothing_stays(world: World) -> None:
    automation = await world.automation(TAG)
    await world.contact()
    await world.settle()
    await end_long_ago(world)
    await forget(world.engine)
    assert await world.rows("SELECT FROM automation_entrants") != []
    await world.of(automations.delete, automation)
    async with driver_connection(world.engine) as connection:
        await automations.tidy(connection)
    assert await world.rows("SELECT FROM automation_entrants") == []


async def test_of_a_deleted_contact_nothing_stays(world: World) -> None:
    for step in (TAG, WAIT):
        await world.automation(step)
    early, late, stays = [await world.contact(f"{name}@example.org") for name in ("early", "late", "stays")]
    await world.settle()
    await end_long_ago(world)
    await world.rows("UPDATE automation_runs SET ended_at = now() WHERE contact_id = $1 AND due_at IS NULL", late.id)
    await forget(world.engine)
    noted = "SELECT contact_id FROM automation_entrants ORDER BY 1"
    assert [row["contact_id"] for row in await world.rows(noted)] == [early.id, stays.id]
    for contact in (early, late):
        await world.do(contacts.delete, contact.id)
    await world.settle()
    await end_long_ago(world)
    await forget(world.engine)
    assert [row["contact_id"] for row in await world.rows(noted)] == [stays.id]
    assert await world.rows("SELECT FROM automation_runs WHERE contact_id = $1", late.id) == []

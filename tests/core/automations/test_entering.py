"""Who enters an automation, how often, and who leaves."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.core import automations, contacts
from app.core.contacts import ContactStatus
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.models.suppression import Reason
from tests.core.automations.world import World
from workers.event_router import EventRouter, consumers_of

TAG = {"type": "add_tag", "tag": "done"}
WAIT = {"type": "wait", "minutes": 60}


async def test_a_new_subscriber_enters_once(world: World) -> None:
    automation = await world.automation(TAG)
    contact = await world.contact()
    await world.settle()
    assert await world.runs() == [("finished", "")]
    assert (await world.seen(contact)).tags == ["done"]
    await world.do(contacts.unsubscribe, contact.id)
    await world.do(contacts.subscribe, contact.id)
    await world.settle()
    assert await world.counts(automation) == (1, 0, 1, 0)


@pytest.mark.parametrize("status", [one for one in ContactStatus if one != ContactStatus.SUBSCRIBED])
async def test_nobody_else_enters(world: World, status: ContactStatus) -> None:
    for trigger in ("subscribed", "unsubscribed", {"type": "tag_added", "tag": "trial"}):
        await world.automation(TAG, trigger=trigger)
    await world.contact(status=status, tags=["trial"])
    await world.settle()
    assert await world.runs() == []


async def test_a_confirmation_is_a_subscription(world: World) -> None:
    await world.automation(TAG)
    contact = await world.contact(status=ContactStatus.UNCONFIRMED)
    await world.settle()
    assert await world.runs() == []
    async with unit_of_work(world.engine) as write:
        await contacts.confirm(write, world.account.id, contact.id)
    await world.settle()
    assert await world.runs() == [("finished", "")]


async def test_who_unsubscribes_enters_what_is_for_that(world: World) -> None:
    await world.automation(world.send(), trigger="unsubscribed")
    contact = await world.contact()
    await world.do(contacts.unsubscribe, contact.id)
    await world.settle()
    assert await world.runs() == [("finished", "")]
    assert [mail["recipient"] for mail in await world.mails()] == ["jo@example.org"]


async def test_who_is_blacklisted_does_not(world: World) -> None:
    await world.automation(TAG, trigger="unsubscribed")
    await world.contact()
    await world.make.suppression(world.account.id, "jo@example.org", reason=Reason.MANUAL)
    await world.settle()
    assert await world.runs() == []


async def test_a_tag_counts_when_it_is_new(world: World) -> None:
    await world.automation(TAG, trigger={"type": "tag_added", "tag": " trial "}, reentry=True)
    contact = await world.contact(tags=["other"])
    await world.settle()
    await world.do(contacts.add_tags, contact.id, ["Trial", "x"])
    await world.settle()
    assert await world.runs() == []
    await world.do(contacts.add_tags, contact.id, ["trial", "y"])
    await world.do(contacts.add_tags, contact.id, ["trial"])
    await world.settle()
    assert await world.runs() == [("finished", "")]
    await world.contact("new@example.org", tags=["trial"])
    async with driver_connection(world.engine) as connection, connection.transaction():
        await contacts.untag_many(connection, world.account.id, world.audience.id, [contact.id], ["trial"])
        await contacts.tag_many(connection, world.account.id, world.audience.id, [contact.id], ["trial"])
    await world.settle()
    assert await world.runs() == [("finished", "")] * 3


@pytest.mark.parametrize(
    ("asked", "told", "enters"),
    [
        (None, {"plan": "pro"}, True),
        ({"plan": "pro"}, {"plan": "pro", "n": 1}, True),
        ({"plan": "pro"}, {"plan": "free"}, False),
        ({"plan": "pro"}, None, False),
        ({"n": 1}, {"n": 1.0}, True),
        ({"n": 1}, {"n": "1"}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, False),
        ({"a": None}, {}, False),
        ({"a": None}, {"a": None}, True),
    ],
)
async def test_an_event_with_properties(world: World, asked: Any, told: Any, enters: bool) -> None:
    trigger = {"type": "event", "name": "bought", **({"properties": asked} if asked else {})}
    await world.automation(TAG, trigger=trigger)
    contact = await world.contact()
    await world.do(contacts.record_event, contact.id, name="looked", properties=told)
    await world.do(contacts.record_event, contact.id, name="bought", properties=told)
    await world.settle()
    assert len(await world.runs()) == enters


async def test_what_happened_before_sets_nothing_off(world: World) -> None:
    await world.contact()
    automation = await world.automation(TAG, active=False)
    await world.contact("a@example.org")
    await world.of(automations.activate, automation)
    await world.settle()
    assert await world.runs() == []
    await world.contact("b@example.org")
    await world.settle()
    await world.of(automations.pause, automation)
    await world.contact("c@example.org")
    await world.of(automations.activate, automation)
    await world.settle()
    assert await world.counts(automation) == (1, 0, 1, 0)


async def test_an_import_lets_nobody_in(world: World) -> None:
    await world.automation(TAG)
    await world.make.contacts(world.audience, 10)
    await world.settle()
    assert await world.runs() == []


async def test_again_only_once_it_is_through(world: World) -> None:
    trigger = {"type": "event", "name": "bought"}
    await world.automation(WAIT, TAG, trigger=trigger, reentry=True)
    contact = await world.contact()
    for _ in range(3):
        await world.do(contacts.record_event, contact.id, name="bought")
    await world.settle()
    await world.do(contacts.record_event, contact.id, name="bought")
    await world.settle()
    assert await world.runs() == [("active", "")]
    await world.later(hours=2)
    await world.do(contacts.record_event, contact.id, name="bought")
    await world.settle()
    assert await world.runs() == [("finished", ""), ("active", "")]


async def test_a_circle_of_automations_ends(world: World) -> None:
    """Each sets the other off; a day's turns are counted."""
    for mine, other in (("a", "b"), ("b", "a")):
        await world.automation(
            {"type": "remove_tag", "tag": mine},
            {"type": "add_tag", "tag": other},
            trigger={"type": "tag_added", "tag": mine},
            reentry=True,
        )
    await world.contact(tags=["a"])
    await world.settle(500)
    assert await world.runs() == [("finished", "")] * 2 * automations.MOST_A_DAY


async def test_who_unsubscribes_leaves_and_does_not_come_back(world: World) -> None:
    automation = await world.automation(WAIT, world.send())
    contact = await world.contact()
    other = await world.contact("other@example.org")
    await world.settle()
    await world.do(contacts.unsubscribe, contact.id)
    await world.do(contacts.subscribe, contact.id)
    await world.later(hours=2)
    assert await world.runs() == [("stopped", "unsubscribed"), ("finished", "")]
    assert [mail["contact_id"] for mail in await world.mails()] == [other.id]
    assert await world.counts(automation) == (2, 0, 1, 1)


async def test_who_is_deleted_is_gone(world: World) -> None:
    await world.automation(WAIT, world.send())
    await world.automation(WAIT, TAG)
    contact = await world.contact()
    await world.settle()
    await world.do(contacts.delete, contact.id)
    assert await world.move() == 0
    await world.settle()
    assert await world.runs() == [("stopped", "deleted")] * 2


async def test_a_contact_that_goes_before_anybody_has_heard_of_it_gets_nothing(world: World) -> None:
    """The event of the deletion is not routed yet when its time comes."""
    await world.automation(WAIT, world.send())
    contact = await world.contact()
    await world.settle()
    await world.do(contacts.delete, contact.id)
    world.ahead = timedelta(hours=3)
    assert await world.move() == 1
    assert await world.runs() == [("stopped", "deleted")]
    assert await world.mails() == []


async def test_routers_that_race_let_each_in_once(world: World) -> None:
    automation = await world.automation(TAG, trigger={"type": "tag_added", "tag": "t"})
    contact = await world.contact()
    await world.settle()
    async with driver_connection(world.engine) as connection, connection.transaction():
        for _ in range(20):
            await contacts.untag_many(connection, world.account.id, world.audience.id, [contact.id], ["t"])
            await contacts.tag_many(connection, world.account.id, world.audience.id, [contact.id], ["t"])
    routers = [
        EventRouter(world.engine, on_routed=lambda: None, consumers=consumers_of(world.settings)) for _ in range(3)
    ]
    while any(await asyncio.gather(*(router.route(3) for router in routers))):
        pass
    assert await world.counts(automation) == (1, 1, 0, 0)

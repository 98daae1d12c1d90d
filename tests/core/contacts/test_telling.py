"""What the verbs on contacts tell."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts
from app.core.audiences import Audience
from app.core.contacts import ContactRow
from app.core.errors import Conflict
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from tests.factories import Factories

ANN = "ann@x.example"


@pytest.fixture
async def audience(make: Factories) -> Audience:
    return await make.audience(await make.account(), fields=["CITY", "PLAN"])


async def told(engine: AsyncEngine) -> list[tuple[str, Any]]:
    """Take away what has been told so far: type and data; all of it is about one contact."""
    async with driver_connection(engine) as connection:
        rows = await connection.fetch("SELECT * FROM domain_events ORDER BY id")
        await connection.execute("DELETE FROM domain_events")
    assert len({(row["account_id"], row["audience_id"], row["contact_id"]) for row in rows}) <= 1
    assert all(row["contact_id"] and row["audience_id"] for row in rows)
    return [(row["type"], row["data"]) for row in rows]


async def test_a_new_contact_is_told_with_its_subscription_and_tags(
    make: Factories, engine: AsyncEngine, audience: Audience
) -> None:
    await make.contact(audience, ANN, tags=["a", "b"])
    assert await told(engine) == [
        ("contact.created", {"status": "subscribed"}),
        ("contact.subscribed", {"status_before": None}),
        ("contact.tagged", {"tags": ["a", "b"]}),
    ]
    await make.contact(audience, "ben@x.example", status="unconfirmed")
    assert await told(engine) == [("contact.created", {"status": "unconfirmed"})]
    with pytest.raises(Conflict):
        await make.contact(audience, ANN)
    assert await told(engine) == []


async def test_a_contact_that_comes_back_is_told_as_a_new_one_with_what_is_new_on_it(
    make: Factories, engine: AsyncEngine, audience: Audience
) -> None:
    await make.contact(audience, ANN, tags=["a"])
    async with driver_connection(engine) as connection:
        await contacts.replace_members(connection, audience.account_id, audience.id, [])
    await told(engine)
    await make.contact(audience, ANN, tags=["a", "b"])
    assert await told(engine) == [
        ("contact.created", {"status": "subscribed"}),
        ("contact.subscribed", {"status_before": None}),
        ("contact.tagged", {"tags": ["b"]}),
    ]


async def test_a_change_tells_what_is_different_now_and_which_tags_are_new(
    make: Factories, engine: AsyncEngine, audience: Audience
) -> None:
    made = await make.contact(audience, ANN, fields={"CITY": "Hue"}, tags=["a"])
    await told(engine)
    whom = (audience.account_id, audience.id, made.id)
    async with unit_of_work(engine) as write:
        await contacts.change(write, *whom)
        await contacts.change(write, *whom, fields={"CITY": "Hue"}, tags=["a"], email=ANN)
    assert await told(engine) == []
    async with unit_of_work(engine) as write:
        await contacts.change(write, *whom, fields={"CITY": "", "PLAN": "Free"}, tags=["b", "a"], email="new@x.example")
        await contacts.change(write, *whom, tags=["b"])
        await contacts.add_tags(write, *whom, ["b", "c"])
        await contacts.add_tags(write, *whom, ["b", "c"])
        await contacts.remove_tag(write, *whom, "c")
    assert await told(engine) == [
        ("contact.updated", {"changed": ["CITY", "PLAN", "email", "tags"]}),
        ("contact.tagged", {"tags": ["b"]}),
        ("contact.updated", {"changed": ["tags"]}),
        ("contact.tagged", {"tags": ["c"]}),
        ("contact.updated", {"changed": ["tags"]}),
    ]


async def test_a_change_of_status_is_told_once_and_a_deletion_with_the_address(
    make: Factories, engine: AsyncEngine, audience: Audience
) -> None:
    made = await make.contact(audience, ANN, status="unconfirmed")
    await told(engine)
    whom = (audience.account_id, audience.id, made.id)
    async with unit_of_work(engine) as write:
        for _ in range(2):
            await contacts.subscribe(write, *whom)
        for _ in range(2):
            await contacts.unsubscribe(write, *whom)
        await contacts.delete(write, *whom)
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT address FROM domain_events ORDER BY id DESC LIMIT 1") == ANN
    assert await told(engine) == [
        ("contact.subscribed", {"status_before": "unconfirmed"}),
        ("contact.unsubscribed", {"status": "unsubscribed", "status_before": "subscribed"}),
        ("contact.deleted", {"status_before": "unsubscribed"}),
    ]


async def test_many_contacts_at_once_tell_nothing(engine: AsyncEngine, audience: Audience) -> None:
    async with driver_connection(engine) as connection:
        for add in (contacts.add_many, contacts.replace_members):
            await add(connection, audience.account_id, audience.id, [ContactRow(ANN, tags=["a"])])
    assert await told(engine) == []

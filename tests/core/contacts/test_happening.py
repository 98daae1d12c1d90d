"""Events of contacts, as the core records them."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts
from app.core.errors import Fault, Invalid, NotFound
from app.db.unit_of_work import unit_of_work
from app.models import ContactEvent, DomainEvent
from tests.factories import Factories


async def test_an_event_is_recorded_told_and_goes_with_its_contact(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    jo, al = [await make.contact(audience, email) for email in ("jo@example.org", "al@example.org")]
    async with unit_of_work(engine) as write:
        ids = [
            await contacts.record_event(write, account.id, audience.id, who, name="paid", properties={"amount": 1})
            for who in ("JO@example.org", al.id)
        ]
    async with unit_of_work(engine) as write:
        rows = (await write.execute(select(ContactEvent).order_by(ContactEvent.id))).scalars().all()
        assert [(row.id, row.contact_id, row.properties) for row in rows] == [
            (ids[0], jo.id, {"amount": 1}),
            (ids[1], al.id, {"amount": 1}),
        ]
        query = select(DomainEvent).where(DomainEvent.type == "contact.event").order_by(DomainEvent.id)
        told = (await write.execute(query)).scalars().all()
        assert [one.data for one in told] == [{"name": "paid", "event_id": number} for number in ids]
        await contacts.delete(write, account.id, audience.id, jo.id)
    async with unit_of_work(engine) as write:
        left = (await write.execute(select(ContactEvent.contact_id))).scalars().all()
        assert left == [al.id]


async def test_names_sizes_and_owners_are_checked(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(), await make.account()
    audience = await make.audience(account)
    jo = await make.contact(audience)
    async with unit_of_work(engine) as write:
        for name in ("", "two words", "x" * 101, "x\n", "é"):
            with pytest.raises(Invalid):
                await contacts.record_event(write, account.id, audience.id, jo.id, name=name)
        with pytest.raises(Invalid) as caught:
            await contacts.record_event(write, account.id, audience.id, jo.id, name="x", properties={"a": "x" * 70_000})
        assert (caught.value.faults[0].field, caught.value.faults[0].fault) == ("properties", Fault.TOO_LONG)
        with pytest.raises(Invalid):
            await contacts.record_event(write, account.id, audience.id, jo.id, name="x", properties={"a": "\0"})
        with pytest.raises(NotFound):
            await contacts.record_event(write, other.id, audience.id, jo.id, name="x")

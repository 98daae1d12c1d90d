"""Unsubscribing acts every time, and is recorded the first time and whenever it changes something."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, tracking
from app.core.audiences import Audience
from app.core.contacts import Contact
from app.core.suppressions import Reason
from app.core.tracking import Means
from app.db.unit_of_work import unit_of_work
from tests.core.tracking.conftest import NOON, UNKNOWN, fetch, totals
from tests.core.tracking.test_complaints import copy_of
from tests.factories import Factories, MadeAccount

LATER = NOON + timedelta(hours=1)
STATUSES = "SELECT status FROM contacts ORDER BY id"


async def unsubscribe(engine: AsyncEngine, message_id: int, means: Means = Means.PAGE, **more: Any) -> bool:
    async with unit_of_work(engine) as write:
        return await tracking.unsubscribe(write, message_id, NOON, means=means, **{"at": LATER, **more})


async def campaign_copy(make: Factories, account: MadeAccount, audience: Audience, contact: Contact) -> int:
    mine = {"kind": "campaign", "run_id": 7, "contact_id": contact.id, "fields": {"@": audience.id}}
    return await copy_of(make, account, contact.address, **mine)


class TestSingleMail:
    async def test_it_is_recorded_counted_told_and_suppresses(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        contact = await make.contact(await make.audience(account), "jo@example.org")
        copy = await copy_of(make, account, "Jo@example.org")
        assert await unsubscribe(engine, copy, Means.ONE_CLICK, ip="192.0.2.9", user_agent="Mail\0er" + "x" * 600)
        columns = "means, ip, length(user_agent), occurred_at, recipient, contact_id, x_headers->>'X-Campaign'"
        assert await fetch(engine, f"SELECT {columns} FROM unsubscriptions") == [  # noqa: S608
            ("one_click", "192.0.2.9", 499, LATER, "Jo@example.org", None, "spring")
        ]
        assert await fetch(engine, "SELECT hour, unsubscribes FROM hourly_counts WHERE unsubscribes <> 0") == [
            (LATER, 1)
        ]
        assert await totals(engine) == {"unsubscribes": 1}
        entry = "SELECT address, reason, source_message_id FROM suppressions"
        assert await fetch(engine, entry) == [("jo@example.org", "unsubscribe", copy)]
        told = "SELECT id, account_id, message_id, address FROM domain_events WHERE type = 'email.unsubscribed'"
        number = (await fetch(engine, "SELECT id FROM unsubscriptions"))[0][0]
        assert await fetch(engine, told) == [(number, account.id, copy, "Jo@example.org")], "the same id"
        assert await fetch(engine, STATUSES) == [("unsubscribed",)]
        assert contact.status == "subscribed"

    async def test_again_is_recorded_only_when_it_changes_something(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        copy = await copy_of(make, account, "jo@example.org")
        results = await asyncio.gather(*(unsubscribe(engine, copy) for _ in range(4)))
        assert sorted(results) == [False, False, False, True]
        async with unit_of_work(engine) as write:
            await contacts.unsuppress(write, account.id, ["jo@example.org"])
        assert await unsubscribe(engine, copy)
        assert not await unsubscribe(engine, copy)
        assert await totals(engine) == {"unsubscribes": 2}
        assert await fetch(engine, "SELECT count(*) FROM unsubscriptions") == [(2,)]
        told = "SELECT count(*) FROM domain_events WHERE type = 'email.unsubscribed'"
        assert await fetch(engine, told) == [(2,)]

    async def test_the_first_is_recorded_although_the_address_was_suppressed(
        self, engine: AsyncEngine, make: Factories
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        await make.suppression(account.id, "jo@example.org", reason=Reason.MANUAL)
        copy = await copy_of(make, account, "jo@example.org")
        assert [await unsubscribe(engine, copy), await unsubscribe(engine, copy)] == [True, False]
        assert await fetch(engine, "SELECT reason FROM suppressions") == [("manual",)]

    async def test_an_unknown_copy_is_nobodys(self, engine: AsyncEngine) -> None:
        assert not await unsubscribe(engine, UNKNOWN)


class TestCampaignMail:
    async def test_the_contact_is_unsubscribed_in_its_audience_alone(
        self, engine: AsyncEngine, make: Factories
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        audience, other = await make.audience(account), await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        await make.contact(other, "jo@example.org")
        copy = await campaign_copy(make, account, audience, contact)
        assert await unsubscribe(engine, copy)
        assert await fetch(engine, STATUSES) == [("unsubscribed",), ("subscribed",)]
        assert await fetch(engine, "SELECT address FROM suppressions") == []
        assert await fetch(engine, "SELECT run_id, unsubscribes FROM run_counts") == [(7, 1)]
        assert await fetch(engine, "SELECT contact_id, run_id FROM unsubscriptions") == [(contact.id, 7)]

    async def test_who_has_subscribed_again_unsubscribes_again(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        audience = await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        copy = await campaign_copy(make, account, audience, contact)
        assert [await unsubscribe(engine, copy), await unsubscribe(engine, copy)] == [True, False]
        async with unit_of_work(engine) as write:
            await contacts.subscribe(write, account.id, audience.id, contact.id)
        assert await unsubscribe(engine, copy)
        assert await fetch(engine, STATUSES) == [("unsubscribed",)]
        assert await totals(engine) == {"unsubscribes": 2}

    async def test_what_is_not_to_be_counted_is_done_all_the_same(self, engine: AsyncEngine, make: Factories) -> None:
        """Subscribed again, then blacklisted: the will to leave waits behind the entry."""
        account = await make.account(senders=["news@example.com"])
        audience = await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        copy = await campaign_copy(make, account, audience, contact)
        await unsubscribe(engine, copy)
        async with unit_of_work(engine) as write:
            await contacts.subscribe(write, account.id, audience.id, contact.id)
        async with unit_of_work(engine) as write:
            await contacts.suppress(write, account.id, ["jo@example.org"], Reason.MANUAL)
        assert not await unsubscribe(engine, copy)
        async with unit_of_work(engine) as write:
            await contacts.unsuppress(write, account.id, ["jo@example.org"])
        assert await fetch(engine, STATUSES) == [("unsubscribed",)]
        assert await totals(engine) == {"unsubscribes": 1}

    async def test_a_contact_that_is_gone_or_made_anew(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        audience = await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        copy = await campaign_copy(make, account, audience, contact)
        async with unit_of_work(engine) as write:
            await contacts.delete(write, account.id, audience.id, contact.id)
        assert await unsubscribe(engine, copy), "recorded, although there is nobody to unsubscribe"
        await make.contact(audience, "jo@example.org")
        assert await unsubscribe(engine, copy), "who has the address by now is meant"
        assert await fetch(engine, STATUSES) == [("unsubscribed",)]

    async def test_a_contact_that_moved_to_another_address(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        audience = await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        copy = await campaign_copy(make, account, audience, contact)
        async with unit_of_work(engine) as write:
            await contacts.change(write, account.id, audience.id, contact.id, email="jo@example.net")
        assert await unsubscribe(engine, copy)
        assert await fetch(engine, STATUSES) == [("unsubscribed",)]


class TestAutomationMail:
    async def test_the_contact_leaves_its_audience(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        contact = await make.contact(await make.audience(account), "jo@example.org")
        copy = await copy_of(make, account, contact.address, kind="automation", contact_id=contact.id)
        assert await unsubscribe(engine, copy)
        assert await fetch(engine, STATUSES) == [("unsubscribed",)]
        assert await fetch(engine, "SELECT address FROM suppressions") == []

    async def test_a_contact_that_is_gone_is_recorded_and_suppresses_nobody(
        self, engine: AsyncEngine, make: Factories
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        audience, other = await make.audience(account), await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        await make.contact(other, "jo@example.org")
        copy = await copy_of(make, account, contact.address, kind="automation", contact_id=contact.id)
        async with unit_of_work(engine) as write:
            await contacts.delete(write, account.id, audience.id, contact.id)
        assert [await unsubscribe(engine, copy), await unsubscribe(engine, copy)] == [True, False]
        assert await fetch(engine, "SELECT count(*) FROM unsubscriptions") == [(1,)]
        assert await fetch(engine, "SELECT address FROM suppressions") == []
        assert await fetch(engine, STATUSES) == [("subscribed",)], "of the other audience"

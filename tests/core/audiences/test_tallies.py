"""The counts of contacts by status: exact whatever changes them, at once or not, folded or not."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, audit, contacts, suppressions
from app.core.audiences import Audience, Statistics, fold_tallies
from app.core.audit import Scope
from app.core.contacts import ContactRow, ContactStatus
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from tests.factories import Factories

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


async def counted(engine: AsyncEngine, audience: Audience) -> Statistics:
    async with reading(engine) as read:
        return await audiences.statistics(read, audience.account_id, audience.id)


async def recounted(engine: AsyncEngine, audience: Audience) -> Statistics:
    async with driver_connection(engine) as connection:
        rows = await connection.fetch(
            "SELECT status, count(*) FROM contacts WHERE audience_id = $1 AND removed_at IS NULL GROUP BY 1",
            audience.id,
        )
    return Statistics(**{row["status"].replace("-", "_"): row["count"] for row in rows})


async def differences(engine: AsyncEngine) -> int:
    async with driver_connection(engine) as connection:
        return (await audit.check(connection, Scope(since=SINCE))).total


async def tallies(engine: AsyncEngine) -> int:
    async with driver_connection(engine) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM audience_tallies"))


async def test_every_way_to_change_contacts_is_counted(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience, other = await make.audience(account), await make.audience(account)
    assert await counted(engine, audience) == Statistics()
    await make.contacts(audience, 12)
    one = await make.contact(audience, "one@x.example", status=ContactStatus.UNCONFIRMED)
    await make.contact(other, "one@x.example")
    async with unit_of_work(engine) as write:
        await contacts.unsubscribe(write, account.id, audience.id, "person1@contacts.example")
        await contacts.delete(write, account.id, audience.id, "person2@contacts.example")
        await contacts.change(write, account.id, audience.id, one.id, tags=["t"])
        await contacts.suppress(write, account.id, ["person3@contacts.example"], reason=suppressions.Reason.MANUAL)
    expected = Statistics(subscribed=9, unconfirmed=1, unsubscribed=1, blacklisted=1)
    assert await counted(engine, audience) == expected == await recounted(engine, audience)
    async with driver_connection(engine) as connection:
        rows = [ContactRow(f"person{number}@contacts.example") for number in range(4, 8)]
        await contacts.replace_members(connection, account.id, audience.id, rows)
        assert await counted(engine, audience) == Statistics(subscribed=4)
        await contacts.add_many(connection, account.id, audience.id, [ContactRow("person1@contacts.example")])
        await connection.execute("UPDATE contacts SET status = 'spam-reported' WHERE audience_id = $1", other.id)
    assert await counted(engine, audience) == Statistics(subscribed=4, unsubscribed=1)
    assert await counted(engine, other) == Statistics(spam_reported=1) == await recounted(engine, other)
    assert await differences(engine) == 0


async def test_what_is_rolled_back_is_not_counted(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    async with driver_connection(engine) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await contacts.add_many(connection, account.id, audience.id, [ContactRow("a@x.example")])
        await transaction.rollback()
    assert await counted(engine, audience) == Statistics()


async def test_many_at_once_with_folding_in_between(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    emails = await make.contacts(audience, 60)

    async def change(number: int) -> None:
        rng = random.Random(number)
        for step in range(12):
            email = rng.choice(emails)
            async with unit_of_work(engine) as write:
                if rng.random() < 0.3:
                    await contacts.add(write, account.id, audience.id, email=f"new{number}-{step}@x.example")
                elif rng.random() < 0.5:
                    await contacts.unsubscribe(write, account.id, audience.id, email)
                else:
                    await contacts.subscribe(write, account.id, audience.id, email)

    async def fold() -> None:
        for _ in range(10):
            await fold_tallies(engine)
            found = await counted(engine, audience)
            assert found.total >= 60  # nobody is deleted here, so never fewer: not even while tallies are folded

    await asyncio.gather(*(change(number) for number in range(5)), fold(), fold())
    assert await counted(engine, audience) == await recounted(engine, audience)
    before = await counted(engine, audience)
    await fold_tallies(engine)
    assert await tallies(engine) <= 20
    assert await counted(engine, audience) == before
    assert await differences(engine) == 0


async def test_the_audit_finds_a_count_that_is_wrong(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    await make.contacts(audience, 3)
    async with driver_connection(engine) as connection:
        await connection.execute(
            "INSERT INTO audience_tallies (audience_id, status, delta) VALUES ($1, 'subscribed', 1)", audience.id
        )
        report = await audit.check(connection, Scope(since=SINCE))
    [difference] = report.shown
    assert (difference.what, difference.counted, difference.stored) == ("audience_tallies.subscribed", "3", "4")


async def test_pages_by_number_are_the_same_from_both_ends(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    await make.contacts(await make.audience(account), 5)
    await make.contacts(audience, 23)
    async with driver_connection(engine) as connection:
        rows = [ContactRow(f"person{number}@contacts.example") for number in range(3, 21)]
        await contacts.replace_members(connection, account.id, audience.id, rows)
    async with reading(engine) as read:
        whole = [one.id for one in await contacts.list_after(read, account.id, audience.id)]
        assert len(whole) == 18
        for per_page in (1, 2, 5, 7, 17, 18, 19):
            pages = [
                [
                    one.id
                    for one in await contacts.list_page(read, account.id, audience.id, page=page, per_page=per_page)
                ]
                for page in range(1, 18 // per_page + 3)
            ]
            assert [one for page in pages for one in page] == whole
            sizes = Counter(map(len, pages))
            assert sizes[per_page] == 18 // per_page

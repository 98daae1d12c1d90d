"""The rules of docs/contract/dyn-email.md, 16: entries, marks, contacts, events."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, suppressions
from app.core.audiences import Audience
from app.core.contacts import ContactStatus, Suppressed
from app.core.errors import NotFound
from app.core.suppressions import NewEntry, Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from tests.factories import Factories, MadeAccount

NOON = datetime(2016, 11, 22, 12, tzinfo=UTC)
ANN = "ann@x.example"
MAILED = {ContactStatus.SUBSCRIBED, ContactStatus.UNCONFIRMED}
CAUSES = [reason for reason in Reason if reason is not Reason.UNSUBSCRIBE]


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account)


async def suppress(engine: AsyncEngine, account_id: int, reason: Reason, *addresses: str, **more: Any) -> Suppressed:
    async with unit_of_work(engine) as write:
        return await contacts.suppress(write, account_id, addresses or [ANN], reason, **more)


async def unsuppress(engine: AsyncEngine, account_id: int, *addresses: str) -> list[str]:
    async with unit_of_work(engine) as write:
        return await contacts.unsuppress(write, account_id, addresses or [ANN])


async def status_of(engine: AsyncEngine, audience: Audience, address: str = ANN) -> tuple[str, str | None]:
    async with reading(engine) as read:
        contact = await contacts.get(read, audience.account_id, audience.id, address)
    return contact.status, contact.status_before


async def told(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    """Take away what has been told so far: type, address, contact, data."""
    async with driver_connection(engine) as connection:
        rows = await connection.fetch("SELECT type, address, contact_id, data FROM domain_events ORDER BY id")
        await connection.execute("DELETE FROM domain_events")
    return [tuple(row) for row in rows]


class TestEntries:
    async def test_the_first_reason_and_time_stay_but_any_other_replaces_unsubscribe(
        self, engine: AsyncEngine, account: MadeAccount
    ) -> None:
        for first, second in itertools.product(Reason, Reason):
            address = f"{first}.{second}@x.example"
            done = await suppress(engine, account.id, first, address, detail="1", source=(1, NOON))
            assert done == Suppressed([address], [])
            async with reading(engine) as read:
                before = await suppressions.get(read, account.id, address)
            done = await suppress(engine, account.id, second, f" {address.upper()}", detail="2", source=(2, NOON))
            async with reading(engine) as read:
                after = await suppressions.get(read, account.id, address)
                marked = await suppressions.marked(read, account.id, [address])
            assert before is not None
            assert after is not None
            if first is Reason.UNSUBSCRIBE and second is not Reason.UNSUBSCRIBE:
                assert done == Suppressed([address], [])
                assert (after.id, after.reason, after.detail, after.source_message_id) == (before.id, second, "2", 2)
                assert after.created_at > before.created_at
            else:
                assert done == Suppressed([], [address])
                assert after == before
            assert bool(marked) is bool({first, second} & {Reason.HARDBOUNCE, Reason.SOFTBOUNCE, Reason.COMPLAINT})

    async def test_many_addresses_are_told_apart(self, engine: AsyncEngine, account: MadeAccount) -> None:
        await suppress(engine, account.id, Reason.MANUAL, "b@x.example", "d@x.example")
        many = [f"p{number:04}@x.example" for number in range(1000)]
        done = await suppress(
            engine, account.id, Reason.MANUAL, "d@x.example", "A@x.example", "a@X.example", "b@x.example", *many
        )
        assert done == Suppressed(["a@x.example", *many], ["b@x.example", "d@x.example"])
        assert await suppress(engine, account.id, Reason.MANUAL, *done.added) == Suppressed([], done.added)
        assert await unsuppress(engine, account.id, "nobody@x.example", "B@x.example", *many) == ["b@x.example", *many]

    async def test_nothing_is_done_with_nothing(self, engine: AsyncEngine, account: MadeAccount) -> None:
        async with unit_of_work(engine) as write:
            assert await contacts.suppress(write, account.id, [], Reason.MANUAL) == Suppressed([], [])
            assert await contacts.suppress_many(write, account.id, []) == Suppressed([], [])
            assert await contacts.unsuppress(write, account.id, []) == []
        assert await told(engine) == []

    async def test_a_list_of_another_system_comes_with_its_reasons_and_times(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        await make.contact(audience, ANN)
        await make.contact(audience, "ben@x.example")
        await suppress(engine, account.id, Reason.MANUAL, "old@x.example")
        await told(engine)
        entries = [
            NewEntry("Ann@X.example", Reason.UNSUBSCRIBE, "", NOON),
            NewEntry(ANN, Reason.HARDBOUNCE, "550 no", NOON),
            NewEntry(ANN, Reason.COMPLAINT),
            NewEntry("ben@x.example", Reason.UNSUBSCRIBE),
            NewEntry("OLD@x.example", Reason.HARDBOUNCE, "", NOON),
        ]
        for done in (
            Suppressed([ANN, "ben@x.example"], ["old@x.example"]),
            Suppressed([], [ANN, "ben@x.example", "old@x.example"]),
        ):
            async with unit_of_work(engine) as write:
                assert await contacts.suppress_many(write, account.id, entries) == done
        async with reading(engine) as read:
            found = [await suppressions.get(read, account.id, name) for name in (ANN, "ben@x.example", "old@x.example")]
            assert [(one.reason, one.detail) for one in found if one] == [
                ("hardbounce", "550 no"), ("unsubscribe", ""), ("manual", ""),
            ]  # fmt: skip
            assert found[0] is not None
            assert found[0].created_at == NOON
            assert await suppressions.marked(read, account.id, [ANN, "ben@x.example"]) == {ANN}
        assert await status_of(engine, audience) == ("blacklisted", "subscribed")
        assert await status_of(engine, audience, "ben@x.example") == ("unsubscribed", None)
        assert await told(engine) == []  # an import is one event of its own


class TestContacts:
    @pytest.mark.parametrize("reason", CAUSES)
    async def test_an_entry_blacklists_who_was_mailed_and_its_removal_gives_the_status_back(
        self, engine: AsyncEngine, make: Factories, audience: Audience, reason: Reason
    ) -> None:
        made = {status: await make.contact(audience, f"{status}@x.example", status=status) for status in ContactStatus}
        addresses = [one.address for one in made.values()]
        await suppress(engine, audience.account_id, reason, *addresses)
        for status, one in made.items():
            expected = ("blacklisted", status) if status in MAILED else (status, None)
            assert await status_of(engine, audience, one.address) == expected
        assert await unsuppress(engine, audience.account_id, *addresses) == sorted(addresses)
        for status, one in made.items():
            async with reading(engine) as read:
                contact = await contacts.get(read, audience.account_id, audience.id, one.id)
            assert (contact.status, contact.status_before) == (status, None)
            assert (contact.updated_at > one.updated_at) is (status in MAILED)
            assert (contact.subscribed_at, contact.unsubscribed_at) == (one.subscribed_at, one.unsubscribed_at)

    async def test_an_unsubscribe_entry_unsubscribes_for_good(
        self, engine: AsyncEngine, make: Factories, audience: Audience
    ) -> None:
        made = {status: await make.contact(audience, f"{status}@x.example", status=status) for status in ContactStatus}
        addresses = [one.address for one in made.values()]
        await suppress(engine, audience.account_id, Reason.UNSUBSCRIBE, *addresses)
        for status, one in made.items():
            after = ContactStatus.UNSUBSCRIBED if status in MAILED else status
            async with reading(engine) as read:
                contact = await contacts.get(read, audience.account_id, audience.id, one.id)
            assert contact.status == after
            assert (contact.unsubscribed_at is not None) is (after == ContactStatus.UNSUBSCRIBED)
        await unsuppress(engine, audience.account_id, *addresses)
        for status, one in made.items():
            after = ContactStatus.SPAM_REPORTED if status == ContactStatus.SPAM_REPORTED else ContactStatus.UNSUBSCRIBED
            assert await status_of(engine, audience, one.address) == (after, None)

    async def test_all_audiences_of_the_account_and_nobody_else_are_concerned(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount
    ) -> None:
        mine = [await make.audience(account) for _ in range(3)]
        sub = await make.account(parent=account)
        other = await make.audience(await make.account())
        theirs = await make.audience(sub)
        for audience in (*mine, other, theirs):
            await make.contact(audience, ANN)
            await make.contact(audience, "ben@x.example")
        await suppress(engine, account.id, Reason.MANUAL)
        assert {await status_of(engine, audience) for audience in mine} == {("blacklisted", "subscribed")}
        for audience in (other, theirs):
            assert await status_of(engine, audience) == ("subscribed", None)
            assert await unsuppress(engine, audience.account_id) == []
        assert {await status_of(engine, one, "ben@x.example") for one in mine} == {("subscribed", None)}
        assert (await status_of(engine, mine[0]))[0] == "blacklisted"

    async def test_who_complains_about_campaign_mail_becomes_spam_reported_and_the_others_blacklisted(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        second = await make.audience(account)
        for status in ContactStatus:
            complaining = await make.contact(audience, f"{status}@x.example", status=status)
            address = complaining.address
            await make.contact(second, address, status="unconfirmed")
            await told(engine)
            await suppress(engine, account.id, Reason.COMPLAINT, address, contact_id=complaining.id, source=(7, NOON))
            assert await status_of(engine, audience, address) == ("spam-reported", None)
            assert await status_of(engine, second, address) == ("blacklisted", "unconfirmed")
            assert [row[2] == complaining.id for row in await told(engine) if row[0] == "contact.unsubscribed"] == (
                [True, False] if status in MAILED else [False]
            )
            await unsuppress(engine, account.id, address)
            assert await status_of(engine, audience, address) == ("spam-reported", None)
            assert await status_of(engine, second, address) == ("unconfirmed", None)

    async def test_only_a_complaint_about_a_contact_of_the_account_reports_spam(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        made = await make.contact(audience, ANN)
        other = await make.account()
        await suppress(engine, other.id, Reason.COMPLAINT, contact_id=made.id)
        assert await status_of(engine, audience) == ("subscribed", None)
        await suppress(engine, account.id, Reason.HARDBOUNCE, contact_id=made.id)
        assert await status_of(engine, audience) == ("blacklisted", "subscribed")
        async with unit_of_work(engine) as write:  # its mail went to the address it had
            await contacts.change(write, account.id, audience.id, made.id, email="new@x.example")
        await suppress(engine, account.id, Reason.COMPLAINT, contact_id=made.id)
        assert await status_of(engine, audience, "new@x.example") == ("spam-reported", None)

    async def test_who_unsubscribes_while_blacklisted_is_unsubscribed_afterwards(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        second = await make.audience(account)
        for each in (audience, second):
            await make.contact(each, ANN)
        await suppress(engine, account.id, Reason.MANUAL)
        async with unit_of_work(engine) as write:
            await contacts.unsubscribe(write, account.id, audience.id, ANN)
        assert await status_of(engine, audience) == ("blacklisted", "unsubscribed")
        await unsuppress(engine, account.id)
        assert await status_of(engine, audience) == ("unsubscribed", None)
        assert await status_of(engine, second) == ("subscribed", None)
        await suppress(engine, account.id, Reason.MANUAL)
        await suppress(engine, account.id, Reason.UNSUBSCRIBE)
        assert await status_of(engine, second) == ("blacklisted", "unsubscribed")
        await unsuppress(engine, account.id)
        assert await status_of(engine, second) == ("unsubscribed", None)

    async def test_a_removed_contact_comes_back_with_what_the_list_made_of_it(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        await make.contact(audience, ANN)
        async with driver_connection(engine) as connection:
            await contacts.replace_members(connection, account.id, audience.id, [])
        await told(engine)
        await suppress(engine, account.id, Reason.MANUAL)
        assert [row[0] for row in await told(engine)] == ["suppression.added"]
        assert (await make.contact(audience, ANN)).status == "blacklisted"

    async def test_subscribing_again_needs_the_list_to_agree(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        second = await make.audience(account)
        for each in (audience, second):
            await make.contact(each, ANN)
        await suppress(engine, account.id, Reason.UNSUBSCRIBE)
        await told(engine)
        async with unit_of_work(engine) as write:
            assert await contacts.subscribe(write, account.id, audience.id, ANN)
            assert await suppressions.get(write, account.id, ANN) is None
        assert await status_of(engine, second) == ("unsubscribed", None)
        assert [(row[0], row[3]) for row in await told(engine)] == [
            ("suppression.removed", {"reason": "unsubscribe"}),
            ("contact.subscribed", {"status_before": "unsubscribed"}),
        ]


class TestConfirming:
    async def test_it_subscribes_who_is_unconfirmed_and_nobody_else(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        for status in ContactStatus:
            made = await make.contact(audience, f"{status}@x.example", status=status)
            await told(engine)
            unconfirmed = status is ContactStatus.UNCONFIRMED
            for _ in range(2):
                async with unit_of_work(engine) as write:
                    contact = await contacts.confirm(write, account.id, made.id)
                assert contact.status == ("subscribed" if unconfirmed else status)
                assert (contact.subscribed_at is not None) is (contact.status == "subscribed")
            assert [row[0] for row in await told(engine)] == (["contact.subscribed"] if unconfirmed else [])

    async def test_it_does_not_undo_what_came_meanwhile(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        made = await make.contact(audience, ANN, status="unconfirmed")
        await suppress(engine, account.id, Reason.MANUAL)
        async with unit_of_work(engine) as write:
            assert (await contacts.confirm(write, account.id, made.id)).status == "blacklisted"
        await unsuppress(engine, account.id)
        assert await status_of(engine, audience) == ("unconfirmed", None)

    async def test_who_is_gone_or_foreign_is_not_found(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        other = await make.account()
        made = await make.contact(audience, ANN, status="unconfirmed")
        async with unit_of_work(engine) as write:
            for owner, number in ((other.id, made.id), (account.id, made.id + 1), (account.id, 2**70), (account.id, 0)):
                with pytest.raises(NotFound):
                    await contacts.confirm(write, owner, number)
        async with driver_connection(engine) as connection:
            await contacts.replace_members(connection, account.id, audience.id, [])
        async with unit_of_work(engine) as write:
            with pytest.raises(NotFound):
                await contacts.confirm(write, account.id, made.id)


class TestEvents:
    async def test_each_change_of_the_list_and_of_contacts_is_told(
        self, engine: AsyncEngine, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        made = await make.contact(audience, ANN)
        await make.contact(await make.audience(account), ANN, status="unsubscribed")
        await told(engine)
        await suppress(engine, account.id, Reason.HARDBOUNCE, detail="550", source=(7, NOON))
        async with driver_connection(engine) as connection:
            rows = await connection.fetch("SELECT message_id, accepted_at FROM domain_events")
        assert [tuple(row) for row in rows] == [(7, NOON)] * 2
        assert await told(engine) == [
            ("suppression.added", ANN, None, {"detail": "550", "reason": "hardbounce"}),
            ("contact.unsubscribed", ANN, made.id, {"status": "blacklisted", "status_before": "subscribed"}),
        ]
        await suppress(engine, account.id, Reason.MANUAL)
        assert await told(engine) == []
        await unsuppress(engine, account.id)
        assert await told(engine) == [
            ("suppression.removed", ANN, None, {"reason": "hardbounce"}),
            ("contact.updated", ANN, made.id, {"status": "subscribed", "status_before": "blacklisted"}),
        ]
        await suppress(engine, account.id, Reason.UNSUBSCRIBE)
        await suppress(engine, account.id, Reason.COMPLAINT)
        assert [row[0] for row in await told(engine)] == [
            "suppression.added", "contact.unsubscribed", "suppression.added",
        ]  # fmt: skip

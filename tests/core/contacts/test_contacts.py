import asyncio
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts, suppressions
from app.core.contacts import ContactStatus
from app.core.errors import Conflict, Fault, Invalid, NotFound
from app.db.unit_of_work import reading, unit_of_work
from app.kit.uids import Noun, uid, uuid
from tests.factories import Factories


async def test_a_contact_is_found_by_all_its_names_in_its_audience(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(), await make.account()
    audience, second = await make.audience(account), await make.audience(account)
    made = await make.contact(audience, " Jürgen@BÜCHER.example ")
    assert made.address == "jürgen@xn--bcher-kva.example"
    names = (made.id, uid(Noun.CONTACT, made.id), uuid(Noun.CONTACT, made.id), "JÜRGEN@bücher.EXAMPLE")
    async with reading(engine) as read:
        for name in names:
            assert (await contacts.get(read, account.id, uid(Noun.AUDIENCE, audience.id), name)).id == made.id
            with pytest.raises(NotFound):
                await contacts.get(read, account.id, second.id, name)
            with pytest.raises(NotFound):
                await contacts.get(read, other.id, audience.id, name)
        for foreign in (0, 2**60, "", "x", "a@b@c", "nobody@x.example", "a\x00@x.example", uuid4()):
            with pytest.raises(NotFound):
                await contacts.get(read, account.id, audience.id, foreign)


async def test_another_account_can_do_nothing_to_it(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(), await make.account()
    audience, theirs = await make.audience(account), await make.audience(other)
    made = await make.contact(audience, "ann@x.example", tags=["kept"])
    for where in (audience.id, theirs.id):
        calls = (
            lambda write, where=where: contacts.change(write, other.id, where, made.id, tags=[]),
            lambda write, where=where: contacts.add_tags(write, other.id, where, made.id, ["t"]),
            lambda write, where=where: contacts.remove_tag(write, other.id, where, made.id, "kept"),
            lambda write, where=where: contacts.subscribe(write, other.id, where, made.id),
            lambda write, where=where: contacts.unsubscribe(write, other.id, where, made.id),
            lambda write, where=where: contacts.delete(write, other.id, where, made.id),
        )
        for call in calls:
            with pytest.raises(NotFound):
                async with unit_of_work(engine) as write:
                    await call(write)
    async with unit_of_work(engine) as write:
        for refused in (
            contacts.add(write, other.id, audience.id, email="b@x.example"),
            contacts.list_after(write, other.id, audience.id),
            contacts.list_page(write, other.id, audience.id),
            anext(aiter(contacts.stream(write, other.id, audience.id))),
        ):
            with pytest.raises(NotFound):
                await refused
        assert await contacts.duplicates(write, other.id, "ann@x.example") == []
        kept = await contacts.get(write, account.id, audience.id, made.id)
        assert (kept.status, kept.tags) == ("subscribed", ["kept"])


async def test_a_new_contact_has_its_values_tags_and_status(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account, fields={"AGE": "number", "CITY": "text"})
    async with unit_of_work(engine) as write:
        await audiences.add_field(write, account.id, audience.id, tag="PLAN", label="Plan", default_value="Free")
        made = await contacts.add(
            write, account.id, audience.id, email="Ann@X.example", fields={"AGE": 7, "CITY": " "}, tags=[" b ", "a", "b", ""],
            source="api", ip_address="192.0.2.1",
        )  # fmt: skip
        assert (made.address, made.fields, made.tags) == ("ann@x.example", {"AGE": "7", "PLAN": "Free"}, ["b", "a"])
        assert (made.status, made.source, made.ip_address) == ("subscribed", "api", "192.0.2.1")
        assert made.subscribed_at is not None
        later = await contacts.add(
            write, account.id, audience.id, email="b@x.example", fields={"PLAN": ""}, status=ContactStatus.UNCONFIRMED
        )
    assert (later.fields, later.status, later.subscribed_at, later.tags) == ({}, "unconfirmed", None, [])


async def test_a_required_field_is_given_or_defaulted(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    async with unit_of_work(engine) as write:
        await audiences.add_field(write, account.id, audience.id, tag="CITY", label="City", required=True)
        with pytest.raises(Invalid) as caught:
            await contacts.add(write, account.id, audience.id, email="a@x.example", fields={"CITY": " "})
        assert [(one.field, one.fault) for one in caught.value.faults] == [("CITY", Fault.REQUIRED)]
        made = await contacts.add(write, account.id, audience.id, email="a@x.example", fields={"CITY": "Hue"})
        with pytest.raises(Invalid):
            await contacts.change(write, account.id, audience.id, made.id, fields={"CITY": None})
        await audiences.change_field(write, account.id, audience.id, "CITY", default_value="Rome")
        assert (await contacts.add(write, account.id, audience.id, email="b@x.example")).fields == {"CITY": "Rome"}


async def test_every_bad_value_is_named(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account, fields={"AGE": "number", "BORN": "date", "NAME2": "text"})
    fields = {"BORN": "soon", "AGE": "old", "NAME2": {}, "HUH": "x"}
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid) as caught:
            await contacts.add(write, account.id, audience.id, email="a@x.example", fields=fields)
        assert [f"{one.field} {one.message}" for one in caught.value.faults] == [
            "HUH is not a field",
            "AGE must be a number",
            "BORN is not a valid date",
            "NAME2 must be a string",
        ]
        with pytest.raises(Invalid, match="email must be a valid email address"):
            await contacts.add(write, account.id, audience.id, email="Ann <a@x.example>")


async def test_an_address_is_in_an_audience_once_whatever_its_status(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience, second = await make.audience(account), await make.audience(account)
    for status in ContactStatus:
        await make.contact(audience, f"{status}@x.example", status=status)
        with pytest.raises(Conflict):
            await make.contact(audience, f"{status}@X.EXAMPLE")
        await make.contact(second, f"{status}@x.example")
    async with reading(engine) as read:
        found = await contacts.duplicates(read, account.id, "Subscribed@x.example")
        assert [one.audience_id for one in found] == [audience.id, second.id]
        assert await contacts.duplicates(read, account.id, "nobody@x.example") == []
        with pytest.raises(Invalid):
            await contacts.duplicates(read, account.id, "nobody")


async def test_two_at_once_make_one_contact(make: Factories, engine: AsyncEngine) -> None:
    audience = await make.audience(await make.account())
    results = await asyncio.gather(*(make.contact(audience, "a@x.example") for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Conflict"] * 3 + ["Contact"]


async def test_a_suppressed_address_is_refused_or_comes_in_as_such(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    await make.suppression(account.id, "bad@x.example", reason="hardbounce")
    await make.suppression(account.id, "gone@x.example", reason="unsubscribe")
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid) as caught:
            await contacts.add(write, account.id, audience.id, email="Bad@x.example")
        assert [(one.field, one.fault) for one in caught.value.faults] == [("email", Fault.SUPPRESSED)]
        gone = await contacts.add(write, account.id, audience.id, email="gone@x.example")
        assert (gone.status, gone.status_before) == ("unsubscribed", None)
    bad = await make.contact(audience, "bad@x.example", status="unconfirmed")
    assert (bad.status, bad.status_before) == ("blacklisted", "unconfirmed")
    with pytest.raises(Conflict):  # what exists comes before the list
        async with unit_of_work(engine) as write:
            await contacts.add(write, account.id, audience.id, email="bad@x.example")


async def test_a_change_merges_values_and_replaces_tags(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account, fields=["CITY", "PLAN"])
    made = await make.contact(audience, fields={"CITY": "Hue", "PLAN": "Free"}, tags=["a", "b"])
    await make.contact(audience, "taken@x.example")
    await make.suppression(account.id, "bad@x.example")
    async with unit_of_work(engine) as write:
        same = await contacts.change(write, account.id, audience.id, made.id)
        assert (same.fields, same.tags) == ({"CITY": "Hue", "PLAN": "Free"}, ["a", "b"])
        changed = await contacts.change(
            write, account.id, audience.id, made.address, email="New@X.example", fields={"CITY": "", "PLAN": "Paid"}, tags=["c"]
        )  # fmt: skip
        assert (changed.address, changed.fields, changed.tags) == ("new@x.example", {"PLAN": "Paid"}, ["c"])
        assert (await contacts.change(write, account.id, audience.id, made.id, tags=[" "])).tags == []
        assert (await contacts.change(write, account.id, audience.id, made.id, email="new@x.example")).id == made.id
        for email, fault in (
            ("taken@x.example", Fault.TAKEN),
            ("bad@x.example", Fault.SUPPRESSED),
            ("?", Fault.INVALID),
        ):
            with pytest.raises(Invalid) as caught:
                await contacts.change(write, account.id, audience.id, made.id, email=email)
            assert caught.value.faults[0].fault is fault


async def test_tags_are_added_at_the_end_and_taken_away(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    made = await make.contact(audience, tags=["b"])
    async with unit_of_work(engine) as write:
        assert await contacts.add_tags(write, account.id, audience.id, made.id, ["c", " b ", "a"]) == ["c", "a"]
        assert await contacts.add_tags(write, account.id, audience.id, made.id, ["a"]) == []
        await contacts.remove_tag(write, account.id, audience.id, made.id, "c")
        assert (await contacts.get(write, account.id, audience.id, made.id)).tags == ["b", "a"]
        with pytest.raises(NotFound):
            await contacts.remove_tag(write, account.id, audience.id, made.id, "C")
        for bad in ([""], ["x" * 101], ["\x00"], ["\x1f"], [str(number) for number in range(1001)]):
            with pytest.raises(Invalid):
                await contacts.add_tags(write, account.id, audience.id, made.id, bad)


async def test_no_tag_is_lost_when_two_add_at_once(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    made = await make.contact(audience)

    async def put(tag: str) -> None:
        async with unit_of_work(engine) as write:
            await contacts.add_tags(write, account.id, audience.id, made.id, [tag])

    await asyncio.gather(*(put(str(number)) for number in range(5)))
    async with reading(engine) as read:
        assert sorted((await contacts.get(read, account.id, audience.id, made.id)).tags) == list("01234")


@pytest.mark.parametrize("status", ContactStatus)
async def test_subscribing_works_from_every_status_and_again(
    make: Factories, engine: AsyncEngine, status: ContactStatus
) -> None:
    account = await make.account()
    audience = await make.audience(account)
    made = await make.contact(audience, "ann@x.example", status=status)
    await make.suppression(account.id, "ann@x.example", reason="unsubscribe")
    async with unit_of_work(engine) as write:
        assert await contacts.subscribe(write, account.id, audience.id, made.id)  # the entry has made it unsubscribed
        assert not await contacts.subscribe(write, account.id, audience.id, made.id)
        assert (await contacts.get(write, account.id, audience.id, made.id)).status == "subscribed"
        assert await suppressions.reasons(write, account.id, ["ann@x.example"]) == {}


async def test_a_suppressed_contact_is_not_subscribed(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    made = await make.contact(audience, "ann@x.example")
    await make.suppression(account.id, "ann@x.example", reason="complaint")
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid):
            await contacts.subscribe(write, account.id, audience.id, made.id)
        assert await suppressions.reasons(write, account.id, ["ann@x.example"])


@pytest.mark.parametrize(
    ("status", "after", "changes"),
    [
        ("subscribed", "unsubscribed", True),
        ("unconfirmed", "unsubscribed", True),
        ("unsubscribed", "unsubscribed", False),
        ("blacklisted", "blacklisted", False),
        ("spam-reported", "spam-reported", False),
    ],
)
async def test_unsubscribing_keeps_what_is_worse(
    make: Factories, engine: AsyncEngine, status: str, after: str, changes: bool
) -> None:
    account = await make.account()
    audience = await make.audience(account)
    made = await make.contact(audience, status=status)
    async with unit_of_work(engine) as write:
        assert await contacts.unsubscribe(write, account.id, audience.id, made.id) is changes
        contact = await contacts.get(write, account.id, audience.id, made.id)
        assert (contact.status, contact.unsubscribed_at is not None) == (after, after == "unsubscribed")
        assert contact.status_before == ("unsubscribed" if status == "blacklisted" else None)
        assert await suppressions.reasons(write, account.id, [made.address]) == {}


async def test_a_deleted_contact_is_gone_for_good(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    made = await make.contact(audience, "ann@x.example")
    async with unit_of_work(engine) as write:
        assert await contacts.delete(write, account.id, audience.id, made.id) == made.id
        with pytest.raises(NotFound):
            await contacts.delete(write, account.id, audience.id, made.id)
    assert (await make.contact(audience, "ann@x.example")).id != made.id


async def test_contacts_are_listed_by_id_in_pages_and_streamed(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account)
    emails = await make.contacts(audience, 2500)
    await make.contact(audience, "out@x.example", status="unsubscribed")
    async with reading(engine) as read:
        assert [one.address async for one in contacts.stream(read, account.id, audience.id)] == [
            *emails,
            "out@x.example",
        ]
        first = await contacts.list_after(read, account.id, audience.id, limit=2)
        second = await contacts.list_after(read, account.id, audience.id, after_id=first[-1].id, limit=1)
        assert [one.address for one in (*first, *second)] == emails[:3]
        out = await contacts.list_after(read, account.id, audience.id, status=ContactStatus.UNSUBSCRIBED)
        assert [one.address for one in out] == ["out@x.example"]
        for page, per_page, expected in (
            (1, 2, emails[:2]),
            (2, 2, emails[2:4]),
            (-5, 0, emails[:1]),
            (1, 5000, emails[:1000]),
            (4, 1000, []),
            (2**70, 1000, []),
        ):
            found = await contacts.list_page(read, account.id, audience.id, page=page, per_page=per_page)
            assert [one.address for one in found] == expected
        async for one in contacts.stream(read, account.id, audience.id):
            assert one.address == emails[0]
            break

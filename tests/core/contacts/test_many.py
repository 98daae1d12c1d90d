import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts
from app.core.contacts import Added, ContactRow, ContactStatus, address_of, clean_tags, rows
from app.core.errors import Fault, Invalid, NotFound
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from app.models.audience import Audience
from app.models.contact import Contact
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account, fields={"CITY": "text", "AGE": "number"})


async def members(engine: AsyncEngine, audience: Audience) -> dict[str, Contact]:
    async with reading(engine) as read:
        return {one.address: one async for one in contacts.stream(read, audience.account_id, audience.id)}


async def add(engine: AsyncEngine, audience: Audience, *given_rows: ContactRow, **options: bool) -> Added:
    async with driver_connection(engine) as connection:
        return await contacts.add_many(
            connection, audience.account_id, audience.id, given_rows, source="imported", **options
        )


async def test_new_ones_get_all_that_is_given_in_order(
    engine: AsyncEngine, account: MadeAccount, audience: Audience
) -> None:
    async with unit_of_work(engine) as write:
        await audiences.add_field(write, account.id, audience.id, tag="PLAN", label="Plan", default_value="Free")
    added = await add(
        engine,
        audience,
        ContactRow(" B@X.example", {"CITY": " Hue ", "AGE": 7}, (" t ", "u", "t")),
        ContactRow("a@x.example", {"CITY": "", "PLAN": "Paid"}, status=ContactStatus.UNSUBSCRIBED),
    )
    assert added == Added(created=2, existing=0)
    first, second = (await members(engine, audience)).values()
    assert (first.address, first.fields, first.tags) == (
        "b@x.example",
        {"CITY": "Hue", "AGE": "7", "PLAN": "Free"},
        ["t", "u"],
    )
    assert (first.status, first.source, first.subscribed_at is not None) == ("subscribed", "imported", True)
    assert (second.address, second.fields, second.status) == ("a@x.example", {"PLAN": "Paid"}, "unsubscribed")
    assert (second.subscribed_at, second.unsubscribed_at is not None, second.tags) == (None, True, [])


async def test_of_several_rows_with_one_address_the_last_counts(
    engine: AsyncEngine, audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.contacts.bulk.BATCH", 2)
    given_rows = [ContactRow(f"p{number % 3}@x.example", {"AGE": number}, (str(number),)) for number in range(9)]
    given_rows[8] = ContactRow("P2@x.example", {"CITY": "Hue"}, status=ContactStatus.UNCONFIRMED)
    assert await add(engine, audience, *given_rows) == Added(created=3, existing=0, repeated=6)
    found = await members(engine, audience)
    assert {address: one.fields for address, one in found.items()} == {
        "p0@x.example": {"AGE": "6"},
        "p1@x.example": {"AGE": "7"},
        "p2@x.example": {"CITY": "Hue"},
    }
    assert (found["p2@x.example"].status, found["p0@x.example"].tags) == ("unconfirmed", ["6"])


async def test_who_is_there_keeps_the_status_and_gets_the_rest(
    make: Factories, engine: AsyncEngine, account: MadeAccount, audience: Audience
) -> None:
    made = await make.contact(
        audience, "a@x.example", status="unsubscribed", fields={"CITY": "Hue", "AGE": 1}, tags=["old"]
    )
    async with unit_of_work(engine) as write:
        await audiences.change_field(write, account.id, audience.id, "AGE", default_value="99")
    row = ContactRow("A@x.example", {"CITY": "Rome"}, ("new", "old"))
    assert await add(engine, audience, row, update_existing=False) == Added(created=0, existing=1)
    assert (await members(engine, audience))["a@x.example"].fields == {"CITY": "Hue", "AGE": "1"}
    assert await add(engine, audience, row, ContactRow("b@x.example")) == Added(created=1, existing=1)
    found = await members(engine, audience)
    one = found["a@x.example"]
    assert (one.id, one.status, one.fields, one.tags) == (
        made.id,
        "unsubscribed",
        {"CITY": "Rome", "AGE": "1"},
        ["old", "new"],
    )
    assert one.updated_at > made.updated_at
    assert found["b@x.example"].fields == {"AGE": "99"}
    assert await add(engine, audience, row) == Added(created=0, existing=1)
    assert (await members(engine, audience))["a@x.example"].updated_at == one.updated_at


async def test_suppressed_addresses_come_in_as_such(
    make: Factories, engine: AsyncEngine, account: MadeAccount, audience: Audience
) -> None:
    await make.suppression(account.id, "bad@x.example", "worse@x.example", reason="complaint")
    await make.suppression(account.id, "gone@x.example", "spam@x.example", reason="unsubscribe")
    await make.suppression((await make.account()).id, "fine@x.example")
    await add(
        engine,
        audience,
        ContactRow("bad@x.example"),
        ContactRow("worse@x.example", status=ContactStatus.UNSUBSCRIBED),
        ContactRow("gone@x.example"),
        ContactRow("spam@x.example", status=ContactStatus.SPAM_REPORTED),
        ContactRow("fine@x.example"),
    )
    assert [(one.status, one.status_before) for one in (await members(engine, audience)).values()] == [
        ("blacklisted", "subscribed"),
        ("blacklisted", "unsubscribed"),
        ("unsubscribed", None),
        ("spam-reported", None),
        ("subscribed", None),
    ]


async def test_bad_rows_are_left_out_and_reported(engine: AsyncEngine, audience: Audience) -> None:
    added = await add(
        engine,
        audience,
        ContactRow("a@x.example", {"AGE": "old"}),
        ContactRow("nobody"),
        ContactRow("b@x.example", {"HUH": "1"}),
        ContactRow("c@x.example", {"CITY": "a\x00b"}),
        ContactRow("d@x.example", {"CITY": "\ud800"}),
        ContactRow("e@x.example", {"CITY": {}}),
        ContactRow("f@x.example", {"CITY": "x" * 10_001}),
        ContactRow("g@x.example", tags=("t" * 101,)),
        ContactRow("h@x.example", {"CITY": "\\u0000"}),
    )
    assert (added.created, added.existing) == (1, 0)
    assert [(one.index, one.email, one.fault.field) for one in added.bad] == [
        (0, "a@x.example", "AGE"),
        (1, "nobody", "email"),
        (2, "b@x.example", "HUH"),
        (3, "c@x.example", "CITY"),
        (4, "d@x.example", "CITY"),
        (5, "e@x.example", "CITY"),
        (6, "f@x.example", "CITY"),
        (7, "g@x.example", "tag"),
    ]
    assert (await members(engine, audience))["h@x.example"].fields == {"CITY": "\\u0000"}


async def test_another_account_adds_nothing(make: Factories, engine: AsyncEngine, audience: Audience) -> None:
    other = await make.account()
    async with driver_connection(engine) as connection:
        for call in (contacts.add_many, contacts.replace_members):
            with pytest.raises(NotFound):
                await call(connection, other.id, audience.id, [ContactRow("a@x.example")])
    assert await members(engine, audience) == {}
    assert await add(engine, audience) == Added(0, 0)


async def test_many_imports_and_single_adds_at_once_lose_and_double_nothing(
    make: Factories, engine: AsyncEngine, account: MadeAccount, audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.contacts.bulk.BATCH", 20)
    emails = [f"p{number}@x.example" for number in range(60)]
    given_rows = [ContactRow(email, tags=("bulk",)) for email in emails]

    async def single(email: str) -> int:
        async with unit_of_work(engine) as write:
            return (await contacts.add(write, account.id, audience.id, email=email)).id

    results = await asyncio.gather(
        add(engine, audience, *given_rows),
        add(engine, audience, *reversed(given_rows)),
        *(single(email) for email in emails[::6]),
        return_exceptions=True,
    )
    bulk = [one for one in results if isinstance(one, Added)]
    assert len(bulk) == 2
    assert sum(one.created for one in bulk) + sum(isinstance(one, int) for one in results) == 60
    found = await members(engine, audience)
    assert sorted(found) == sorted(emails)
    assert all("bulk" in one.tags for one in found.values())


async def test_an_address_that_came_meanwhile_is_updated(
    engine: AsyncEngine, audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(engine, audience, ContactRow("a@x.example"))
    fetch, calls = rows.Batch._run, []

    async def blind(self: rows.Batch, connection: object, name: str, *args: object) -> object:
        calls.append(name)
        # the first look has missed a row that another transaction has just committed
        return [] if len(calls) == 1 else await fetch(self, connection, name, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(rows.Batch, "_run", blind)
    added = await add(engine, audience, ContactRow("a@x.example", tags=("t",)), ContactRow("b@x.example"))
    assert added == Added(created=1, existing=1)
    assert calls == ["standing", "standing"]
    assert (await members(engine, audience))["a@x.example"].tags == ["t"]


async def test_replaced_members_leave_softly_and_come_back_as_they_were(
    make: Factories, engine: AsyncEngine, account: MadeAccount, audience: Audience
) -> None:
    gone = await make.contact(audience, "gone@x.example", status="unsubscribed", tags=["t"], fields={"CITY": "Hue"})
    await make.contact(audience, "stays@x.example", status="unsubscribed")
    given_rows = [ContactRow("stays@x.example"), ContactRow("new@x.example"), ContactRow("NEW@x.example")]
    async with driver_connection(engine) as connection:
        added = await contacts.replace_members(connection, account.id, audience.id, given_rows)
    assert added == Added(created=1, existing=1, repeated=1, removed=1)
    assert {address: one.status for address, one in (await members(engine, audience)).items()} == {
        "stays@x.example": "unsubscribed",
        "new@x.example": "subscribed",
    }
    async with reading(engine) as read:
        assert (await audiences.statistics(read, account.id, audience.id)).total == 2
        assert await contacts.duplicates(read, account.id, "gone@x.example") == []
        for name in (gone.id, gone.address):
            with pytest.raises(NotFound):
                await contacts.get(read, account.id, audience.id, name)
    again = await make.contact(audience, "gone@x.example", fields={"AGE": 3}, tags=["u"])
    assert (again.id, again.status, again.tags) == (gone.id, "unsubscribed", ["t", "u"])
    assert again.fields == {"CITY": "Hue", "AGE": "3"}
    async with driver_connection(engine) as connection:
        assert (await contacts.replace_members(connection, account.id, audience.id, [])).removed == 3
    assert await add(engine, audience, ContactRow("gone@x.example"), update_existing=False) == Added(0, 1)
    assert [one.status for one in (await members(engine, audience)).values()] == ["unsubscribed"]


async def test_members_are_replaced_whole_or_not_at_all(
    make: Factories, engine: AsyncEngine, account: MadeAccount, audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make.contacts(audience, 3)
    async with driver_connection(engine) as connection:
        with pytest.raises(Invalid, match="members contains an invalid address: nobody"):
            await contacts.replace_members(
                connection, account.id, audience.id, [ContactRow("a@x.example"), ContactRow("nobody")]
            )
        monkeypatch.setattr("app.core.contacts.bulk.MAX_REPLACED", 2)
        with pytest.raises(Invalid) as caught:
            await contacts.replace_members(connection, account.id, audience.id, [ContactRow("a@x.example")])
    assert [(one.field, one.fault) for one in caught.value.faults] == [("members", Fault.TOO_LONG)]
    assert len(await members(engine, audience)) == 3


@given(st.lists(st.text()))
def test_clean_tags_are_trimmed_unique_and_short(tags: list[str]) -> None:
    try:
        cleaned = clean_tags(tags)
    except Invalid:
        return
    assert len(set(cleaned)) == len(cleaned)
    assert all(tag and tag == tag.strip() and len(tag) <= 100 and "\x1f" not in tag for tag in cleaned)
    assert set(cleaned) == {tag.strip() for tag in tags} - {""}


@given(st.text() | st.emails() | st.from_regex(r"[a-zA-Zé.]{1,9}@[a-zA-Zü-]{1,9}\.[a-z]{2,5}", fullmatch=True))
def test_an_address_is_stored_in_one_form_or_refused(text: str) -> None:
    try:
        address = address_of(text)
    except Invalid:
        return
    assert address == address.lower()
    assert address.rpartition("@")[2].isascii()
    assert address_of(address) == address
    assert address_of(f" {text.strip()} ") == address

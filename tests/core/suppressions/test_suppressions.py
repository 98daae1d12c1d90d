"""What can be read of the list and the marks, and who may change them."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, suppressions
from app.core.errors import Invalid
from app.core.suppressions import NewEntry, Reason
from app.db.unit_of_work import reading, unit_of_work
from tests.factories import Factories

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2016, 11, 22, 12, tzinfo=UTC)
FOR_CONTACTS = {"enter", "leave", "hold", "drop_unsubscribe"}


def test_only_contacts_change_the_list() -> None:
    for file in [*ROOT.glob("app/**/*.py"), *ROOT.glob("workers/**/*.py")]:
        if file.is_relative_to(ROOT / "app/core/contacts") or file.is_relative_to(ROOT / "app/core/suppressions"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("suppressions"):
                assert node.attr not in FOR_CONTACTS, f"{file}: use contacts.suppress or contacts.unsuppress"
            if isinstance(node, ast.ImportFrom) and node.module == "app.core.suppressions":
                assert not FOR_CONTACTS & {alias.name for alias in node.names}, file


@pytest.mark.parametrize(
    "spelling",
    [
        " Jo@Bücher.example",
        "jo@BÜCHER.EXAMPLE ",
        "JO@xn--bcher-kva.example",
        "jo@XN--BCHER-KVA.example",
        '"jo"@bücher.example',
    ],
)
def test_every_spelling_of_an_address_has_one_key(spelling: str) -> None:
    assert suppressions.key_of(spelling) == contacts.address_of(spelling) == "jo@xn--bcher-kva.example"


@given(st.one_of(st.text(max_size=30), st.emails()))
def test_contacts_and_the_list_agree_about_every_address(text: str) -> None:
    try:
        address = contacts.address_of(text)
    except Invalid:
        return
    assert suppressions.key_of(text) == suppressions.key_of(address) == address


async def test_what_is_no_address_is_on_no_list(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    odd = ["", " ", "nobody", "a\x00@x.example", "\ud800@x.example", "Ann <a@x.example>", "x" * 5000]
    async with unit_of_work(engine) as write:
        assert await suppressions.reasons(write, account.id, odd) == {}
        assert await suppressions.marked(write, account.id, odd) == set()
        assert [await suppressions.get(write, account.id, one) for one in odd] == [None] * len(odd)
        await suppressions.activate(write, account.id, odd)
        assert await contacts.unsuppress(write, account.id, odd, clear_marks=True) == []
        for one in odd:
            with pytest.raises(Invalid):
                await contacts.suppress(write, account.id, ["a@x.example", one], Reason.MANUAL)
        assert await suppressions.count(write, account.id) == 0


async def test_entries_are_found_by_address_and_by_time_in_the_account_only(
    make: Factories, engine: AsyncEngine
) -> None:
    account, other = await make.account(), await make.account()
    moments = [NOON + timedelta(hours=hours) for hours in (2, 0, 1, 1)]
    entries = [NewEntry(f"p{n}@x.example", Reason.MANUAL, "why", moment) for n, moment in enumerate(moments)]
    async with unit_of_work(engine) as write:
        await contacts.suppress_many(write, account.id, entries)
        await contacts.suppress(write, account.id, ["N@X.example"], Reason.HARDBOUNCE, detail="550", source=(7, NOON))
    async with reading(engine) as read:
        entry = await suppressions.get(read, account.id, " n@x.EXAMPLE")
        assert entry is not None
        assert (entry.address, entry.reason, entry.detail) == ("n@x.example", Reason.HARDBOUNCE, "550")
        assert (entry.source_message_id, entry.source_accepted_at) == (7, NOON)
        assert isinstance(entry.reason, Reason)
        assert await suppressions.get(read, other.id, "n@x.example") is None
        in_order = ["p1@x.example", "p2@x.example", "p3@x.example", "p0@x.example", "n@x.example"]
        assert [one.address for one in await suppressions.page(read, account.id)] == in_order
        assert [one.address async for one in suppressions.stream(read, account.id)] == in_order
        assert await suppressions.page(read, other.id) == []
        for start, end, expected in (
            (NOON, NOON + timedelta(hours=1), in_order[:1]),
            (NOON + timedelta(hours=1), None, in_order[1:]),
            (None, NOON + timedelta(hours=2), in_order[:3]),
            (NOON, NOON, []),
        ):
            found = await suppressions.page(read, account.id, start=start, end=end)
            assert [one.address for one in found] == expected
            assert await suppressions.count(read, account.id, start=start, end=end) == len(expected)
        for offset, limit, expected in (
            (1, 2, in_order[1:3]),
            (-1, 1, in_order[:1]),
            (5, 9, []),
            (2**70, 9, []),
            (0, -1, []),
        ):
            found = await suppressions.page(read, account.id, offset=offset, limit=limit)
            assert [one.address for one in found] == expected


async def test_a_reader_may_leave_a_stream(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    entries = [NewEntry(f"p{n}@x.example", Reason.MANUAL) for n in range(2500)]
    async with unit_of_work(engine) as write:
        await contacts.suppress_many(write, account.id, entries)
    async with reading(engine) as read:
        async for _ in suppressions.stream(read, account.id):
            break
        assert len([one async for one in suppressions.stream(read, account.id)]) == 2500


async def test_a_mark_outlives_the_entry_until_it_is_activated(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(), await make.account()
    async with unit_of_work(engine) as write:
        for each in (account, other):
            await contacts.suppress(write, each.id, ["a@x.example", "b@x.example"], Reason.HARDBOUNCE)
        await contacts.unsuppress(write, account.id, ["a@x.example"])
        asked = ["A@x.example", "b@x.example", "never@x.example"]
        assert await suppressions.marked(write, account.id, asked) == {"a@x.example", "b@x.example"}
        await suppressions.activate(write, account.id, ["A@X.example", "never@x.example"])
        assert await suppressions.marked(write, account.id, asked) == {"b@x.example"}
        await contacts.unsuppress(write, account.id, ["b@x.example", "a@x.example"], clear_marks=True)
        assert await suppressions.marked(write, account.id, asked) == set()
        assert await suppressions.marked(write, other.id, asked) == {"a@x.example", "b@x.example"}
        await contacts.suppress(write, account.id, ["a@x.example"], Reason.SOFTBOUNCE)
        assert await suppressions.marked(write, account.id, asked) == {"a@x.example"}


async def test_a_detail_of_a_server_is_cut_and_made_storable(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    async with unit_of_work(engine) as write:
        await contacts.suppress(write, account.id, ["a@x.example"], Reason.MANUAL, detail="x" * 2000)
        await contacts.suppress(write, account.id, ["b@x.example"], Reason.MANUAL, detail="a\x00b\ud800")
        found = [await suppressions.get(write, account.id, name) for name in ("a@x.example", "b@x.example")]
    assert [one.detail for one in found if one] == ["x" * 1000, "ab?"]

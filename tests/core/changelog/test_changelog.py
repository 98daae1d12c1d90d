"""The audit log, through the front door: what leaves an entry, and in which transaction."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts, changelog
from app.core.changelog import Search
from app.core.errors import Invalid
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from tests.factories import Factories, MadeAccount


async def count(engine: AsyncEngine) -> int:
    async with driver_connection(engine) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM audit_log"))


async def test_an_entry_is_there_when_its_change_is(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    before = await count(engine)
    with pytest.raises(Invalid):
        await _change(engine, made, city="x" * 2001)
    assert await count(engine) == before
    async with unit_of_work(engine) as write:
        await accounts.change(write, await accounts.get(write, made.caller, made.id), phone="1")
    assert await count(engine) == before + 1


async def _change(engine: AsyncEngine, made: MadeAccount, *, city: str) -> None:
    async with unit_of_work(engine) as write:
        account = await accounts.get(write, made.caller, made.id)
        await accounts.change(write, account, phone="2")
        await accounts.change(write, account, city=city)


async def test_what_was_undone_in_a_part_leaves_nothing(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    before = await count(engine)
    async with unit_of_work(engine) as write:
        account = await accounts.get(write, made.caller, made.id)
        part = await write.attempt()
        await accounts.change(write, account, phone="1")
        await part.undo()
    assert await count(engine) == before


async def test_commands_have_a_name(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    with changelog.acting_as("trireme account change"):
        async with unit_of_work(engine) as write:
            await accounts.change(write, await accounts.get(write, made.caller, made.id), phone="1")
    async with unit_of_work(engine) as write:
        await accounts.change(write, await accounts.get(write, made.caller, made.id), phone="2")
    async with reading(engine) as read:
        found = await changelog.entries(read, [made.id], Search(object_type="account"), limit=2)
    assert [entry.row.actor for entry in found] == ["system", "trireme account change"]
    assert [entry.row.changes for entry in found] == [{"phone": ["1", "2"]}, {"phone": ["", "1"]}]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("x_headers", ["X-A", "", "", ""], [["", "", "", ""], ["X-A", "", "", ""]]),
        ("monthly_cap", 7, [None, 7]),
        ("test_mode", True, [False, True]),
        ("company_name", "x" * 200, ["", "x" * 200]),
        ("company_name", "x" * 201, None),
        ("password_hash", "a new one", None),
    ],
)
async def test_which_values_are_told(
    make: Factories, engine: AsyncEngine, field: str, value: Any, told: list[Any] | None
) -> None:
    made = await make.account()
    async with unit_of_work(engine) as write:
        account = await accounts.get(write, made.caller, made.id)
        setattr(account, field, value)
    async with reading(engine) as read:
        (entry,) = await changelog.entries(read, [made.id], Search(), limit=1)
    assert entry.row.changes == {field: told}
    assert entry.account == made.public_id


async def test_deletion_is_told_as_such(make: Factories, engine: AsyncEngine) -> None:
    master = await make.account()
    sub = await make.account(parent=master)
    async with unit_of_work(engine) as write:
        await accounts.delete_sub(write, master.caller, sub.username)
    async with reading(engine) as read:
        found = await changelog.entries(read, [sub.id], Search(), limit=2)
    assert {(entry.row.object_type, entry.row.action) for entry in found} == {
        ("account", "deleted"),
        ("api_key", "deleted"),
    }

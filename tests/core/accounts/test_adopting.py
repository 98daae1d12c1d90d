"""Accounts and keys that come from another system."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts
from app.core.accounts import Role
from app.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.db.unit_of_work import reading, unit_of_work
from tests.factories import Factories
from tests.factories.accounts import PASSWORD_HASH

KEY = "0F1E2D3C4B5A6978"


async def test_an_account_comes_with_its_age_and_its_key(make: Factories, engine: AsyncEngine) -> None:
    master = await make.account()
    since = datetime(2012, 5, 1, tzinfo=UTC)
    async with unit_of_work(engine) as write:
        sub = await accounts.adopt(
            write, make.vault, username="old@x.example", master_id=master.id, password_hash=PASSWORD_HASH,
            created_at=since, company_name="Old",
        )  # fmt: skip
        first = await accounts.primary_key(write, make.vault, sub.id)
        assert await accounts.adopt_key(write, make.vault, sub.id, KEY, keep_old=False)
        assert not await accounts.adopt_key(write, make.vault, sub.id, KEY, keep_old=False)
    async with reading(engine) as read:
        assert await accounts.primary_key(read, make.vault, sub.id) == KEY
        found = await accounts.find_by_username(read, "OLD@x.example")
    assert found is not None
    assert (found.parent_id, found.role, found.created_at, found.company_name) == (master.id, Role.SUB, since, "Old")
    assert (await make.caller(KEY)).account_id == sub.id
    with pytest.raises(Unauthenticated):
        await make.caller(first)
    async with unit_of_work(engine) as write:
        alone = await accounts.adopt(
            write, make.vault, username="m@x.example", master_id=None, password_hash=PASSWORD_HASH
        )
    assert (alone.role, alone.parent_id) == (Role.MASTER, None)


async def test_the_key_it_had_can_go_on_working(make: Factories, engine: AsyncEngine) -> None:
    master = await make.account()
    async with unit_of_work(engine) as write:
        assert await accounts.adopt_key(write, make.vault, master.id, KEY, keep_old=True)
    assert {(await make.caller(key)).account_id for key in (KEY, master.key)} == {master.id}
    async with unit_of_work(engine) as write:
        assert await accounts.adopt_key(write, make.vault, master.id, master.key, keep_old=True)
    async with reading(engine) as read:
        assert await accounts.primary_key(read, make.vault, master.id) == master.key
        assert len(await accounts.list_keys(read, master.id)) == 2


async def test_what_cannot_be_its_key_is_refused(make: Factories, engine: AsyncEngine) -> None:
    one, other = await make.account(), await make.account()
    async with unit_of_work(engine) as write:
        await accounts.adopt_key(write, make.vault, one.id, KEY, keep_old=False)
    cases = [(other.id, KEY, Conflict), (one.id, one.key, Conflict), (0, KEY * 2, NotFound),
             (one.id, "short", Invalid), (one.id, "with a blank in it", Invalid), (one.id, "ä" * 20, Invalid), (one.id, "x" * 513, Invalid)]  # fmt: skip
    for account_id, key, error in cases:
        with pytest.raises(error):
            async with unit_of_work(engine) as write:
                await accounts.adopt_key(write, make.vault, account_id, key, keep_old=True)
    async with unit_of_work(engine) as write:
        await accounts.adopt(write, make.vault, username="a@x.example", master_id=one.id, password_hash=PASSWORD_HASH)
        for username in ("A@x.example", one.username):
            with pytest.raises(Conflict):
                await accounts.adopt(
                    write, make.vault, username=username, master_id=one.id, password_hash=PASSWORD_HASH
                )

import asyncio

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts
from app.core.accounts import Caller, KeyRing, Scope
from app.core.errors import Forbidden, Overloaded, StaleCaller, Unauthenticated
from app.db.unit_of_work import unit_of_work
from tests.factories import Factories


class Statements:
    """Counts the statements an engine runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.count = 0
        event.listen(engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _: object, __: object, statement: str, *___: object) -> None:
        # When a key was last used is written aside, by nobody who waits.
        self.count += not statement.startswith("UPDATE api_keys SET last_used_at")


async def test_a_key_leads_to_its_account(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account("Master@Example.com", x_headers=["X-Campaign"], monthly_cap=7, track_opens=True)
    caller = await KeyRing(engine).caller(made.key)
    assert (caller.account_id, caller.username, caller.role) == (made.id, "Master@Example.com", "master")
    assert caller.x_headers == ("X-Campaign", "", "", "")
    assert (caller.monthly_cap, caller.track_opens, caller.track_links, caller.quota_root) == (7, True, False, made.id)
    assert caller.may(Scope.SEND)
    assert not caller.may(Scope.ADMIN)


async def test_a_sub_account_counts_against_its_master(make: Factories) -> None:
    master = await make.account()
    sub = await make.account(parent=master)
    assert sub.caller.quota_root == master.id
    assert not sub.caller.is_master


async def test_the_second_call_asks_nobody(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    ring = KeyRing(engine, ttl_seconds=60)
    first = await ring.caller(made.key)
    statements = Statements(engine)
    assert await ring.caller(made.key) is first
    assert statements.count == 0


async def test_many_at_once_ask_once(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    ring = KeyRing(engine)
    statements = Statements(engine)
    await asyncio.gather(*(ring.caller(made.key) for _ in range(20)))
    assert statements.count == 1


@pytest.mark.parametrize("key", ["", "0" * 32, "x" * 100_000, "\x00", "\ud800", "ключ"])
async def test_what_is_no_key_is_refused_every_time(engine: AsyncEngine, key: str) -> None:
    ring = KeyRing(engine)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await ring.caller(key)


async def test_a_new_key_works_after_it_was_unknown(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    ring = KeyRing(engine, ttl_seconds=60)
    async with unit_of_work(engine) as write:
        row, key = await accounts.add_key(write, made.id, name="k", scopes=[Scope.READ])
        with pytest.raises(Unauthenticated):
            await ring.caller(key)
    assert (await ring.caller(key)).key_id == row.id


async def test_fresh_passes_the_cache_and_forget_empties_it(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    ring = KeyRing(engine, ttl_seconds=60)
    await ring.caller(made.key)
    async with unit_of_work(engine) as write:
        await accounts.set_x_headers(write, made.id, ["X-New"])
    assert (await ring.caller(made.key)).x_headers[0] == ""
    ring.forget(made.id)
    assert (await ring.caller(made.key)).x_headers[0] == "X-New"
    async with unit_of_work(engine) as write:
        await accounts.set_x_headers(write, made.id, ["X-Newer"])
    fresh = await ring.fresh(made.key)
    assert fresh.x_headers[0] == "X-Newer"
    assert await ring.caller(made.key) is fresh


async def test_a_cached_key_is_asked_again_after_its_time(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    ring = KeyRing(engine, ttl_seconds=0)
    await ring.caller(made.key)
    async with unit_of_work(engine) as write:
        account = await accounts.get(write, made.caller, made.id)
        new_key = await accounts.rotate_key(write, make.vault, account)
    with pytest.raises(Unauthenticated):
        await ring.caller(made.key)
    assert (await ring.caller(new_key)).account_id == made.id


async def test_the_keys_of_disabled_and_deleted_accounts_and_of_their_subs_end(
    make: Factories, engine: AsyncEngine
) -> None:
    master = await make.account()
    sub = await make.account(parent=master)
    other = await make.account(parent=master)
    async with unit_of_work(engine) as write:
        await accounts.delete_sub(write, master.caller, other.username)
    ring = KeyRing(engine, ttl_seconds=0)
    with pytest.raises(Unauthenticated):
        await ring.caller(other.key)
    assert (await ring.caller(sub.key)).account_id == sub.id
    async with unit_of_work(engine) as write:
        await accounts.change(write, await accounts.get(write, master.caller, master.id), status="disabled")
    for key in (master.key, sub.key):
        with pytest.raises(Unauthenticated):
            await ring.caller(key)


async def test_no_more_keys_are_remembered_than_allowed(make: Factories, engine: AsyncEngine) -> None:
    ring = KeyRing(engine, ttl_seconds=60, max_size=2)
    made = [await make.account() for _ in range(3)]
    for one in made:
        await ring.caller(one.key)
    statements = Statements(engine)
    await ring.caller(made[2].key)
    await ring.caller(made[1].key)
    assert statements.count == 0
    await ring.caller(made[0].key)
    assert statements.count == 1


@pytest.mark.parametrize(
    ("held", "opened"),
    [
        ("read", {"read"}),
        ("send", {"send"}),
        ("write", {"read", "send", "write"}),
        ("admin", {"read", "send", "write", "admin"}),
    ],
)
async def test_scopes_include_each_other(make: Factories, held: str, opened: set[str]) -> None:
    made = await make.account()
    caller = await make.caller(await make.api_key(made.id, held))
    assert {scope for scope in Scope if caller.may(scope)} == opened


async def test_what_was_begun_for_an_account_that_changed_is_begun_again(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    ring = KeyRing(engine)
    stale = await ring.caller(made.key)
    async with unit_of_work(engine) as write:
        await accounts.touch(write, made.id)
    seen: list[int] = []

    async def act(caller: Caller) -> int:
        seen.append(caller.revision)
        if caller.revision == stale.revision:
            raise StaleCaller("changed")
        return caller.account_id

    assert await ring.acting(made.key, stale, Scope.SEND, act) == made.id
    assert seen == [stale.revision, stale.revision + 1]


async def test_an_account_that_keeps_changing_is_given_up(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    tried = 0

    async def act(_: Caller) -> None:
        nonlocal tried
        tried += 1
        raise StaleCaller("changed")

    with pytest.raises(Overloaded):
        await KeyRing(engine).acting(made.key, made.caller, Scope.SEND, act)
    assert tried == 3


async def test_a_key_that_does_not_open_it_any_more_is_refused(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()

    async def act(_: Caller) -> None:
        raise StaleCaller("changed")

    with pytest.raises(Forbidden):
        await KeyRing(engine).acting(made.key, made.caller, Scope.ADMIN, act)

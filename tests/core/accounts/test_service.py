import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts
from app.core.accounts import Changes, hash_password
from app.core.accounts.passwords import password_fits
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from app.db.unit_of_work import reading, unit_of_work
from app.kit.secrets import Vault
from tests.factories import Factories, MadeAccount
from tests.factories.accounts import PASSWORD, PASSWORD_HASH
from tests.factories.copies import CopySpec


async def revision_of(make: Factories, made: MadeAccount) -> int:
    return (await make.caller(made.key)).revision


async def test_the_first_account_is_an_admin_and_made_once(make: Factories, engine: AsyncEngine) -> None:
    async def attempt(number: int) -> object:
        async with unit_of_work(engine) as write:
            opened = await accounts.create_first(
                write, make.vault, username=f"root{number}@x.example", password_hash=PASSWORD_HASH
            )
            return opened.key

    results = await asyncio.gather(*(attempt(number) for number in range(4)), return_exceptions=True)
    keys = [one for one in results if isinstance(one, str)]
    assert len(keys) == 1
    assert [type(one) for one in results if not isinstance(one, str)] == [Conflict] * 3
    caller = await make.caller(keys[0])
    assert (caller.role, caller.parent_id) == ("admin", None)
    assert caller.may(accounts.Scope.ADMIN)


async def test_only_admins_make_masters_and_only_masters_make_subs(make: Factories, engine: AsyncEngine) -> None:
    master = await make.account()
    sub = await make.account(parent=master)
    for create, caller in ((accounts.create_master, master.caller), (accounts.create_sub, sub.caller)):
        async with unit_of_work(engine) as write:
            with pytest.raises(Forbidden):
                await create(write, make.vault, caller, username="new@x.example", password_hash=PASSWORD_HASH)


async def test_two_at_once_cannot_take_one_name(make: Factories, engine: AsyncEngine) -> None:
    masters = [await make.account(), await make.account()]

    async def attempt(master: MadeAccount) -> str:
        async with unit_of_work(engine) as write:
            return (
                await accounts.create_sub(
                    write, make.vault, master.caller, username="One@x.example", password_hash=PASSWORD_HASH
                )
            ).key

    results = await asyncio.gather(*(attempt(master) for master in masters * 3), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Conflict"] * 5 + ["str"]


async def test_every_change_raises_the_revision(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    revision = made.caller.revision
    async with unit_of_work(engine) as write:
        account = await accounts.get(write, made.caller, made.id)
        await accounts.change(write, account, city="Here", track_opens=True)
    assert (await make.caller(made.key)).track_opens
    assert await revision_of(make, made) == revision + 1
    async with unit_of_work(engine) as write:
        await accounts.change(write, await accounts.get(write, made.caller, made.id), city="Here")
    assert await revision_of(make, made) == revision + 1
    await make.sender(made.id, "new@x.example")
    await make.api_key(made.id, "read")
    assert await revision_of(make, made) == revision + 3


async def test_who_sees_whom(make: Factories, engine: AsyncEngine) -> None:
    admin = await make.account(role="admin")
    master, other = await make.account(), await make.account()
    sub = await make.account(parent=master)
    visible = {
        admin.id: {admin.id, master.id, other.id, sub.id},
        master.id: {master.id, sub.id},
        other.id: {other.id},
        sub.id: {sub.id},
    }
    everyone = [admin, master, other, sub]
    async with reading(engine) as read:
        for who in everyone:
            for whom in everyone:
                for identity in (whom.id, whom.public_id):
                    if whom.id in visible[who.id]:
                        assert (await accounts.get(read, who.caller, identity)).id == whom.id
                    else:
                        with pytest.raises(NotFound):
                            await accounts.get(read, who.caller, identity)


async def test_texts_are_bounded(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    changes: Changes = {"city": "x" * 2001, "phone": "1"}
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid) as caught:
            await accounts.change(write, await accounts.get(write, made.caller, made.id), **changes)
    assert [fault.field for fault in caught.value.faults] == ["city"]


async def test_sent_this_month_leaves_out_blocked_copies_and_other_months(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account(senders=["a@x.example"])
    sender = made.senders["a@x.example"]
    november = datetime(2016, 11, 1, tzinfo=UTC)
    await make.copies(
        [CopySpec(made.id, sender, november), CopySpec(made.id, sender, datetime(2016, 11, 30, 23, 59, 59, tzinfo=UTC))]
        + [CopySpec(made.id, sender, november, blocked_reason=reason) for reason in ("manual", "unsubscribe")]
    )
    async with reading(engine) as read:
        for now, expected in (
            (november, 2),
            (datetime(2016, 12, 1, tzinfo=UTC), 0),
            (datetime(2016, 10, 31, tzinfo=UTC), 0),
        ):
            assert await accounts.emails_sent_this_month(read, made.id, now=now) == expected


async def test_a_key_under_a_lost_secret_is_shown_blank_and_still_works(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    lost = Vault(["another secret key that is long enough"])
    async with reading(engine) as read:
        assert await accounts.primary_key(read, lost, made.id) == ""
        assert await accounts.primary_key(read, make.vault, made.id) == made.key
    assert (await make.caller(made.key)).account_id == made.id


async def test_further_keys_are_listed_and_revoked_one_by_one(make: Factories, engine: AsyncEngine) -> None:
    made, other = await make.account(), await make.account()
    key = await make.api_key(made.id, "send")
    async with unit_of_work(engine) as write:
        primary, further = await accounts.list_keys(write, made.id)
        assert (primary.is_primary, further.scopes, further.prefix, further.sealed) == (True, ["send"], key[:6], None)
        for account_id, key_id in ((made.id, primary.id), (other.id, further.id)):
            with pytest.raises(NotFound):
                await accounts.revoke_key(write, account_id, key_id)
        await accounts.revoke_key(write, made.id, further.id)
    with pytest.raises(Unauthenticated):
        await make.caller(key)
    assert (await make.caller(made.key)).account_id == made.id


@pytest.mark.usefixtures("strong_passwords")
async def test_passwords(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    stored = await hash_password("müller's 密码")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await password_fits(stored, "müller's 密码")
    assert not await password_fits(stored, "muller's 密码")
    assert not await password_fits(stored, "")
    for refused in ("", "x" * 1025):
        with pytest.raises(Invalid):
            await hash_password(refused)
    async with reading(engine) as read:
        assert (await accounts.log_in(read, made.username.upper(), PASSWORD)).id == made.id
        for username, password in ((made.username, "wrong"), ("nobody@x.example", PASSWORD)):
            with pytest.raises(Unauthenticated):
                await accounts.log_in(read, username, password)

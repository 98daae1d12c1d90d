"""The verbs on stored messages."""

import pytest

from app.core import transactional
from app.core.errors import Fault, Invalid, NotFound
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid, uuid
from tests.factories import Factories

HTML = '<a href="{{ PASSWORD_LINK }}">Reset</a>'


async def test_it_is_found_by_id_uid_and_uuid_and_by_its_account_alone(make: Factories) -> None:
    account, other = await make.account(senders=["app@example.org"]), await make.account()
    message = await make.message(await make.audience(account), from_email="app@example.org", html=HTML)
    names = (message.id, uid(Noun.TRANSACTIONAL, message.id), uuid(Noun.TRANSACTIONAL, message.id))
    async with unit_of_work(make.engine) as write:
        for which in names:
            assert (await transactional.get(write, account.id, which)).id == message.id
            with pytest.raises(NotFound):
                await transactional.get(write, other.id, which)
        with pytest.raises(NotFound):
            await transactional.get(write, account.id, uid(Noun.CAMPAIGN, message.id))


async def test_defaults(make: Factories) -> None:
    audience = await make.audience(await make.account())
    message = await make.message(audience, from_email="app@example.org", html=HTML)
    assert (message.status, message.content, message.track_opens, message.track_clicks) == (
        "active", "internal", True, True,
    )  # fmt: skip
    assert message.updated_at is None


async def test_what_cannot_be_accepted_is_named_in_order(make: Factories) -> None:
    account = await make.account()
    async with unit_of_work(make.engine) as write:
        with pytest.raises(Invalid) as caught:
            await transactional.create(
                write, account.id, name=" ", audience_id=99, from_email="nobody", subject="{% if %}", status="new"
            )
    assert [(fault.field, fault.fault) for fault in caught.value.faults] == [
        ("name", Fault.REQUIRED),
        ("from_email", Fault.INVALID),
        ("subject", Fault.SYNTAX),
        ("status", Fault.INVALID),
        ("audience_id", Fault.NOT_FOUND),
        ("html", Fault.REQUIRED),
    ]


async def test_a_change_is_checked_against_what_stays(make: Factories) -> None:
    audience = await make.audience(await make.account())
    message = await make.message(audience, from_email="app@example.org", html=HTML)
    async with unit_of_work(make.engine) as write:
        with pytest.raises(Invalid):
            await transactional.change(write, audience.account_id, message.id, html="")
    async with unit_of_work(make.engine) as write:
        changed = await transactional.change(write, audience.account_id, message.id, html="", content="external")
    assert (changed.content, changed.subject, changed.updated_at is not None) == ("external", message.subject, True)


async def test_a_deleted_one_is_gone_and_pages_go_by_creation(make: Factories) -> None:
    audience = await make.audience(await make.account())
    made = [await make.message(audience, from_email="app@example.org", name=f"M {n}") for n in range(3)]
    async with unit_of_work(make.engine) as write:
        await transactional.delete(write, audience.account_id, made[1].id)
        found = await transactional.list_page(write, audience.account_id)
        assert [one.id for one in found] == [made[0].id, made[2].id]
        found = await transactional.list_page(write, audience.account_id, after_id=made[0].id, text="m 2", limit=1)
        assert [one.id for one in found] == [made[2].id]
        with pytest.raises(NotFound):
            await transactional.delete(write, audience.account_id, made[1].id)

from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts
from app.core.audiences import Statistics
from app.core.errors import Conflict, Fault, Invalid, NotFound
from app.db.unit_of_work import reading, unit_of_work
from app.kit.uids import Noun, uid, uuid
from app.models.campaign import Campaign
from app.models.run import Run, RunState
from tests.factories import Factories


async def test_an_audience_is_found_by_all_its_names_and_by_its_account_alone(
    make: Factories, engine: AsyncEngine
) -> None:
    account, other = await make.account(), await make.account()
    made = await make.audience(account, name=" SaaS customers ")
    names = (made.id, uid(Noun.AUDIENCE, made.id), uuid(Noun.AUDIENCE, made.id))
    async with reading(engine) as read:
        for name in names:
            found = await audiences.get(read, account.id, name)
            assert (found.id, found.name, found.updated_at) == (made.id, "SaaS customers", None)
            with pytest.raises(NotFound):
                await audiences.get(read, other.id, name)
        for foreign in (0, -1, 2**60, made.id + 1, "", "0" * 13, "x" * 64, uid(Noun.CONTACT, made.id), uuid4()):
            with pytest.raises(NotFound):
                await audiences.get(read, account.id, foreign)


async def test_another_account_can_do_nothing_to_it(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(), await make.account()
    made = await make.audience(account, name="Mine", fields=["CITY"])
    calls = (
        lambda write: audiences.change(write, other.id, made.id, name="Theirs"),
        lambda write: audiences.delete(write, other.id, made.id),
        lambda write: audiences.statistics(write, other.id, made.id),
        lambda write: audiences.fields(write, other.id, made.id),
        lambda write: audiences.add_field(write, other.id, made.id, tag="AGE", label="Age"),
        lambda write: audiences.ensure_fields(write, other.id, made.id, ["AGE"]),
        lambda write: audiences.change_field(write, other.id, made.id, "CITY", label="Town"),
        lambda write: audiences.delete_field(write, other.id, made.id, "CITY"),
    )
    for call in calls:
        with pytest.raises(NotFound):
            async with unit_of_work(engine) as write:
                await call(write)
    async with reading(engine) as read:
        assert await audiences.list_after(read, other.id) == []
        assert await audiences.statistics_of(read, other.id, [made]) == {}
        assert (await audiences.get(read, account.id, made.id)).name == "Mine"
        assert [field.label for field in await audiences.fields(read, account.id, made.id)] == ["City"]


async def test_what_is_given_changes_and_the_rest_stays(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(
        account,
        description="d",
        from_email="Team@Acme.EXAMPLE",
        settings={"double_opt_in": True},
        contact_information={"company": "ACME", "city": " "},
        extra={"colour": "red", "n": 1},
    )
    assert (made.from_email, made.settings) == ("Team@acme.example", {"double_opt_in": True})
    assert (made.contact_information, made.extra) == ({"company": "ACME"}, {"colour": "red", "n": 1})
    async with unit_of_work(engine) as write:
        changed = await audiences.change(
            write,
            account.id,
            made.id,
            from_email=None,
            settings={"double_opt_in": False, "welcome_template_id": 3},
            contact_information={"company": None, "zip": "1"},
            extra={"n": None},
        )
    assert (changed.description, changed.from_email) == ("d", None)
    assert (changed.settings, changed.contact_information) == ({"welcome_template_id": 3}, {"zip": "1"})
    assert changed.extra == {"colour": "red", "n": None}
    assert changed.updated_at is not None


@pytest.mark.parametrize(
    ("values", "field", "fault"),
    [
        ({"name": " "}, "name", Fault.REQUIRED),
        ({"name": "n" * 256}, "name", Fault.TOO_LONG),
        ({"name": "a\x00b"}, "name", Fault.INVALID),
        ({"from_email": "nobody"}, "from_email", Fault.INVALID),
        ({"from_email": "Ann <a@x.example>"}, "from_email", Fault.INVALID),
        ({"description": "d" * 10_001}, "description", Fault.TOO_LONG),
        ({"settings": {"colour": "red"}}, "settings.colour", Fault.UNKNOWN),
        ({"settings": {"double_opt_in": "yes"}}, "settings.double_opt_in", Fault.INVALID),
        ({"contact_information": {"company": {}}}, "contact_information.company", Fault.INVALID),
        ({"extra": {"a": "x" * 65_536}}, "extra", Fault.TOO_LONG),
        ({"extra": {"a": "\x00"}}, "extra", Fault.INVALID),
        ({"extra": {"a": "\ud800"}}, "extra", Fault.INVALID),
        ({"extra": {"a": float("nan")}}, "extra", Fault.INVALID),
    ],
)
async def test_a_bad_value_is_refused_by_its_name(
    make: Factories, engine: AsyncEngine, values: dict[str, object], field: str, fault: Fault
) -> None:
    account = await make.account()
    with pytest.raises(Invalid) as caught:
        async with unit_of_work(engine) as write:
            await audiences.create(write, account.id, **({"name": "A"} | values))  # type: ignore[arg-type]
    assert [(one.field, one.fault) for one in caught.value.faults] == [(field, fault)]


async def test_audiences_are_listed_by_id_in_pages(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = [(await make.audience(account)).id for _ in range(3)]
    async with reading(engine) as read:
        first = await audiences.list_after(read, account.id, limit=2)
        rest = await audiences.list_after(read, account.id, after_id=first[-1].id)
    assert [one.id for one in (*first, *rest)] == made


async def test_contacts_are_counted_by_status(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    empty, full = await make.audience(account), await make.audience(account)
    for status in ("subscribed", "subscribed", "unconfirmed", "unsubscribed", "spam-reported"):
        await make.contact(full, status=status)
    async with reading(engine) as read:
        counted = await audiences.statistics(read, account.id, full.id)
        assert await audiences.statistics_of(read, account.id, [empty, full]) == {
            empty.id: Statistics(),
            full.id: counted,
        }
    assert counted == Statistics(subscribed=2, unconfirmed=1, unsubscribed=1, spam_reported=1)
    assert counted.total == 5


async def test_a_deleted_audience_is_gone_with_its_contacts(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(account)
    await make.contact(made, "ann@x.example")
    async with unit_of_work(engine) as write:
        assert (await audiences.delete(write, account.id, made.id)).deleted_at is not None
    async with unit_of_work(engine) as write:
        for call in (audiences.delete, audiences.get, contacts.list_after):
            with pytest.raises(NotFound):
                await call(write, account.id, made.id)
        assert await audiences.list_after(write, account.id) == []
        assert await contacts.duplicates(write, account.id, "ann@x.example") == []


async def test_an_audience_in_use_is_not_deleted(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(account)
    async with unit_of_work(engine) as write:
        campaign = Campaign(account_id=account.id, name="Sale", audience_ids=[made.id])
        write.add(campaign)
        await write.flush()
        run = Run(campaign_id=campaign.id, account_id=account.id, sender_id=1, state=RunState.QUEUED)
        write.add(run)
    for state in (RunState.SCHEDULED, RunState.QUEUED, RunState.SENDING, RunState.PAUSED):
        async with unit_of_work(engine) as write:
            await write.execute(update(Run).where(Run.id == run.id).values(state=state))
            with pytest.raises(Conflict):
                await audiences.delete(write, account.id, made.id)
    async with unit_of_work(engine) as write:
        await write.execute(update(Run).where(Run.id == run.id).values(state=RunState.DONE))
        await audiences.delete(write, account.id, made.id)

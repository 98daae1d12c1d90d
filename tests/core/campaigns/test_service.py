"""Campaigns are made, changed, listed and deleted by their account, and tell what they lack."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, templates
from app.core.campaigns import Family, Overrides, RunState
from app.core.errors import Conflict, Fault, Invalid, NotFound
from app.db.unit_of_work import reading, unit_of_work
from app.kit.uids import Noun, uid, uuid
from tests.core.campaigns.conftest import SENDER, Stage, starting
from tests.factories import Factories


async def lacks(engine: AsyncEngine, campaign: campaigns.Campaign) -> list[tuple[str, Fault]]:
    async with reading(engine) as read:
        return [(fault.field, fault.fault) for fault in await campaigns.missing(read, campaign)]


async def test_a_campaign_is_found_by_each_of_its_names_and_by_its_account_only(stage: Stage) -> None:
    other = await stage.make.account()
    async with reading(stage.engine) as read:
        for which in (stage.campaign.id, uid(Noun.CAMPAIGN, stage.campaign.id), uuid(Noun.CAMPAIGN, stage.campaign.id)):
            view = await campaigns.get(read, stage.account.id, which)
            assert (view.campaign.id, view.state, view.run) == (stage.campaign.id, RunState.DRAFT, None)
            assert await campaigns.account_of(read, which) == stage.account.id
            with pytest.raises(NotFound):
                await campaigns.get(read, other.id, which)
        for unknown in (0, 10**15, "x", "0" * 13):
            with pytest.raises(NotFound):
                await campaigns.get(read, stage.account.id, unknown)
            with pytest.raises(NotFound):
                await campaigns.account_of(read, unknown)


async def test_an_empty_campaign_lacks_everything_in_the_order_of_the_contract(
    make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account()
    campaign = await make.campaign(account, subject="", html="")
    names = ["audience", "subject", "from_email", "content"]
    assert await lacks(engine, campaign) == [(name, Fault.REQUIRED) for name in names]
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid) as raised:
            await campaigns.start(write, account.id, campaign.id)
    assert [fault.field for fault in raised.value.faults] == names


async def test_the_first_sender_is_taken_and_a_foreign_one_refused(stage: Stage) -> None:
    assert await lacks(stage.engine, stage.campaign) == []
    changed = await stage.do(campaigns.change, from_email="someone@else.example")
    assert await lacks(stage.engine, changed) == [("from_email", Fault.NOT_APPROVED)]
    changed = await stage.do(campaigns.change, from_email=SENDER.upper())
    assert await lacks(stage.engine, changed) == []


async def test_malformed_content_is_missing_content(stage: Stage) -> None:
    changed = await stage.do(campaigns.change, html="<p>{% if NAME %}</p>", subject="{{ NAME | nothing }}")
    assert await lacks(stage.engine, changed) == [("subject", Fault.SYNTAX), ("content", Fault.SYNTAX)]
    with pytest.raises(Invalid, match="line 1"):
        await stage.start()


async def test_blank_parts_come_from_the_template(stage: Stage) -> None:
    async with unit_of_work(stage.engine) as write:
        template = await templates.create(
            write,
            stage.account.id,
            name="T",
            html="<p>of the template</p>",
            subject="Its subject",
            preheader="Its line",
        )
    await stage.do(campaigns.change, template_id=template.id, subject=" ", html="", text=None)
    run = await stage.start()
    rows = await stage.fetch("SELECT subject, preheader, html FROM run_contents WHERE run_id = $1", run.id)
    assert [tuple(row) for row in rows] == [("Its subject", "Its line", "<p>of the template</p>")]


@pytest.mark.parametrize(
    ("fields", "field", "fault"),
    [
        ({"name": " "}, "name", Fault.REQUIRED),
        ({"subject": "x" * 2001}, "subject", Fault.TOO_LONG),
        ({"subject": "a\nBcc: b@c.example"}, "subject", Fault.INVALID),
        ({"html": "a\0b"}, "html", Fault.INVALID),
        ({"from_email": "nobody"}, "from_email", Fault.INVALID),
        ({"reply_to": "A <a@b.example>"}, "reply_to", Fault.INVALID),
        ({"type": "special"}, "type", Fault.INVALID),
        ({"per_hour": 0}, "per_hour", Fault.INVALID),
        ({"audience_ids": [10**9]}, "audience_ids", Fault.NOT_FOUND),
        ({"audience_ids": range(1, 102)}, "audience_ids", Fault.TOO_LONG),
        ({"template_id": 10**9}, "template_id", Fault.NOT_FOUND),
        ({"time_zone": "Mars"}, "time_zone", Fault.INVALID),
    ],
)
async def test_a_value_that_cannot_be_accepted_is_named(
    stage: Stage, fields: dict[str, Any], field: str, fault: Fault
) -> None:
    with pytest.raises(Invalid) as raised:
        await stage.do(campaigns.change, **fields)
    assert [(each.field, each.fault) for each in raised.value.faults] == [(field, fault)]


async def test_a_misspelt_field_is_a_mistake_of_ours(stage: Stage) -> None:
    with pytest.raises(TypeError, match="sujet"):
        await stage.do(campaigns.change, sujet="x")


async def test_a_foreign_audience_does_not_exist(stage: Stage) -> None:
    foreign = await stage.make.audience(await stage.make.account())
    with pytest.raises(Invalid):
        await stage.do(campaigns.change, audience_ids=[stage.audience.id, foreign.id])


async def test_lists_are_filtered_and_paged_by_creation(stage: Stage) -> None:
    second = await stage.make.campaign(stage.account, subject="two")
    await stage.start()
    async with reading(stage.engine) as read:

        async def ids(**values: Any) -> list[int]:
            return [view.campaign.id for view in await campaigns.list_page(read, stage.account.id, **values)]

        both = [stage.campaign.id, second.id]
        assert await ids() == await ids(text="campaign") == both
        assert await ids(limit=1) == await ids(state=RunState.QUEUED) == await ids(audience_id=stage.audience.id)
        assert await ids(limit=1) == [stage.campaign.id]
        assert await ids(after_id=stage.campaign.id) == await ids(state=RunState.DRAFT) == [second.id]
        assert await ids(text="%") == []


async def test_a_running_campaign_is_neither_changed_nor_deleted(stage: Stage) -> None:
    await stage.start()
    for family in Family:
        for verb, values in ((campaigns.change, {"subject": "x"}), (campaigns.delete, {})):
            with pytest.raises(Conflict) as raised:
                await stage.do(verb, family=family, **values)
            assert raised.value.state == "queued"


async def test_deleting_a_scheduled_campaign_stops_its_run_in_dyno_only(stage: Stage) -> None:
    run = await stage.start(at=starting(timedelta(hours=1)))
    with pytest.raises(Conflict):
        await stage.do(campaigns.delete)
    await stage.do(campaigns.delete, family=Family.DYNO)
    async with reading(stage.engine) as read:
        assert (await campaigns.run(read, stage.account.id, run.id)).state == RunState.STOPPED
        with pytest.raises(NotFound):
            await campaigns.get(read, stage.account.id, stage.campaign.id)


async def test_a_change_of_pace_holds_for_the_present_run(stage: Stage) -> None:
    await stage.start(at=starting(timedelta(hours=1)), overrides=Overrides(subject="Once"))
    await stage.do(campaigns.change, per_hour=3600)
    run = await stage.run()
    assert (run.per_hour, run.subject) == (3600, "Once")


async def test_the_pace_of_an_account_is_set_changed_and_lifted(stage: Stage) -> None:
    for per_hour in (100, 200, None, None):
        async with unit_of_work(stage.engine) as write:
            await campaigns.set_pace(write, stage.account.id, per_hour)
        rows = await stage.fetch("SELECT per_hour FROM account_paces")
        assert [row["per_hour"] for row in rows] == ([per_hour] if per_hour else [])
    async with unit_of_work(stage.engine) as write:
        with pytest.raises(Invalid):
            await campaigns.set_pace(write, stage.account.id, 0)

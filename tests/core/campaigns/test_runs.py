"""Starting, scheduling, pausing, resuming and stopping, as people press the buttons."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.campaigns import Family, Overrides, RunState
from app.core.errors import Conflict, Invalid, NotFound, QuotaExceeded
from app.core.jobs import DrainQueue, SnapshotTargets
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid
from app.models.account import Account
from tests.core.campaigns.conftest import SENDER, Stage, starting
from tests.factories.copies import CopySpec

HOUR = timedelta(hours=1)


class Published(list[object]):
    """Notes what is asked for."""

    def publish(self, jobs: Iterable[object]) -> None:
        self.extend(jobs)


async def test_a_start_now_is_queued_with_its_content(stage: Stage) -> None:
    published = Published()
    async with unit_of_work(stage.engine, published) as write:
        run = await campaigns.start(write, stage.account.id, stage.campaign.id)
    assert published == [SnapshotTargets(run.id)]
    assert (run.state, run.content_version, run.total, run.sender_id) == (
        RunState.QUEUED, 1, None, stage.account.senders[SENDER],
    )  # fmt: skip
    assert run.content_size > len(stage.campaign.html)
    async with driver_connection(stage.engine) as connection:
        content = await campaigns.content(connection, run.id, 1)
        with pytest.raises(NotFound):
            await campaigns.content(connection, run.id, 2)
    rows = await stage.fetch("SELECT links FROM run_contents WHERE run_id = $1", run.id)
    assert rows[0]["links"] == ["https://shop.example/sale"]
    assert (content.subject, content.from_email, content.unsubscribe) == (stage.campaign.subject, SENDER, True)
    assert content.headers == (("X-Dynosend-Campaign-Id", uid(Noun.CAMPAIGN, stage.campaign.id)),)
    assert content.known == {"FIRST_NAME"}
    assert content.constants["LIST_NAME"] == stage.audience.name
    assert content.constants["CAMPAIGN_REPLY_TO"] == SENDER


async def test_with_several_audiences_their_constants_stay_apart(stage: Stage) -> None:
    second = await stage.make.audience(stage.account, name="Second")
    await stage.do(campaigns.change, audience_ids=[second.id, stage.audience.id])
    run = await stage.start()
    async with driver_connection(stage.engine) as connection:
        version = await campaigns.version_content(connection, run.id, 1)
    assert "LIST_NAME" not in version.content.constants
    assert {id_: values["LIST_NAME"] for id_, values in version.by_audience.items()} == {
        second.id: "Second",
        stage.audience.id: stage.audience.name,
    }


async def test_a_plain_text_campaign_has_no_html(stage: Stage) -> None:
    await stage.do(campaigns.change, type="plain-text", text="Hello {FIRST_NAME}")
    run = await stage.start()
    async with driver_connection(stage.engine) as connection:
        content = await campaigns.content(connection, run.id, 1)
    assert (content.html, content.text) == (None, "Hello {FIRST_NAME}")


async def test_a_start_ahead_waits_and_takes_its_content_when_its_time_has_come(stage: Stage) -> None:
    run = await stage.start(at=starting(HOUR), overrides=Overrides(subject="Override", preheader=" "))
    assert (run.state, run.content_version, run.subject, run.preheader) == (RunState.SCHEDULED, 0, "Override", None)
    await stage.do(campaigns.change, html="<p>later</p>")
    again = await stage.start()
    assert (again.id, again.state, again.start_at) == (run.id, RunState.QUEUED, None), "native: started at once"
    rows = await stage.fetch("SELECT subject, html FROM run_contents WHERE run_id = $1", run.id)
    assert [tuple(row) for row in rows] == [("Override", "<p>later</p>")]


async def test_a_start_goes_by_the_time_the_campaign_carries(stage: Stage) -> None:
    at = starting(HOUR)
    await stage.do(campaigns.change, start_at=at.at, local_start=at.local, time_zone="UTC")
    run = await stage.start(family=Family.DYNOSEND)
    assert (run.state, run.start_at, run.local_start) == (RunState.SCHEDULED, at.at, at.local)


async def test_a_time_that_is_past_means_now(stage: Stage) -> None:
    assert (await stage.start(at=starting(-HOUR))).state == RunState.QUEUED


async def test_a_schedule_is_set_moved_cancelled_and_revived(stage: Stage) -> None:
    run = await stage.do(campaigns.schedule, at=starting(HOUR))
    moved = await stage.do(campaigns.schedule, at=starting(2 * HOUR), overrides=Overrides(from_name="Ann"))
    assert (moved.id, moved.from_name, moved.start_at > run.start_at) == (run.id, "Ann", True)
    assert (await stage.do(campaigns.cancel_schedule)).state == RunState.DRAFT
    assert await stage.state() == RunState.DRAFT
    assert (await stage.do(campaigns.cancel_schedule)).state == RunState.DRAFT, "a repetition changes nothing"
    revived = await stage.do(campaigns.schedule, at=starting(HOUR))
    assert (revived.id, revived.from_name, revived.state) == (run.id, "Ann", RunState.SCHEDULED)


async def test_cancelling_the_schedule_of_a_draft_changes_nothing(stage: Stage) -> None:
    assert await stage.do(campaigns.cancel_schedule) is None


async def test_a_schedule_in_the_past_is_refused_but_in_dyno(stage: Stage) -> None:
    for at in (None, starting(-HOUR)):
        with pytest.raises(Invalid, match="send_at"):
            await stage.do(campaigns.schedule, at=at)
    assert (await stage.do(campaigns.schedule, at=None, family=Family.DYNO)).state == RunState.QUEUED


async def test_a_campaign_runs_again_in_dyno_only(stage: Stage) -> None:
    first = await stage.sending()
    await stage.do(campaigns.stop)
    with pytest.raises(Conflict) as raised:
        await stage.start()
    assert raised.value.state == RunState.STOPPED
    second = await stage.start(family=Family.DYNO)
    assert (second.id > first.id, await stage.state()) == (True, RunState.QUEUED)


async def test_a_pause_raises_the_epoch_once_and_a_resume_goes_on(stage: Stage) -> None:
    run = await stage.sending()
    paused = await stage.do(campaigns.pause)
    again = await stage.do(campaigns.pause)
    assert (paused.state, paused.epoch, again.epoch) == (RunState.PAUSED, run.epoch + 1, run.epoch + 1)
    published = Published()
    async with unit_of_work(stage.engine, published) as write:
        resumed = await campaigns.resume(write, stage.account.id, stage.campaign.id)
    assert published == [DrainQueue()]
    assert (resumed.state, resumed.epoch, resumed.content_version) == (RunState.SENDING, run.epoch + 2, 1)
    assert (await stage.do(campaigns.resume)).epoch == resumed.epoch, "a repetition changes nothing"


async def test_a_run_paused_before_its_snapshot_gets_one_when_it_is_resumed(stage: Stage) -> None:
    await stage.start()
    await stage.do(campaigns.pause)
    resumed = await stage.do(campaigns.resume)
    assert (resumed.state, resumed.total) == (RunState.QUEUED, None)


async def test_a_paused_schedule_waits_on_when_it_is_resumed_in_time(stage: Stage) -> None:
    await stage.start(at=starting(HOUR))
    await stage.do(campaigns.pause)
    assert (await stage.do(campaigns.resume)).state == RunState.SCHEDULED
    await stage.do(campaigns.pause)
    await stage.fetch("UPDATE runs SET start_at = now() - interval '1 second'")
    assert (await stage.do(campaigns.resume)).state == RunState.QUEUED


async def test_update_and_resume_makes_a_version_and_writes_to_the_campaign(stage: Stage) -> None:
    run = await stage.sending()
    await stage.do(campaigns.pause)
    resumed = await stage.do(campaigns.update_and_resume, overrides=Overrides(subject="Second try", from_name=""))
    assert (resumed.content_version, resumed.subject, resumed.state) == (2, "Second try", RunState.SENDING)
    assert (await stage.view()).campaign.subject == "Second try"
    rows = await stage.fetch("SELECT subject FROM run_contents WHERE run_id = $1 ORDER BY version", run.id)
    assert [row["subject"] for row in rows] == [stage.campaign.subject, "Second try"]


async def test_a_change_while_paused_reaches_the_rest_and_none_makes_no_version(stage: Stage) -> None:
    await stage.sending()
    await stage.do(campaigns.pause)
    assert (await stage.do(campaigns.resume)).content_version == 1
    await stage.do(campaigns.pause)
    await stage.do(campaigns.change, html="<p>new</p>")
    assert (await stage.do(campaigns.resume)).content_version == 2


async def test_a_stop_counts_whom_it_has_not_reached(stage: Stage) -> None:
    run = await stage.sending()
    await stage.fetch("UPDATE runs SET next_seq = 2")
    stopped = await stage.do(campaigns.stop)
    assert (stopped.state, stopped.total, stopped.unreached, stopped.epoch) == (RunState.STOPPED, 3, 2, run.epoch + 1)
    assert stopped.finished_at is not None
    assert (await stage.do(campaigns.stop)).epoch == stopped.epoch, "a repetition changes nothing"
    with pytest.raises(Conflict):
        await stage.do(campaigns.resume)


async def test_a_change_of_epoch_is_told(stage: Stage) -> None:
    run = await stage.sending()
    told: asyncio.Queue[str] = asyncio.Queue()
    async with driver_connection(stage.engine) as connection:
        await connection.add_listener("runs", lambda *args: told.put_nowait(args[-1]))
        await stage.do(campaigns.pause)
        await stage.do(campaigns.resume)
        await stage.do(campaigns.stop)
        heard = [await asyncio.wait_for(told.get(), 5) for _ in range(3)]
        await connection.reset()
    assert heard == [f"{run.id}:{run.epoch + step}" for step in (1, 2, 3)]


async def test_a_spent_quota_refuses_what_would_send(stage: Stage) -> None:
    await stage.sending()
    await stage.do(campaigns.pause)
    await stage.make.copies([CopySpec(stage.account.id, stage.account.senders[SENDER], datetime.now(UTC))] * 2)
    for default_cap, own in ((2, None), (0, 2), (100, 1)):
        await _cap(stage.engine, stage.account.id, own)
        with pytest.raises(QuotaExceeded):
            await stage.do(campaigns.resume, default_cap=default_cap)
    await _cap(stage.engine, stage.account.id, None)
    assert (await stage.do(campaigns.resume, default_cap=3)).state == RunState.SENDING


async def test_a_sub_account_spends_its_masters_quota(stage: Stage) -> None:
    sub = await stage.make.account(parent=stage.account, senders=["sub@acme.example"])
    audience = await stage.make.audience(sub)
    campaign = await stage.make.campaign(sub, [audience])
    await stage.make.copies([CopySpec(stage.account.id, stage.account.senders[SENDER], datetime.now(UTC))] * 2)
    async with unit_of_work(stage.engine) as write:
        with pytest.raises(QuotaExceeded):
            await campaigns.start(write, sub.id, campaign.id, default_cap=2)
    async with unit_of_work(stage.engine) as write:
        assert (await campaigns.start(write, sub.id, campaign.id, default_cap=3)).state == RunState.QUEUED


async def _cap(engine: AsyncEngine, account_id: int, cap: int | None) -> None:
    async with unit_of_work(engine) as write:
        await write.execute(
            update(Account).where(Account.id == account_id).values(monthly_cap=cap, updated_at=func.now())
        )


async def test_two_who_start_at_once_make_one_run(stage: Stage) -> None:
    runs = await asyncio.gather(*(stage.start() for _ in range(4)))
    assert len({run.id for run in runs}) == 1


async def test_nobody_touches_the_campaign_of_another_account(stage: Stage) -> None:
    other = await stage.make.account()
    for verb in (campaigns.start, campaigns.pause, campaigns.resume, campaigns.stop, campaigns.cancel_schedule):
        async with unit_of_work(stage.engine) as write:
            with pytest.raises(NotFound):
                await verb(write, other.id, stage.campaign.id)


async def test_the_platform_pauses_and_fails_what_is_under_way_only(stage: Stage) -> None:
    run = await stage.sending()
    assert await campaigns.hold(stage.engine, run.id)
    assert not await campaigns.hold(stage.engine, run.id)
    now = await stage.run()
    assert (now.state, now.error, now.epoch) == (RunState.PAUSED, "monthly quota spent", run.epoch + 1)
    assert (await stage.do(campaigns.resume)).error is None
    assert await campaigns.fail(stage.engine, run.id, "the sender is gone")
    assert await stage.state() == RunState.FAILED
    with pytest.raises(Conflict):
        await stage.do(campaigns.resume, family=Family.DYNO)
    resumed = await stage.do(campaigns.resume)
    assert (resumed.state, resumed.finished_at) == (RunState.SENDING, None)


async def test_a_deleted_sender_can_not_go_on(stage: Stage) -> None:
    await stage.sending()
    await stage.do(campaigns.pause)
    await stage.fetch("UPDATE senders SET deleted_at = now()")
    with pytest.raises(Invalid, match="from_email"):
        await stage.do(campaigns.resume)

"""The snapshot fixes whom a run is for, once; the engine starts, ends and clears up runs."""

import asyncio
from datetime import timedelta

from app.core import campaigns
from app.core.campaigns import RunState, Snapshot
from app.core.campaigns.snapshot import Aim, _fix
from app.core.jobs import SnapshotTargets
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from tests.core.campaigns.conftest import Stage, starting
from tests.core.campaigns.test_runs import Published

HOUR = timedelta(hours=1)


async def test_the_subscribed_ones_without_suppression_are_targets_in_order(stage: Stage) -> None:
    for number, status in enumerate(("unsubscribed", "unconfirmed", "spam-reported"), start=1):
        await stage.make.contact(stage.audience, f"no{number}@x.example", status=status)
    await stage.make.contact(stage.audience, "last@x.example")
    removed = await stage.make.contact(stage.audience, "removed@x.example")
    await stage.fetch("UPDATE contacts SET removed_at = now() WHERE id = $1", removed.id)
    await stage.fetch(
        "INSERT INTO suppressions (account_id, address, reason) VALUES ($1, 'person2@contacts.example', 'hardbounce')",
        stage.account.id,
    )
    run = await stage.sending()
    assert await stage.targets(run) == [
        (seq, address, stage.audience.id)
        for seq, address in enumerate(["person1@contacts.example", "person3@contacts.example", "last@x.example"], 1)
    ]
    assert (run.state, run.total, run.next_seq) == (RunState.SENDING, 3, 1)
    assert run.started_at is not None
    assert len(await stage.fetch("SELECT FROM run_counts WHERE run_id = $1", run.id)) == 1


async def test_an_address_gets_one_copy_from_the_first_audience_that_holds_it(stage: Stage) -> None:
    second = await stage.make.audience(stage.account)
    for address in ("person2@contacts.example", "new@x.example", "shared@x.example"):
        await stage.make.contact(second, address)
    await stage.make.contact(stage.audience, "shared@x.example", status="unsubscribed")
    await stage.do(campaigns.change, audience_ids=[second.id, stage.audience.id])
    run = await stage.sending()
    assert await stage.targets(run) == [
        (1, "person2@contacts.example", second.id),
        (2, "new@x.example", second.id),
        (3, "shared@x.example", second.id),
        (4, "person1@contacts.example", stage.audience.id),
        (5, "person3@contacts.example", stage.audience.id),
    ]


async def test_nobody_to_send_to_is_done_at_once(stage: Stage) -> None:
    empty = await stage.make.audience(stage.account)
    await stage.do(campaigns.change, audience_ids=[empty.id])
    run = await stage.start()
    assert await campaigns.snapshot(stage.engine, run.id) == Snapshot(0, RunState.DONE)
    run = await stage.run()
    assert (run.state, run.total) == (RunState.DONE, 0)
    assert run.finished_at is not None


async def test_who_joins_later_is_not_included_and_twice_is_once(stage: Stage) -> None:
    run = await stage.start()
    assert await campaigns.snapshot(stage.engine, run.id) == Snapshot(3, RunState.SENDING)
    await stage.make.contact(stage.audience, "late@x.example")
    assert await campaigns.snapshot(stage.engine, run.id) is None
    assert await campaigns.snapshot(stage.engine, 10**9) is None
    assert len(await stage.targets(run)) == 3


async def test_several_at_once_fix_the_targets_once(stage: Stage) -> None:
    run = await stage.start()
    results = await asyncio.gather(*(campaigns.snapshot(stage.engine, run.id) for _ in range(4)))
    assert [result for result in results if result] == [Snapshot(3, RunState.SENDING)]


async def test_a_pause_does_not_wait_for_a_snapshot_which_then_takes_its_targets_back(stage: Stage) -> None:
    run = await stage.start()
    async with driver_connection(stage.engine) as blocker, asyncio.timeout(20):
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute(
            "INSERT INTO run_targets (run_id, seq, contact_id, audience_id, address)"
            " VALUES ($1, 2, 1, 1, 'person2@contacts.example')",
            run.id,
        )
        # The snapshot now waits in the middle of its insert, for the fate of the same key.
        task = asyncio.create_task(campaigns.snapshot(stage.engine, run.id))
        while not await blocker.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        paused = await stage.do(campaigns.pause)
        assert (paused.state, task.done()) == (RunState.PAUSED, False)
        await transaction.rollback()
        assert await task is None
    assert await stage.targets(run) == []
    assert (await stage.run()).total is None


async def test_content_that_broke_before_its_time_fails_the_run(stage: Stage) -> None:
    await stage.start(at=starting(HOUR))
    await stage.do(campaigns.change, html="{% if %}")
    await stage.fetch("UPDATE runs SET start_at = now()")
    due = await campaigns.start_due(stage.engine)
    assert await campaigns.snapshot(stage.engine, due.jobs[0].run_id) is None
    run = await stage.run()
    assert run.state == RunState.FAILED
    assert run.error is not None
    assert "content is malformed" in run.error


async def test_a_due_schedule_starts_once_whatever_the_clock_does(stage: Stage) -> None:
    run = await stage.start(at=starting(HOUR))
    due = await campaigns.start_due(stage.engine)
    assert due.jobs == ()
    assert due.next_seconds is not None
    assert 3500 < due.next_seconds <= 3600
    await stage.fetch("UPDATE runs SET start_at = now() - interval '3 days'")
    several = await asyncio.gather(*(campaigns.start_due(stage.engine) for _ in range(4)))
    assert [job for each in several for job in each.jobs] == [SnapshotTargets(run.id)], "also days late, and once"
    await campaigns.snapshot(stage.engine, run.id, publisher=Published())
    # A clock that steps back makes the time lie ahead, and pass, once more.
    await stage.fetch("UPDATE runs SET start_at = now() + interval '1 hour'")
    assert (await campaigns.start_due(stage.engine)).jobs == ()
    await stage.fetch("UPDATE runs SET start_at = now() - interval '1 second'")
    assert (await campaigns.start_due(stage.engine)).jobs == ()
    assert await stage.state() == RunState.SENDING


async def test_a_restored_backup_does_not_carry_out_what_is_overdue(stage: Stage) -> None:
    await stage.start(at=starting(HOUR))
    ahead = await stage.make.campaign(stage.account, [stage.audience])
    await stage.make.run(ahead, at=starting(HOUR))
    assert (await campaigns.start_due(stage.engine)).paused == 0, "seen for the first time"
    assert (await campaigns.start_due(stage.engine)).paused is None
    for column in ("system_identifier", "timeline", "database_oid", "table_oid"):
        await stage.fetch(
            "UPDATE runs SET start_at = now() - interval '1 hour' WHERE campaign_id = $1", stage.campaign.id
        )
        await stage.fetch(f"UPDATE database_identity SET {column} = {column} - 1")  # noqa: S608
        due = await campaigns.start_due(stage.engine)
        assert (due.paused, due.jobs) == (1, ())
        run = await stage.run()
        assert (run.state, run.error is not None and "restored" in run.error) == (RunState.PAUSED, True)
        async with reading(stage.engine) as read:
            assert (await campaigns.get(read, stage.account.id, ahead.id)).state == RunState.SCHEDULED
        await stage.fetch("UPDATE runs SET state = 'scheduled' WHERE id = $1", run.id)
        await stage.fetch("UPDATE runs SET start_at = now() + interval '1 hour'")
    await stage.do(campaigns.pause)
    await stage.fetch("UPDATE runs SET start_at = now() - interval '1 hour'")
    resumed = await stage.do(campaigns.resume)
    assert (resumed.state, resumed.error) == (RunState.QUEUED, None), "by hand it is sent"


async def test_a_run_ends_when_nothing_is_left_to_do(stage: Stage) -> None:
    run = await stage.sending()
    assert await campaigns.finish(stage.engine) == []
    await stage.fetch("UPDATE runs SET next_seq = 4")
    queue = "INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site, run_id)"
    await stage.fetch(f"{queue} VALUES (1, now(), now(), 2, 2, 'x', $1)", run.id)
    assert await campaigns.finish(stage.engine) == [], "a copy waits for a further attempt"
    await stage.fetch("DELETE FROM delivery_queue")
    assert await campaigns.finish(stage.engine) == [run.id]
    run = await stage.run()
    assert (run.state, run.finished_at is not None, run.settled) == (RunState.DONE, True, False)


async def test_the_targets_of_an_ended_run_go_after_an_hour(stage: Stage) -> None:
    run = await stage.sending()
    await stage.do(campaigns.stop)
    assert await campaigns.clean_up(stage.engine) == 0
    await stage.fetch("UPDATE runs SET finished_at = now() - interval '61 minutes'")
    assert await campaigns.clean_up(stage.engine) == 3
    assert await campaigns.clean_up(stage.engine) == 0
    assert await stage.targets(run) == []
    run = await stage.run()
    assert (run.settled, run.unreached) == (True, 3)


async def test_a_failed_run_keeps_its_targets_while_it_may_be_resumed(stage: Stage) -> None:
    run = await stage.sending()
    await campaigns.fail(stage.engine, run.id, "a test")
    await stage.fetch("UPDATE runs SET finished_at = now() - interval '1 day'")
    assert await campaigns.clean_up(stage.engine) == 0
    await stage.do(campaigns.delete)
    assert await campaigns.clean_up(stage.engine) == 3


async def test_progress_adds_up(stage: Stage) -> None:
    run = await stage.start()
    async with reading(stage.engine) as read:
        progress = await campaigns.progress(read, stage.account.id, run.id)
        assert (progress.total, progress.reached, progress.remaining, progress.per_minute) == (None, 0, 0, 0)
    await campaigns.snapshot(stage.engine, run.id)
    await stage.fetch("UPDATE runs SET next_seq = 3, started_at = now() - interval '30 seconds'")
    await stage.fetch("UPDATE run_counts SET claimed = 2, delivered = 1, blocked = 1")
    async with reading(stage.engine) as read:
        progress = await campaigns.progress(read, stage.account.id, run.id)
    assert (progress.state, progress.total, progress.reached, progress.remaining) == (RunState.SENDING, 3, 2, 1)
    assert (progress.delivered, progress.blocked, progress.waiting, progress.under_way) == (1, 1, 0, 0)
    assert 3.5 < progress.per_minute <= 4


async def test_one_whose_turn_comes_late_finds_the_targets_fixed(stage: Stage) -> None:
    # Between looking at the run and getting the lock, another process may have done it all.
    run = await stage.sending()
    async with driver_connection(stage.engine) as connection, connection.transaction():
        assert await _fix(connection, run.id, Aim(stage.account.id, [stage.audience.id], None)) is None
    assert len(await stage.targets(run)) == 3

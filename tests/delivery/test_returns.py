"""Copies that were claimed and not begun go back; leases end with the last of their copies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from app.core import messages
from app.core.messages import AttemptOutcome, Copy, OpenRun, Owner, Record
from app.db.engine import driver_connection
from app.delivery.journal import Journal
from app.delivery.recorder import Recorder
from app.delivery.returns import Returns
from app.models.message import State
from app.models.run import Run
from tests.core.messages.conftest import RULES
from tests.delivery.mailing import Mailing

SOON_SECONDS = 8
"""Sooner than the lease keeper would find out."""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def claim(mailing: Mailing, run: Run, recorder: Recorder) -> list[Copy]:
    fresh = OpenRun(run.id, run.account_id, is_fresh=True, is_due=False)
    async with driver_connection(mailing.engine) as connection:
        owner = Owner("here", uuid4())
        chunk = await messages.claim_chunk(connection, owner, fresh, limit=100, lease_seconds=60, default_cap=0)
    recorder.hold(chunk.copies[0].lease_id, [copy.message_id for copy in chunk.copies])
    return chunk.copies


def delivered(copy: Copy) -> Record:
    now = datetime.now(UTC)
    claimed = (copy.lease_id, copy.message_id, copy.accepted_at, copy.attempt, copy.lane)
    return Record(*claimed, now, AttemptOutcome.DELIVERED, State.DELIVERED)


@asynccontextmanager
async def at_work(mailing: Mailing, folder: Path) -> AsyncIterator[tuple[Recorder, Returns]]:
    journal = Journal(folder / "journals", uuid4(), slots=100)
    recorder = Recorder(mailing.engine, journal, RULES)
    returns = Returns(mailing.engine, recorder)
    tasks = [asyncio.create_task(recorder.run()), asyncio.create_task(returns.run())]
    try:
        yield recorder, returns
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        journal.close()


async def test_each_copy_waits_as_long_as_it_was_given_back_for(mailing: Mailing, tmp_path: Path) -> None:
    run = await mailing.make.sending(await mailing.campaign(6))
    async with at_work(mailing, tmp_path) as (recorder, returns):
        copies = await claim(mailing, run, recorder)
        for number, copy in enumerate(copies):
            returns.put(copy, (0.0, 30.0, 600.0)[number % 3])
            returns.put(copy, (0.0, 30.0, 600.0)[number % 3])
        await mailing.until("SELECT count(*) FROM delivery_queue", 6)
        await mailing.idle(run)
        assert recorder.held == 0
    due = "SELECT (due_at > now() + interval '1 second')::int + (due_at > now() + interval '1 minute')::int AS late"
    rows = await mailing.rows(f"{due} FROM delivery_queue ORDER BY message_id")
    assert [row["late"] for row in rows] == [0, 1, 2, 0, 1, 2]
    await mailing.sound()


async def test_a_lost_connection_delays_and_loses_nothing(mailing: Mailing, tmp_path: Path) -> None:
    run = await mailing.make.sending(await mailing.campaign(4))
    async with at_work(mailing, tmp_path) as (recorder, returns):
        copies = await claim(mailing, run, recorder)
        returns.put(copies[0])
        await mailing.until("SELECT count(*) FROM delivery_queue", 1)
        kept = await returns._kept.get()
        await mailing.rows("SELECT pg_terminate_backend($1)", kept.get_server_pid())
        for copy in copies[1:]:
            returns.put(copy)
        await mailing.until("SELECT count(*) FROM delivery_queue", 4)
        await mailing.idle(run)
    await mailing.sound()


async def test_a_lease_ends_whose_copies_were_recorded_and_given_back_at_the_same_time(
    mailing: Mailing, tmp_path: Path
) -> None:
    """A run is done when none of its leases is left; nothing else would end this one soon."""
    run = await mailing.make.sending(await mailing.campaign(2))
    async with at_work(mailing, tmp_path) as (recorder, returns), driver_connection(mailing.engine) as blocker:
        sent, back = await claim(mailing, run, recorder)
        recording = blocker.transaction()
        await recording.start()
        await blocker.execute("SELECT FROM messages WHERE id = $1 FOR UPDATE", sent.message_id)
        recorder.add(delivered(sent))
        await mailing.until(WAITING, 1)
        async with driver_connection(mailing.engine) as connection:
            returns.put(back)
            await returns.flush(connection)
        await recording.rollback()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SOON_SECONDS):
                await mailing.idle(run)
        assert await mailing.rows("SELECT FROM delivery_leases") == []
    assert await mailing.states(run) == {"delivered": 1, "sending": 1}
    await mailing.sound()


async def test_what_has_ended_meanwhile_does_not_come_again(mailing: Mailing, tmp_path: Path) -> None:
    run = await mailing.make.sending(await mailing.campaign(1))
    async with at_work(mailing, tmp_path) as (recorder, _):
        (copy,) = await claim(mailing, run, recorder)
        async with driver_connection(mailing.engine) as connection:
            await messages.record(connection, [delivered(copy)], rules=RULES)
            assert await messages.release(connection, copy.lease_id, [copy.message_id]) == 0
            await messages.end_leases(connection, [copy.lease_id])
    assert await mailing.rows("SELECT FROM delivery_queue") == []
    await mailing.sound()

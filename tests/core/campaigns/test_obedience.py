"""The answer to a pause or stop leaves when the delivery processes have obeyed, or after a second."""

import asyncio
import time

from app.core import campaigns
from app.core.campaigns import Run
from tests.core.campaigns.conftest import Stage

CLAIM = (
    "INSERT INTO delivery_leases (host, incarnation, claimed_at, lease_until, run_id, epoch, message_ids, accepted_ats,"
    " attempts, lanes) VALUES ('h', gen_random_uuid(), now(), now() + interval '1 hour', $1, $2, '{}', '{}', '{}', '{}')"
)


async def claimed(stage: Stage) -> Run:
    """A run of which a delivery process has a chunk in hand."""
    run = await stage.sending()
    await stage.fetch(CLAIM, run.id, run.epoch)
    return run


async def test_a_pause_answers_when_the_last_process_has_obeyed(stage: Stage) -> None:
    run = await claimed(stage)
    pausing = asyncio.create_task(stage.do(campaigns.pause))
    async with asyncio.timeout(10):
        while (await stage.run()).state != "paused":  # noqa: ASYNC110 the other task commits
            await asyncio.sleep(0.005)
    assert not pausing.done(), "committed, but not answered"
    await stage.fetch("UPDATE delivery_leases SET epoch = $1", run.epoch + 1)
    await pausing


async def test_it_waits_for_a_dead_process_no_longer_than_a_second(stage: Stage) -> None:
    await claimed(stage)
    begun = time.monotonic()
    await stage.do(campaigns.pause)
    assert 0.9 < time.monotonic() - begun < 3


async def test_a_repeated_pause_promises_the_same(stage: Stage) -> None:
    await claimed(stage)
    await stage.do(campaigns.pause)
    begun = time.monotonic()
    await stage.do(campaigns.pause)
    assert time.monotonic() - begun > 0.9


async def test_a_stop_cancels_what_waits_before_it_answers(stage: Stage) -> None:
    run = await stage.sending()
    await stage.fetch(
        "WITH copy AS (INSERT INTO messages (id, accepted_at, accepted_ms, account_id, sender_id, kind, recipient, run_id,"
        " state) VALUES (1, date_trunc('second', now()), 0, $2, 1, 'campaign', 'a@b.example', $1, 'deferred')"
        " RETURNING id, accepted_at, run_id)"
        " INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site, run_id)"
        " SELECT id, accepted_at, now(), 2, 2, 'b.example', run_id FROM copy",
        run.id,
        stage.account.id,
    )
    await stage.do(campaigns.stop)
    rows = await stage.fetch("SELECT state, (SELECT count(*) FROM delivery_queue) AS waiting FROM messages")
    assert [tuple(row) for row in rows] == [("cancelled", 0)]

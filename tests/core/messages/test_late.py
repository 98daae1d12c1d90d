"""What comes late: failure reports after the attempt, and outcomes of copies that others have taken meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, messages
from app.core.campaigns import Campaign
from app.core.messages import Batcher, Copy, OpenRun, Orphan, Owner, ReportedBounce
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.models.message import State
from tests.core.messages.conftest import RULES
from tests.core.messages.recording import HARD, OWNER, SOFT, Ledger, outcome
from tests.delivery.mailing import Mailing
from tests.factories import Factories, MadeAccount

JO = "jo@example.org"
COPY = "SELECT state, delivered_at IS NOT NULL AS d, bounced_at IS NOT NULL AS b, possible_duplicate AS twice FROM messages"
COUNTS = "SELECT sum(delivered)::int AS d, sum(hard_bounces)::int AS h, sum(soft_bounces)::int AS s FROM hourly_counts"


@pytest.fixture
def ledger(engine: AsyncEngine, batcher: Batcher) -> Ledger:
    return Ledger(engine, batcher)


@pytest.fixture
def mailing(engine: AsyncEngine, make: Factories) -> Mailing:
    return Mailing(engine, make)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["news@example.com"])


async def test_a_report_after_delivery_makes_a_bounce_and_keeps_the_delivery(
    ledger: Ledger, account: MadeAccount
) -> None:
    (copy,) = await ledger.claim(account, JO)
    await ledger.record(outcome(copy, State.DELIVERED, at=datetime.now(UTC) - timedelta(hours=2)))
    assert await ledger.report(copy)
    assert await ledger.rows(COPY) == [{"state": "bounced", "d": True, "b": True, "twice": False}]
    (bounce,) = await ledger.rows("SELECT bounce_type, code, diagnostic, full_content, recipient FROM bounces")
    assert tuple(bounce.values()) == ("hard", "5.1.1", "550 5.1.1 User unknown", "Subject: Undelivered\n\nSorry.", JO)
    assert await ledger.rows(COUNTS) == [{"d": 1, "h": 1, "s": 0}]
    assert await ledger.values("SELECT count(*) FROM hourly_counts WHERE hard_bounces > 0 AND delivered > 0") == [0]
    assert await ledger.suppressed() == {JO: "hardbounce"}
    assert await ledger.events() == [("email.bounced", JO), ("suppression.added", JO)]
    await ledger.sound()


async def test_a_copy_bounces_at_most_once(ledger: Ledger, account: MadeAccount) -> None:
    one, two, three = await ledger.claim(account, JO, "ann@example.org", "max@example.org")
    await ledger.record(*(outcome(copy, State.DELIVERED) for copy in (one, two)), outcome(three, State.BOUNCED))
    assert sorted(await asyncio.gather(*(ledger.report(one) for _ in range(4)))) == [False, False, False, True]
    assert not await ledger.report(three, SOFT)
    assert (await ledger.report(two, SOFT), await ledger.report(two, HARD)) == (True, False)
    assert await ledger.rows(COUNTS) == [{"d": 2, "h": 2, "s": 1}]
    assert [kind for kind, _ in await ledger.events()].count("email.bounced") == 3
    await ledger.sound()


async def test_a_report_about_no_copy_changes_nothing(ledger: Ledger, account: MadeAccount) -> None:
    (copy,) = await ledger.claim(account, JO)
    copy.message_id += 1000
    assert not await ledger.report(copy)
    assert (await ledger.rows("SELECT FROM bounces"), await ledger.events()) == ([], [])


async def test_late_soft_reports_escalate_too(ledger: Ledger, account: MadeAccount) -> None:
    for expected in ({}, {}, {JO: "softbounce"}):
        (copy,) = await ledger.claim(account, JO)
        await ledger.record(outcome(copy, State.DELIVERED))
        assert await ledger.report(copy, SOFT)
        assert await ledger.suppressed() == expected
    await ledger.sound()


async def test_a_report_is_kept_within_bounds(ledger: Ledger, account: MadeAccount) -> None:
    (copy,) = await ledger.claim(account, JO)
    async with unit_of_work(ledger.engine) as write:
        reported = ReportedBounce(copy.message_id, copy.accepted_at, HARD, "x\0" * 5000, "y\0" * 400_000)
        assert await messages.report_bounces(write, [reported], rules=RULES) == {copy.message_id}
    (row,) = await ledger.rows("SELECT length(diagnostic) AS d, length(full_content) AS f FROM bounces")
    assert (row["d"], row["f"]) == (1000, 128 * 1024)


async def test_a_report_that_is_faster_than_the_record_of_the_delivery(ledger: Ledger, account: MadeAccount) -> None:
    (copy,) = await ledger.claim(account, JO)
    taken = outcome(copy, State.DELIVERED)
    assert await ledger.report(copy)
    await ledger.sound()
    await ledger.record(taken)
    assert (await ledger.rows(COPY))[0] == {"state": "bounced", "d": True, "b": True, "twice": False}
    assert await ledger.rows(COUNTS) == [{"d": 1, "h": 1, "s": 0}]
    await ledger.sound()


async def test_a_report_about_a_copy_that_waits_takes_it_from_the_queue(ledger: Ledger, account: MadeAccount) -> None:
    (copy,) = await ledger.claim(account, JO)
    await ledger.record(outcome(copy, State.UNCERTAIN, due_at=datetime.now(UTC), duplicate=True))
    assert await ledger.report(copy)
    assert await ledger.values("SELECT count(*) FROM delivery_queue") == [0]
    assert await ledger.due() == []
    await ledger.sound()


async def taken_over(ledger: Ledger, copy: Copy) -> Copy:
    """Another process thinks the first is gone: the copy is in doubt, and waits for its second attempt."""
    heir = Owner("elsewhere", uuid4())
    async with driver_connection(ledger.engine) as connection:
        (undone,) = await messages.take_over(connection, Orphan(copy.lease_id, OWNER), heir, lease_seconds=60)
    other = outcome(copy, State.UNCERTAIN, due_at=datetime.now(UTC), duplicate=True)
    other.lease_id = undone.lease_id
    await ledger.record(other)
    return copy


@pytest.mark.parametrize("state", [State.DELIVERED, State.BOUNCED])
async def test_a_copy_in_doubt_of_which_is_heard_is_not_sent_again(
    ledger: Ledger, account: MadeAccount, state: State
) -> None:
    (copy,) = await ledger.claim(account, JO)
    await taken_over(ledger, copy)
    assert await ledger.values("SELECT count(*) FROM delivery_queue") == [1]
    await ledger.record(outcome(copy, state))
    assert await ledger.values("SELECT count(*) FROM delivery_queue") == [0]
    assert await ledger.due() == []
    assert (await ledger.rows(COPY))[0]["state"] == state
    await ledger.sound()


async def test_a_finished_copy_that_waits_all_the_same_only_leaves_the_queue(
    ledger: Ledger, account: MadeAccount
) -> None:
    """Its entry was being written, or held by a claim, when its outcome came."""
    jo, ann = await ledger.claim(account, JO, "ann@example.org")
    now = datetime.now(UTC)
    await ledger.record(outcome(jo, State.DELIVERED), outcome(ann, State.DEFERRED, due_at=now))
    await ledger.rows(
        "INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site)"
        " SELECT id, accepted_at, $2, 1, 2, 'example.org' FROM messages WHERE id = $1",
        jo.message_id, now,
    )  # fmt: skip
    assert [copy.recipient for copy in await ledger.due()] == ["ann@example.org"]
    assert await ledger.values("SELECT count(*) FROM delivery_queue") == [0]


async def sending(mailing: Mailing) -> tuple[int, list[Copy], Campaign]:
    campaign = await mailing.campaign(2)
    run = await mailing.make.sending(campaign)
    fresh = OpenRun(run.id, run.account_id, is_fresh=True, is_due=False)
    async with driver_connection(mailing.engine) as connection:
        chunk = await messages.claim_chunk(connection, OWNER, fresh, limit=10, lease_seconds=60, default_cap=0)
    return run.id, chunk.copies, campaign


async def test_a_copy_of_a_stopped_run_that_had_arrived_is_delivered_and_not_cancelled(
    ledger: Ledger, mailing: Mailing
) -> None:
    run_id, (one, two), campaign = await sending(mailing)
    doubt = [outcome(copy, State.UNCERTAIN, due_at=datetime.now(UTC), duplicate=True) for copy in (one, two)]
    heir = Owner("elsewhere", uuid4())
    async with driver_connection(ledger.engine) as connection:
        undone = await messages.take_over(connection, Orphan(one.lease_id, OWNER), heir, lease_seconds=60)
    for record in doubt:
        record.lease_id = undone[0].lease_id
    await ledger.record(*doubt)
    await mailing.stop(campaign)
    await campaigns.cancel_stopped(mailing.engine)
    cancelled = "SELECT cancelled, delivered FROM run_counts WHERE run_id = $1"
    assert await ledger.rows(cancelled, run_id) == [{"cancelled": 2, "delivered": 0}]
    await mailing.sound()
    await ledger.record(outcome(one, State.DELIVERED))
    assert await ledger.values("SELECT state FROM messages ORDER BY id") == ["delivered", "cancelled"]
    assert await ledger.rows(cancelled, run_id) == [{"cancelled": 1, "delivered": 1}]
    await mailing.sound()
    assert await ledger.report(one)
    assert await ledger.report(two)
    assert await ledger.rows(cancelled, run_id) == [{"cancelled": 0, "delivered": 1}]
    assert await ledger.values("SELECT hard_bounces FROM run_counts WHERE run_id = $1", run_id) == [2]
    await mailing.sound()


async def test_a_copy_in_doubt_under_a_stop_that_is_still_under_way_is_delivered(
    ledger: Ledger, mailing: Mailing
) -> None:
    run_id, (one, two), campaign = await sending(mailing)
    await mailing.stop(campaign)
    await campaigns.cancel_stopped(mailing.engine)
    await ledger.record(outcome(one, State.DELIVERED))
    await ledger.record(outcome(two, State.UNCERTAIN, due_at=datetime.now(UTC), duplicate=True))
    await campaigns.cancel_stopped(mailing.engine)
    assert await ledger.values("SELECT state FROM messages ORDER BY id") == ["delivered", "cancelled"]
    assert await ledger.values("SELECT cancelled FROM run_counts WHERE run_id = $1", run_id) == [1]
    await mailing.sound()


async def test_blocked_targets_of_a_run_are_told_to_those_who_asked(ledger: Ledger, mailing: Mailing) -> None:
    campaign = await mailing.campaign(3)
    run = await mailing.make.sending(campaign)
    await mailing.make.suppression(run.account_id, "person1@contacts.example", reason="hardbounce")
    await mailing.make.suppression(run.account_id, "person2@contacts.example", reason="complaint")
    await ledger.rows("UPDATE accounts SET bounce_url_active = true")
    await ledger.rows("DELETE FROM domain_events")
    fresh = OpenRun(run.id, run.account_id, is_fresh=True, is_due=False)
    async with driver_connection(mailing.engine) as connection:
        chunk = await messages.claim_chunk(connection, OWNER, fresh, limit=10, lease_seconds=60, default_cap=0)
    assert len(chunk.copies) == 1
    (told,) = await ledger.rows("SELECT type, address, audience_id, contact_id FROM domain_events")
    assert (told["type"], told["address"]) == ("email.blocked", "person1@contacts.example")
    assert None not in told.values()

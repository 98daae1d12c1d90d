"""Claiming copies of runs, in the database: who is reached, who is blocked, pace, quota, pauses."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, campaigns, contacts, messages
from app.core.audit import Scope
from app.core.messages import AttemptOutcome, Chunk, Copy, OpenRun, Orphan, Owner, Record, runs
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.models.message import State
from app.models.run import Run
from tests.core.messages.conftest import RULES
from tests.delivery.mailing import Mailing
from tests.factories import Factories

OWNER = Owner("here", uuid4())


@pytest.fixture
def mailing(engine: AsyncEngine, make: Factories) -> Mailing:
    return Mailing(engine, make)


async def chunk_of(mailing: Mailing, run: Run, limit: int = 100, *, owner: Owner = OWNER, cap: int = 0) -> Chunk:
    async with driver_connection(mailing.engine) as connection:
        fresh = OpenRun(run.id, run.account_id, is_fresh=True, is_due=False)
        return await messages.claim_chunk(connection, owner, fresh, limit=limit, lease_seconds=60, default_cap=cap)


async def due_of(mailing: Mailing, run: Run, limit: int = 100) -> list[Copy]:
    async with driver_connection(mailing.engine) as connection:
        return await messages.claim_run(connection, OWNER, run.id, limit=limit, lease_seconds=60)


async def give_back(mailing: Mailing, copies: Sequence[Copy], after: float = 0.0) -> None:
    ids = [copy.message_id for copy in copies]
    async with driver_connection(mailing.engine) as connection:
        await messages.release(connection, copies[0].lease_id, ids, after_seconds=after)


async def put_off(mailing: Mailing, copies: Sequence[Copy]) -> None:
    """Record a deferral of each, due at once."""
    now = datetime.now(UTC)
    claims = [(copy.lease_id, copy.message_id, copy.accepted_at, copy.attempt, copy.lane) for copy in copies]
    records = [Record(*claim, now, AttemptOutcome.DEFERRED, State.DEFERRED, due_at=now) for claim in claims]
    async with driver_connection(mailing.engine) as connection:
        await messages.record(connection, records, ended_leases=[copies[0].lease_id], rules=RULES)


async def change_status(mailing: Mailing, address: str, status: str) -> None:
    await mailing.rows("UPDATE contacts SET status = $2 WHERE address = $1", address, status)


async def test_who_may_not_be_mailed_any_more_is_blocked_and_counted(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(12))
    suppressed = [Reason.UNSUBSCRIBE, Reason.COMPLAINT, Reason.HARDBOUNCE, Reason.SOFTBOUNCE, Reason.MANUAL]
    for number, reason in enumerate(suppressed, 1):
        await mailing.make.suppression(run.account_id, f"person{number}@contacts.example", reason=reason)
    statuses = ("unsubscribed", "unconfirmed", "spam-reported", "blacklisted")
    for number, status in enumerate(statuses, 6):
        await change_status(mailing, f"person{number}@contacts.example", status)
    await mailing.rows("UPDATE contacts SET removed_at = now() WHERE address = 'person10@contacts.example'")
    gone = (await mailing.rows("SELECT id, audience_id FROM contacts WHERE address = 'person11@contacts.example'"))[0]
    async with unit_of_work(mailing.engine) as write:
        await contacts.delete(write, run.account_id, gone["audience_id"], gone["id"])

    chunk = await chunk_of(mailing, run)
    assert (chunk.reached, chunk.out_of_quota) == (12, False)
    assert [copy.recipient for copy in chunk.copies] == ["person12@contacts.example"]
    blocked = await mailing.rows("SELECT blocked_reason AS r FROM messages WHERE state = 'blocked' ORDER BY id")
    assert [row["r"] for row in blocked] == [
        "unsubscribe", "complaint", "hardbounce", "softbounce", "manual",
        "unsubscribe", "unsubscribe", "complaint", "manual",
        "deleted", "deleted",
    ]  # fmt: skip
    assert await mailing.rows("SELECT claimed, blocked FROM run_counts") == [{"claimed": 12, "blocked": 11}]
    counted = await mailing.rows(
        """
        SELECT accepted AS a, blocked_unsubscribe AS u, blocked_complaint AS c, blocked_hardbounce AS h,
            blocked_softbounce AS s, blocked_manual AS m
        FROM hourly_counts
        """
    )
    assert counted == [{"a": 12, "u": 3, "c": 2, "h": 1, "s": 1, "m": 4}]
    await mailing.sound()


async def test_a_suppression_says_more_than_a_status(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(1))
    await change_status(mailing, "person1@contacts.example", "unsubscribed")
    await mailing.make.suppression(run.account_id, "person1@contacts.example", reason=Reason.HARDBOUNCE)
    assert (await chunk_of(mailing, run)).copies == []
    assert await mailing.value("SELECT blocked_reason FROM messages") == "hardbounce"


async def test_who_is_added_later_is_not_meant(mailing: Mailing) -> None:
    audience = await mailing.audience(2)
    run = await mailing.make.sending(await mailing.campaign([audience]))
    await mailing.add(audience, {"late@contacts.example": {}})
    chunk = await chunk_of(mailing, run)
    assert [copy.recipient for copy in chunk.copies] == ["person1@contacts.example", "person2@contacts.example"]
    assert (await chunk_of(mailing, run)).reached == 0


async def test_an_address_in_two_audiences_gets_one_copy_with_the_first_ones_values(mailing: Mailing) -> None:
    first = await mailing.audience({"jo@contacts.example": {"FIRST_NAME": "Jo"}})
    second = await mailing.audience(
        {"jo@contacts.example": {"FIRST_NAME": "Joseph"}, "ann@contacts.example": {"FIRST_NAME": "Ann"}}
    )
    run = await mailing.make.sending(await mailing.campaign([second, first]))
    chunk = await chunk_of(mailing, run)
    assert {copy.recipient: copy.fields for copy in chunk.copies} == {
        "jo@contacts.example": {"FIRST_NAME": "Joseph", "@": second.id},
        "ann@contacts.example": {"FIRST_NAME": "Ann", "@": second.id},
    }


async def test_chunks_have_no_gap_and_no_overlap(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(7))
    chunks = [await chunk_of(mailing, run, 3) for _ in range(4)]
    assert [chunk.reached for chunk in chunks] == [3, 3, 1, 0]
    recipients = [copy.recipient for chunk in chunks for copy in chunk.copies]
    assert recipients == [f"person{number}@contacts.example" for number in range(1, 8)]
    assert len({copy.lease_id for chunk in chunks for copy in chunk.copies}) == 3
    await mailing.sound()


async def test_a_chunk_that_is_blocked_as_a_whole_is_reached_all_the_same(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(4))
    await mailing.rows("UPDATE contacts SET status = 'unsubscribed' WHERE id < (SELECT max(id) FROM contacts)")
    first = await chunk_of(mailing, run, 3)
    assert (first.reached, first.copies) == (3, [])
    assert await mailing.rows("SELECT FROM delivery_leases") == []
    assert len((await chunk_of(mailing, run, 3)).copies) == 1
    await mailing.sound()


async def test_many_claimers_share_a_run_without_a_gap(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(100))
    owners = [Owner("here", uuid4()) for _ in range(4)]
    chunks = await asyncio.gather(*(chunk_of(mailing, run, 7, owner=owners[number % 4]) for number in range(20)))
    recipients = [copy.recipient for chunk in chunks for copy in chunk.copies]
    assert sum(chunk.reached for chunk in chunks) == len(recipients) == len(set(recipients)) == 100
    await mailing.sound()


async def open_ids(mailing: Mailing) -> list[int]:
    async with driver_connection(mailing.engine) as connection:
        return [run.id for run in await messages.open_runs(connection) if run.is_fresh]


async def test_a_run_with_a_pace_waits_between_its_chunks(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(10, per_hour=7200))
    assert await open_ids(mailing) == [run.id]
    assert (await chunk_of(mailing, run)).reached == 2  # what a second allows
    wait = "SELECT next_chunk_at - (SELECT max(claimed_at) FROM delivery_leases) FROM runs"
    assert (await mailing.value(wait)).total_seconds() == pytest.approx(1.0, abs=0.01)
    await mailing.rows("UPDATE runs SET next_chunk_at = now() + interval '1 hour'")
    assert await open_ids(mailing) == []
    assert (await chunk_of(mailing, run)).reached == 0
    await mailing.rows("UPDATE runs SET next_chunk_at = now() - interval '1 hour'")
    assert await open_ids(mailing) == [run.id]
    assert (await chunk_of(mailing, run, 1)).reached == 1
    # Time that went by unused is not saved up: the wait counts from now on.
    assert (await mailing.value(wait)).total_seconds() == pytest.approx(0.5, abs=0.01)


async def test_runs_of_an_account_share_its_pace(mailing: Mailing) -> None:
    async with unit_of_work(mailing.engine) as write:
        await campaigns.set_pace(write, (await mailing.account()).id, 36)
    one, two = [await mailing.make.sending(await mailing.campaign(5)) for _ in range(2)]
    stranger = await mailing.make.account(senders=["other@example.com"])
    other = await mailing.make.sending(await mailing.campaign(5, account=stranger))
    assert (await chunk_of(mailing, one)).reached == 1
    assert (await chunk_of(mailing, two)).reached == 0
    wait = "SELECT next_chunk_at - (SELECT max(claimed_at) FROM delivery_leases) FROM account_paces"
    assert (await mailing.value(wait)).total_seconds() == pytest.approx(100, abs=0.01)
    assert await open_ids(mailing) == [other.id]
    assert (await chunk_of(mailing, other)).reached == 5
    await mailing.rows("UPDATE account_paces SET next_chunk_at = now()")
    assert set(await open_ids(mailing)) == {one.id, two.id}
    reached = await asyncio.gather(*(chunk_of(mailing, run) for run in (one, two)))
    assert sorted(chunk.reached for chunk in reached) == [0, 1]


async def test_a_pace_below_one_a_second_sends_one_at_a_time(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(5, per_hour=60))
    assert (await chunk_of(mailing, run)).reached == 1
    wait = await mailing.value("SELECT next_chunk_at - (SELECT max(claimed_at) FROM delivery_leases) FROM runs")
    assert wait.total_seconds() == pytest.approx(60, abs=0.01)


async def test_a_limit_is_used_up_to_the_last_copy(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(8))
    await mailing.rows("UPDATE accounts SET monthly_cap = 5 WHERE id = $1", run.account_id)
    await change_status(mailing, "person1@contacts.example", "unsubscribed")  # who is blocked costs nothing
    chunks = [await chunk_of(mailing, run, 3) for _ in range(4)]
    assert [chunk.reached for chunk in chunks] == [3, 3, 0, 0]
    assert [chunk.out_of_quota for chunk in chunks] == [False, False, True, True]
    assert sum(len(chunk.copies) for chunk in chunks) == 5
    await mailing.rows("UPDATE accounts SET monthly_cap = 7 WHERE id = $1", run.account_id)
    last = await chunk_of(mailing, run, 3)
    assert (last.reached, last.out_of_quota) == (2, False)
    # Nobody is left, so nothing is in the way.
    assert not (await chunk_of(mailing, run, 3)).out_of_quota


async def test_a_masters_limit_covers_its_sub_accounts(mailing: Mailing) -> None:
    master = await mailing.make.account(senders=["master@example.com"])
    sub = await mailing.make.account(parent=master, senders=["sub@example.com"])
    one = await mailing.make.sending(await mailing.campaign(10, account=master))
    two = await mailing.make.sending(await mailing.campaign(10, account=sub))
    first = await chunk_of(mailing, one, 4, cap=6)
    second = await chunk_of(mailing, two, 4, cap=6)
    assert (len(first.copies), len(second.copies)) == (4, 2)
    assert (await chunk_of(mailing, one, 4, cap=6)).out_of_quota
    assert (await chunk_of(mailing, two, 4, cap=6)).out_of_quota
    assert (await chunk_of(mailing, two, 4, cap=0)).reached == 4


async def test_a_limit_holds_against_claims_at_the_same_time(mailing: Mailing) -> None:
    runs_ = [await mailing.make.sending(await mailing.campaign(10)) for _ in range(3)]
    chunks = await asyncio.gather(*(chunk_of(mailing, run, 4, cap=13) for run in runs_ for _ in range(4)))
    assert sum(len(chunk.copies) for chunk in chunks) == 13


@pytest.mark.parametrize("state", ["queued", "paused", "stopped", "done", "failed"])
async def test_a_run_that_does_not_send_gives_nothing(mailing: Mailing, state: str) -> None:
    run = await mailing.make.sending(await mailing.campaign(5))
    chunk = await chunk_of(mailing, run, 3)
    await give_back(mailing, chunk.copies)
    await mailing.rows("UPDATE runs SET state = $1", state)
    assert await open_ids(mailing) == []
    assert (await chunk_of(mailing, run)).reached == 0
    assert not (await chunk_of(mailing, run, cap=1)).out_of_quota
    assert await due_of(mailing, run) == []
    async with driver_connection(mailing.engine) as connection:
        assert await messages.claim_due(connection, OWNER, limit=10, lease_seconds=60) == []


async def test_what_was_given_back_keeps_its_run_and_attempt_and_gets_the_newest_text(mailing: Mailing) -> None:
    campaign = await mailing.campaign(4)
    run = await mailing.make.sending(campaign)
    chunk = await chunk_of(mailing, run)
    tried = (await due_after_deferral(mailing, run, chunk.copies))[:2]
    await put_off(mailing, tried)
    await give_back(mailing, [copy for copy in chunk.copies if copy.message_id not in ids_of(tried)])
    await mailing.pause(campaign)
    changed = await mailing.say(campaign, "Second")
    await mailing.due()
    copies = await due_of(mailing, run)
    assert [(copy.attempt, copy.content_version, copy.run_id) for copy in copies] == [
        (2, 1, run.id), (2, 1, run.id), (1, 2, run.id), (1, 2, run.id),
    ]  # fmt: skip
    assert {copy.epoch for copy in copies} == {changed.epoch}
    assert {copy.size for copy in copies[2:]} == {changed.content_size}
    ledger = await mailing.rows("SELECT content_version AS v FROM messages ORDER BY id")
    assert [row["v"] for row in ledger] == [1, 1, 2, 2]
    assert [copy.fields["FIRST_NAME"] for copy in copies] == ["Name1", "Name2", "Name3", "Name4"]


def ids_of(copies: Sequence[Copy]) -> set[int]:
    return {copy.message_id for copy in copies}


async def due_after_deferral(mailing: Mailing, run: Run, copies: Sequence[Copy]) -> list[Copy]:
    """Move the first two into a lease of their own, so that it can end."""
    await give_back(mailing, copies[:2])
    return await due_of(mailing, run)


async def test_who_may_not_be_mailed_any_more_is_found_at_each_attempt(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(6))
    await put_off(mailing, (await chunk_of(mailing, run)).copies)
    for number, status in enumerate(("unsubscribed", "spam-reported", "blacklisted"), 1):
        await change_status(mailing, f"person{number}@contacts.example", status)
    await mailing.rows("UPDATE contacts SET removed_at = now() WHERE address = 'person4@contacts.example'")
    await mailing.make.suppression(run.account_id, "person5@contacts.example", reason=Reason.HARDBOUNCE)
    suppressed = [copy.suppressed for copy in await due_of(mailing, run)]
    assert suppressed == ["unsubscribe", "complaint", "manual", "deleted", "hardbounce", None]


async def test_what_is_given_back_for_later_comes_later(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(3))
    copies = (await chunk_of(mailing, run)).copies
    await give_back(mailing, copies, after=100)
    assert await due_of(mailing, run) == []
    wait = await mailing.value("SELECT min(due_at) - now() FROM delivery_queue")
    assert wait.total_seconds() == pytest.approx(100, abs=5)
    async with driver_connection(mailing.engine) as connection:
        assert [item for item in await messages.open_runs(connection) if item.is_due] == []


async def test_an_epoch_is_obeyed_when_every_lease_knows_it(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(4))
    other = Owner("there", uuid4())
    await chunk_of(mailing, run, 1)
    await chunk_of(mailing, run, 1, owner=other)
    async with driver_connection(mailing.engine) as connection:
        assert await messages.is_obeyed(connection, run.id, 1)
        assert not await messages.is_obeyed(connection, run.id, 2)
        await messages.obey(connection, OWNER, run.id, 2)
        assert not await messages.is_obeyed(connection, run.id, 2)
        await messages.obey(connection, other, run.id, 3)
        assert await messages.is_obeyed(connection, run.id, 2)
        await messages.obey(connection, other, run.id, 2)  # late news change nothing
        assert sorted((await mailing.rows("SELECT epoch FROM delivery_leases")), key=str) == [
            {"epoch": 2},
            {"epoch": 3},
        ]
        assert await messages.epochs(connection, [run.id]) == [(run.id, 1)]


async def test_a_lease_that_is_taken_over_keeps_run_and_epoch(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(4))
    copies = (await chunk_of(mailing, run)).copies
    taker = Owner("here", uuid4())
    async with driver_connection(mailing.engine) as connection:
        orphan = Orphan(copies[0].lease_id, OWNER)
        undone = await messages.take_over(connection, orphan, taker, lease_seconds=60)
        assert ids_of(copies) == {copy.message_id for copy in undone}
        assert await messages.take_over(connection, orphan, taker, lease_seconds=60) == []
        assert not await messages.is_obeyed(connection, run.id, 2)
        await messages.release(connection, undone[0].lease_id, list(ids_of(copies)))
        await messages.end_leases(connection, [undone[0].lease_id])
    assert len(await due_of(mailing, run)) == 4
    await mailing.sound()


async def test_only_what_waits_of_a_stopped_run_is_cancelled(mailing: Mailing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "CANCELLED_AT_ONCE", 2)
    run = await mailing.make.sending(await mailing.campaign(9))
    waiting = (await chunk_of(mailing, run, 5)).copies
    held = (await chunk_of(mailing, run, 1)).copies
    await give_back(mailing, waiting)
    other = await mailing.make.sending(await mailing.campaign(2))
    await give_back(mailing, (await chunk_of(mailing, other)).copies)
    async with driver_connection(mailing.engine) as connection:
        assert await messages.cancel_waiting(connection, run.id) == 0
        await connection.execute("UPDATE runs SET state = 'stopped', unreached = 3 WHERE id = $1", run.id)
        assert await messages.cancel_waiting(connection, run.id) == 5
        assert await messages.cancel_waiting(connection, run.id) == 0
        await give_back(mailing, held)
        assert await messages.cancel_waiting(connection, run.id) == 1
    assert await mailing.states(run) == {"cancelled": 6}
    assert await mailing.states(other) == {"sending": 2}
    assert await mailing.value("SELECT cancelled FROM run_counts WHERE run_id = $1", run.id) == 6
    await mailing.sound()


async def test_a_claim_in_a_transaction_that_fails_leaves_no_trace(mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(5))
    fresh = OpenRun(run.id, run.account_id, is_fresh=True, is_due=False)
    async with driver_connection(mailing.engine) as connection:
        outer: Any = connection.transaction()
        await outer.start()
        await messages.claim_chunk(connection, OWNER, fresh, limit=3, lease_seconds=60, default_cap=0)
        await outer.rollback()
        report = await audit.check(connection, Scope.recent(datetime.now(UTC)))
    assert report.shown == ()
    assert (await chunk_of(mailing, run)).reached == 5

"""The audit looks at a ledger while the real statements change it: what they write agrees at every moment."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, messages
from app.core.audit import Report, Scope
from app.core.messages import AttemptOutcome, BounceFacts, Owner, Record
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.models.bounce import BounceType
from app.models.message import State
from tests.core.audit.world import begin
from tests.core.messages.conftest import RULES, batcher, draft_of, nudges
from tests.factories import Factories

__all__ = ["batcher", "nudges"]  # fixtures

LEASE_SECONDS = 60.0
FACTS = BounceFacts(BounceType.SOFT, "mailbox-full", "4.2.2", "mailboxfull01")
# One target in ten has no contact any more.
CONTACTS = """
    INSERT INTO contacts (id, account_id, audience_id, address, status) OVERRIDING SYSTEM VALUE
    SELECT number, $1, $2, 'target' || number || '@example.com', 'subscribed'
    FROM generate_series(1, 60) AS number WHERE number % 10 <> 0
"""
STOP = """
    UPDATE runs SET state = 'stopped', epoch = epoch + 1, finished_at = now(),
        unreached = (SELECT count(*) FROM run_targets WHERE run_id = runs.id AND seq >= next_seq)
    WHERE id = $1
"""
CHANCES = 6
ROUNDS = 60


def outcome_of(copy: messages.Copy, chance: random.Random) -> Record:
    """Return one of the outcomes a delivery process records, at random."""
    now = datetime.now(UTC)

    def recorded(outcome: AttemptOutcome, state: State, **more: Any) -> Record:
        claim = (copy.lease_id, copy.message_id, copy.accepted_at, copy.attempt, copy.lane)
        return Record(*claim, now, outcome, state, **more)

    match chance.randrange(CHANCES):
        case 0:
            return recorded(AttemptOutcome.REJECTED, State.BOUNCED, bounce=FACTS)
        case 1:
            return recorded(AttemptOutcome.DEFERRED, State.BOUNCED, bounce=FACTS)
        case 2:
            return recorded(AttemptOutcome.DEFERRED, State.DEFERRED, due_at=now)
        case 3:
            return recorded(AttemptOutcome.IN_DOUBT, State.UNCERTAIN, due_at=now, duplicate=True)
        case 4:
            return recorded(AttemptOutcome.BLOCKED, State.BLOCKED, blocked_reason="manual")
        case _:
            return recorded(AttemptOutcome.DELIVERED, State.DELIVERED)


async def work(engine: AsyncEngine, chance: random.Random) -> None:
    """Claim, record some, give some back, and take over what a lost process has, until nothing waits."""
    host = "here"
    async with driver_connection(engine) as connection:
        for number in range(ROUNDS):
            owner = Owner(host, uuid4())
            copies = await messages.claim_due(connection, owner, limit=25, lease_seconds=LEASE_SECONDS)
            if not copies:
                return
            done = copies[: chance.randrange(1, len(copies) + 1)]
            rest = copies[len(done) :]
            await messages.record(connection, [outcome_of(copy, chance) for copy in done], rules=RULES)
            lease_id = copies[0].lease_id
            if number % 3 == 0 and rest:
                await _take_over(connection, messages.Orphan(lease_id, owner), rest)
                continue
            await messages.release(connection, lease_id, [copy.message_id for copy in rest])
            await messages.end_leases(connection, [lease_id])


async def _take_over(connection: Connection, orphan: messages.Orphan, rest: Sequence[messages.Copy]) -> None:
    heir = Owner("here", uuid4())
    undone = await messages.take_over(connection, orphan, heir, lease_seconds=LEASE_SECONDS)
    assert {copy.message_id for copy in undone} == {copy.message_id for copy in rest}
    await messages.release(connection, undone[0].lease_id, [copy.message_id for copy in undone])
    await messages.end_leases(connection, [undone[0].lease_id])


async def test_what_the_ledger_writes_agrees_at_every_moment(
    batcher: messages.Batcher, engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=["news@example.com"])
    await make.suppression(account.id, "r3@example.org", reason="complaint")
    scope = Scope.recent(datetime.now(UTC) - timedelta(days=1))
    looks: list[Report] = []
    over = asyncio.Event()

    async def look() -> None:
        async with driver_connection(engine) as connection:
            while not over.is_set():
                looks.append(await audit.check(connection, scope))

    watching = asyncio.create_task(look())
    chance = random.Random(20161122)
    for group in range(5):
        recipients = [f"r{number}@example.org" for number in range(group, group + 40)]
        await batcher.accept(draft_of(account, *recipients))
    await asyncio.gather(work(engine, chance), work(engine, chance))
    over.set()
    await watching
    assert len(looks) > 1
    assert {look.shown for look in looks} == {()}
    async with driver_connection(engine) as connection:
        last = await audit.check(connection, scope)
        states = await connection.fetchval("SELECT count(DISTINCT state) FROM messages")
    assert last == Report()
    assert states >= 3


async def test_a_run_agrees_at_each_step_until_it_is_stopped(engine: AsyncEngine, make: Factories) -> None:
    chance = random.Random(7)
    owner = Owner("here", uuid4())
    async with driver_connection(engine) as connection, driver_connection(engine) as looking:
        world = await begin(connection, make)
        run_id = await world.run("sending", total=60)
        await world.count()
        await connection.execute(CONTACTS, world.account_id, world.audience_id)
        scope = Scope.recent(datetime.now(UTC))
        found: list[Report] = [await audit.check(looking, scope)]
        for step in range(4):
            run = messages.OpenRun(run_id, world.account_id, is_fresh=True, is_due=True)
            chunk = await messages.claim_chunk(
                connection, owner, run, limit=12, lease_seconds=LEASE_SECONDS, default_cap=0
            )
            assert chunk.reached == 12
            again = await messages.claim_run(connection, owner, run_id, limit=5, lease_seconds=LEASE_SECONDS)
            found.append(await audit.check(looking, scope))
            for copies in (chunk.copies, again):
                done = copies[: len(copies) - step]
                if done:
                    await messages.record(connection, [outcome_of(copy, chance) for copy in done], rules=RULES)
                    found.append(await audit.check(looking, scope))
                for copy in copies[len(copies) - step :]:
                    await messages.release(connection, copy.lease_id, [copy.message_id])
            found.append(await audit.check(looking, scope))
        await connection.execute(STOP, run_id)
        found.append(await audit.check(looking, scope))
        assert await messages.cancel_waiting(connection, run_id) > 0
        found.append(await audit.check(looking, scope))
        states = await connection.fetchval("SELECT count(DISTINCT state) FROM messages")
    assert {report.shown for report in found} == {()}
    assert {report.runs for report in found} == {1}
    assert states >= 4

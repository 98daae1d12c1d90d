"""Refusals of a real server, and what follows from them: the list, contacts, events; also when the process is killed."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, messages
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.models.message import State
from app.settings import Settings
from tests.core.messages.conftest import RULES, batcher, nudges
from tests.core.messages.recording import HARD, Ledger, outcome
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing
from tests.delivery.test_crash import process
from tests.factories import Factories

__all__ = ["batcher", "nudges"]  # fixtures

STATES = "SELECT string_agg(state, ',' ORDER BY id) FROM messages"
LIST = "SELECT address, reason FROM suppressions ORDER BY address"
EVENTS = "SELECT type, count(*)::int AS n FROM domain_events GROUP BY 1 ORDER BY 1"


async def test_refusals_suppress_and_the_next_mail_is_blocked(
    to_server: Settings, server: HoldingServer, post: Post
) -> None:
    server.on("rcpt", "550 5.1.1 User unknown", match="gone@")
    server.on("rcpt", "552 5.2.2 Mailbox full", match="full@")
    account = await post.account()
    await post.rows("UPDATE accounts SET bounce_url_active = true WHERE id = $1", account.id)
    async with running(to_server):
        await post.accept("gone@example.org", "full@example.org", "jo@example.org")
        await post.until(STATES, "bounced,bounced,delivered")
        for count in (2, 3):
            await post.accept("full@example.org")
            await post.until("SELECT count(*) FROM bounces WHERE bounce_type = 'soft'", count)
        await post.until("SELECT count(*) FROM suppressions", 2)
        await post.accept("full@example.org", "gone@example.org")
    assert await post.rows(LIST) == [
        {"address": "full@example.org", "reason": "softbounce"},
        {"address": "gone@example.org", "reason": "hardbounce"},
    ]
    assert [row["d"] for row in await post.rows("SELECT detail AS d FROM suppressions ORDER BY address")] == [
        "552 5.2.2 Mailbox full",
        "550 5.1.1 User unknown",
    ]
    assert len(server.messages) == 1
    assert (await post.rows(STATES))[0]["string_agg"].endswith("blocked,blocked")


async def test_who_is_suppressed_while_a_mail_waits_is_blocked_and_that_is_told(
    to_server: Settings, server: HoldingServer, post: Post
) -> None:
    account = await post.account()
    await post.rows("UPDATE accounts SET bounce_url_active = true WHERE id = $1", account.id)
    account_caller = await post._make.caller(account.key)
    await post.accept("jo@example.org", caller=account_caller)
    await post._make.suppression(account.id, "jo@example.org", reason="hardbounce")
    async with running(to_server):
        await post.until(STATES, "blocked")
    told = await post.rows("SELECT address FROM domain_events WHERE type = 'email.blocked'")
    assert told == [{"address": "jo@example.org"}]
    assert server.messages == []


async def test_a_contact_that_bounces_is_skipped_by_the_next_campaign(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    server.on("rcpt", "550 5.1.1 User unknown", match="person2@")
    audience = await mailing.audience(3)
    first = await mailing.make.sending(await mailing.campaign([audience]))
    async with running(to_server):
        await mailing.done(first)
        second = await mailing.make.sending(await mailing.campaign([audience]))
        await mailing.done(second)
    assert await mailing.states(first) == {"delivered": 2, "bounced": 1}
    assert await mailing.states(second) == {"delivered": 2}, "who is blacklisted is no target"
    assert await mailing.value("SELECT status FROM contacts WHERE address LIKE 'person2@%'") == "blacklisted"


async def test_a_process_killed_within_the_consequences_has_recorded_nothing_and_the_next_does_once(
    to_server: Settings, server: HoldingServer, post: Post
) -> None:
    server.on("dot", "550 5.1.1 User unknown")
    await post.accept("jo@example.org")
    async with driver_connection(post.engine) as blocker:
        holding = blocker.transaction()
        await holding.start()
        await blocker.execute("LOCK TABLE suppressions IN SHARE MODE")
        async with process(to_server):
            await post.until(
                "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
                " WHERE NOT granted AND relname = 'suppressions'",
                1,
            )
        await holding.rollback()
    await post.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", 0)
    assert await post.rows("SELECT FROM bounces") == []
    async with running(to_server):
        await post.until(STATES, "bounced")
    assert await post.rows(LIST) == [{"address": "jo@example.org", "reason": "hardbounce"}]
    assert await post.rows(EVENTS) == [{"type": "email.bounced", "n": 1}, {"type": "suppression.added", "n": 1}]
    assert await post.rows("SELECT sum(hard_bounces)::int AS n FROM hourly_counts") == [{"n": 1}]
    assert server.messages == [], "the server had said no once; the journal knew"


async def test_recording_suppressing_and_reporting_at_the_same_time_meet_no_deadlock(
    engine: AsyncEngine, make: Factories, batcher: messages.Batcher
) -> None:
    ledger = Ledger(engine, batcher)
    account = await make.account(senders=["news@example.com"])
    people = [f"r{number}@example.org" for number in range(12)]
    for _ in range(2):
        audience = await make.audience(account)
        async with driver_connection(engine) as connection:
            await contacts.add_many(
                connection, account.id, audience.id, [contacts.ContactRow(address, {}) for address in people]
            )
    claimed = [await ledger.claim(account, *people) for _ in range(9)]

    async def bounce(groups: Sequence[list[messages.Copy]]) -> None:
        async with driver_connection(engine) as connection:
            for copies in groups:
                records = [outcome(copy, State.BOUNCED) for copy in reversed(copies)]
                await messages.record(connection, records, rules=RULES)

    async def report(groups: Sequence[list[messages.Copy]]) -> None:
        for copies in groups:
            for copy in copies:
                assert await ledger.report(copy, HARD)

    async def steer() -> None:
        for number in range(12):
            given = people if number % 2 else people[::-1]
            async with unit_of_work(engine) as write:
                await contacts.suppress(write, account.id, given, Reason.MANUAL)
            async with unit_of_work(engine) as write:
                await contacts.unsuppress(write, account.id, given)

    await asyncio.gather(bounce(claimed[:3]), bounce(claimed[3:6]), report(claimed[6:]), steer())
    assert await ledger.values("SELECT count(*) FROM bounces") == [9 * 12]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await ledger.values(deadlocks) == [0]
    await ledger.sound()

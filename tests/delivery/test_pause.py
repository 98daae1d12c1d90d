"""Pause, resume, new text, stop: what leaves the process, what comes back, and what the ledger says of it."""

import asyncio
import random
from collections import Counter

from app.core import campaigns, messages
from app.core.campaigns import Run
from app.db.engine import driver_connection
from app.settings import Settings
from tests.delivery.conftest import running
from tests.delivery.mailing import HoldingServer, Mailing, read, tuned

SESSIONS = 4
SEED = 20261122


def small(settings: Settings, **changes: object) -> Settings:
    return tuned(
        settings, **{"connections": SESSIONS, "chunk_size": 20, "max_in_flight": 100, "claim_size": 20, **changes}
    )


async def recipients_of(mailing: Mailing, run: Run) -> set[str]:
    rows = await mailing.rows("SELECT address FROM run_targets WHERE run_id = $1", run.id)
    return {row["address"] for row in rows}


async def test_after_a_pause_only_open_transactions_reach_the_server(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign = await mailing.campaign(200)
    run = await mailing.make.sending(campaign)
    server.hold()
    async with mailing.watched(), running(small(to_server)):
        await server.holds(SESSIONS)
        paused = await mailing.pause(campaign)
        async with driver_connection(mailing.engine) as connection:
            assert await messages.is_obeyed(connection, run.id, paused.epoch)
        open_now = list(server.held)
        server.let_go()
        await mailing.idle(run)
        assert sorted(message.recipient for message in server.messages) == sorted(open_now)
        assert len(open_now) == SESSIONS
        claimed = await mailing.value("SELECT claimed FROM run_counts WHERE run_id = $1", run.id)
        back = await mailing.rows("SELECT attempt, run_id, due_at <= now() AS now FROM delivery_queue")
        assert back == [{"attempt": 1, "run_id": run.id, "now": True}] * (claimed - SESSIONS)
        assert await mailing.value("SELECT max(attempts) FROM messages WHERE state <> 'delivered'") == 0
        await mailing.resume(campaign)
        await mailing.done(run)
    assert Counter(message.recipient for message in server.messages) == Counter(await recipients_of(mailing, run))


async def test_every_process_obeys(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    campaign = await mailing.campaign(200)
    run = await mailing.make.sending(campaign)
    server.hold()
    async with mailing.watched(), running(small(to_server)), running(small(to_server)):
        await server.holds(2 * SESSIONS)
        paused = await mailing.pause(campaign)
        async with driver_connection(mailing.engine) as connection:
            assert await messages.is_obeyed(connection, run.id, paused.epoch)
        server.let_go()
        await mailing.idle(run)
        assert len(server.messages) == 2 * SESSIONS
        await mailing.resume(campaign)
        await mailing.done(run)
    assert Counter(message.recipient for message in server.messages) == Counter(await recipients_of(mailing, run))


async def test_a_pause_that_is_repeated_is_obeyed_as_well(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign = await mailing.campaign(50)
    run = await mailing.make.sending(campaign)
    server.hold()
    async with running(small(to_server)):
        await server.holds(1)
        first, second = await asyncio.gather(mailing.pause(campaign), mailing.pause(campaign))
        assert first.epoch == second.epoch
        server.let_go()
        await mailing.idle(run)
    assert len(server.messages) <= SESSIONS


async def test_stopping_cancels_the_rest(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    server.on("rcpt", "452 4.2.2 Mailbox full", match="person1@")
    campaign = await mailing.campaign(200)
    run = await mailing.make.sending(campaign)
    server.hold(after=50)
    async with mailing.watched(), running(small(to_server, max_in_flight=60)):
        await server.holds(SESSIONS)
        await mailing.until("SELECT count(*) FROM messages WHERE state = 'deferred'", 1)
        await mailing.stop(campaign)
        server.let_go()
        await mailing.idle(run)
        await campaigns.cancel_stopped(mailing.engine)
        sent = len(server.messages)
        states = await mailing.states(run)
        found = (await mailing.rows("SELECT state, unreached, next_seq FROM runs WHERE id = $1", run.id))[0]
        counted = await mailing.value("SELECT cancelled FROM run_counts WHERE run_id = $1", run.id)
    assert found["state"] == "stopped"
    assert states == {"delivered": sent, "cancelled": counted}
    assert sent + counted + found["unreached"] == 200
    assert found["unreached"] == 200 - (found["next_seq"] - 1) > 0
    assert counted > 1
    assert await mailing.rows("SELECT FROM delivery_queue") == []
    assert len(server.messages) == sent
    await mailing.sound()


async def test_deferred_copies_of_a_paused_run_wait(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    server.on("rcpt", "452 4.2.2 Mailbox full", times=3)
    campaign = await mailing.campaign(3)
    other = await mailing.campaign(3, domain="other.example")
    run = await mailing.make.sending(campaign)
    async with running(to_server):
        await mailing.until("SELECT count(*) FROM messages WHERE state = 'deferred'", 3)
        await mailing.pause(campaign)
        await mailing.due()
        # What comes later and goes through shows that the process has looked.
        await mailing.done(await mailing.make.sending(other))
        assert {message.recipient.partition("@")[2] for message in server.messages} == {"other.example"}
        await mailing.resume(campaign)
        await mailing.done(run)
    assert len(server.messages) == 6


async def test_a_lost_notice_is_made_up_for(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    run = await mailing.make.sending(await mailing.campaign(100))
    server.hold()
    async with running(small(to_server)):
        await server.holds(SESSIONS)
        await mailing.rows("UPDATE runs SET state = 'paused', epoch = epoch + 1 WHERE id = $1", run.id)
        await mailing.until("SELECT bool_and(epoch = 2) FROM delivery_leases", True)
        # One is open in each session, and the envelope of the next may be on its way; that one is not begun.
        await mailing.until("SELECT sum(cardinality(message_ids)) <= $1 FROM delivery_leases", True, 2 * SESSIONS)
        server.let_go()
        await mailing.idle(run)
    assert len(server.messages) == SESSIONS


async def test_a_process_that_no_longer_listens_begins_to_again(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign = await mailing.campaign(100)
    run = await mailing.make.sending(campaign)
    server.hold()
    async with running(small(to_server)) as drain:
        await server.holds(SESSIONS)
        listening = await drain._epochs._kept.get()
        await mailing.rows("SELECT pg_terminate_backend($1)", listening.get_server_pid())
        paused = await mailing.pause(campaign)
        await mailing.until("SELECT min(epoch) FROM delivery_leases", paused.epoch)
        server.let_go()
        await mailing.idle(run)
        assert len(server.messages) == SESSIONS
        again = await drain._epochs._kept.get()
        assert again.get_server_pid() != listening.get_server_pid()
        await mailing.resume(campaign)
        await mailing.done(run)


async def test_the_runs_of_others_are_not_disturbed(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign, other = await mailing.campaign(60), await mailing.campaign(60, domain="other.example")
    run, other_run = await mailing.make.sending(campaign), await mailing.make.sending(other)
    server.hold()
    async with running(small(to_server)):
        await server.holds(SESSIONS)
        await mailing.pause(campaign)
        server.let_go()
        await mailing.done(other_run)
        await mailing.idle(run)
    domains = Counter(message.recipient.partition("@")[2] for message in server.messages)
    assert domains["other.example"] == 60
    assert domains["contacts.example"] <= SESSIONS


async def test_who_was_not_tried_gets_the_new_text_and_who_was_keeps_the_old(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    server.on("dot", "451 4.3.0 later", match="person1@", times=1)
    server.on("dot", "451 4.3.0 later", match="person2@", times=1)
    campaign = await mailing.campaign(60)
    run = await mailing.make.sending(campaign)
    server.hold(after=10)
    async with mailing.watched(), running(small(to_server)):
        await server.holds(SESSIONS)
        await mailing.until("SELECT count(*) FROM messages WHERE state = 'deferred'", 2)
        await mailing.pause(campaign)
        server.let_go()
        await mailing.idle(run)
        first = {message.recipient for message in server.messages}
        await mailing.say(campaign, "Second")
        await mailing.due()
        await mailing.done(run)

    tried = first | {"person1@contacts.example", "person2@contacts.example"}
    ledger = await mailing.rows("SELECT id, accepted_at, recipient, content_version, attempts FROM messages")
    by_recipient = {message.recipient: read(message) for message in server.messages}
    assert len(server.messages) == len(by_recipient) == len(ledger) == 60
    for row in ledger:
        mail, was_tried = by_recipient[row["recipient"]], row["recipient"] in tried
        assert (mail["Subject"], row["content_version"]) == (("First", 1) if was_tried else ("Second", 2))
        assert mail["Message-ID"] == f"<{messages.email_id(row['accepted_at'], row['id'], to_server.bounce_domain)}>"
    assert {row["recipient"] for row in ledger if row["attempts"] == 2} == tried - first


async def test_a_pause_during_a_claim_catches_what_it_claimed(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    """The claim has the run's row and can not end; the pause waits for it, and what it took is withdrawn.

    But for what sessions had begun with when the pause was committed.
    """
    campaign = await mailing.campaign(50)
    run = await mailing.make.sending(campaign)
    async with driver_connection(mailing.engine) as blocker:
        holding = blocker.transaction()
        await holding.start()
        # The claim takes the run first and then stops at its counters.
        await blocker.execute("SELECT FROM run_counts WHERE run_id = $1 FOR UPDATE", run.id)
        async with running(small(to_server)):
            await waiting_for_locks(mailing, 1)
            pausing = asyncio.create_task(mailing.pause(campaign))
            await waiting_for_locks(mailing, 2)
            server.hold()
            await holding.rollback()
            await pausing
            server.let_go()
            await mailing.idle(run)
            begun = len(server.messages)
            assert begun <= SESSIONS
            assert await mailing.value("SELECT count(*) FROM delivery_queue WHERE run_id = $1", run.id) == 20 - begun
            await mailing.sound()
            await mailing.resume(campaign)
            await mailing.done(run)
    assert len(server.messages) == 50


async def test_a_claim_that_comes_after_a_pause_gets_nothing(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    campaign = await mailing.campaign(50)
    run = await mailing.make.sending(campaign)
    async with driver_connection(mailing.engine) as blocker:
        pausing = blocker.transaction()
        await pausing.start()
        await blocker.execute("UPDATE runs SET state = 'paused', epoch = epoch + 1 WHERE id = $1", run.id)
        async with running(small(to_server)):
            await waiting_for_locks(mailing, 1)
            await pausing.commit()
            await mailing.done(await mailing.make.sending(await mailing.campaign(5, domain="other.example")))
            assert await mailing.value("SELECT count(*) FROM messages WHERE run_id = $1", run.id) == 0
    assert len(server.messages) == 5


async def waiting_for_locks(mailing: Mailing, count: int) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await mailing.until(query, count)


async def test_many_pauses_lose_nobody_and_double_nobody(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    chance = random.Random(SEED)
    for number in (7, 70, 170, 270):
        server.on("rcpt", "451 4.3.0 later", match=f"person{number}@", times=2)
    campaign = await mailing.campaign(400)
    run = await mailing.make.sending(campaign)
    quick = small(to_server, retry_seconds=[0], chunk_size=30)
    async with mailing.watched(), running(quick):
        for cycle in range(20):
            await server.has(min(len(server.messages) + chance.randrange(1, 20), 380))
            await mailing.pause(campaign)
            await mailing.idle(run)
            sent = len(server.messages)
            if chance.random() < 0.5:
                await mailing.say(campaign, f"Text {cycle}")
            else:
                assert len(server.messages) == sent
                await mailing.resume(campaign)
        await mailing.done(run)

    assert Counter(message.recipient for message in server.messages) == Counter(await recipients_of(mailing, run))
    rows = await mailing.rows(
        """
        SELECT recipient, run_contents.subject, possible_duplicate AS doubled
        FROM messages JOIN run_contents ON run_contents.run_id = messages.run_id AND version = content_version
        """
    )
    said = {message.recipient: read(message)["Subject"] for message in server.messages}
    assert {row["recipient"]: row["subject"] for row in rows} == said
    assert not any(row["doubled"] for row in rows)
    assert len(set(said.values())) > 2

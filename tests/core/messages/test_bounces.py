"""What follows from bounces: events, the suppression list with its rule for soft ones, marks, contacts."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Batcher, Draft, SuppressionRules
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.models.message import State
from tests.core.messages.conftest import RULES, draft_of
from tests.core.messages.recording import HARD, SOFT, Ledger, outcome
from tests.factories import Factories, MadeAccount

JO, ANN = "jo@example.org", "ann@example.org"
CONTACTS = "SELECT address, status, status_before FROM contacts ORDER BY id"


@pytest.fixture
def ledger(engine: AsyncEngine, batcher: Batcher) -> Ledger:
    return Ledger(engine, batcher)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["news@example.com", "info@example.com"])


async def test_a_hard_bounce_suppresses_at_once_and_is_told(ledger: Ledger, account: MadeAccount) -> None:
    jo, _ann = await ledger.claim(account, "Jo@example.org", ANN)
    await ledger.record(outcome(jo, State.BOUNCED), outcome(_ann, State.DELIVERED))
    entry = (await ledger.rows("SELECT * FROM suppressions"))[0]
    assert (entry["address"], entry["reason"], entry["detail"]) == (JO, "hardbounce", "550 5.1.1 User unknown")
    assert (entry["source_message_id"], entry["source_accepted_at"]) == (jo.message_id, jo.accepted_at)
    assert await ledger.rows("SELECT address, reason FROM recipient_marks") == [{"address": JO, "reason": "hardbounce"}]
    assert await ledger.events() == [("email.bounced", "Jo@example.org"), ("suppression.added", JO)]
    told = await ledger.rows("SELECT account_id, message_id, accepted_at FROM domain_events")
    assert {tuple(row.values()) for row in told} == {(account.id, jo.message_id, jo.accepted_at)}
    await ledger.sound()


async def test_what_does_not_bounce_tells_nothing(ledger: Ledger, account: MadeAccount) -> None:
    one, two, three = await ledger.claim(account, JO, ANN, "max@example.org")
    await ledger.record(
        outcome(one, State.DELIVERED),
        outcome(two, State.DEFERRED, due_at=datetime.now(UTC)),
        outcome(three, State.BLOCKED, blocked_reason="unsubscribe"),
    )
    assert (await ledger.events(), await ledger.suppressed()) == ([], {})


async def test_the_third_soft_bounce_with_the_same_code_suppresses(ledger: Ledger, account: MadeAccount) -> None:
    other = replace(SOFT, code="4.2.2")
    for facts in (SOFT, SOFT, other):
        await ledger.bounce(account, JO, ANN, facts=facts)
    assert await ledger.suppressed() == {}
    await ledger.bounce(account, JO)
    assert await ledger.suppressed() == {JO: "softbounce"}
    assert (await ledger.events())[-2:] == [("email.bounced", JO), ("suppression.added", JO)]
    latest = (await ledger.values("SELECT max(message_id) FROM bounces"))[0]
    assert await ledger.values("SELECT source_message_id FROM suppressions") == [latest]
    await ledger.sound()


async def test_only_so_many_hours_count(ledger: Ledger, account: MadeAccount) -> None:
    for hours in (25, 23, 0):
        await ledger.bounce(account, JO, hours_ago=hours)
    assert await ledger.suppressed() == {}
    await ledger.bounce(account, JO)
    assert await ledger.suppressed() == {JO: "softbounce"}


async def test_other_accounts_and_recipients_do_not_count(
    ledger: Ledger, account: MadeAccount, make: Factories
) -> None:
    other = await make.account(senders=["info@example.net"])
    for who, recipient in ((account, JO), (other, JO), (account, ANN), (other, JO), (account, JO)):
        await ledger.bounce(who, recipient)
    assert await ledger.suppressed() == {}


async def test_several_of_one_recipient_in_one_group_count_each(ledger: Ledger, account: MadeAccount) -> None:
    for _ in range(2):
        await ledger.batcher.accept(_mail(account))
    copies = await ledger.claim(account, "JO@example.org")
    assert len(copies) == 3
    await ledger.record(*(outcome(copy, State.BOUNCED, bounce=SOFT) for copy in copies))
    assert await ledger.suppressed() == {JO: "softbounce"}
    assert await ledger.values("SELECT source_message_id FROM suppressions") == [copies[-1].message_id]


async def test_the_settings_decide_how_many(ledger: Ledger, account: MadeAccount) -> None:
    ledger.rules = SuppressionRules(soft_bounces=1, soft_bounce_hours=0.1)
    await ledger.bounce(account, JO)
    assert await ledger.suppressed() == {JO: "softbounce"}


async def test_the_first_reason_stays_but_unsubscribe_is_replaced(
    ledger: Ledger, account: MadeAccount, make: Factories
) -> None:
    jo, ann = await ledger.claim(account, JO, ANN)
    await make.suppression(account.id, JO, reason=Reason.MANUAL)
    await make.suppression(account.id, ANN, reason=Reason.UNSUBSCRIBE)
    before = await ledger.values("SELECT created_at FROM suppressions ORDER BY address")
    await ledger.rows("DELETE FROM domain_events")
    await ledger.record(outcome(jo, State.BOUNCED), outcome(ann, State.BOUNCED))
    assert await ledger.suppressed() == {JO: "manual", ANN: "hardbounce"}
    after = await ledger.values("SELECT created_at FROM suppressions ORDER BY address")
    assert after[0] > before[0]
    assert after[1] == before[1]
    assert await ledger.values("SELECT address FROM recipient_marks ORDER BY 1") == [ANN, JO]
    assert [event for event in await ledger.events() if event[0] == "suppression.added"] == [("suppression.added", ANN)]


async def test_contacts_of_the_account_are_blacklisted(ledger: Ledger, account: MadeAccount, make: Factories) -> None:
    other = await make.account(senders=["info@example.net"])
    for owner, statuses in ((account, ("subscribed", "unconfirmed", "unsubscribed")), (other, ("subscribed",))):
        for status in statuses:
            audience = await make.audience(owner)
            await ledger.rows(
                "INSERT INTO contacts (account_id, audience_id, address, status) VALUES ($1, $2, $3, $4)",
                owner.id, audience.id, JO, status,
            )  # fmt: skip
    await ledger.bounce(account, JO, facts=HARD)
    assert [(row["status"], row["status_before"]) for row in await ledger.rows(CONTACTS)] == [
        ("blacklisted", "subscribed"), ("blacklisted", "unconfirmed"), ("unsubscribed", None), ("subscribed", None),
    ]  # fmt: skip
    told = await ledger.rows(
        "SELECT contact_id, audience_id, data FROM domain_events WHERE type = 'contact.unsubscribed' ORDER BY id"
    )
    assert [row["data"]["status"] for row in told] == ["blacklisted", "blacklisted"]
    ids = await ledger.rows("SELECT id AS contact_id, audience_id FROM contacts ORDER BY id LIMIT 2")
    assert [{"contact_id": row["contact_id"], "audience_id": row["audience_id"]} for row in told] == ids


@pytest.mark.parametrize("asked", [True, False])
async def test_blocked_for_bounces_is_told_to_those_who_asked(
    ledger: Ledger, account: MadeAccount, asked: bool
) -> None:
    await ledger.rows("UPDATE accounts SET bounce_url_active = $1", asked)
    reasons = ["hardbounce", "softbounce", "manual", "complaint"]
    copies = await ledger.claim(account, *(f"{reason}@example.org" for reason in reasons))
    await ledger.record(*(outcome(copy, State.BLOCKED, blocked_reason=copy.recipient.split("@")[0]) for copy in copies))
    told = [("email.blocked", "hardbounce@example.org"), ("email.blocked", "softbounce@example.org")]
    assert await ledger.events() == (told if asked else [])


async def test_the_same_group_again_changes_nothing(ledger: Ledger, account: MadeAccount) -> None:
    """The answer to its commit was lost."""
    ledger.rules = SuppressionRules(soft_bounces=2, soft_bounce_hours=24)
    copies = await ledger.claim(account, *(f"r{number}@example.org" for number in range(5)))
    later = datetime.now(UTC)
    group = [
        outcome(copies[0], State.BOUNCED),
        outcome(copies[1], State.BOUNCED, bounce=SOFT),
        outcome(copies[2], State.DELIVERED),
        outcome(copies[3], State.DEFERRED, due_at=later),
        outcome(copies[4], State.BLOCKED, blocked_reason="hardbounce"),
    ]
    await ledger.rows("UPDATE accounts SET bounce_url_active = true")
    await ledger.record(*group)
    snapshot = await _everything(ledger)
    await ledger.record(*group)
    assert await _everything(ledger) == snapshot
    await ledger.sound()
    assert await ledger.values("SELECT count(*) FROM delivery_queue") == [1]
    claimed = await ledger.due()
    await ledger.record(*group)
    assert await ledger.values("SELECT count(*) FROM delivery_queue") == [0], "it is claimed, not to be queued again"
    assert len(claimed) == 1


async def test_two_processes_that_record_at_the_same_time_count_together(ledger: Ledger, account: MadeAccount) -> None:
    """Two senders of one account share no counter row that would make one wait for the other."""
    ledger.rules = SuppressionRules(soft_bounces=2, soft_bounce_hours=24)
    for round_ in range(8):
        recipient = f"r{round_}@example.org"
        await ledger.batcher.accept(_mail(account, recipient))
        one, two = await ledger.claim(account, recipient, sender_id=account.senders["info@example.com"])
        assert one.sender_id != two.sender_id
        async with driver_connection(ledger.engine) as a, driver_connection(ledger.engine) as b:
            await asyncio.gather(
                ledger.record(outcome(one, State.BOUNCED, bounce=SOFT), on=a),
                ledger.record(outcome(two, State.BOUNCED, bounce=SOFT), on=b),
            )
    assert len(await ledger.suppressed()) == 8
    await ledger.sound()


async def test_the_later_of_two_waits_for_the_first(ledger: Ledger, account: MadeAccount) -> None:
    """The first one is held open between its bounce and its commit."""
    ledger.rules = SuppressionRules(soft_bounces=2, soft_bounce_hours=24)
    await ledger.batcher.accept(_mail(account))
    one, two = await ledger.claim(account, JO, sender_id=account.senders["info@example.com"])
    async with driver_connection(ledger.engine) as first, driver_connection(ledger.engine) as other:
        open_ = first.transaction()
        await open_.start()
        await ledger.record(outcome(one, State.BOUNCED, bounce=SOFT), on=first)
        waiting = asyncio.create_task(ledger.record(outcome(two, State.BOUNCED, bounce=SOFT), on=other))
        pid = other.get_server_pid()
        for _ in range(1000):
            if await ledger.values("SELECT wait_event FROM pg_stat_activity WHERE pid = $1", pid) == ["advisory"]:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("it does not wait")
        await open_.commit()
        await waiting
    assert await ledger.suppressed() == {JO: "softbounce"}


async def test_a_bounce_and_what_follows_are_one(ledger: Ledger, account: MadeAccount, engine: AsyncEngine) -> None:
    """What can't be drawn as a consequence is not recorded as a bounce either."""
    (copy,) = await ledger.claim(account, JO)
    await ledger.rows("ALTER TABLE suppressions ADD CONSTRAINT none_today CHECK (false) NOT VALID")
    async with driver_connection(engine) as connection:
        with pytest.raises(Exception, match="none_today"):
            await messages.record(connection, [outcome(copy, State.BOUNCED)], rules=RULES)
    assert await ledger.values("SELECT state FROM messages") == ["queued"]
    assert (await ledger.rows("SELECT FROM bounces"), await ledger.events()) == ([], [])


def _mail(account: MadeAccount, recipient: str = JO) -> Draft:
    return draft_of(account, recipient)


async def _everything(ledger: Ledger) -> list[list[dict[str, object]]]:
    tables = (
        "messages", "attempts", "bounces", "delivery_queue", "suppressions", "recipient_marks", "domain_events",
        "hourly_counts", "daily_counts",
    )  # fmt: skip
    return [await ledger.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608 names are ours

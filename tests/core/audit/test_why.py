"""Every state of a copy and every reason for none has its sentence."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit
from app.core.audit import Why
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from tests.core.audit.world import NOON, World, begin, build
from tests.factories import Factories

SENTENCES = {
    1: "queued: due at 2016-11-22 18:00:00",
    2: "queued: an attempt is under way",
    3: "deferred: attempt 2 at 2016-11-22 13:00:00 (451 4.3.0 later), next at 2016-11-22 18:00:00",
    4: "delivered on 2016-11-22 12:30:00 by mx.example.com (250 said so)",
    5: "bounced on 2016-11-23 18:00:00: hard (bad-mailbox) (550 5.1.1 no such user),"
    " after it had been delivered on 2016-11-22 12:30:00",
    6: "bounced on 2016-11-23 14:00:00: soft (bad-mailbox) by mx.example.com (550 said so)",
    7: "blocked: unsubscribed",
    8: "failed on 2016-11-22 12:00:00: said so",
    9: "uncertain: no reply came after the mail had been sent on 2016-11-22 12:00:00, next at 2016-11-22 18:00:00,"
    " may have arrived twice",
    11: "delivered on 2016-11-22 12:30:00 by mx.example.com (250 said so), may have arrived twice",
    13: "sending: an attempt is under way",
    17: "blocked: contact deleted before its turn",
    19: "cancelled on 2016-11-22 13:00:00: the campaign was stopped before it left",
}


async def asked(
    engine: AsyncEngine, address: str, account_id: int | None = None, campaign_id: int | None = None
) -> Why:
    async with reading(engine) as read:
        return await audit.why(read, account_id, address, campaign_id)


async def test_each_state_of_a_copy_has_its_sentence(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    said = {
        number: [copy.reason for copy in (await asked(engine, f"copy{number}@example.com", world.account_id)).copies]
        for number in SENTENCES
    }
    assert said == {number: [sentence] for number, sentence in SENTENCES.items()}


async def test_a_copy_is_told_with_its_attempts(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    (copy,) = (await asked(engine, " Copy3@EXAMPLE.com ")).copies
    assert (copy.message_id, copy.accepted_at, copy.account_id) == (3, NOON, world.account_id)
    assert (copy.sender, copy.kind, copy.state, copy.campaign_id) == ("news@example.com", "send", "deferred", None)
    first, second = copy.attempts
    assert (first.attempt, second.attempt) == (1, 2)
    assert (second.attempted_at, second.outcome) == (NOON + timedelta(hours=1), "deferred")
    assert (second.code, second.reply, second.host, second.duration_ms) == (451, "4.3.0 later", "mx.example.com", 12)


async def test_copies_come_newest_first_and_up_to_the_limit(engine: AsyncEngine, make: Factories) -> None:
    async with driver_connection(engine) as connection:
        world = await begin(connection, make)
        run_id = await world.run("paused", total=1, next_seq=2)
        await world.copy("deferred", run_id=run_id, recipient="Jo@example.com", place="queue", deferrals=1)
        for _ in range(3):
            await world.copy("delivered", recipient="jo@example.com", delivered=True)
    async with reading(engine) as read:
        some = await audit.why(read, None, "jo@example.com", limit=2)
        every = await audit.why(read, None, "jo@example.com")
        of_campaign = await audit.why(read, None, "jo@example.com", world.campaign_id)
    assert ([copy.message_id for copy in some.copies], some.has_more) == ([4, 3], True)
    assert ([copy.message_id for copy in every.copies], every.has_more) == ([4, 3, 2, 1], False)
    (copy,) = of_campaign.copies
    assert (copy.run_id, copy.campaign_id, copy.campaign_name) == (run_id, world.campaign_id, "Spring")
    assert copy.reason == "deferred: attempt 1 at 2016-11-22 12:00:00 (451 4.3.0 later), the campaign is paused"
    assert of_campaign.runs == (), "a run with a copy needs no other reason"


async def test_targets_without_a_copy_are_told(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    async with driver_connection(engine) as connection:  # contacts of another audience: only their ids count here
        for number in (3, 8):
            await connection.execute(
                "INSERT INTO contacts (id, account_id, audience_id, address, status) VALUES ($1, $2, 0, $3, 'subscribed')",
                number,
                world.account_id,
                f"target{number}@example.com",
            )
    reasons = [story.reason for story in (await asked(engine, "target8@example.com")).runs]
    assert reasons == ["still to come: target 8 of 8"]
    reasons = [story.reason for story in (await asked(engine, "target3@example.com")).runs]
    assert reasons == [
        "still to come: target 3 of 3, the campaign is paused",
        "not sent: the campaign was stopped on 2016-11-22 12:00:00 before target 3 of 5",
    ]
    found = await asked(engine, "target3@example.com", world.account_id, world.campaign_id)
    nowhere = "not targeted: in none of the campaign's audiences"
    assert [story.reason for story in found.runs] == [
        "not decided yet: the campaign is queued and begins later",
        "still to come: target 3 of 3, the campaign is paused",
        nowhere,
        nowhere,
        "not sent: the campaign was stopped on 2016-11-22 12:00:00 before target 3 of 5",
        "target 3 of 8 was reached, but its copy is not in the ledger",
    ]
    assert {story.campaign_name for story in found.runs} == {"Spring"}


async def test_lists_and_audiences_are_told(engine: AsyncEngine, make: Factories) -> None:
    async with driver_connection(engine) as connection:
        world = await begin(connection, make)
        await contact(world, "jo@example.com", "unsubscribed", unsubscribed_at=NOON)
        await world.run("done", total=0, finished_at=NOON, settled=True)
        await connection.execute(
            "INSERT INTO suppressions (account_id, address, reason, detail, created_at)"
            " VALUES ($1, 'jo@example.com', 'unsubscribe', 'by link', '2016-01-05 10:00+00')",
            world.account_id,
        )
        await world.copy("blocked", recipient="jo@example.com", reason="unsubscribe")
    other = await make.account()
    found = await asked(engine, "jo@example.com", world.account_id, world.campaign_id)
    assert [(entry.reason, entry.detail) for entry in found.suppressions] == [("unsubscribe", "by link")]
    (member,) = found.contacts
    assert (member.audience_name, member.status, member.unsubscribed_at) == ("Readers", "unsubscribed", NOON)
    assert [story.reason for story in found.runs] == ["not targeted: unsubscribed on 2016-01-05"]
    (copy,) = (await asked(engine, "jo@example.com", world.account_id)).copies
    assert copy.reason == "blocked: unsubscribed on 2016-01-05"
    nothing = Why("jo@example.com", (), False, (), (), ())
    assert await asked(engine, "jo@example.com", other.id) == nothing, "an account sees its own"


async def test_what_is_no_address_is_only_unknown(engine: AsyncEngine) -> None:
    for text in ("", "nobody", "a" * 5000, "jo@" + "x" * 300 + ".com"):
        assert (await asked(engine, text)).copies == ()


async def contact(world: World, address: str, status: str, **values: object) -> None:
    await world.insert(
        "contacts", account_id=world.account_id, audience_id=world.audience_id, address=address, status=status, **values
    )  # fmt: skip

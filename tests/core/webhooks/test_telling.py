"""Events that are told to webhooks alone: written by the statements that record them, where they are asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events, messages, tracking, webhooks
from app.core.errors import Invalid
from app.core.events import EventFilter
from app.core.messages import OpenRun, Owner, write_drafts
from app.core.suppressions import Reason
from app.core.tracking import Clicked, Opened
from app.core.webhooks.telling import ON_DEMAND, clean_types
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.models.message import State
from app.outbound import Ended, Endpoints
from tests.core.messages.conftest import RULES as BOUNCE_RULES
from tests.core.messages.conftest import draft_of
from tests.core.messages.recording import OWNER, outcome
from tests.core.webhooks.world import World
from tests.delivery.mailing import Mailing
from tests.factories import Factories

SUPPRESSED = {"hard@example.org": Reason.HARDBOUNCE, "gone@example.org": Reason.UNSUBSCRIBE}
TYPES = "SELECT type, count(*)::int AS count FROM domain_events WHERE type LIKE 'email.%' GROUP BY type ORDER BY type"


async def live(world: World) -> None:
    """Let mail be accepted, blocked, refused, delivered, deferred, bounced, opened and clicked, by the real verbs."""
    account, connection = world.account, world.connection
    for address, reason in SUPPRESSED.items():
        await world.make.suppression(account.id, address, reason=reason)
    draft = draft_of(account, "jo@example.org", "later@example.org", "no@example.org", *SUPPRESSED)
    async with connection.transaction():
        await write_drafts(connection, [draft], default_cap=0)
        await write_drafts(connection, [replace(draft, recipients=("much@example.org",))], default_cap=1)
    copies = await messages.claim_due(connection, OWNER, limit=10, lease_seconds=60)
    states = {"jo@example.org": State.DELIVERED, "later@example.org": State.DEFERRED, "no@example.org": State.BOUNCED}
    due = datetime.now(UTC) + timedelta(hours=1)
    records = [
        outcome(copy, states[copy.recipient], due_at=due if states[copy.recipient] is State.DEFERRED else None)
        for copy in copies
    ]
    await messages.record(connection, records, rules=BOUNCE_RULES)
    await messages.record(connection, records[:1], rules=BOUNCE_RULES)  # what is recorded twice is told once
    jo = next(copy for copy in copies if copy.recipient == "jo@example.org")
    seen = (jo.message_id, jo.accepted_at, datetime.now(UTC), "192.0.2.1", "Browser")
    await tracking.record_events(connection, [Opened(None, *seen), Clicked(None, *seen, 0, "https://example.com/")])


async def types_of(world: World) -> dict[str, int]:
    return {row["type"]: row["count"] for row in await world.connection.fetch(TYPES)}


async def test_without_a_webhook_nothing_more_is_written(world: World) -> None:
    stranger = await world.make.account()
    await world.webhook("*", account_id=stranger.id)
    await live(world)
    assert await types_of(world) == {"email.bounced": 1}


async def test_what_is_asked_for_is_written(world: World) -> None:
    await world.webhook("email.delivered", "contact.*")
    await world.webhook("email.blocked", "email.bounced")
    assert await world.told() == ["email.blocked", "email.delivered"]
    await live(world)
    assert await types_of(world) == {"email.blocked": 2, "email.bounced": 1, "email.delivered": 1}


async def test_every_event_of_mail_is_told_by_the_id_and_in_the_words_of_the_api(world: World) -> None:
    webhook, _ = await world.webhook("email.*")
    assert await world.told() == list(ON_DEMAND)
    await live(world)
    assert await types_of(world) == {
        "email.accepted": 5, "email.blocked": 2, "email.bounced": 1, "email.clicked": 1, "email.deferred": 1,
        "email.delivered": 1, "email.opened": 1, "email.refused": 1,
    }  # fmt: skip
    assert await world.route() == 13
    endpoints = Endpoints(1000)
    for _ in range(40):
        endpoints.began(webhooks.endpoint_of(webhook.id))
        endpoints.ended(webhooks.endpoint_of(webhook.id), Ended.ANSWERED)
    claimed = await world.claim(endpoints=endpoints)
    async with reading(world.engine) as read:
        dues = await webhooks.compose(read, claimed, "mail-1")
    async with reading(world.engine) as read:
        wanted = EventFilter(types=frozenset(one for one in events.TYPES if one.startswith("email.")))
        listed = await events.list_events(read, world.account.id, wanted, limit=200)
    assert {due.event_id for due in dues} == {events.public_id(one.id) for one in listed}
    bodies = {str(due.event_id): due.body for due in dues}
    for one in listed:
        shown = events.shown(one, lambda second, number: messages.email_id(second, number, "mail-1"))
        body = orjson.loads(bodies[str(shown["id"])])
        assert body["type"] == one.type
        assert {name: str(value) for name, value in body["data"].items() if value is not None} == {
            name: str(value)
            for name, value in {**shown, **shown["data"]}.items()
            if value is not None and name not in {"type", "occurred_at", "data"}
        }


async def test_campaign_copies_are_told_when_they_are_made(engine: AsyncEngine, make: Factories) -> None:
    mailing = Mailing(engine, make)
    run = await make.sending(await mailing.campaign(3))
    await make.suppression(run.account_id, "person1@contacts.example", reason=Reason.MANUAL)
    async with driver_connection(engine) as connection:
        world = World(make, engine, connection)
        await world.webhook("email.accepted", "email.blocked", account_id=run.account_id)
        fresh = OpenRun(run.id, run.account_id, is_fresh=True, is_due=False)
        owner = Owner("here", uuid4())
        await messages.claim_chunk(connection, owner, fresh, limit=10, lease_seconds=60, default_cap=0)
        assert await types_of(world) == {"email.accepted": 3, "email.blocked": 1}
        assert await world.route() == 4


async def test_a_blocked_copy_is_told_once_to_a_webhook_and_a_postback(world: World) -> None:
    await world.connection.execute(
        "UPDATE accounts SET bounce_url = 'http://b.example/', bounce_url_active = true WHERE id = $1", world.account.id
    )
    await world.webhook("email.blocked")
    await live(world)
    assert await types_of(world) == {"email.blocked": 2, "email.bounced": 1}


def test_names_of_events_are_checked() -> None:
    assert clean_types(["email.*", "job.finished", "email.*", "*"]) == ["email.*", "job.finished", "*"]
    for given in ([], ["email.*x"], ["email"], ["Email.bounced"], ["*.*"], ["email.bounced "], ["x"] * 51):
        with pytest.raises(Invalid):
            clean_types(given)

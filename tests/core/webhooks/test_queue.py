"""The table of deliveries: what is put in, who gets it when, and what remains. On a clock of the test's own."""

import asyncio
from datetime import timedelta
from itertools import accumulate

import pytest

from app.core import webhooks
from app.core.errors import Conflict
from app.core.events import EventType
from app.core.webhooks import DeliveryStatus, Result, WebhookStatus
from app.core.webhooks.queue import RETRY_SECONDS, WALK
from app.db.unit_of_work import reading, unit_of_work
from app.outbound import Ended, Endpoints
from tests.core.webhooks.world import LEASE, NOW, RULES, VAULT, World

DAY = 86_400.0


async def test_each_webhook_gets_what_it_asks_for(world: World) -> None:
    everything, _ = await world.webhook("*")
    contacts, _ = await world.webhook("contact.*", "job.finished")
    off, _ = await world.webhook("*")
    await world.change(off, status="disabled")
    stranger = await world.make.account()
    await world.webhook("*", account_id=stranger.id)
    for type_ in (EventType.CONTACT_CREATED, EventType.CONTACT_TAGGED, EventType.SUPPRESSION_ADDED):
        await world.happen(type_, address="jo@example.org")
    assert await world.route() == 5
    assert await world.route() == 0, "routed once"
    found = sorted((due.webhook_id, due.event_id) for due in await world.claim())
    mine = [one for number, one in found if number == everything.id]
    assert len(mine) == len(set(mine)) == 3
    assert {one for number, one in found if number == contacts.id} < set(mine), "one event has one id for all"


async def test_retries_come_when_the_contract_says_and_then_no_more(world: World) -> None:
    await world.webhook("*")
    await world.happen(EventType.CONTACT_CREATED)
    await world.route()
    assert RETRY_SECONDS == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    ids = set()
    for number, moment in enumerate(accumulate((0.0, *RETRY_SECONDS))):
        if moment:
            assert await world.claim(moment - 1) == []
        [due] = await world.claim(moment)
        assert due.attempts == number
        ids.add(due.event_id)
        given_up = await world.record(Result(due, 500, "HTTP status 500"), after=moment)
        assert bool(given_up) is (number == len(RETRY_SECONDS))
    assert len(ids) == 1, "every try has the same id"
    assert await world.claim(10 * DAY) == []
    row = await world.connection.fetchrow("SELECT status, attempts, last_status, last_error FROM webhook_deliveries")
    assert tuple(row or ()) == ("failed", 10, 500, "HTTP status 500")


async def test_a_try_that_nobody_ended_is_made_again_when_its_lease_is_over(world: World) -> None:
    await world.webhook("*")
    await world.happen(EventType.CONTACT_CREATED)
    await world.route()
    [first] = await world.claim()
    assert await world.claim(LEASE - 1) == []
    [second] = await world.claim(LEASE)
    assert second == first
    await world.record(Result(first, 200))
    await world.record(Result(second, 500, "HTTP status 500"))
    assert await world.value("SELECT status FROM webhook_deliveries") == "delivered", "what arrived has arrived"


async def test_410_disables_at_once_and_what_waits_is_given_up(world: World) -> None:
    webhook, _ = await world.webhook("*")
    for _ in range(3):
        await world.happen(EventType.CONTACT_CREATED)
    await world.route()
    assert await world.told() != []
    first, *_ = await world.claim()
    given_up = await world.record(Result(first, 410, "HTTP status 410", final=True, gone=True))
    assert [one.due.id for one in given_up] == [first.id]
    assert (await world.get(webhook)).status == WebhookStatus.DISABLED
    assert await world.told() == [], "and costs nothing any more"
    assert await world.claim(DAY) == []
    assert await world.value("SELECT array_agg(DISTINCT status) FROM webhook_deliveries") == ["failed"]
    await world.happen(EventType.CONTACT_CREATED)
    assert await world.route() == 0


async def test_five_days_without_a_success_disable(world: World) -> None:
    webhook, _ = await world.webhook("*")
    await world.fill(webhook, 5)
    one, two, three, four, five = await world.claim(endpoints=_roomy(webhook.id))

    async def fail(due: webhooks.Due, days: float) -> webhooks.Webhook:
        await world.record(Result(due, None, "no answer in time"), after=days * DAY)
        return await world.get(webhook)

    assert (await fail(one, 0)).failing_since == NOW
    found = await fail(two, 4.9)
    assert (found.status, found.failing_since) == ("active", NOW)
    await world.record(Result(three, 200), after=4.95 * DAY)
    assert (await world.get(webhook)).failing_since is None
    found = await fail(four, 6)
    assert (found.status, found.failing_since) == ("active", NOW + timedelta(days=6))
    found = await fail(five, 11)
    assert (found.status, found.failing_since) == ("disabled", NOW + timedelta(days=6))
    await world.change(webhook, status="active")
    found = await world.get(webhook)
    assert (found.status, found.failing_since) == ("active", None), "a fresh start"


def _roomy(*numbers: int) -> Endpoints:
    endpoints = Endpoints(1000)
    for number in numbers:
        for _ in range(40):
            endpoints.began(str(number))
            endpoints.ended(str(number), Ended.ANSWERED)
    return endpoints


async def test_a_success_in_the_same_group_ends_the_failing(world: World) -> None:
    webhook, _ = await world.webhook("*")
    await world.fill(webhook, 3)
    one, two, three = await world.claim(endpoints=_roomy(webhook.id))
    await world.record(Result(one, 500, "HTTP status 500"))
    await world.record(Result(two, 200), Result(three, 500, "HTTP status 500"), after=6 * DAY)
    found = await world.get(webhook)
    assert (found.status, found.failing_since) == ("active", NOW + timedelta(days=6))


async def test_one_that_does_not_answer_takes_nothing_from_the_others(world: World) -> None:
    dead, _ = await world.webhook("*")
    well, _ = await world.webhook("*")
    await world.fill(dead, 500)
    await world.fill(well, 50)
    endpoints = Endpoints(40)
    served = {dead.id: 0, well.id: 0}
    for _ in range(60):
        for due in await world.claim(endpoints=endpoints, limit=40):
            served[due.webhook_id] += 1
            name = webhooks.endpoint_of(due.webhook_id)
            endpoints.began(name)
            if due.webhook_id == well.id:  # the other's calls stay open
                endpoints.ended(name, Ended.ANSWERED)
                await world.record(Result(due, 204))
    assert served[well.id] == 50
    assert served[dead.id] <= 8


async def test_many_webhooks_are_served_in_turn(world: World) -> None:
    made = [await world.webhook("*", account_id=(await world.make.account()).id) for _ in range(6)]
    for webhook, _ in made:
        await world.fill(webhook, 10)
    endpoints = Endpoints(1000)
    seen = [due.webhook_id for _ in range(6) for due in await world.claim(endpoints=endpoints, limit=4)]
    assert len(set(seen)) == 6
    assert WALK >= 6


async def test_a_rotated_secret_signs_for_a_day_beside_the_new_one(world: World) -> None:
    webhook, first = await world.webhook("*")
    async with unit_of_work(world.engine) as write:
        _, second = await webhooks.rotate_secret(write, world.account.id, webhook.id, rules=RULES, now=NOW)
    assert first != second
    await world.fill(webhook, 2)
    [due] = await world.claim(DAY - 1, limit=1)
    assert [VAULT.open(sealed) for sealed in due.secrets] == [second, first]
    [due] = await world.claim(DAY, limit=1)
    assert [VAULT.open(sealed) for sealed in due.secrets] == [second]
    assert first.encode() not in await world.value("SELECT secret FROM webhooks"), "sealed"


async def test_two_rotations_in_one_day_leave_three_that_sign(world: World) -> None:
    webhook, first = await world.webhook("*")
    secrets = [first]
    for hours in range(6):
        async with unit_of_work(world.engine) as write:
            now = NOW + timedelta(hours=hours)
            _, secret = await webhooks.rotate_secret(write, world.account.id, webhook.id, rules=RULES, now=now)
        secrets.append(secret)
    await world.fill(webhook, 1)
    [due] = await world.claim()
    assert [VAULT.open(sealed) for sealed in due.secrets] == secrets[:1:-1], "the newest and four before it"


async def test_a_replay_keeps_the_id_and_has_all_its_tries(world: World) -> None:
    webhook, _ = await world.webhook("*")
    await world.happen(EventType.CONTACT_CREATED)
    await world.route()
    [due] = await world.claim()
    await world.record(Result(due, 200))
    async with unit_of_work(world.engine) as write:
        again = await webhooks.retry(write, webhook, due.id)
    assert (again.status, again.tries, again.event_id) == (DeliveryStatus.WAITING, 0, due.event_id)
    [second] = await world.claim(DAY)
    assert (second.event_id, second.attempts) == (due.event_id, 0)
    await world.change(webhook, status="disabled")
    with pytest.raises(Conflict):
        async with unit_of_work(world.engine) as write:
            await webhooks.retry(write, await world.get(webhook), due.id)


async def test_deliveries_of_thirty_days_ago_are_forgotten(world: World) -> None:
    webhook, _ = await world.webhook("*")
    await world.fill(webhook, 1500)
    await world.connection.execute(
        "UPDATE webhook_deliveries SET created_at = $1"
        " WHERE id <= (SELECT id FROM webhook_deliveries ORDER BY id LIMIT 1 OFFSET 1349)",
        NOW - timedelta(days=31),
    )
    await webhooks.tidy(world.connection, now=NOW)
    async with reading(world.engine) as read:
        found = await webhooks.list_deliveries(read, webhook, limit=200)
    assert len(found) == 150


async def test_changes_at_the_same_time_lose_nothing(world: World) -> None:
    made = [await world.webhook(type_) for type_ in ("email.opened", "email.clicked", "email.delivered")]
    assert await world.told() == ["email.clicked", "email.delivered", "email.opened"]
    await asyncio.gather(*(world.change(webhook, status="disabled") for webhook, _ in made))
    assert await world.told() == []
    await asyncio.gather(*(world.change(webhook, status="active") for webhook, _ in made))
    assert await world.told() == ["email.clicked", "email.delivered", "email.opened"]


async def test_an_account_that_may_not_act_is_told_nothing(world: World) -> None:
    await world.webhook("*")
    await world.happen(EventType.CONTACT_CREATED)
    await world.route()
    await world.happen(EventType.CONTACT_CREATED)
    await world.connection.execute("UPDATE accounts SET status = 'disabled' WHERE id = $1", world.account.id)
    assert await world.route() == 0
    assert await world.claim() == []

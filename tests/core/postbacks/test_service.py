"""The table of postbacks: what is put in, who gets it when, and what remains. On a clock of the test's own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events, postbacks
from app.core.events import EventType
from app.core.postbacks import Result
from app.core.postbacks.service import WALK
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.outbound import Ended, Endpoints
from tests.core.postbacks.world import LEASE, NOW, World
from tests.factories import Factories


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine) -> AsyncIterator[World]:
    async with driver_connection(engine) as connection:
        yield World(make, engine, connection)


async def test_every_event_that_is_asked_for_becomes_a_call(world: World) -> None:
    await world.open()
    for number, type_ in enumerate((EventType.EMAIL_BOUNCED, EventType.EMAIL_COMPLAINED, EventType.EMAIL_UNSUBSCRIBED)):
        recipient = f"r{number}@example.org"
        await world.happen(type_, await world.copy(recipient), recipient)
    for reason in ("hardbounce", "softbounce", "complaint"):
        recipient = f"{reason}@example.org"
        await world.happen(EventType.EMAIL_BLOCKED, await world.copy(recipient, blocked_reason=reason), recipient)
    async with unit_of_work(world.engine) as write:
        await events.emit(write, world.account.id, EventType.SUPPRESSION_ADDED, address="r0@example.org")
    assert await world.route() == 5
    assert await world.route() == 0, "routed once"
    calls = {(due.kind, due.endpoint, due.url) for due in await world.claim()}
    assert calls == {
        ("bounce", "http://b.example:80", "http://b.example/?e=r0%40example.org&r=emaildoesntexist&t=hard&c=sp%20ring"),
        ("spam", "https://s.example:443", "https://s.example/?e=r1%40example.org&c=sp%20ring"),
        ("unsubscribe", "http://u.example:8080", "http://u.example:8080/?e=r2%40example.org"),
        ("bounce", "http://b.example:80", "http://b.example/?e=hardbounce%40example.org&r=blockedcontent&t=previouslyhardbounced&c=sp%20ring"),
        ("bounce", "http://b.example:80", "http://b.example/?e=softbounce%40example.org&r=blockedcontent&t=suppressed&c=sp%20ring"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"bounce_url_active": False},
        {"bounce_url": ""},
    ],
)
async def test_who_does_not_ask_is_not_told(world: World, fields: dict[str, Any]) -> None:
    await world.open(**fields)
    await world.happen(EventType.EMAIL_BOUNCED, await world.copy("r@example.org"), "r@example.org")
    assert await world.route() == 0


@pytest.mark.parametrize("change", ["status = 'disabled'", "deleted_at = now()", "bounce_url_active = false"])
async def test_what_is_not_wanted_any_more_is_thrown_away(world: World, change: str) -> None:
    await world.open()
    await world.happen(EventType.EMAIL_BOUNCED, await world.copy("r@example.org"), "r@example.org")
    assert await world.route() == 1
    await world.connection.execute(f"UPDATE accounts SET {change} WHERE id = {world.account.id}")  # noqa: S608
    assert await world.claim() == []
    assert await world.value("SELECT count(*) FROM postbacks") == 0


async def test_success_leaves_its_time_with_the_event(world: World) -> None:
    await world.open()
    ids = {}
    for type_ in (EventType.EMAIL_BOUNCED, EventType.EMAIL_COMPLAINED, EventType.EMAIL_UNSUBSCRIBED):
        ids[type_] = await world.copy(f"{type_}@example.org")
        await world.happen(type_, ids[type_], f"{type_}@example.org")
    blocked = await world.copy("blocked@example.org", blocked_reason="hardbounce")
    await world.happen(EventType.EMAIL_BLOCKED, blocked, "blocked@example.org")
    await world.route()
    await world.record(*[Result(due) for due in await world.claim()], after=3)
    then = NOW + timedelta(seconds=3)
    assert await world.value("SELECT count(*) FROM postbacks") == 0
    for table in ("bounces", "complaints"):
        assert await world.value(f"SELECT min(postback_at) FROM {table}") == then  # noqa: S608
    rows = await world.connection.fetch("SELECT postback_at FROM unsubscriptions ORDER BY id")
    assert [row[0] for row in rows] == [then, None], "another unsubscription through the same copy was not told of"
    rows = await world.connection.fetch("SELECT id FROM messages WHERE postback_at = $1", then)
    assert [row[0] for row in rows] == [blocked]


async def test_a_failure_is_tried_again_after_1_5_and_30_minutes_and_then_given_up(world: World) -> None:
    await world.open()
    await world.happen(EventType.EMAIL_BOUNCED, await world.copy("r@example.org"), "r@example.org")
    await world.route()
    at = 0.0
    for wait in (60, 300, 1800):
        (due,) = await world.claim(at)
        assert await world.record(Result(due, "HTTP status 500"), after=at) == []
        assert await world.claim(at + wait - 1) == []
        at += wait
    (due,) = await world.claim(at)
    assert due.attempts == 3
    assert await world.record(Result(due, "no answer in time"), after=at) == [Result(due, "no answer in time")]
    row = await world.connection.fetchrow("SELECT attempts, last_error, given_up_at FROM postbacks")
    assert tuple(row or ()) == (4, "no answer in time", NOW + timedelta(seconds=at))
    assert await world.claim(at + 1e6) == []


async def test_fewer_retries_may_be_set(world: World) -> None:
    await world.open()
    await world.fill("http://a.example:80", 1)
    (due,) = await world.claim()
    assert await world.record(Result(due, "x"), retries=0) == [Result(due, "x")]


async def test_a_claim_nobody_ended_is_claimed_again(world: World) -> None:
    """What a killed process had claimed."""
    await world.open()
    await world.fill("http://a.example:80", 3)
    first = await world.claim()
    assert len(first) == 3
    assert await world.claim(LEASE - 1) == []
    again = await world.claim(LEASE)
    assert {due.id for due in again} == {due.id for due in first}
    assert {due.attempts for due in again} == {0}
    await world.record(*[Result(due) for due in again], after=LEASE)
    await world.record(*[Result(due, "late") for due in first], after=LEASE)
    assert await world.value("SELECT count(*) FROM postbacks") == 0


async def test_claims_at_once_share_the_work(world: World) -> None:
    await world.open()
    await world.fill("http://a.example:80", 4)
    async with driver_connection(world.engine) as other, other.transaction():
        theirs = await postbacks.claim(other, Endpoints(1000), limit=3, lease_seconds=LEASE, now=NOW)
        ours = await world.claim()
    assert len(theirs) == 3
    assert len(ours) == 1
    assert not {due.id for due in theirs} & {due.id for due in ours}


async def test_calls_that_wait_for_a_dead_endpoint_are_in_nobody_s_way(world: World) -> None:
    await world.open()
    await world.fill("http://dead.example:80", 50_000)
    await world.fill("http://good.example:80", 2)
    endpoints = Endpoints(1000)
    claimed = await world.claim(endpoints=endpoints)
    assert sorted(due.endpoint for due in claimed) == ["http://dead.example:80"] * 4 + ["http://good.example:80"] * 2
    for due in claimed:
        endpoints.began(due.endpoint)
    await world.fill("http://good.example:80", 1)
    assert [due.endpoint for due in await world.claim(endpoints=endpoints)] == ["http://good.example:80"]
    plan = await world.connection.fetchval("SELECT count(*) FROM postbacks WHERE due_at > $1", NOW)
    assert plan == 7, "nothing else was touched"


async def test_where_there_is_no_room_the_next_claim_goes_on(world: World) -> None:
    await world.open()
    names = [f"http://h{number}.example:80" for number in range(6)]
    for name in names:
        await world.fill(name, 4)
    endpoints = Endpoints(1000)
    served: list[set[str]] = []
    for _ in range(3):
        claimed = await world.claim(endpoints=endpoints, limit=8)
        served.append({due.endpoint for due in claimed})
    assert served == [set(names[:2]), set(names[2:4]), set(names[4:])]


async def test_more_endpoints_than_one_walk_sees_are_all_served(world: World) -> None:
    await world.open()
    await world.connection.execute(
        "INSERT INTO postbacks (account_id, kind, event_id, message_id, accepted_at, url, endpoint, due_at)"
        " SELECT $1, 'bounce', n, n, $2, 'http://x/', 'http://h' || n, CASE WHEN n = $3 THEN $2::timestamptz"
        " ELSE $2::timestamptz + interval '1 hour' END FROM generate_series(1, $3::int) AS n",
        world.account.id, NOW, WALK + 50,
    )  # fmt: skip
    last = await world.value("SELECT max(endpoint) FROM postbacks")
    await world.connection.execute("UPDATE postbacks SET due_at = $1 WHERE endpoint = $2", NOW, last)
    endpoints = Endpoints(1000)
    found = [due.endpoint for _ in range(2) for due in await world.claim(endpoints=endpoints)]
    assert last in found
    assert endpoints.after == ""


async def test_tidying_forgets_what_is_old_and_gives_up_what_waited_for_a_day(world: World) -> None:
    await world.open()
    await world.fill("http://dead.example:80", 3)
    await world.fill("http://good.example:80", 2)
    endpoints = Endpoints(1000)
    for _ in range(5):
        endpoints.began("http://dead.example:80")
        endpoints.ended("http://dead.example:80", Ended.TIMED_OUT)
    for days, left, given_up in ((0.9, 5, 0), (1.1, 5, 3), (30, 5, 3), (31.2, 2, 0)):
        await postbacks.tidy(world.connection, endpoints, now=NOW + timedelta(days=days))
        assert await world.value("SELECT count(*) FROM postbacks") == left
        assert await world.value("SELECT count(given_up_at) FROM postbacks") == given_up

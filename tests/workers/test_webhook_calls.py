"""Webhooks by the outbox process: from mail to a customer's server, signed, and what comes of servers that misbehave."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import webhooks
from app.core.events import EventType
from app.core.webhooks import Rules, Webhook
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from app.kit.secrets import Vault
from app.settings import Outbound, Settings
from tests.core.webhooks.test_telling import live
from tests.core.webhooks.verifying import Received
from tests.core.webhooks.world import World
from tests.factories import Factories
from tests.fixtures.web_server import WebServer, hang, status, web_server
from workers import outbox, webhook_calls
from workers.webhook_calls import WebhookCalls

SECONDS = 20.0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that the loop beside brings about."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 it is the database that tells
            await asyncio.sleep(0.02)


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine) -> AsyncIterator[World]:
    async with driver_connection(engine) as connection:
        world = World(make, engine, connection)
        await world.open()
        yield world


@contextlib.asynccontextmanager
async def working(settings: Settings, *, anywhere: bool = True) -> AsyncIterator[None]:
    """An outbox that works, and is stopped and awaited in the end."""
    stopping = asyncio.Event()
    changed = settings.model_copy(update={"outbound": Outbound(allow_private_networks=anywhere)})
    task = asyncio.create_task(outbox.work(changed, stopping))
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(SECONDS):
            await task


async def webhook_to(world: World, settings: Settings, server: WebServer, *types: str) -> tuple[Webhook, str]:
    """Make a webhook to a server of the test."""
    rules = Rules(Vault(settings.secret_keys), anywhere=True)
    async with unit_of_work(world.engine) as write:
        return await webhooks.create(
            write,
            world.account.id,
            rules=rules,
            url=f"http://127.0.0.1:{server.port}/hook?a=b",
            event_types=types or ("*",),
        )


def received(server: WebServer) -> list[Received]:
    return [Received.of(head, body) for head, body in zip(server.requests, server.bodies, strict=True)]


async def ended(world: World) -> bool:
    return bool(
        await world.value(
            "SELECT count(*) > 0 AND bool_and(status <> 'waiting') AND NOT EXISTS"
            " (SELECT FROM domain_events WHERE NOT routed) FROM webhook_deliveries"
        )
    )


async def test_mail_comes_out_as_signed_events(settings: Settings, world: World) -> None:
    async with web_server(status(204)) as server:
        _, secret = await webhook_to(world, settings, server, "email.*")
        async with working(settings):
            await live(world)
            await until(lambda: ended(world))
    got = received(server)
    assert len({one.id for one in got}) == len(got) == 13
    assert all(one.is_signed(secret) for one in got)
    assert all(abs(one.timestamp - time.time()) < SECONDS for one in got)
    assert set(server.paths) == {"/hook?a=b"}
    assert {head.split(b" ", 1)[0] for head in server.requests} == {b"POST"}
    bounced = next(one for one in got if one.json["type"] == "email.bounced")
    assert bounced.id == f"evt_{bounced.json['data']['id']}"
    assert set(bounced.json) == {"type", "timestamp", "data"}
    assert bounced.json["data"]["recipient"] == "no@example.org"
    assert (bounced.json["data"]["bounce_type"], bounced.json["data"]["code"]) == ("hard", "5.1.1")
    assert bounced.json["timestamp"].endswith("Z")
    assert not bounced.is_signed("whsec_" + "A" * 43 + "=")


async def test_a_rotated_secret_and_the_old_one_sign(settings: Settings, world: World) -> None:
    async with web_server(status(200)) as server:
        webhook, first = await webhook_to(world, settings, server)
        rules = Rules(Vault(settings.secret_keys), anywhere=True)
        async with unit_of_work(world.engine) as write:
            now = await world.value("SELECT now()")
            _, second = await webhooks.rotate_secret(write, world.account.id, webhook.id, rules=rules, now=now)
        await world.happen(EventType.CONTACT_CREATED, address="jo@example.org")
        async with working(settings):
            await until(lambda: ended(world))
    [one] = received(server)
    assert len(one.signatures) == 2
    assert one.is_signed(first)
    assert one.is_signed(second)


@pytest.mark.parametrize(
    ("code", "error"), [(500, "HTTP status 500"), (302, "HTTP status 302"), (404, "HTTP status 404")]
)
async def test_all_but_2xx_is_tried_again_in_five_seconds(
    settings: Settings, world: World, code: int, error: str
) -> None:
    async with web_server(status(code)) as server:
        await webhook_to(world, settings, server)
        await world.happen(EventType.CONTACT_CREATED)
        async with working(settings):
            await until(lambda: _tried(world))
    query = "SELECT last_status, last_error, due_at BETWEEN now() AND now() + interval '5 s' FROM webhook_deliveries"
    assert tuple(await world.connection.fetchrow(query) or ()) == (code, error, True)
    assert len(server.requests) == 1


async def _tried(world: World) -> bool:
    return bool(await world.value("SELECT EXISTS (SELECT FROM webhook_deliveries WHERE attempts > 0)"))


async def test_410_ends_it(settings: Settings, world: World) -> None:
    async with web_server(status(410)) as server:
        webhook, _ = await webhook_to(world, settings, server)
        await world.happen(EventType.CONTACT_CREATED)
        async with working(settings):
            await until(lambda: ended(world))
    assert (await world.get(webhook)).status == "disabled"
    assert len(server.requests) == 1


async def test_private_networks_are_not_called(settings: Settings, world: World) -> None:
    async with web_server() as server:
        await webhook_to(world, settings, server)
        await world.happen(EventType.CONTACT_CREATED)
        async with working(settings, anywhere=False):
            await until(lambda: _tried(world))
    assert server.connections == 0
    assert "network" in await world.value("SELECT last_error FROM webhook_deliveries")


async def test_one_that_hangs_delays_nobody(settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebhookCalls, "timeout_seconds", 1.0)
    async with web_server(hang) as dead, web_server(status(200)) as server:
        hung, _ = await webhook_to(world, settings, dead)
        well, _ = await webhook_to(world, settings, server)
        await world.fill(hung, 500)
        await world.fill(well, 200)
        async with working(settings):
            await until(lambda: _all_delivered(world, well.id))
    assert dead.connections <= 12


async def _all_delivered(world: World, webhook_id: int) -> bool:
    query = "SELECT bool_and(status = 'delivered') FROM webhook_deliveries WHERE webhook_id = $1"
    return bool(await world.value(query, webhook_id))


async def test_an_event_that_is_gone_is_given_up(settings: Settings, world: World) -> None:
    async with web_server(status(200)) as server:
        webhook, _ = await webhook_to(world, settings, server)
        await world.happen(EventType.CONTACT_CREATED)
        await world.route()
        await world.connection.execute("DELETE FROM domain_events")
        async with working(settings):
            await until(lambda: ended(world))
    assert server.requests == []
    assert await world.value("SELECT last_error FROM webhook_deliveries") == webhook_calls.GONE
    async with reading(world.engine) as read:
        assert (await webhooks.get(read, world.account.id, webhook.id)).status == "active"

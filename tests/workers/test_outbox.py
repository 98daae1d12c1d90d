"""The outbox process: from an event to a customer's server, and what comes of servers that misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events
from app.core.events import Event, EventType
from app.db.engine import driver_connection
from app.db.sql import Connection
from app.db.unit_of_work import unit_of_work
from app.settings import Outbound, Postbacks, Settings
from tests.core.postbacks.world import World
from tests.factories import Factories
from tests.fixtures.database import administer, with_database
from tests.fixtures.web_server import Behaviour, Writer, answering, hang, reset, status, web_server
from workers import event_router, outbox, sender
from workers.event_router import EventRouter

QUERY = "e=@email&r=@bouncerule&t=@bouncetype&dc=@diagnostic&s=@status"
SECONDS = 20.0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that the loop beside brings about."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 it is the database that tells
            await asyncio.sleep(0.02)


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine) -> AsyncIterator[World]:
    async with driver_connection(engine) as connection:
        yield World(make, engine, connection)


@contextlib.asynccontextmanager
async def working(settings: Settings, *, seconds: float = 5.0, retries: int = 3) -> AsyncIterator[asyncio.Event]:
    """An outbox that works, and is stopped and awaited in the end."""
    groups = {
        "outbound": Outbound(allow_private_networks=True),
        "postbacks": Postbacks(timeout_seconds=seconds, retries=retries),
    }
    stopping = asyncio.Event()
    task = asyncio.create_task(outbox.work(settings.model_copy(update=groups), stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        async with asyncio.timeout(SECONDS):
            await task


async def bounce(world: World, recipient: str, **said: str) -> int:
    message_id = await world.copy(recipient)
    await world.happen(EventType.EMAIL_BOUNCED, message_id, recipient, **said)
    return message_id


async def nothing_waits(world: World) -> bool:
    return bool(await world.value("SELECT NOT EXISTS (SELECT FROM postbacks WHERE given_up_at IS NULL)"))


async def test_the_example_of_the_contract_arrives_when_the_report_shows_it(settings: Settings, world: World) -> None:
    seen: list[object] = []
    async with web_server() as server:

        async def look(_: bytes, writer: Writer) -> None:
            seen.append(await world.value("SELECT postback_at IS NULL FROM bounces"))
            await status(204)(b"", writer)

        server.behave = look
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/b?{QUERY}")
        async with working(settings):
            await bounce(world, "jo@example.org", code="5.0.0", diagnostic="550 5.0.0 no such user")
            await until(lambda: _told(world, 1))
    assert len(server.paths) == 1
    assert server.paths[0] == (
        "/b?e=jo%40example.org&r=emaildoesntexist&t=hard"
        "&dc=smtp%3B550%205.0.0%20no%20such%20user&s=5.0.0%28undefined%20status%29"
    )
    assert b"\r\nUser-Agent: Trireme\r\n" in server.requests[0]
    assert seen == [True], "readable, and not yet marked as told"
    assert await nothing_waits(world)


async def _told(world: World, count: int) -> bool:
    return bool(await world.value("SELECT count(postback_at) FROM bounces") == count)


async def flood(_: bytes, writer: Writer) -> None:
    """Answer well, with a body that does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (status(500), "HTTP status 500"),
        (status(404), "HTTP status 404"),
        (hang, "no answer in time"),
        (reset, "the connection was lost"),
        (answering(b"hello\r\n\r\n"), "the answer was no HTTP"),
    ],
    ids=["500", "404", "hang", "reset", "no-http"],
)
async def test_a_failure_is_kept_with_its_reason(
    settings: Settings, world: World, behave: Behaviour, error: str
) -> None:
    async with web_server(behave) as server:
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/")
        async with working(settings, seconds=0.3):
            await bounce(world, "jo@example.org")
            await until(lambda: _failed(world))
        row = await world.connection.fetchrow(
            "SELECT attempts, last_error, due_at BETWEEN now() + interval '40 s' AND now() + interval '60 s' FROM postbacks"
        )
    assert tuple(row or ()) == (1, error, True)
    # A connection that breaks may have been a kept one that had ended before: one more, at once.
    assert len(server.requests) <= (2 if behave is reset else 1)


async def _failed(world: World) -> bool:
    return bool(await world.value("SELECT EXISTS (SELECT FROM postbacks WHERE attempts > 0)"))


@pytest.mark.parametrize("behave", [flood, status(302), status(299)], ids=["endless", "redirect", "odd"])
async def test_a_success_is_one_whatever_comes_behind_it(settings: Settings, world: World, behave: Behaviour) -> None:
    async with web_server(behave) as server:
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/")
        async with working(settings):
            await bounce(world, "jo@example.org")
            await until(lambda: _told(world, 1))


async def test_private_networks_are_refused_unless_allowed(settings: Settings, world: World) -> None:
    async with web_server() as server:
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/")
        await bounce(world, "jo@example.org")
        stopping = asyncio.Event()
        task = asyncio.create_task(outbox.work(settings, stopping))
        await until(lambda: _failed(world))
        stopping.set()
        await task
    assert server.connections == 0
    assert "network" in await world.value("SELECT last_error FROM postbacks")


async def test_what_is_given_up_is_said(settings: Settings, world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with web_server(status(500)) as server:
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/?@email")
        async with working(settings, retries=0):
            await bounce(world, "jo@example.org")
            await until(lambda: _given_up(world))
    said = [record.getMessage() for record in caplog.records if "given up" in record.getMessage()]
    assert len(said) == 1
    assert f"http://127.0.0.1:{server.port}: HTTP status 500" in said[0]
    assert "jo" not in said[0], "whom it is about is nobody's business"


async def _given_up(world: World) -> bool:
    return bool(await world.value("SELECT EXISTS (SELECT FROM postbacks WHERE given_up_at IS NOT NULL)"))


async def test_a_dead_endpoint_delays_nobody(settings: Settings, world: World) -> None:
    async with web_server(hang) as dead, web_server() as server:
        await world.open()
        await world.fill(f"http://127.0.0.1:{dead.port}", 1000, url=f"http://127.0.0.1:{dead.port}/")
        await world.fill(f"http://127.0.0.1:{server.port}", 300, url=f"http://127.0.0.1:{server.port}/")
        async with working(settings, seconds=1.0):
            await until(lambda: _left(world, server.port, 0))
            assert dead.connections <= 8
            assert await world.value("SELECT count(*) FROM postbacks") == 1000


async def _left(world: World, port: int, count: int) -> bool:
    return bool(await world.value(f"SELECT count(*) FROM postbacks WHERE endpoint LIKE '%:{port}'") == count)  # noqa: S608


async def test_an_open_call_ends_and_is_recorded_before_the_process_does(settings: Settings, world: World) -> None:
    called, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(_: bytes, writer: Writer) -> None:
        called.set()
        await may_answer.wait()
        await status(200)(b"", writer)

    async with web_server(wait) as server:
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/")
        async with working(settings) as stopping:
            await bounce(world, "jo@example.org")
            await called.wait()
            stopping.set()
            may_answer.set()
    assert await _told(world, 1)


async def test_nothing_is_lost_while_the_database_is_away(
    settings: Settings, world: World, database_server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes while a call is open; the result is recorded when it is back, and the call is not made again."""
    monkeypatch.setattr(sender, "AWAY_SECONDS", 0.05)
    monkeypatch.setattr(event_router, "AWAY_SECONDS", 0.05)
    called, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(_: bytes, writer: Writer) -> None:
        called.set()
        await may_answer.wait()
        await status(200)(b"", writer)

    name = make_url(settings.database_url).database
    postgres = with_database(database_server_url, "postgres")
    async with web_server(wait) as server:
        await world.open(bounce_url=f"http://127.0.0.1:{server.port}/")
        async with working(settings):
            await bounce(world, "jo@example.org")
            await called.wait()
            await administer(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            ours = await world.value("SELECT pg_backend_pid()")
            await administer(
                postgres,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608
                f" WHERE datname = '{name}' AND pid <> {ours}",
            )
            may_answer.set()
            await asyncio.sleep(0.3)  # while it is away
            assert not await _told(world, 1)
            await administer(postgres, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await until(lambda: _told(world, 1))
    assert len(server.requests) == 1


async def test_an_event_that_nobody_can_route_is_set_aside(
    world: World, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_router, "POLL_SECONDS", 0.01)
    await world.open()
    for number in range(5):
        async with unit_of_work(engine) as write:
            await events.emit(write, world.account.id, EventType.CONTACT_CREATED, contact_id=number)
    routed: list[int | None] = []

    async def consume(_: Connection, taken: Sequence[Event]) -> None:
        if any(event.contact_id == 2 for event in taken):
            raise ValueError("a mistake")
        routed.extend(event.contact_id for event in taken)

    stopping = asyncio.Event()
    router = EventRouter(engine, on_routed=lambda: None, consumers=(consume,))
    task = asyncio.create_task(router.run(stopping))
    await until(lambda: _all_routed(world))
    stopping.set()
    await task
    assert sorted(routed, key=str) == [0, 1, 3, 4]
    assert [record for record in caplog.records if "set aside" in record.getMessage()]


async def _all_routed(world: World) -> bool:
    return bool(await world.value("SELECT NOT EXISTS (SELECT FROM domain_events WHERE NOT routed)"))


async def test_routers_share_the_work(world: World, engine: AsyncEngine) -> None:
    await world.open()
    async with unit_of_work(engine) as write:
        for number in range(50):
            await events.emit(write, world.account.id, EventType.CONTACT_CREATED, contact_id=number)
    routed: list[int | None] = []

    async def consume(_: Connection, taken: Sequence[Event]) -> None:
        routed.extend(event.contact_id for event in taken)

    routers = [EventRouter(engine, on_routed=lambda: None, consumers=(consume,)) for _ in range(3)]
    with contextlib.suppress(asyncpg.PostgresError):
        while any(await asyncio.gather(*(router.route(10) for router in routers))):
            pass
    assert sorted(number for number in routed if number is not None) == list(range(50))

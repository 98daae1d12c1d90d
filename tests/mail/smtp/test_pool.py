"""Pools: reuse, limits, order, failing hosts, retries, closing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import Host, Route
from tests.fixtures.smtp_server import DROP, EXTENSIONS, STALL, SmtpServer, reply_and_drop
from tests.mail.smtp.kit import job, route_to


@asynccontextmanager
async def pool_to(
    route: Route | SmtpServer,
    *,
    connections: int = 3,
    max_per_connection: int = 100,
    idle_seconds: float = 5.0,
    reply_timeout: float = 5.0,
) -> AsyncIterator[Pool]:
    pool = Pool(
        route_to(route) if isinstance(route, SmtpServer) else route,
        connections=connections,
        helo_name="mail.example.com",
        connect_timeout=2.0,
        reply_timeout=reply_timeout,
        max_per_connection=max_per_connection,
        idle_seconds=idle_seconds,
    )
    try:
        yield pool
    finally:
        await pool.close(grace_seconds=1.0)


async def send_all(pool: Pool, count: int) -> list[Outcome]:
    return await asyncio.gather(*[pool.send(job(f"r{number}@example.org")) for number in range(count)])


@pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS[1:]], ids=["pipelined", "sequential"])
async def test_every_message_arrives_once_over_few_sessions(extensions: tuple[str, ...]) -> None:
    async with SmtpServer(extensions=extensions) as server, pool_to(server) as pool:
        outcomes = await send_all(pool, 50)
        assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
        assert sorted(message.recipient for message in server.messages) == sorted(
            f"r{n}@example.org" for n in range(50)
        )
        assert server.connections == 3
        await send_all(pool, 5)
        assert server.connections == 3


async def test_messages_leave_in_the_order_they_came() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as pool:
        await send_all(pool, 20)
        assert [message.recipient for message in server.messages] == [f"r{n}@example.org" for n in range(20)]


async def test_each_caller_gets_the_outcome_of_its_own_message() -> None:
    async with SmtpServer() as server, pool_to(server, connections=2) as pool:
        for number in range(0, 30, 3):
            server.on("rcpt", f"550 5.1.1 no r{number}", match=f"<r{number}@")
        outcomes = await send_all(pool, 30)
        for number, outcome in enumerate(outcomes):
            assert (outcome.status == Status.REJECTED) == (number % 3 == 0)
            assert number % 3 or outcome.reply.endswith(f"r{number}")
        assert len(server.messages) == 20


async def test_a_session_is_replaced_after_its_share() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1, max_per_connection=4) as pool:
        await send_all(pool, 10)
        assert server.connections == 3
        assert [message.session for message in server.messages] == [1] * 4 + [2] * 4 + [3] * 2


async def test_an_idle_session_is_closed() -> None:
    async with SmtpServer() as server, pool_to(server, idle_seconds=0.05) as pool:
        await send_all(pool, 1)
        async with asyncio.timeout(5):
            while server.open_connections:  # noqa: ASYNC110 the server has nobody to tell
                await asyncio.sleep(0.01)
        assert server.commands[-1] == "QUIT"
        assert (await pool.send(job())).status == Status.DELIVERED
        assert server.connections == 2


@pytest.mark.parametrize("answer", [DROP, reply_and_drop("421 4.4.2 Idle too long")])
async def test_a_stale_session_is_replaced_without_the_caller_noticing(answer: str) -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as pool:
        await send_all(pool, 1)
        server.on("mail", answer, times=1)
        assert (await pool.send(job())).status == Status.DELIVERED
        assert server.connections == 2


async def test_a_message_is_tried_again_only_once() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as pool:
        await send_all(pool, 1)
        server.on("mail", DROP)
        assert (await pool.send(job())).status == Status.DEFERRED
        assert server.connections == 2


async def test_what_was_behind_a_broken_message_is_not_lost() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as pool:
        server.on("dot", DROP, times=1, match="r2@")
        outcomes = await send_all(pool, 6)
        assert [outcome.status for outcome in outcomes] == [Status.DELIVERED] * 2 + [Status.IN_DOUBT] + [
            Status.DELIVERED
        ] * 3


async def test_the_next_host_is_tried_and_the_failing_one_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with SmtpServer() as server:
            hosts = (
                Host("bad.example", taken.getsockname()[1], "127.0.0.1"),
                Host("good.example", server.port, "127.0.0.1"),
            )
            async with pool_to(Route("test", hosts)) as pool:
                outcomes = await send_all(pool, 6)
                assert {(outcome.status, outcome.host) for outcome in outcomes} == {(Status.DELIVERED, "good.example")}


async def test_without_any_host_everything_is_deferred_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with pool_to(Route("test", (Host("127.0.0.1", taken.getsockname()[1]),))) as pool:
            outcomes = await send_all(pool, 100)
            assert {(outcome.status, outcome.code, outcome.enhanced) for outcome in outcomes} == {
                (Status.DEFERRED, 0, "4.4.1")
            }
            assert all(outcome.reply for outcome in outcomes)


async def test_a_server_that_allows_fewer_sessions_gets_fewer() -> None:
    async with SmtpServer() as server, pool_to(server, connections=5) as pool:
        await send_all(pool, 1)
        server.on("connect", reply_and_drop("421 4.7.0 Too many connections"))
        outcomes = await send_all(pool, 40)
        assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
        assert {message.session for message in server.messages} == {1}
        assert server.connections <= 6


async def test_a_cancelled_caller_takes_its_waiting_message_along() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1, reply_timeout=0.3) as pool:
        server.on("mail", STALL, match="", times=1)
        first = asyncio.create_task(pool.send(job("a@example.org")))
        second = asyncio.create_task(pool.send(job("b@example.org")))
        third = asyncio.create_task(pool.send(job("c@example.org")))
        await server.connected.wait()
        second.cancel()
        assert (await first).status == Status.DEFERRED
        assert (await third).status == Status.DELIVERED
        assert [message.recipient for message in server.messages] == ["c@example.org"]


async def test_closing_defers_what_waits_and_finishes_what_has_begun() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as pool:
        begun = asyncio.Event()
        first = asyncio.create_task(pool.send(job("a@example.org", before=begun.set)))
        waiting = asyncio.create_task(pool.send(job("b@example.org")))
        waiting_too = asyncio.create_task(pool.send(job("c@example.org")))
        await begun.wait()
        await pool.close()
        assert (await first).status == Status.DELIVERED
        assert {(await waiting).status, (await waiting_too).status} <= {Status.DEFERRED, Status.DELIVERED}
        assert (await waiting_too).enhanced == "4.3.2"
        assert (await pool.send(job())).enhanced == "4.3.2"
        async with asyncio.timeout(5):
            while server.open_connections:  # noqa: ASYNC110 the server has nobody to tell
                await asyncio.sleep(0.01)


async def test_closing_does_not_wait_for_ever() -> None:
    async with SmtpServer() as server, pool_to(server, connections=2) as pool:
        server.on("dot", STALL, match="a@")
        server.on("mail", STALL)
        begun = asyncio.Event()
        server.clear()
        server.on("dot", STALL)
        stuck = asyncio.create_task(pool.send(job("a@example.org", before=begun.set)))
        await begun.wait()
        await pool.close(grace_seconds=0.05)
        assert (await stuck).status == Status.IN_DOUBT

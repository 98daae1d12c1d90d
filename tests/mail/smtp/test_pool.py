"""Pools: reuse, limits, order, failing hosts, retries, closing."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import Host, Route
from tests.fixtures.smtp_server import DROP, EXTENSIONS, STALL, SmtpServer, reply_and_drop
from tests.mail.smtp.kit import Mail, Stock, job, route_to


class Sending:
    """A pool and its source."""

    def __init__(self, pool: Pool, stock: Stock) -> None:
        self.pool = pool
        self.stock = stock

    def put(self, *messages: Mail) -> None:
        self.stock.waiting.extend(messages)
        self.pool.wake()

    async def send_all(self, messages: Sequence[Mail]) -> list[Outcome]:
        self.put(*messages)
        await self.stock.done()
        assert self.pool.under_way == 0
        return [self.stock.outcomes[message] for message in messages]

    async def send(self, message: Mail) -> Outcome:
        [outcome] = await self.send_all([message])
        return outcome


@asynccontextmanager
async def pool_to(
    route: Route | SmtpServer,
    *,
    connections: int = 3,
    max_per_connection: int = 100,
    idle_seconds: float = 5.0,
    reply_timeout: float = 5.0,
) -> AsyncIterator[Sending]:
    stock = Stock()
    pool = Pool(
        route_to(route) if isinstance(route, SmtpServer) else route,
        stock,
        connections=connections,
        helo_name="mail.example.com",
        connect_timeout=2.0,
        reply_timeout=reply_timeout,
        max_per_connection=max_per_connection,
        idle_seconds=idle_seconds,
    )
    try:
        yield Sending(pool, stock)
    finally:
        await pool.close(grace_seconds=1.0)
        assert (pool.live, pool.under_way, stock.open) == (0, 0, 0)


async def send_all(sending: Sending, count: int) -> list[Outcome]:
    return await sending.send_all([job(f"r{number}@example.org") for number in range(count)])


@pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS[1:]], ids=["pipelined", "sequential"])
async def test_every_message_arrives_once_over_few_sessions(extensions: tuple[str, ...]) -> None:
    async with SmtpServer(extensions=extensions) as server, pool_to(server) as sending:
        outcomes = await send_all(sending, 50)
        assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
        assert sorted(message.recipient for message in server.messages) == sorted(
            f"r{n}@example.org" for n in range(50)
        )
        assert server.connections == 3
        await send_all(sending, 5)
        assert server.connections == 3


async def test_messages_leave_in_the_order_they_came() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as sending:
        await send_all(sending, 20)
        assert [message.recipient for message in server.messages] == [f"r{n}@example.org" for n in range(20)]


async def test_each_caller_gets_the_outcome_of_its_own_message() -> None:
    async with SmtpServer() as server, pool_to(server, connections=2) as sending:
        for number in range(0, 30, 3):
            server.on("rcpt", f"550 5.1.1 no r{number}", match=f"<r{number}@")
        outcomes = await send_all(sending, 30)
        for number, outcome in enumerate(outcomes):
            assert (outcome.status == Status.REJECTED) == (number % 3 == 0)
            assert number % 3 or outcome.reply.endswith(f"r{number}")
        assert len(server.messages) == 20


async def test_a_session_is_replaced_after_its_share() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1, max_per_connection=4) as sending:
        await send_all(sending, 10)
        assert server.connections == 3
        assert [message.session for message in server.messages] == [1] * 4 + [2] * 4 + [3] * 2


async def test_an_idle_session_is_closed() -> None:
    async with SmtpServer() as server, pool_to(server, idle_seconds=0.05) as sending:
        await send_all(sending, 1)
        async with asyncio.timeout(5):
            while server.open_connections:  # noqa: ASYNC110 the server has nobody to tell
                await asyncio.sleep(0.01)
        assert server.commands[-1] == "QUIT"
        assert (await sending.send(job())).status == Status.DELIVERED
        assert server.connections == 2


@pytest.mark.parametrize("answer", [DROP, reply_and_drop("421 4.4.2 Idle too long")])
async def test_a_stale_session_is_replaced_without_the_caller_noticing(answer: str) -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as sending:
        await send_all(sending, 1)
        server.on("mail", answer, times=1)
        assert (await sending.send(job())).status == Status.DELIVERED
        assert server.connections == 2


async def test_a_message_is_tried_again_only_once() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as sending:
        await send_all(sending, 1)
        server.on("mail", DROP)
        assert (await sending.send(job())).status == Status.DEFERRED
        assert server.connections == 2


async def test_what_was_behind_a_broken_message_is_not_lost() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as sending:
        server.on("dot", DROP, times=1, match="r2@")
        outcomes = await send_all(sending, 6)
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
            async with pool_to(Route("test", hosts)) as sending:
                outcomes = await send_all(sending, 6)
                assert {(outcome.status, outcome.host) for outcome in outcomes} == {(Status.DELIVERED, "good.example")}


async def test_without_any_host_everything_is_deferred_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with pool_to(Route("test", (Host("127.0.0.1", taken.getsockname()[1]),))) as sending:
            outcomes = await send_all(sending, 100)
            assert {(outcome.status, outcome.code, outcome.enhanced) for outcome in outcomes} == {
                (Status.DEFERRED, 0, "4.4.1")
            }
            assert all(outcome.reply for outcome in outcomes)


async def test_a_server_that_allows_fewer_sessions_gets_fewer() -> None:
    async with SmtpServer() as server, pool_to(server, connections=5) as sending:
        await send_all(sending, 1)
        server.on("connect", reply_and_drop("421 4.7.0 Too many connections"))
        outcomes = await send_all(sending, 40)
        assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
        assert {message.session for message in server.messages} == {1}
        assert server.connections <= 6


async def test_closing_gives_back_what_waits_and_finishes_what_has_begun() -> None:
    async with SmtpServer() as server, pool_to(server, connections=1) as sending:
        begun = asyncio.Event()
        messages = [job("a@example.org", before=begun.set), *(job(f"{n}@example.org") for n in range(3))]
        sending.put(*messages)
        await begun.wait()
        await sending.pool.close()
        assert sending.stock.outcomes[messages[0]].status == Status.DELIVERED
        settled = [message for message in messages if message in sending.stock.outcomes]
        assert len(settled) + len(sending.stock.given_back) + len(sending.stock.waiting) == 4
        assert {sending.stock.outcomes[message].status for message in settled} == {Status.DELIVERED}
        assert [message.recipient for message in server.messages] == [message.recipient for message in settled]
        sending.put(job())
        assert len(sending.stock.taken) < 5
        async with asyncio.timeout(5):
            while server.open_connections:  # noqa: ASYNC110 the server has nobody to tell
                await asyncio.sleep(0.01)


async def test_closing_does_not_wait_for_ever() -> None:
    async with SmtpServer() as server, pool_to(server, connections=2) as sending:
        server.on("dot", STALL)
        server.on("mail", STALL, match="never")
        begun = asyncio.Event()
        stuck, unbegun = job("a@example.org", before=begun.set), job(sender="never@example.com")
        sending.put(stuck, unbegun)
        await begun.wait()
        await sending.pool.close(grace_seconds=0.05)
        assert sending.stock.outcomes[stuck].status == Status.IN_DOUBT
        assert sending.stock.given_back == [unbegun]


async def test_closing_while_sessions_are_being_opened_gives_everything_back() -> None:
    async with SmtpServer() as server, pool_to(server) as sending:
        server.on("connect", STALL)
        messages = [job(f"r{n}@example.org") for n in range(5)]
        sending.put(*messages)
        assert sending.pool.under_way == 3
        await sending.pool.close(grace_seconds=0.05)
        assert sending.stock.given_back == messages[:3]


async def test_a_withdrawn_message_is_not_sent_and_the_others_are() -> None:
    async with SmtpServer() as server, pool_to(server, connections=2) as sending:
        messages = [job(f"r{number}@example.org") for number in range(20)]
        for message in messages[::4]:
            message.withdrawn = True
        sending.put(*messages)
        await sending.stock.done()
        assert sorted(map(id, sending.stock.given_back)) == sorted(map(id, messages[::4]))
        assert len(server.messages) == len(sending.stock.outcomes) == 15


async def test_fewer_and_more_sessions_at_run_time() -> None:
    async with SmtpServer() as server, pool_to(server, connections=4) as sending:
        await send_all(sending, 40)
        assert sending.pool.live == 4
        sending.pool.resize(connections=1)
        assert sending.pool.live == 1
        await send_all(sending, 10)
        assert (sending.pool.live, server.connections) == (1, 4)
        sending.pool.resize(connections=0)
        assert sending.pool.live == 0
        sending.put(*(job(f"s{number}@example.org") for number in range(10)))
        assert sending.pool.under_way == 0
        sending.pool.resize(connections=2, max_per_connection=3)
        await sending.stock.done()
        assert server.connections >= 8
        assert max(Counter(message.session for message in server.messages[50:]).values()) == 3


async def test_resizing_in_full_flight_loses_nothing() -> None:
    async with SmtpServer() as server, pool_to(server, connections=4) as sending:
        messages = [job(f"r{number}@example.org") for number in range(100)]
        messages[30].before = lambda: sending.pool.resize(connections=1)
        messages[60].before = lambda: sending.pool.resize(connections=3)
        outcomes = await sending.send_all(messages)
        assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
        assert sending.pool.live == 3
        assert len(server.messages) == 100


async def test_a_message_the_server_can_not_take_does_not_use_a_session_up() -> None:
    async with SmtpServer(extensions=("PIPELINING",)) as server, pool_to(server, connections=1) as sending:
        outcomes = await sending.send_all([job("jörg@example.org") for _ in range(250)] + [job()])
        assert [outcome.status for outcome in outcomes] == [Status.REJECTED] * 250 + [Status.DELIVERED]
        assert server.connections == 1


async def test_a_route_that_was_looked_up_anew_leads_the_next_session() -> None:
    async with SmtpServer() as old, SmtpServer() as new:
        stock = Stock()
        pool = Pool(
            route_to(old),
            stock,
            connections=1,
            helo_name="x.example",
            connect_timeout=2,
            reply_timeout=2,
            max_per_connection=1,
        )
        stock.waiting.append(job("a@example.org"))
        pool.wake()
        await stock.done()
        pool.route = route_to(new)
        stock.waiting.append(job("b@example.org"))
        pool.wake()
        await stock.done()
        await pool.close(1)
    assert [message.recipient for message in old.messages] == ["a@example.org"]
    assert [message.recipient for message in new.messages] == ["b@example.org"]

"""Opening sessions: greeting, TLS, AUTH, and every way it can fail."""

import asyncio
import socket

import pytest

from app.mail.smtp import dial as dialling
from app.mail.smtp.dial import CannotBind, dial
from app.mail.smtp.opening import Opened, open_session
from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.routes import Host, Route, relay_routes
from tests.fixtures.smtp_server import DROP, STALL, SmtpServer, reply_and_drop
from tests.mail.smtp.kit import job, open_to, refused_by, route_to, try_open


@pytest.mark.parametrize("tls", ["opportunistic", "required"])
async def test_starttls_is_used_when_offered(tls: str) -> None:
    async with SmtpServer(starttls=True) as server:
        connection = await open_to(route_to(server, "required" if tls == "required" else "opportunistic"))
        for _ in range(2):
            assert (await connection.send(job())).status == Status.DELIVERED
        assert server.messages[0].tls
        connection.close()


async def test_implicit_tls() -> None:
    async with SmtpServer(implicit_tls=True) as server:
        route = Route("test", (Host("localhost", server.port),), "implicit")
        connection = await open_to(route)
        assert (await connection.send(job())).status == Status.DELIVERED
        assert server.messages[0].tls
        connection.close()


async def test_starttls_is_left_alone_when_not_wanted() -> None:
    async with SmtpServer(starttls=True) as server:
        connection = await open_to(route_to(server, "none"))
        assert (await connection.send(job())).status == Status.DELIVERED
        assert not server.messages[0].tls
        connection.close()


async def test_required_tls_that_is_missing_or_wrong_defers() -> None:
    async with SmtpServer() as server:
        outcome = await refused_by(route_to(server, "required"))
        assert (outcome.status, outcome.enhanced) == (Status.DEFERRED, "4.4.2")
        assert "STARTTLS" in outcome.reply
    async with SmtpServer(starttls=True) as server:
        wrong = Route("test", (Host("other.example", server.port, server.host),), "required")
        assert (await refused_by(wrong)).enhanced == "4.4.2"


@pytest.mark.parametrize("answer", ["454 4.7.0 TLS not available", DROP])
async def test_opportunistic_tls_falls_back_to_none(answer: str) -> None:
    async with SmtpServer(starttls=True) as server:
        server.on("starttls", answer)
        connection = await open_to(route_to(server))
        assert (await connection.send(job())).status == Status.DELIVERED
        assert not server.messages[0].tls
        connection.close()


async def test_auth() -> None:
    async with SmtpServer(starttls=True, users={"jo": "sécret"}) as server:
        connection = await open_to(route_to(server, "required", "jo", "sécret"))
        assert (await connection.send(job())).status == Status.DELIVERED
        assert server.messages[0].user == "jo"
        connection.close()
        outcome = await refused_by(route_to(server, "required", "jo", "wrong"))
        assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DEFERRED, 535, "5.7.8")
        assert "wrong" not in outcome.reply.lower().replace("wrong name or password", "")


@pytest.mark.parametrize(
    ("stage", "answer", "code", "enhanced"),
    [
        ("connect", "421 4.7.0 Too many connections", 421, "4.7.0"),
        ("connect", reply_and_drop("554 5.7.1 Go away"), 554, "5.7.1"),
        ("connect", DROP, 0, "4.4.2"),
        ("connect", "what is this", 0, "4.5.0"),
        ("ehlo", DROP, 0, "4.4.2"),
        ("connect", STALL, 0, "4.4.1"),
        ("ehlo", STALL, 0, "4.4.1"),
    ],
)
async def test_a_server_that_does_not_get_ready_defers(stage: str, answer: str, code: int, enhanced: str) -> None:
    async with SmtpServer() as server:
        server.on(stage, answer)
        outcome = await refused_by(route_to(server), connect_timeout=0.3)
        assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DEFERRED, code, enhanced)
        assert outcome.host == "sink.example"


async def test_an_old_server_is_greeted_with_helo() -> None:
    async with SmtpServer() as server:
        server.on("ehlo", "502 5.5.1 What?")
        connection = await open_to(route_to(server))
        assert (await connection.send(job())).status == Status.DELIVERED
        assert server.messages[0].mail_options == ""
        connection.close()


async def test_a_refused_connection_defers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        route = Route("test", (Host("127.0.0.1", taken.getsockname()[1]),))
        outcome = await refused_by(route)
    assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DEFERRED, 0, "4.4.1")
    assert outcome.reply


async def test_opening_can_be_cancelled() -> None:
    async with SmtpServer() as server:
        server.on("connect", STALL)
        task = asyncio.create_task(try_open(route_to(server)))
        await server.connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_host_may_have_wishes_and_credentials_of_its_own() -> None:
    async with SmtpServer(users={"jo": "x"}) as server:
        url = f"smtp://jo:x@127.0.0.1:{server.port}?tls=none"
        route = relay_routes(f"{url},smtp://other.example?priority=1&tls=required")
        opened = await open_session(route, route.order()[0], helo_name="mail.example.com", timeout_seconds=5)
        assert isinstance(opened, Opened)
        opened.smtp.close()
        assert any(command.startswith("AUTH") for command in server.commands)
        strict = Host("other.example", server.port, server.host, tls="required")
        outcome = await open_session(route, strict, helo_name="mail.example.com", timeout_seconds=5)
        assert isinstance(outcome, Outcome)
        assert "STARTTLS" in outcome.reply


@pytest.mark.parametrize("source", ["127.0.0.7", " ::1, 127.0.0.7"])
async def test_the_source_address_is_chosen_by_family(source: str) -> None:
    async with SmtpServer() as server:
        opened = await open_session(
            route_to(server), route_to(server).hosts[0], helo_name="h", timeout_seconds=5, source_address=source
        )
        assert isinstance(opened, Opened)
        assert opened.smtp.get_transport_info("sockname")[0] == "127.0.0.7"
        opened.smtp.close()
        other = await dial(server.host, server.port, source_address="::1")  # none of IPv4: the system chooses
        assert other.getsockname()[0] == "127.0.0.1"
        other.close()


@pytest.mark.parametrize("source", ["203.0.113.1", "203.0.113.1,203.0.113.2"])
async def test_an_address_that_is_not_ours_is_our_own_error(source: str) -> None:
    async with SmtpServer() as server:
        route = route_to(server)
        outcome = await open_session(route, route.hosts[0], helo_name="h", timeout_seconds=5, source_address=source)
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DEFERRED, 0, "4.3.0")
        assert "can not send from 203.0.113." in outcome.reply
        assert server.connections == 0
        with pytest.raises(CannotBind):
            await dial(server.host, server.port, source_address=source)


async def test_a_name_without_address_or_a_bad_source_defers() -> None:
    for host, source in ((Host("nowhere.invalid", 25), ""), (Host("localhost", 9, "127.0.0.1"), "not an address")):
        outcome = await open_session(Route("x", (host,)), host, helo_name="h", timeout_seconds=5, source_address=source)
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.enhanced) == (Status.DEFERRED, "4.4.1")


async def test_an_address_that_swallows_packets_costs_a_short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "IPV4_SECONDS", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting: list[socket.socket] = []
        try:
            for _ in range(4):  # fill the backlog; further ones get no answer
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
                waiting.append(one)
            host = Host("full.example", port, "127.0.0.1")
            outcome = await open_session(Route("x", (host,)), host, helo_name="h", timeout_seconds=30)
        finally:
            for one in waiting:
                one.close()
    assert isinstance(outcome, Outcome)
    assert (outcome.enhanced, outcome.reply) == ("4.4.1", f"no answer from 127.0.0.1 port {port}")

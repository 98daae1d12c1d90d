"""Routes: relay URLs, and MX look-ups against a small DNS server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.routes import Host, MxResolver, Route, relay_route


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("smtp://127.0.0.1:1025", Route("relay:127.0.0.1:1025", (Host("127.0.0.1", 1025),), "opportunistic")),
        ("smtp://relay.example", Route("relay:relay.example:25", (Host("relay.example", 25),), "opportunistic")),
        ("smtps://relay.example/", Route("relay:relay.example:465", (Host("relay.example", 465),), "implicit")),
        (
            "smtp://jo:s%40e%3Ac%2F@relay.example:587",
            Route("relay:relay.example:587", (Host("relay.example", 587),), "required", "jo", "s@e:c/"),
        ),
        (
            "smtp://jo:x@localhost:587",
            Route("relay:localhost:587", (Host("localhost", 587),), "opportunistic", "jo", "x"),
        ),
        ("smtp://jo:x@10.0.0.1?tls=none", Route("relay:10.0.0.1:25", (Host("10.0.0.1", 25),), "none", "jo", "x")),
        ("smtp://[::1]:25?tls=required", Route("relay:::1:25", (Host("::1", 25),), "required")),
    ],
)
def test_relay_urls(url: str, route: Route) -> None:
    assert relay_route(url) == route


@pytest.mark.parametrize(
    "url",
    [
        "", "relay.example", "http://relay.example", "smtp://", "smtp://:25", "smtp://h:99999", "smtp://h:x", "smtp://h:0", "smtp://h/path",
        "smtp://jo@h", "smtp://:secret@h", "smtp://h?tls=maybe", "smtp://h?x=1", "smtps://h?tls=none", "smtp://h#x", "smtp://[::1",
    ],
)  # fmt: skip
def test_bad_relay_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ValueError, match="relay URL") as caught:
        relay_route(url)
    assert "secret" not in str(caught.value)


ZONE = {
    ("good.test.", "MX"): ["20 mx2.good.test.", "10 mx1.good.test."],
    ("mx1.good.test.", "A"): ["192.88.0.1", "192.88.0.2"],
    ("mx2.good.test.", "A"): ["192.88.0.3"],
    ("mx2.good.test.", "AAAA"): ["2a00::1"],
    ("null.test.", "MX"): ["0 ."],
    ("only-a.test.", "A"): ["192.88.0.9"],
    ("empty.test.", "TXT"): ["x"],
    ("private.test.", "MX"): ["10 mx.private.test."],
    ("mx.private.test.", "A"): ["127.0.0.1", "10.1.2.3"],
    ("mixed.test.", "MX"): ["10 mx.private.test.", "20 mx2.good.test."],
    ("dangling.test.", "MX"): ["10 gone.test."],
    ("broken-hosts.test.", "MX"): ["10 servfail.test."],
}


class Dns(asyncio.DatagramProtocol):
    """Answers from ZONE; `servfail.test` fails and `silent.test` says nothing."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.questions.append(f"{name} {kind}")
        if name == "silent.test.":
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        values = ZONE.get((name, kind))
        if values:
            answer.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *values))
        elif name == "servfail.test.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not any(known == name for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def resolving(**options: bool | int) -> AsyncIterator[tuple[MxResolver, Dns, Clock]]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(Dns, local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    clock = Clock()
    allow_private = bool(options.get("allow_private", False))
    cache_size = int(options.get("cache_size", 100))
    try:
        yield (
            MxResolver(resolver, allow_private=allow_private, timeout_seconds=0.5, cache_size=cache_size, now=clock),
            server,
            clock,
        )
    finally:
        transport.close()


@pytest.fixture
async def mx() -> AsyncIterator[MxResolver]:
    async with resolving() as (resolver, _, _):
        yield resolver


async def test_mx_hosts_come_in_order_with_their_addresses(mx: MxResolver) -> None:
    route = await mx.route("good.test")
    assert isinstance(route, Route)
    assert [host.name for host in route.hosts] == ["mx1.good.test"] * 2 + ["mx2.good.test"] * 2
    assert {host.address for host in route.hosts[:2]} == {"192.88.0.1", "192.88.0.2"}
    assert [(host.address, host.port) for host in route.hosts[2:]] == [("192.88.0.3", 25), ("2a00::1", 25)]
    assert (route.key, route.tls) == ("mx:mx1.good.test,mx2.good.test:25", "opportunistic")


async def test_without_mx_the_domain_itself_is_the_host(mx: MxResolver) -> None:
    route = await mx.route("only-a.test")
    assert isinstance(route, Route)
    assert route.hosts == (Host("only-a.test", 25, "192.88.0.9"),)


@pytest.mark.parametrize(
    ("domain", "status", "enhanced"),
    [
        ("nowhere.test", Status.REJECTED, "5.1.2"),
        ("null.test", Status.REJECTED, "5.1.10"),
        ("empty.test", Status.REJECTED, "5.1.2"),
        ("private.test", Status.REJECTED, "5.4.4"),
        ("dangling.test", Status.DEFERRED, "4.4.4"),
        ("broken-hosts.test", Status.DEFERRED, "4.4.3"),
        ("servfail.test", Status.DEFERRED, "4.4.3"),
        ("silent.test", Status.DEFERRED, "4.4.3"),
        ("a" * 64 + ".test", Status.REJECTED, "5.1.2"),
        ("a..test", Status.REJECTED, "5.1.2"),
    ],
)
async def test_domains_without_a_route(mx: MxResolver, domain: str, status: Status, enhanced: str) -> None:
    outcome = await mx.route(domain)
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.code, outcome.enhanced) == (status, 0, enhanced)


async def test_private_addresses_are_left_out_unless_allowed() -> None:
    async with resolving() as (mx, _, _):
        route = await mx.route("mixed.test")
        assert isinstance(route, Route)
        assert {host.name for host in route.hosts} == {"mx2.good.test"}
    async with resolving(allow_private=True) as (mx, _, _):
        route = await mx.route("private.test")
        assert isinstance(route, Route)
        assert {host.address for host in route.hosts} == {"127.0.0.1", "10.1.2.3"}


async def test_answers_are_remembered_for_their_time() -> None:
    async with resolving(cache_size=2) as (mx, server, clock):
        first, second = await asyncio.gather(mx.route("good.test"), mx.route("good.test"))
        assert first is second
        assert server.questions.count("good.test. MX") == 1
        clock.now += 299
        assert await mx.route("good.test") is first
        clock.now += 2
        await mx.route("good.test")
        assert server.questions.count("good.test. MX") == 2
        for domain in ("null.test", "only-a.test", "good.test"):
            await mx.route(domain)
        assert server.questions.count("good.test. MX") == 3  # only two domains are kept


async def test_a_caller_that_gives_up_does_not_disturb_the_others(mx: MxResolver) -> None:
    first = asyncio.create_task(mx.route("good.test"))
    second = asyncio.create_task(mx.route("good.test"))
    await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Route)

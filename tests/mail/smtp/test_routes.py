"""MX look-ups against a small DNS server: which hosts, in which order, for how long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.mail.smtp.lookups import dns_resolver, is_public
from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.routes import Host, MxResolver, Route
from tests.fixtures.dns_server import DnsServer

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
    ("six.test.", "MX"): ["10 mx.six.test."],
    ("mx.six.test.", "AAAA"): ["2a00::6"],
    ("six-a.test.", "AAAA"): ["2a00::7"],
    ("alias.test.", "CNAME"): ["good.test."],
    ("to-alias.test.", "MX"): ["10 mx.to-alias.test."],
    ("mx.to-alias.test.", "CNAME"): ["mx2.good.test."],
    ("loop-alias.test.", "CNAME"): ["loop-alias.test."],
    ("equal.test.", "MX"): ["10 mx2.good.test.", "10 only-a.test."],
    ("many.test.", "MX"): [f"10 mx{n}.many.test." for n in range(20)],
    **{(f"mx{n}.many.test.", "A"): [f"192.88.1.{n}"] for n in range(20)},
    ("huge.test.", "A"): [f"192.88.2.{n}" for n in range(30)],
    ("huge.test.", "AAAA"): [f"2a00::2:{n:x}" for n in range(20)],
    ("half.test.", "AAAA"): ["2a00::8"],
    ("mail.us.test.", "A"): ["192.88.9.9"],
    ("backup.test.", "MX"): ["10 mx1.good.test.", "20 mail.us.test.", "30 mx2.good.test."],
    ("ours.test.", "MX"): ["10 mail.us.test.", "20 mx2.good.test."],
    ("dangling.test.", "MX"): ["10 gone.test."],
    ("broken-hosts.test.", "MX"): ["10 servfail.test."],
}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def resolving(**options: Any) -> AsyncIterator[tuple[MxResolver, DnsServer, Clock]]:
    clock = Clock()
    async with DnsServer(ZONE, negative_ttl=options.pop("negative_ttl", 0)) as server:
        server.failing.update({"servfail.test.", "half.test. A"})
        server.silent.add("silent.test.")
        options = {"timeout_seconds": 0.5, "cache_size": 100, **options}
        yield MxResolver(server.resolver(), now=clock, **options), server, clock


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
        ("loop-alias.test", Status.DEFERRED, "4.4.3"),
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


async def test_equal_preferences_are_shuffled_for_each_opening(mx: MxResolver) -> None:
    route = await mx.route("equal.test")
    assert isinstance(route, Route)
    assert {route.order()[0].name for _ in range(100)} == {"mx2.good.test", "only-a.test"}
    good = await mx.route("good.test")
    assert isinstance(good, Route)
    assert {good.order()[0].address for _ in range(100)} == {"192.88.0.1", "192.88.0.2"}
    assert [host.address for host in good.order()][2:] == ["192.88.0.3", "2a00::1"]


async def test_aliases_are_followed(mx: MxResolver) -> None:
    good, alias = await mx.route("good.test"), await mx.route("alias.test")
    assert isinstance(good, Route)
    assert isinstance(alias, Route)
    assert alias.key == good.key
    tolerated = await mx.route("to-alias.test")
    assert isinstance(tolerated, Route)
    assert [(host.name, host.address) for host in tolerated.hosts] == [
        ("mx.to-alias.test", "192.88.0.3"),
        ("mx.to-alias.test", "2a00::1"),
    ]


async def test_ipv6_can_be_left_out(mx: MxResolver) -> None:
    for domain in ("six.test", "six-a.test"):
        assert isinstance(await mx.route(domain), Route)
    async with resolving(ipv6=False) as (without, _, _):
        good = await without.route("good.test")
        assert isinstance(good, Route)
        assert not any(":" in host.address for host in good.hosts)
        for domain in ("six.test", "six-a.test"):
            outcome = await without.route(domain)
            assert isinstance(outcome, Outcome)
            assert (outcome.status, outcome.enhanced) == (Status.DEFERRED, "4.4.4")


async def test_hosts_and_addresses_are_bounded(mx: MxResolver) -> None:
    many, huge = await mx.route("many.test"), await mx.route("huge.test")
    assert isinstance(many, Route)
    assert isinstance(huge, Route)
    assert len(many.hosts) == 8
    assert len(huge.hosts) == 6


async def test_one_family_of_addresses_is_enough(mx: MxResolver) -> None:
    route = await mx.route("half.test")
    assert isinstance(route, Route)
    assert route.hosts == (Host("half.test", 25, "2a00::8"),)


@pytest.mark.parametrize("own", ["mail.us.test", "Mail.Us.Test.", "192.88.9.9"])
async def test_mail_does_not_come_back_to_us(own: str) -> None:
    async with resolving(own=[own]) as (mx, _, _):
        route = await mx.route("backup.test")
        assert isinstance(route, Route)
        assert {host.name for host in route.hosts} == {"mx1.good.test"}
        outcome = await mx.route("ours.test")
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.enhanced) == (Status.REJECTED, "5.4.6")


async def test_negative_answers_are_remembered_as_long_as_dns_says() -> None:
    async with resolving(negative_ttl=900) as (mx, server, clock):
        for seconds, asked in ((0, 1), (899, 1), (2, 2)):
            clock.now += seconds
            assert isinstance(await mx.route("nowhere.test"), Outcome)
            assert server.questions.count("nowhere.test. MX") == asked


async def test_failures_are_remembered_briefly() -> None:
    async with resolving() as (mx, server, clock):
        for seconds, asked in ((0, 1), (14, 1), (2, 2)):
            clock.now += seconds
            assert isinstance(await mx.route("servfail.test"), Outcome)
            assert server.questions.count("servfail.test. MX") == asked


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("192.88.0.1", True), ("10.0.0.1", False), ("127.0.0.1", False), ("169.254.1.1", False), ("224.0.0.1", False), ("0.0.0.0", False),
        ("100.64.0.1", False), ("2a00::1", True), ("::1", False), ("fe80::1", False), ("fd00::1", False), ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False), ("64:ff9b::c058:1", True),
    ],
)  # fmt: skip
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_name_servers_may_have_ports() -> None:
    resolver = dns_resolver(["127.0.0.1", "127.0.0.1:5353", "[::1]:54", "::1"], dnssec=True)
    assert [str(server) for server in resolver.nameservers] == [
        "Do53:127.0.0.1@53",
        "Do53:127.0.0.1@5353",
        "Do53:::1@54",
        "Do53:::1@53",
    ]
    with pytest.raises(ValueError, match=r"ns\.example"):
        dns_resolver(["ns.example"])

"""MTA-STS: records and policies read, fetched over real HTTPS, remembered, and what they do to routes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail.smtp.https import HttpsFetch
from app.mail.smtp.mta_sts import MAX_AGE, BadPolicy, FetchFailed, Mode, Policy, parse_policy, parse_record
from app.mail.smtp.opening import Opened, open_session
from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.routes import MxResolver, Route
from tests.fixtures.dns_server import DnsServer
from tests.fixtures.smtp_server import SmtpServer, client_context
from tests.mail.smtp.certificates import Certificate

AUTHORITY = Certificate("Authority", authority=True)
WEB = Certificate("mta-sts.good.test", issuer=AUTHORITY)
ENFORCE = b"version: STSv1\r\nmode: enforce\r\nmx: mx.good.test\r\nmx: *.mail.good.test\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["v=spf1 -all", "v=STSv1; id=a; x=y"], "a"),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
        (["v=STSv2; id=1;"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id=;"], None),
        (["v=STSv1; id=a-b;"], None),
        ([f"v=STSv1; id={'a' * 33};"], None),
        ([], None),
    ],
)
def test_records(texts: list[str], found: str | None) -> None:
    assert parse_record(texts) == found


def test_policies() -> None:
    policy = parse_policy(ENFORCE)
    assert policy == Policy(Mode.ENFORCE, ("mx.good.test", "*.mail.good.test"), 604800)
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 9999999999") == Policy(Mode.NONE, (), MAX_AGE)
    twice = parse_policy(b"version: STSv1\nmode: testing\nmode: enforce\nmx:A.Test.\nmax_age:1\nfoo: bar: baz\n\n")
    assert twice == Policy(Mode.TESTING, ("a.test",), 1)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("mx.good.test", True), ("MX.Good.Test.", True), ("a.mail.good.test", True), ("a.b.mail.good.test", False),
        ("mail.good.test", False), ("mx2.good.test", False), ("good.test", False), ("", False),
    ],
)  # fmt: skip
def test_patterns_stand_for_one_label(name: str, allowed: bool) -> None:
    assert parse_policy(ENFORCE).allows(name) is allowed


@pytest.mark.parametrize(
    "body",
    [
        b"", b"version: STSv2\nmode: none\nmax_age: 1", b"mode: none\nmax_age: 1", b"version: STSv1\nmax_age: 1", b"version: STSv1\nmode: none",
        b"version: STSv1\nmode: maybe\nmax_age: 1", b"version: STSv1\nmode: none\nmax_age: -1", b"version: STSv1\nmode: none\nmax_age: 99999999999",
        b"version: STSv1\nmode: enforce\nmax_age: 1", b"version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1", b"version: STSv1\nmode: enforce\nmx: *\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmx: a.*.test\nmax_age: 1", b"\xff", b"version: STSv1\nnonsense\nmode: none\nmax_age: 1",
        ENFORCE + b"mx: a.test\n" * 501,
    ],
)  # fmt: skip
def test_bad_policies(body: bytes) -> None:
    with pytest.raises(BadPolicy):
        parse_policy(body)


@given(
    st.lists(
        st.sampled_from([b"version: STSv1", b"mode: enforce", b"mx: *.a.test", b"max_age: 5"]) | st.binary(max_size=20)
    )
)
@example([b"mx:"])
def test_any_bytes_are_a_policy_or_a_bad_one(lines: list[bytes]) -> None:
    try:
        policy = parse_policy(b"\n".join(lines))
    except BadPolicy:
        return
    assert policy.mx or policy.mode == Mode.NONE
    assert 0 <= policy.max_age <= MAX_AGE
    assert all(policy.allows(pattern.replace("*", "x")) for pattern in policy.mx)
    assert not policy.allows("x.y.a.test")


class Web:
    """An HTTPS server on loopback that answers everything with `answer`, as it stands."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.answer = _ok(ENFORCE)
        self.requests: list[bytes] = []
        self._context = context

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        if self.answer == b"":
            await reader.read()  # until the other side gives up
        writer.write(self.answer)
        writer.close()

    def fetch(self, **options: Any) -> HttpsFetch:
        async def addresses(_: str) -> list[str]:
            return ["127.0.0.1"]

        return HttpsFetch(addresses, context=AUTHORITY.trusting_context(), port=self.port, **options)


def _ok(body: bytes, *, kind: str = "text/plain; charset=utf-8", framing: str | None = None) -> bytes:
    framing = f"Content-Length: {len(body)}\r\n" if framing is None else framing
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{framing}\r\n".encode() + body


async def test_a_policy_is_fetched_over_https() -> None:
    async with Web(WEB.server_context()) as web:
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(ENFORCE), ENFORCE)
        for answer in (
            _ok(ENFORCE),
            _ok(ENFORCE, kind="Text/Plain", framing=""),
            _ok(chunked, framing="Transfer-Encoding: chunked\r\n"),
        ):
            web.answer = answer
            assert await web.fetch()("mta-sts.good.test", "/.well-known/mta-sts.txt") == ENFORCE
        assert web.requests[0].startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.good.test\r\n")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: https://else.test/\r\nContent-Length: 0\r\n\r\n", "status 301"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (_ok(ENFORCE, kind="text/html"), "type text/html"),
        (_ok(b"x" * 65537), "too large"),
        (_ok(b"x" * 1_000_000, framing=""), "too large"),
        (_ok(ENFORCE, framing="Content-Length: 5000\r\n"), "too early"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "too large"),
        (b"220 mail ESMTP\r\n", "mta-sts.good.test"),
        (b"HTTP/1.1", "too early"),
    ],
)
async def test_what_is_no_policy_file_is_not_taken(answer: bytes, why: str) -> None:
    async with Web(WEB.server_context()) as web:
        web.answer = answer
        with pytest.raises(FetchFailed, match=why):
            await web.fetch()("mta-sts.good.test", "/")


async def test_the_fetch_checks_certificate_and_time() -> None:
    async with Web(WEB.server_context()) as web:
        with pytest.raises(FetchFailed, match="certificate"):
            await web.fetch()("mta-sts.other.test", "/")
        web.answer = b""
        with pytest.raises(FetchFailed, match="in time"):
            await web.fetch(timeout_seconds=0.3)("mta-sts.good.test", "/")
        port = web.port
    async with Web(Certificate("mta-sts.good.test").server_context()) as stranger:
        with pytest.raises(FetchFailed, match="certificate"):
            await stranger.fetch()("mta-sts.good.test", "/")
    web.port = port
    with pytest.raises(FetchFailed, match=r"mta-sts\.good\.test"):  # nobody listens any more
        await web.fetch()("mta-sts.good.test", "/")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def deployed(*, port: int = 25, **options: Any) -> AsyncIterator[tuple[MxResolver, DnsServer, Web, Clock]]:
    zone = {
        ("good.test.", "MX"): ["10 mx.good.test.", "20 mx2.good.test."],
        ("mx.good.test.", "A"): ["127.0.0.1"],
        ("mx2.good.test.", "A"): ["127.0.0.1"],
        ("_mta-sts.good.test.", "TXT"): ['"v=STSv1; id=1;"'],
        ("plain.test.", "MX"): ["10 mx.good.test."],
    }
    clock = Clock()
    async with DnsServer(zone) as names, Web(WEB.server_context()) as web:
        resolver = MxResolver(
            names.resolver(dnssec=True), mta_sts=True, fetch=web.fetch(), allow_private=True, now=clock, port=port,
            timeout_seconds=1, **options,
        )  # fmt: skip
        yield resolver, names, web, clock


async def _names(resolver: MxResolver, domain: str = "good.test") -> list[tuple[str, str | None]]:
    route = await resolver.route(domain)
    assert isinstance(route, Route), route
    return [(host.name, host.tls) for host in route.hosts]


BOTH = [("mx.good.test", None), ("mx2.good.test", None)]
ONE = [("mx.good.test", "sts")]


async def test_in_enforce_mode_only_its_servers_are_used_with_checked_tls() -> None:
    async with deployed() as (resolver, _, web, _):
        assert await _names(resolver) == ONE
        route, plain = await resolver.route("good.test"), await resolver.route("plain.test")
        assert isinstance(route, Route)
        assert isinstance(plain, Route)
        assert route.key == "mx:mx.good.test:25#mx.good.test=sts"
        assert (plain.key, plain.site) == ("mx:mx.good.test:25", route.site)  # same server, another pool, shared limits
        assert len(web.requests) == 1


@pytest.mark.parametrize("mode", [b"testing", b"none"])
async def test_other_modes_change_nothing(mode: bytes) -> None:
    async with deployed() as (resolver, _, web, _):
        web.answer = _ok(ENFORCE.replace(b"enforce", mode))
        assert await _names(resolver) == BOTH


async def test_a_policy_that_fits_no_server_defers() -> None:
    async with deployed() as (resolver, _, web, _):
        web.answer = _ok(ENFORCE.replace(b"mx: mx.good.test", b"mx: mx.else.test"))
        outcome = await resolver.route("good.test")
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.enhanced) == (Status.DEFERRED, "4.7.5")
        assert "MTA-STS" in outcome.reply


async def test_a_policy_once_known_survives_failures_and_ends_with_its_age() -> None:
    async with deployed() as (resolver, names, web, clock):
        assert await _names(resolver) == ONE
        web.answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        clock.now += 2 * 86400  # a day old: fetched again, in vain
        assert await _names(resolver) == ONE
        assert len(web.requests) == 2
        names.zone["_mta-sts.good.test.", "TXT"] = ['"v=STSv1; id=2;"']
        clock.now += 400
        assert await _names(resolver) == ONE
        assert len(web.requests) == 3
        del names.zone["_mta-sts.good.test.", "TXT"]
        clock.now += 4000
        assert await _names(resolver) == ONE
        names.failing.add("_mta-sts.good.test.")
        clock.now += 4000
        assert await _names(resolver) == ONE
        clock.now += 604800
        assert await _names(resolver) == BOTH
        assert len(web.requests) == 3


async def test_a_new_id_brings_the_new_policy() -> None:
    async with deployed() as (resolver, names, web, clock):
        assert await _names(resolver) == ONE
        web.answer = _ok(ENFORCE.replace(b"enforce", b"none"))
        clock.now += 400
        assert await _names(resolver) == ONE  # same id: nothing is fetched
        names.zone["_mta-sts.good.test.", "TXT"] = ['"v=STSv1; id=2;"']
        clock.now += 400
        assert await _names(resolver) == BOTH
        assert len(web.requests) == 2


async def test_a_first_fetch_that_fails_is_not_repeated_at_once() -> None:
    async with deployed() as (resolver, _, web, clock):
        web.answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        for seconds, asked in ((0, 1), (299, 1), (2, 2)):
            clock.now += seconds
            assert await _names(resolver) == BOTH
            assert len(web.requests) == asked


async def test_many_domains_do_not_fill_the_memory() -> None:
    async with deployed(cache_size=1) as (resolver, _, web, _):
        for domain in ("good.test", "plain.test", "good.test"):
            await resolver.route(domain)
        assert len(web.requests) == 2


async def test_dane_goes_before_mta_sts() -> None:
    async with deployed(dnssec=True) as (resolver, names, _, _):
        names.signed.add("good.test.")
        names.zone["_25._tcp.mx2.good.test.", "TLSA"] = [f"3 1 1 {'00' * 32}"]
        names.zone["_25._tcp.mx.good.test.", "TLSA"] = [f"1 1 1 {'00' * 32}"]
        assert await _names(resolver) == [("mx.good.test", "sts"), ("mx2.good.test", "dane")]


async def test_sessions_under_a_policy_need_a_good_certificate() -> None:
    async with SmtpServer(starttls=True) as server, deployed(port=server.port) as (resolver, names, web, clock):
        route = await resolver.route("good.test")
        assert isinstance(route, Route)
        for context in (None, client_context()):  # unknown authority; known, but for other names
            outcome = await open_session(
                route, route.hosts[0], helo_name="mail.example.com", timeout_seconds=5, tls_context=context
            )
            assert isinstance(outcome, Outcome)
            assert (outcome.status, outcome.enhanced, outcome.host) == (Status.DEFERRED, "4.7.5", "mx.good.test")
            assert "MTA-STS demands TLS with mx.good.test" in outcome.reply
        web.answer = _ok(ENFORCE.replace(b"mx.good.test", b"localhost"))
        names.zone["good.test.", "MX"] = ["10 localhost."]
        names.zone["localhost.", "A"] = ["127.0.0.1"]
        names.zone["_mta-sts.good.test.", "TXT"] = ['"v=STSv1; id=2;"']
        clock.now += 400
        route = await resolver.route("good.test")
        assert isinstance(route, Route)
        opened = await open_session(
            route, route.hosts[0], helo_name="mail.example.com", timeout_seconds=5, tls_context=client_context()
        )
        assert isinstance(opened, Opened)
        opened.smtp.close()

"""DANE: which records count, whether certificates match them, and sessions that depend on it."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from app.mail.smtp.dane import Dane, Tlsa, mismatch, peer_chain
from app.mail.smtp.opening import Opened, open_session
from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.routes import MxResolver, Route
from tests.fixtures.dns_server import DnsServer
from tests.fixtures.smtp_server import SmtpServer, _certificate
from tests.mail.smtp.certificates import Certificate

ROOT = Certificate("Root", authority=True)
MIDDLE = Certificate("Middle", issuer=ROOT, authority=True)
LEAF = Certificate("mx.good.test", issuer=MIDDLE)
CHAIN = [LEAF.der, MIDDLE.der]


def _data(certificate: Certificate, selector: int, matching: int) -> bytes:
    subject = certificate.spki if selector else certificate.der
    return (subject, hashlib.sha256(subject).digest(), hashlib.sha512(subject).digest())[matching]


def _why(certificate: Certificate, usage: int, chain: list[bytes], *, selector: int = 1, matching: int = 1) -> str:
    record = Tlsa(usage, selector, matching, _data(certificate, selector, matching))
    assert record.usable
    return mismatch(Dane("mx.good.test", (record,)), chain, ("mx.good.test",))


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
def test_every_selector_and_matching_type_works(selector: int, matching: int) -> None:
    assert _why(LEAF, 3, CHAIN[:1], selector=selector, matching=matching) == ""
    assert _why(MIDDLE, 2, CHAIN, selector=selector, matching=matching) == ""
    assert _why(ROOT, 2, [*CHAIN, ROOT.der], selector=selector, matching=matching) == ""
    assert "does not match" in _why(MIDDLE, 3, CHAIN, selector=selector, matching=matching)
    assert "no certificate of the chain" in _why(LEAF, 2, CHAIN, selector=selector, matching=matching)


def test_a_whole_authority_in_dns_need_not_be_sent() -> None:
    assert _why(ROOT, 2, CHAIN, selector=0, matching=0) == ""
    assert _why(ROOT, 2, CHAIN, selector=0, matching=1)


def test_usage_2_needs_name_dates_and_true_signatures_and_usage_3_does_not() -> None:
    other = Certificate("mx.other.test", issuer=MIDDLE)
    assert "not for mx.good.test" in _why(MIDDLE, 2, [other.der, MIDDLE.der])
    nameless = Certificate("mx.good.test", issuer=MIDDLE, with_names=False)
    assert "not for" in _why(MIDDLE, 2, [nameless.der, MIDDLE.der])
    assert _why(MIDDLE, 2, [Certificate("*.good.test", issuer=MIDDLE).der, MIDDLE.der]) == ""
    old = Certificate("mx.good.test", issuer=MIDDLE, days=-1)
    assert "out of date" in _why(MIDDLE, 2, [old.der, MIDDLE.der])
    assert _why(old, 3, [old.der]) == ""
    assert _why(other, 3, [other.der]) == ""
    stranger = Certificate("mx.good.test")
    assert "no certificate of the chain" in _why(MIDDLE, 2, [stranger.der, MIDDLE.der])
    no_authority = Certificate("mx.good.test", issuer=LEAF)
    assert "no certificate of the chain" in _why(LEAF, 2, [no_authority.der, LEAF.der])
    old_authority = Certificate("Old", authority=True, days=-1)
    assert _why(old_authority, 2, [Certificate("mx.good.test", issuer=old_authority).der, old_authority.der])
    short = Certificate("Short", authority=True, path_length=0)
    below = Certificate("Below", issuer=short, authority=True)
    assert _why(short, 2, [Certificate("mx.good.test", issuer=below).der, below.der, short.der])


def test_a_broken_chain_is_a_mismatch() -> None:
    assert "no certificate" in _why(LEAF, 3, [])
    assert "can not be read" in _why(LEAF, 3, [b"junk"])


@pytest.mark.parametrize(
    ("usage", "selector", "matching", "length"),
    [(0, 1, 1, 32), (1, 1, 1, 32), (3, 2, 1, 32), (3, 1, 3, 32), (3, 1, 1, 31), (3, 1, 2, 32), (3, 0, 0, 0)],
)
def test_records_that_do_not_count(usage: int, selector: int, matching: int, length: int) -> None:
    assert not Tlsa(usage, selector, matching, bytes(length)).usable


async def test_the_whole_chain_of_a_peer_is_seen() -> None:
    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=LEAF.server_context(MIDDLE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        assert peer_chain(writer.get_extra_info("ssl_object")) == CHAIN
        writer.transport.abort()
    assert peer_chain(None) == []


def _server_digest() -> str:
    """Return the SHA-256 of the key the test server uses."""
    key = load_pem_x509_certificate(_certificate()[0]).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@asynccontextmanager
async def deployed(*, tlsa: list[str], starttls: bool = True, dnssec: bool = True) -> AsyncIterator[Any]:
    """A mail server on loopback, and DNS that leads to it: MX, address and TLSA records, all signed."""
    async with SmtpServer(starttls=starttls) as server, DnsServer({}) as names:
        names.zone = {
            ("good.test.", "MX"): ["10 mx.good.test."],
            ("mx.good.test.", "A"): ["127.0.0.1"],
            (f"_{server.port}._tcp.mx.good.test.", "TLSA"): tlsa,
        }
        names.signed = {"good.test."}
        resolver = MxResolver(
            names.resolver(dnssec=True), dnssec=dnssec, allow_private=True, port=server.port, timeout_seconds=2
        )
        yield server, names, resolver


async def _opened(resolver: MxResolver) -> Opened | Outcome:
    route = await resolver.route("good.test")
    assert isinstance(route, Route), route
    return await open_session(route, route.hosts[0], helo_name="mail.example.com", timeout_seconds=5)


async def _is_tls(resolver: MxResolver) -> bool:
    opened = await _opened(resolver)
    assert isinstance(opened, Opened), opened
    encrypted = opened.smtp.get_transport_info("ssl_object") is not None
    opened.smtp.close()
    return encrypted


async def test_a_matching_record_lets_the_session_open() -> None:
    async with deployed(tlsa=[f"3 1 1 {_server_digest()}", f"3 1 1 {'00' * 32}"]) as (server, _, resolver):
        route = await resolver.route("good.test")
        assert route.key == f"mx:mx.good.test:{server.port}#mx.good.test=dane"
        assert route.site == f"mx:mx.good.test:{server.port}"
        assert await _is_tls(resolver)


async def test_a_record_that_does_not_match_defers() -> None:
    async with deployed(tlsa=[f"3 1 1 {'00' * 32}"]) as (_, _, resolver):
        outcome = await _opened(resolver)
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.enhanced, outcome.host) == (Status.DEFERRED, "4.7.5", "mx.good.test")
        assert "DANE" in outcome.reply
        assert "does not match" in outcome.reply


@pytest.mark.parametrize("usage", ["3 1 1", "1 1 1"])
async def test_with_records_starttls_must_be_offered(usage: str) -> None:
    async with deployed(tlsa=[f"{usage} {'00' * 32}"], starttls=False) as (_, _, resolver):
        outcome = await _opened(resolver)
        assert isinstance(outcome, Outcome)
        assert (outcome.enhanced, "STARTTLS" in outcome.reply) == ("4.7.5", True)


async def test_unusable_records_demand_tls_with_any_certificate() -> None:
    async with deployed(tlsa=[f"1 1 1 {'00' * 32}"]) as (_, _, resolver):
        route = await resolver.route("good.test")
        assert [host.tls for host in route.hosts] == ["encrypted"]
        assert await _is_tls(resolver)


async def test_a_failing_look_up_of_records_sends_nothing_in_clear() -> None:
    async with deployed(tlsa=[]) as (server, names, resolver):
        names.failing.add(f"_{server.port}._tcp.mx.good.test.")
        outcome = await resolver.route("good.test")
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.enhanced) == (Status.DEFERRED, "4.7.5")
        assert "DANE" in outcome.reply


async def test_a_server_whose_records_are_unknown_is_skipped() -> None:
    async with deployed(tlsa=[f"3 1 1 {_server_digest()}"]) as (server, names, resolver):
        names.zone["good.test.", "MX"].append("5 mx0.good.test.")
        names.zone["mx0.good.test.", "A"] = ["127.0.0.1"]
        names.failing.add(f"_{server.port}._tcp.mx0.good.test.")
        route = await resolver.route("good.test")
        assert [host.name for host in route.hosts] == ["mx.good.test"]


@pytest.mark.parametrize("lost", ["nothing signed", "not asked for", "no records"])
async def test_without_authentic_records_tls_stays_opportunistic(lost: str) -> None:
    tlsa = [] if lost == "no records" else [f"3 1 1 {'00' * 32}"]
    async with deployed(tlsa=tlsa, dnssec=lost != "not asked for") as (_, names, resolver):
        if lost == "nothing signed":
            names.signed.clear()
        route = await resolver.route("good.test")
        assert [(host.tls, host.dane) for host in route.hosts] == [(None, None)]


async def test_a_swallowed_answer_does_not_switch_dane_off() -> None:
    async with deployed(tlsa=[f"3 1 1 {_server_digest()}"]) as (_, names, resolver):
        names.failing.add("mx.good.test. AAAA")
        route = await resolver.route("good.test")
        assert [host.tls for host in route.hosts] == ["dane"]


@pytest.mark.parametrize(("signed", "tls"), [(True, "dane"), (False, None)])
async def test_records_are_looked_for_under_the_real_name_of_an_alias(signed: bool, tls: str | None) -> None:
    async with deployed(tlsa=[]) as (server, names, resolver):
        del names.zone["mx.good.test.", "A"]
        names.zone["mx.good.test.", "CNAME"] = ["mx.else.test."]
        names.zone["mx.else.test.", "A"] = ["127.0.0.1"]
        names.zone[f"_{server.port}._tcp.mx.else.test.", "TLSA"] = [f"3 1 1 {_server_digest()}"]
        if signed:
            names.signed.add("else.test.")
        route = await resolver.route("good.test")
        assert [host.tls for host in route.hosts] == [tls]
        if signed:
            assert route.hosts[0].dane.base == "mx.else.test"
            assert await _is_tls(resolver)


async def test_a_domain_without_mx_has_records_of_its_own() -> None:
    async with deployed(tlsa=[]) as (server, names, resolver):
        names.zone = {
            ("good.test.", "A"): ["127.0.0.1"],
            (f"_{server.port}._tcp.good.test.", "TLSA"): [f"3 1 1 {_server_digest()}"],
        }
        assert await _is_tls(resolver)

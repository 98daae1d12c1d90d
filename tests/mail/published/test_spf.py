"""SPF records (RFC 7208): which of them let us send."""

import contextlib
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.published.records import NoAnswer
from app.mail.published.spf import MAX_LOOKUPS, lets_us_send
from app.mail.published.spf_macros import Values, expand
from app.mail.published.spf_terms import MAX_TERMS, Malformed, is_policy, read_policy
from tests.mail.published.kit import SILENT, Zone

DOMAIN, OURS = "customer.test", "spf.mail.test"
FOUR, SIX = ip_address("192.0.2.25"), ip_address("2001:db8::25")
ZONE = {
    OURS: ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/64 -all"],
    "nested.test": [f"v=spf1 include:{OURS} -all"],
    "neutral.test": [f"v=spf1 ?include:{OURS} -all"],
    "late.test": [f"v=spf1 -all include:{OURS}"],
    "loop.test": ["v=spf1 include:loop.test -all"],
    "circle.test": ["v=spf1 redirect=circle.test"],
    "two.test": ["v=spf1 +all", "v=spf1 -all"],
    "mx.test MX": ["a.mx.test", "b.mx.test"],
    "b.mx.test A": ["192.0.2.25"],
    "b.mx.test AAAA": ["2001:db8::25"],
    "many.test MX": [f"{n}.many.test" for n in range(11)],
    "host.test A": ["192.0.2.99"],
    "25.2.0.192.ok.test A": ["127.0.0.2"],
    "customer.test._spf.test A": ["127.0.0.2"],
    **{f"deep{n}.test": [f"v=spf1 include:deep{n + 1}.test -all"] for n in range(12)},
    "deep12.test": ["v=spf1 +all"],
}

BY_NAME = [
    (f"v=spf1 include:{OURS} -all", True),
    (f"V=SPF1 INCLUDE:{OURS.upper()}. ~all", True),
    (f"v=spf1 a mx ip4:203.0.113.1 include:{OURS} ?all", True),
    (f"v=spf1 redirect={OURS}", True),
    ("v=spf1 include:nested.test -all", True),
    ("v=spf1 redirect=nested.test", True),
    ("v=spf1 +all", True),
    ("v=spf1 all", True),
    ("v=spf1", False),
    ("v=spf1 -all", False),
    (f"v=spf1 -all include:{OURS}", False),
    (f"v=spf1 -include:{OURS} all", False),
    (f"v=spf1 all:x include:{OURS}", False),
    (f"v=spf1 ~all redirect={OURS}", False),
    ("v=spf1 include:neutral.test ~all", False),
    ("v=spf1 include:late.test ~all", False),
    ("v=spf1 include:loop.test ~all", False),
    ("v=spf1 redirect=circle.test", False),
    ("v=spf1 include:two.test ~all", False),
    ("v=spf1 include:nothing.test +all", False),
    ("v=spf1 redirect=nothing.test", False),
    (f"v=spf1 include:{OURS} unknown:x", False),
    (f"v=spf1 include:{OURS} ip4:300.1.1.1", False),
    (f"v=spf1 include:{OURS} redirect=a.test redirect=b.test", False),
    (f"v=spf10 include:{OURS}", False),
    ("v=spf1 " + "a " * MAX_LOOKUPS + f"include:{OURS}", False),
    ("v=spf1 include:deep3.test -all", True),  # ten look-ups
    ("v=spf1 include:deep2.test -all", False),
    ("v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all", False),
    ("", False),
]

BY_ADDRESS = [
    ("v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all", True),
    ("v=spf1 ip4:192.0.2.25 -all", False),
    ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", True),
    ("v=spf1 -ip4:192.0.2.25 ip4:192.0.2.0/24 ip6:2001:db8::25", False),
    ("v=spf1 mx:mx.test -all", True),
    ("v=spf1 mx:many.test +all", False),
    ("v=spf1 a:b.mx.test/24//64 -all", True),
    ("v=spf1 a:host.test/25 ip6:2001:db8::/64", True),
    ("v=spf1 a:host.test/24 -all", False),
    ("v=spf1 exists:%{d}._spf.test -all", True),
    ("v=spf1 exists:%{ir}.ok.test ip6:2001:db8::25", True),
    ("v=spf1 exists:%{ir}.no.test -all", False),
    ("v=spf1 a:x1.test a:x2.test a:x3.test +all", False),
    ("v=spf1 ptr +all", True),
    ("v=spf1 a:b.mx.test/33 +all", False),
    ("v=spf1 a:b.mx.test//129 +all", False),
    ("v=spf1 ip4:192.0.2.0/033 +all", False),
    ("v=spf1 ip4:2001:db8::1 +all", False),
]


async def ask(record: str, *, by_address: bool) -> bool:
    zone = Zone({**ZONE, DOMAIN: ["other text", record]})
    addresses = (FOUR, SIX) if by_address else ()
    return await lets_us_send(
        zone, DOMAIN, name="" if by_address else OURS, addresses=addresses, sender=f"news@{DOMAIN}"
    )


@pytest.mark.parametrize(("record", "good"), BY_NAME)
async def test_our_name_in_a_record(record: str, good: bool) -> None:
    assert await ask(record, by_address=False) is good


@pytest.mark.parametrize(("record", "good"), BY_ADDRESS)
async def test_our_addresses_in_a_record(record: str, good: bool) -> None:
    assert await ask(record, by_address=True) is good


async def test_with_addresses_our_name_counts_as_well_but_not_behind_a_refusal() -> None:
    for record, good in (
        (f"v=spf1 a:b.mx.test include:{OURS} -all", True),
        (f"v=spf1 -mx:mx.test include:{OURS}", False),
    ):
        zone = Zone({**ZONE, DOMAIN: [record]})
        assert await lets_us_send(zone, DOMAIN, name=OURS, addresses=(FOUR, SIX), sender=f"news@{DOMAIN}") is good


async def test_silence_says_nothing() -> None:
    for record in (f"v=spf1 include:{SILENT} -all", f"v=spf1 a:{SILENT} -all", f"v=spf1 mx:{SILENT}"):
        with pytest.raises(NoAnswer):
            await ask(record, by_address=True)
    assert not await lets_us_send(Zone({}), DOMAIN, name="", addresses=(), sender="")


def test_macros_are_those_of_the_rfc() -> None:
    four = Values("strong-bad@email.example.com", "email.example.com", ip_address("192.0.2.3"), "mx.example.org")
    six = Values(four.sender, four.domain, ip_address("2001:db8::cb01"), four.helo)
    # RFC 7208, 7.4
    cases = {
        "%{s}": "strong-bad@email.example.com", "%{o}": "email.example.com", "%{d4}": "email.example.com",
        "%{d2}": "example.com", "%{d1}": "com", "%{dr}": "com.example.email", "%{d2r}": "example.email",
        "%{l}": "strong-bad", "%{l-}": "strong.bad", "%{lr-}": "bad.strong", "%{l1r-}": "strong",
        "%{ir}.%{v}._spf.%{d2}": "3.2.0.192.in-addr._spf.example.com", "%%%_%-": "% %20", "%{p}": "unknown",
    }  # fmt: skip
    assert {text: expand(text, four) for text in cases} == cases
    nibbles = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert expand("%{ir}.%{v}._spf.%{d2}", six) == f"{nibbles}.ip6._spf.example.com"
    assert len(expand("%{s}." * 60 + "end.test", four)) <= 253


TERMS = st.sampled_from(
    ["a", "mx", "ptr", "all", "-all", "include:", "include:%{d}", "redirect=%{l}.test", "exists:%{i}.x", "ip4:1.2.3.4/8",
     "ip6:::1", "a:/", "mx//64", "exp=x", "include:loop.test", "?a:host.test", "%", "%{", "%{d999999999r-}"]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(TERMS | st.text(st.characters(exclude_characters=" "), max_size=20), max_size=15), st.booleans())
async def test_any_record_is_evaluated_within_bounds(terms: list[str], by_address: bool) -> None:
    record = "v=spf1 " + " ".join(terms)
    zone = Zone({**ZONE, DOMAIN: [record]})
    addresses = (FOUR,) if by_address else ()
    await lets_us_send(zone, DOMAIN, name=OURS, addresses=addresses, sender=f"news@{DOMAIN}")
    assert len(zone.asked) <= 2 * (2 + MAX_LOOKUPS * 11)


@given(st.text(max_size=300))
def test_any_text_is_taken_apart_or_not(text: str) -> None:
    for record in (text, f"v=spf1 {text}"):
        if is_policy(record):
            with contextlib.suppress(Malformed):
                assert len(read_policy(record).mechanisms) <= MAX_TERMS

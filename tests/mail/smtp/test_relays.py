"""Relay URLs, one or several, and the order in which hosts are tried."""

import random
from collections import Counter
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.smtp.routes import Host, Route, relay_route, relay_routes


@pytest.mark.parametrize("read", [relay_route, relay_routes])
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
def test_relay_urls(read: object, url: str, route: Route) -> None:
    assert callable(read)
    assert read(url) == route


BAD = [
    "", "relay.example", "http://relay.example", "smtp://", "smtp://:25", "smtp://h:99999", "smtp://h:x", "smtp://h:0", "smtp://h/path",
    "smtp://jo@h", "smtp://:secret@h", "smtp://h?tls=maybe", "smtp://h?x=1", "smtps://h?tls=none", "smtp://h#x", "smtp://[::1", "smtp://a b",
    "smtp://h?weight=0", "smtp://h?weight=101", "smtp://h?weight=x", "smtp://h?weight=", "smtp://h?priority=-1", "smtp://h?priority=99999",
    "smtp://h?tls=dane", "smtp://jo:secret?x@h", "smtp://jo:secret#x@h", "smtp://jo:secret/x@h", "smtp://h,g", "smtp://jo:25?secret@h",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_bad_relay_urls_are_refused_without_their_password(url: str) -> None:
    for text in (url, f"smtp://good.example, {url}"):
        if text.startswith("smtp://good") and not url.startswith("smtp"):
            continue
        with pytest.raises(ValueError, match="relay URL") as caught:
            relay_routes(text)
        assert "secret" not in repr(caught.value)
        assert caught.value.__cause__ is None


def test_several_relays_keep_their_own_credentials_and_wishes() -> None:
    route = relay_routes(
        "smtp://jo:a,b@one.example:587?weight=3, smtps://two.example,smtp://three.example?priority=5&tls=none"
    )
    assert route.key == route.site == "relay:one.example:587,three.example:25,two.example:465"
    one, two, three = route.hosts
    assert (one.weight, one.priority, route.tls_of(one), route.credentials_of(one)) == (3, 0, "required", ("jo", "a,b"))
    assert (two.weight, two.priority, route.tls_of(two), route.credentials_of(two)) == (1, 0, "implicit", ("", ""))
    assert (three.priority, route.tls_of(three)) == (5, "none")
    assert "a,b" not in repr(route)
    assert "x" not in repr(relay_route("smtp://jo:x@relay.test")).replace("example", "")


@pytest.mark.parametrize(
    "urls", ["smtp://one.example,smtp://one.example:25", ",".join(f"smtp://h{n}.example" for n in range(21))]
)
def test_relays_are_different_and_not_too_many(urls: str) -> None:
    with pytest.raises(ValueError, match="relay URLs"):
        relay_routes(urls)


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_a_route_or_an_error_that_tells_no_secret(text: str, password: str) -> None:
    secret = f"hush{quote(password, safe='')}hush"
    for urls in (text, f"smtp://{text}", f"smtp://jo:{secret}@{text}", f"smtps://h.example?{text}"):
        assert "hush" not in _told(urls)


def _told(urls: str) -> str:
    """Return what a log could show of the route, or of the error."""
    try:
        route = relay_routes(urls)
    except ValueError as error:
        return f"{error!r} {error.__cause__!r}"
    return repr(route)


def test_order_goes_by_priority_and_weight() -> None:
    route = relay_routes("smtp://a.test?weight=3,smtp://b.test,smtp://c.test?priority=1")
    choose = random.Random(7)
    orders = [[host.name for host in route.order(choose)] for _ in range(4000)]
    assert all(len(order) == 3 and order[2] == "c.test" for order in orders)
    first = Counter(order[0] for order in orders)
    assert first["a.test"] == pytest.approx(3000, abs=120)
    assert len({tuple(host.name for host in route.order()) for _ in range(100)}) == 2


def test_order_keeps_the_addresses_of_a_server_together_ipv4_first() -> None:
    hosts = (
        *(Host("mx1.test", 25, address, 10) for address in ("2a00::1", "192.88.0.1", "192.88.0.2")),
        Host("mx2.test", 25, "192.88.0.3", 10),
        Host("mx0.test", 25, "192.88.0.4", 5),
    )
    route = Route("x", hosts)
    seen = set()
    for _ in range(200):
        order = route.order()
        assert set(order) == set(hosts)
        assert order[0].name == "mx0.test"
        mx1 = [host.address for host in order if host.name == "mx1.test"]
        assert mx1[2] == "2a00::1"
        seen.add((order[1].name, mx1[0]))
        assert order[2].name == "mx1.test"  # mx2 comes before or after all of mx1
    assert seen == {("mx1.test", "192.88.0.1"), ("mx1.test", "192.88.0.2"), ("mx2.test", "192.88.0.1"), ("mx2.test", "192.88.0.2")}  # fmt: skip


def test_a_single_host_needs_no_choice() -> None:
    route = relay_route("smtp://a.test")
    assert route.order() is route.hosts

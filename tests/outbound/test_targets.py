"""URLs are taken apart in one way only, and what could be read in two is refused."""

# ruff: noqa: RUF001 full-width digits are one of the tricks
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbound import Refused, endpoint_of
from app.outbound.addresses import is_allowed
from app.outbound.targets import MAX_URL, parse
from tests.outbound.test_addresses import forbidden_v4

ODD = [
    *(
        "",
        "h.example",
        "//h.example/",
        "ftp://h.example/",
        "file:///etc/passwd",
        "gopher://h.example/",
        "http:h.example",
    ),
    *(
        "http:///path",
        "http://",
        "https://?q",
        "http://#f",
        "http:/h.example/",
        " http://h.example/",
        "javascript:alert(1)",
    ),
    *("http://user@h.example/", "http://user:pass@h.example/", "http://@h.example/", "http://a@b@127.0.0.1/"),
    *("http://h.example@127.0.0.1/", "http://127.0.0.1:80@h.example/", "http://h.example:80:81/", "http://h.example:/"),
    *("http://h.example:0/", "http://h.example:00000/", "http://h.example:65536/", "http://h.example:99999/"),
    *("http://h.example:+80/", "http://h.example:-1/", "http://h.example:0x50/", "http://h.example:８０/"),
    *("http://h.example./", "http://localhost./", "http://127.0.0.1./", "http://h..example/", "http://.h.example/"),
    *("http://0x7f.1/", "http://0x7f000001/", "http://2130706433/", "http://0177.0.0.1/", "http://017700000001/"),
    *("http://127.1/", "http://127.0.1/", "http://0/", "http://0x/", "http://1.2.3.4.5/", "http://256.1.1.1/"),
    *("http://127.0.0.0x1/", "http://h.example.1/", "http://127.0.0.01/", "http://１２７.1/", "http://0/path"),
    *(
        "http://[::1/",
        "http://::1/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[v1.x]/",
        "http://[]/",
    ),
    *("http://[::ffff:127.0.0.256]/", "http://[127.0.0.1]/", "http://a[::1]/", "http://[::1]a/", "http://[::1]:0/"),
    *("http://127%2e0%2e0%2e1/", "http://%31%32%37.0.0.1/", "http://h%00.example/", "http://h.example%2f@127.0.0.1/"),
    *(
        "http://h.example\\@127.0.0.1/",
        "http:\\\\h.example/",
        "http://h.example\\.evil.example/",
        "http://h.example/a\\b",
    ),
    *(
        "http://h.example/\r\nX: y",
        "http://h.example/\n",
        "http://h.\texample/",
        "http://h.example/\x00",
        "http://h.example/\x7f",
    ),
    *(
        "http://h example/",
        "http://h.example /",
        "http://*/",
        "http://h_é/ \udc80",
        "http://-h.example/",
        "http://h-.example/",
    ),
    *("http://xn--\u0301/", f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/", "http://é\u200d.../"),
    f"http://h.example/{'a' * MAX_URL}",
    f"http://h.example/{'é' * (MAX_URL // 2)}",
]


@pytest.mark.parametrize("url", ODD, ids=range(len(ODD)))
def test_an_odd_url_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        parse(url)
    assert endpoint_of(url) == "none"


@pytest.mark.parametrize(
    ("url", "endpoint", "sent"),
    [
        ("http://h.example", "http://h.example:80", "/?"),
        ("HTTPS://H.Example:8443/A?b=C#d", "https://h.example:8443", "/A?b=C"),
        ("https://bücher.example/ü?ö=ä b", "https://xn--bcher-kva.example:443", "/%C3%BC?%C3%B6=%C3%A4%20b"),
        ("http://h.example?e=jo%40example.org", "http://h.example:80", "/?e=jo%40example.org"),
        ("http://8.8.8.8:1/%7e@x", "http://8.8.8.8:1", "/%7e@x?"),
        ("http://[2606:4700:0::1111]/", "http://[2606:4700::1111]:80", "/?"),
        ("http://１２７.0.0.1/", "http://127.0.0.1:80", "/?"),
        ("http://a_b.example:65535//x", "http://a_b.example:65535", "//x?"),
    ],
)
def test_a_plain_url_keeps_what_is_sent(url: str, endpoint: str, sent: str) -> None:
    target = parse(url)
    assert target.endpoint == endpoint == endpoint_of(url)
    assert f"{target.path}?{target.query}" == sent


def number_spellings(number: int) -> list[str]:
    return [str(number), hex(number), f"0{number:o}", f"0X{number:X}", f"0x{number:08x}"]


def spellings(address: IPv4Address) -> list[str]:
    """Write an address in the ways that inet_aton reads, and some that only browsers do."""
    a, b, c, d = address.packed
    quads = [".".join(parts) for parts in zip(*(number_spellings(part) for part in (a, b, c, d)), strict=True)]
    mixed = [
        f"{a}.{b}.{c << 8 | d}",
        f"{a}.{b << 16 | c << 8 | d}",
        f"0{a:o}.{b}.{hex(c)}.{d}",
        f"{a:03}.{b:03}.{c:03}.{d:03}",
    ]
    plain = str(address)
    wide = plain.translate(str.maketrans("0123456789.", "０１２３４５６７８９。"))
    embedded = [
        f"[::ffff:{plain}]",
        f"[::{plain}]",
        f"[64:ff9b::{plain}]",
        f"[64:ff9b:1::{plain}]",
        f"[::ffff:0:{plain}]",
    ]
    return [*quads, *mixed, *number_spellings(int(address)), wide, f"{plain}.", f"x@{plain}", f"{plain}:0", *embedded]


@given(forbidden_v4, st.sampled_from(["http", "https"]), st.sampled_from(["", ":80", ":8080"]))
def test_no_spelling_of_a_forbidden_address_passes(address: IPv4Address, scheme: str, port: str) -> None:
    for spelling in spellings(address):
        try:
            target = parse(f"{scheme}://{spelling}{port}/")
        except Refused:
            continue
        assert target.address is not None, f"{spelling} passed for a name"
        assert not is_allowed(target.address), spelling

"""Which addresses may be called: none of a special use, in whatever form it is carried."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbound.addresses import is_allowed

FORBIDDEN_V4 = [
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32"),
    )
]
FORBIDDEN_V6 = [
    IPv6Network(text)
    for text in (
        *("::/128", "::1/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "fc00::/7"),
        *("fe80::/10", "fec0::/10", "ff00::/8", "2001::/32", "2001:2::/48", "2001:db8::/32", "3fff::/20", "5f00::/16"),
    )
]


def inside(network: IPv4Network | IPv6Network) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    first, last = int(network[0]), int(network[-1])
    kind = type(network[0])
    return st.integers(first, last).map(kind)


forbidden_v4 = st.sampled_from(FORBIDDEN_V4).flatmap(inside)
forbidden = forbidden_v4 | st.sampled_from(FORBIDDEN_V6).flatmap(inside)


def carried(address: IPv4Address) -> list[IPv6Address]:
    """Every IPv6 address that leads to an IPv4 one somewhere."""
    number = int(address)
    low = IPv6Address("2a00:1450::")
    return [
        IPv6Address(number),  # IPv4-compatible
        IPv6Address(0xFFFF << 32 | number),  # IPv4-mapped
        IPv6Address(0xFFFF << 48 | number),  # IPv4-translated
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),  # NAT64
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | number),  # NAT64, local use
        IPv6Address(0x2002 << 112 | number << 80 | 1),  # 6to4
        IPv6Address(0x2001 << 112 | number << 64 | ~number & 0xFFFFFFFF),  # Teredo, server and client
        IPv6Address(int(low) | 0x5EFE << 32 | number),  # ISATAP
        IPv6Address(int(low) | 0x02005EFE << 32 | number),
    ]


@given(forbidden)
def test_an_address_of_special_use_is_not_allowed(address: IPv4Address | IPv6Address) -> None:
    assert not is_allowed(address)


@given(forbidden_v4)
def test_a_forbidden_address_is_not_allowed_inside_another(address: IPv4Address) -> None:
    assert not [str(outer) for outer in carried(address) if is_allowed(outer)]


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_an_ordinary_address_is_allowed(text: str) -> None:
    assert is_allowed(ip_address(text))

"""Which IP addresses may be called for a customer. Imports the standard library only.

The lists follow the IANA special-purpose address registries (RFC 6890 and its successors). IPv6 is allowed by
exception: only global unicast (2000::/3) without its special parts, and NAT64 to an IPv4 address that is allowed.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; cloud metadata lives here
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL = IPv6Network("2000::/3")
_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The upper half of an interface identifier that holds an IPv4 address (RFC 5214)."""
_LAST_32 = 0xFFFF_FFFF


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether the address belongs to somebody out there, and not to us or to a special use.

    Addresses that carry an IPv4 address are judged by both; those mapped onto IPv4 (`::ffff:0:0/96`) are refused
    altogether, because nobody needs them and each system reads them in its own way.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _V4)
    number = int(address)
    if address in _NAT64:
        return is_allowed(IPv4Address(number & _LAST_32))
    if address not in _GLOBAL or not address.is_global or any(address in network for network in _V6):
        return False
    if address in _SIX_TO_FOUR and not is_allowed(IPv4Address(number >> 80 & _LAST_32)):
        return False
    return number >> 32 & _LAST_32 not in _ISATAP or is_allowed(IPv4Address(number & _LAST_32))

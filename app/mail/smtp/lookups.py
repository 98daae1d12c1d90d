"""DNS questions, answered or plainly not: one kind of answer, one kind of failure.

May import `dns` and the standard library.

Source: RFC 1035, RFC 2308 (negative answers), RFC 4035 and 6840 (the AD bit).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdata
import dns.resolver
from dns.rdatatype import RdataType

MAX_RECORDS = 50
"""Most records of one answer that are looked at."""
AT_A_TIME = 100
"""Questions that may be under way together."""
_EDNS_PAYLOAD = 1232  # fits every path without fragments; larger answers come by TCP
_NEGATIVE_TTL = 60.0
_NAT64 = IPv6Address("64:ff9b::")


class NoDnsAnswer(Exception):
    """DNS did not say: a time-out, SERVFAIL, or a chain of aliases without end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says about one name and type."""

    records: Sequence[dns.rdata.Rdata] = ()
    """Empty when there are none."""
    exists: bool = True
    """Whether the name exists at all."""
    ttl: float = _NEGATIVE_TTL
    """How long this holds, in seconds, as DNS says."""
    authentic: bool = False
    """Whether the resolver vouches for it with DNSSEC; always False for one that is not trusted to."""
    canonical: str = ""
    """The name at the end of the aliases, without the final dot."""


class Resolver(Protocol):
    """What is needed of `dns.asyncresolver.Resolver`."""

    async def resolve(self, qname: dns.name.Name, rdtype: RdataType, *, lifetime: float) -> dns.resolver.Answer:
        """Look one name up; dnspython's exceptions are expected."""
        ...


def dns_resolver(name_servers: Sequence[str] = (), *, dnssec: bool = False) -> dns.asyncresolver.Resolver:
    """Return a resolver without a cache.

    Args:
        name_servers: IP addresses, with `:port` where it is not 53 (`[::1]:5353`); empty: those of the machine.
        dnssec: Ask for the AD bit.

    Raises:
        ValueError: A name server is no IP address.
        dns.resolver.NoResolverConfiguration: None is given, and the machine has none.
    """
    resolver = dns.asyncresolver.Resolver(configure=not name_servers)
    resolver.cache = None  # what is found is kept by those who asked
    resolver.use_edns(0, dns.flags.DO if dnssec else 0, _EDNS_PAYLOAD)
    if dnssec:
        resolver.set_flags(dns.flags.RD | dns.flags.AD)
    if name_servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*_endpoint(server)) for server in name_servers]
    return resolver


def _endpoint(text: str) -> tuple[str, int]:
    """Split address and port.

    Raises:
        ValueError: It is not an address, or not a port.
    """
    address, port = text.strip(), "53"
    if address.startswith("["):
        address, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif address.count(":") == 1:
        address, _, port = address.partition(":")
    return str(ip_address(address)), int(port)


class Lookups:
    """Asks DNS."""

    def __init__(self, resolver: Resolver, *, dnssec: bool = False, timeout_seconds: float = 15.0) -> None:
        """Prepare.

        Args:
            resolver: Whom to ask.
            dnssec: Whether its AD bit is to be believed: it validates, and the way to it is safe.
            timeout_seconds: For one question.
        """
        self._resolver = resolver
        self._dnssec = dnssec
        self._timeout = timeout_seconds
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def ask(self, name: str, rdtype: RdataType) -> Answer:
        """Return what DNS says.

        Args:
            name: Absolute, in ASCII; a name that can't be one does not exist.
            rdtype: Record type.

        Raises:
            NoDnsAnswer: It says nothing.
        """
        try:
            qname = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            return Answer(exists=False)
        try:
            async with self._slots:
                found = await self._resolver.resolve(qname, rdtype, lifetime=self._timeout)
        except dns.resolver.NXDOMAIN as error:
            return self._negative(error.responses().get(qname), exists=False)  # type: ignore[no-untyped-call]
        except dns.resolver.NoAnswer as error:
            return self._negative(error.response(), exists=True)  # type: ignore[no-untyped-call]
        except (dns.exception.DNSException, OSError) as error:
            raise NoDnsAnswer(str(error) or type(error).__name__) from error
        return Answer(
            tuple(found)[:MAX_RECORDS],
            ttl=float(found.chaining_result.minimum_ttl),
            authentic=self._vouched(found.response),
            canonical=found.canonical_name.to_text(omit_final_dot=True).lower(),
        )

    def _negative(self, response: dns.message.Message | None, *, exists: bool) -> Answer:
        if not isinstance(response, dns.message.QueryMessage):
            return Answer(exists=exists)
        try:
            chain = response.resolve_chaining()
        except dns.exception.DNSException:
            return Answer(exists=exists, authentic=self._vouched(response))
        told = response.authority  # without an SOA there, RFC 2308 gives no time
        ttl = float(chain.minimum_ttl) if told else _NEGATIVE_TTL
        canonical = chain.canonical_name.to_text(omit_final_dot=True).lower()
        return Answer(exists=exists, ttl=ttl, authentic=self._vouched(response), canonical=canonical)

    def _vouched(self, response: dns.message.Message) -> bool:
        return self._dnssec and bool(response.flags & dns.flags.AD)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to a machine on the open Internet: not private, loopback, multicast or reserved.

    IPv6 addresses that carry an IPv4 one (mapped, 6to4, NAT64) count as that one.
    """
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and int(found) >> 32 == int(_NAT64) >> 32:
            inner = IPv4Address(int(found) & 0xFFFFFFFF)
        found = inner or found
    return found.is_global and not found.is_multicast

"""Where mail goes: one relay, or the MX hosts of a domain, in the order to try them.

May import `dns`, `app.mail.smtp.outcome` and the standard library.

Source: RFC 5321 section 5.1, RFC 7505 (null MX); docs/contract/dyn-email.md, section 15.1.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
from dns.rdatatype import RdataType

from app.mail.smtp.outcome import Outcome, Status, from_us

Tls = Literal["none", "opportunistic", "implicit", "required"]
MAX_HOSTS = 8
"""Most addresses of one route."""
MAX_TTL = 3600.0
"""Longest time an answer is kept, in seconds."""
MIN_TTL = 60.0
"""Shortest time a good or permanent answer is kept, in seconds."""
FAILURE_TTL = 15.0
"""How long a failed look-up is kept, in seconds."""


@dataclass(frozen=True, slots=True)
class Host:
    """One server."""

    name: str
    """Its name, for TLS and for records."""
    port: int
    address: str = ""
    """Its IP address; empty, or with implicit TLS: the name is looked up when connecting."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way for mail."""

    key: str
    """Equal keys share a pool: the relay, or the MX site."""
    hosts: tuple[Host, ...]
    """In the order to try them; at least one."""
    tls: Tls = "opportunistic"
    """`opportunistic`: STARTTLS if offered, any certificate; `required`: STARTTLS, checked; `implicit`: TLS from the
    first octet, checked."""
    username: str = ""
    """For AUTH; empty: none."""
    password: str = ""


def relay_route(url: str) -> Route:
    """Return the route of `smtp[s]://[user:pass@]host[:port][?tls=none|opportunistic|required]`.

    Name and password are percent-decoded. The port is 25, or 465 for `smtps`. With a password, `smtp` requires
    STARTTLS unless the host is a loopback address or `tls` says otherwise.

    Raises:
        ValueError: The URL is not of this form; the text says why and never repeats the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("the relay URL is not valid: check host and port") from error
    host = parts.hostname or ""
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("the relay URL must begin with smtp:// or smtps://")
    if not host or parts.path not in {"", "/"} or parts.fragment or port == 0:
        raise ValueError("the relay URL must be smtp[s]://[user:pass@]host[:port]")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(username) != bool(password):
        raise ValueError("the relay URL needs both a user name and a password, or neither")
    tls = _relay_tls(parts.scheme, parts.query, secret=bool(password) and not _is_loopback(host))
    port = port or (465 if tls == "implicit" else 25)
    return Route(f"relay:{host}:{port}", (Host(host, port),), tls, username, password)


def _relay_tls(scheme: str, query: str, *, secret: bool) -> Tls:
    """Choose how a relay is spoken to.

    Raises:
        ValueError: The query asks for something else than the three words.
    """
    asked = dict(parse_qsl(query, keep_blank_values=True))
    wish = asked.pop("tls", None)
    if asked or (wish is not None and (scheme == "smtps" or wish not in {"none", "opportunistic", "required"})):
        raise ValueError("the relay URL may end in ?tls=none, opportunistic or required, with smtp:// only")
    if scheme == "smtps":
        return "implicit"
    if wish is not None:
        return "none" if wish == "none" else "required" if wish == "required" else "opportunistic"
    return "required" if secret else "opportunistic"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Resolver(Protocol):
    """What is needed of `dns.asyncresolver.Resolver`."""

    async def resolve(self, qname: dns.name.Name, rdtype: RdataType, *, lifetime: float) -> dns.resolver.Answer:
        """Look one name up; dnspython's exceptions are expected."""
        ...


class MxResolver:
    """Finds the route of a domain and remembers it."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        allow_private: bool = False,
        port: int = 25,
        tls: Tls = "opportunistic",
        timeout_seconds: float = 15.0,
        cache_size: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is looked up yet.

        Args:
            resolver: Default: dnspython's, with the machine's name servers.
            allow_private: Whether loopback, link-local and private addresses may be mailed to.
            port: Port of the servers.
            tls: What is expected of them.
            timeout_seconds: For one look-up.
            cache_size: Domains remembered; the longest unused are dropped first.
            now: Monotonic seconds.
        """
        self._resolver: Resolver = resolver if resolver is not None else _default_resolver()
        self._allow_private = allow_private
        self._port = port
        self._tls = tls
        self._timeout = timeout_seconds
        self._cache_size = cache_size
        self._now = now
        self._known: OrderedDict[str, tuple[float, Route | Outcome]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Route | Outcome]] = {}

    async def route(self, domain: str) -> Route | Outcome:
        """Return the route of a domain (A-labels, lower case), or the outcome of mail to it.

        The outcome is rejected 5.1.2 (no such domain, or nothing in it takes mail), rejected 5.1.10 (null MX),
        rejected 5.4.4 (its servers are in a private network), or deferred 4.4.3 or 4.4.4 (DNS gave no answer).
        """
        known = self._known.get(domain)
        if known is not None and known[0] > self._now():
            self._known.move_to_end(domain)
            return known[1]
        task = self._asking.get(domain)
        if task is None:
            task = asyncio.create_task(self._look_up(domain))
            self._asking[domain] = task
            task.add_done_callback(lambda _: self._asking.pop(domain, None))
        return await asyncio.shield(task)  # one caller giving up must not disturb the others

    async def _look_up(self, domain: str) -> Route | Outcome:
        try:
            result, ttl = await self._find(domain)
        except (dns.exception.DNSException, OSError) as error:
            result, ttl = from_us(Status.DEFERRED, "4.4.3", f"no DNS answer for {domain}: {error}"), FAILURE_TTL
        self._known[domain] = (self._now() + min(ttl, MAX_TTL), result)
        self._known.move_to_end(domain)
        while len(self._known) > self._cache_size:
            self._known.popitem(last=False)
        return result

    async def _find(self, domain: str) -> tuple[Route | Outcome, float]:
        try:
            name = dns.name.from_text(domain)
            answer = await self._resolver.resolve(name, RdataType.MX, lifetime=self._timeout)
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return from_us(Status.REJECTED, "5.1.2", f"the domain {domain} does not exist"), MIN_TTL
        except dns.resolver.NoAnswer:
            return await self._with_hosts(domain, [domain], MIN_TTL, has_mx=False)  # RFC 5321, 5.1: the implicit MX
        ttl = max(float(answer.rrset.ttl if answer.rrset is not None else 0), MIN_TTL)
        records = [(int(record.preference), record.exchange.to_text(omit_final_dot=True).lower()) for record in answer]
        if all(exchange in {"", "."} for _, exchange in records):
            return from_us(Status.REJECTED, "5.1.10", f"the domain {domain} takes no mail (null MX)"), ttl
        random.shuffle(records)  # equal preferences share the load
        records.sort(key=lambda record: record[0])
        exchanges = [exchange for _, exchange in records if exchange not in {"", "."}]
        return await self._with_hosts(domain, exchanges, ttl, has_mx=True)

    async def _with_hosts(
        self, domain: str, names: list[str], ttl: float, *, has_mx: bool
    ) -> tuple[Route | Outcome, float]:
        """Look up the addresses of the servers, in their order, and make the route."""
        names = list(dict.fromkeys(names))[:MAX_HOSTS]
        found = await asyncio.gather(*[self._addresses(name) for name in names])
        every = [(name, address) for name, addresses in zip(names, found, strict=True) for address in addresses or ()]
        usable = [(name, address) for name, address in every if self._allow_private or ip_address(address).is_global]
        if usable:
            hosts = tuple(Host(name, self._port, address) for name, address in usable[:MAX_HOSTS])
            site = ",".join(sorted({host.name for host in hosts}))
            return Route(f"mx:{site}:{self._port}", hosts, self._tls), ttl
        if every:
            return from_us(Status.REJECTED, "5.4.4", f"the servers of {domain} are in a private network"), ttl
        if None in found:
            return from_us(Status.DEFERRED, "4.4.3", f"no DNS answer for the servers of {domain}"), FAILURE_TTL
        if has_mx:
            return from_us(Status.DEFERRED, "4.4.4", f"the servers of {domain} have no address"), MIN_TTL
        return from_us(Status.REJECTED, "5.1.2", f"the domain {domain} has no mail server"), MIN_TTL

    async def _addresses(self, name: str) -> list[str] | None:
        """Return the addresses of a server, IPv4 first; empty when it has none, None when DNS does not say."""
        unknown = False
        addresses: list[str] = []
        for rdtype in (RdataType.A, RdataType.AAAA):
            try:
                answer = await self._resolver.resolve(dns.name.from_text(name), rdtype, lifetime=self._timeout)
                addresses += [str(record.address) for record in answer]
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                continue
            except (dns.exception.DNSException, OSError):
                unknown = True
        return addresses if addresses or not unknown else None


def _default_resolver() -> Resolver:
    resolver = dns.asyncresolver.Resolver()
    resolver.cache = None  # this module keeps answers itself
    return resolver

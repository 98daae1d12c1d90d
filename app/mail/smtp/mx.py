"""Finds the route to a domain's mail servers, with what their TLS policies ask for, and remembers it.

May import `dns`, `app.mail.smtp` modules below it and the standard library.

Source: RFC 5321 section 5.1, RFC 7505 (null MX), RFC 7672 (DANE), RFC 8461 (MTA-STS).
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence

from dns.rdatatype import RdataType
from dns.rdtypes.ANY.MX import MX

from app.mail.smtp.hosts import Host, Route, Tls
from app.mail.smtp.https import HttpsFetch
from app.mail.smtp.lookups import Lookups, NoDnsAnswer, Resolver, dns_resolver, is_public
from app.mail.smtp.mta_sts import Fetch, Mode, Policy, StsPolicies
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.servers import Server, TlsaFound, find_server, find_tlsa

MAX_NAMES = 8
"""Most servers of a domain that are looked up."""
MAX_HOSTS = 12
"""Most addresses of one route."""
MAX_TTL = 3600.0
"""Longest time an answer is kept, in seconds."""
MIN_TTL = 60.0
"""Shortest time a good or permanent answer is kept, in seconds."""
FAILURE_TTL = 15.0
"""How long a failed look-up is kept, in seconds."""

_Found = tuple[Route | Outcome, float]


class MxResolver:
    """Finds the route of a domain and remembers it."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        allow_private: bool = False,
        ipv6: bool = True,
        own: Collection[str] = (),
        dnssec: bool = False,
        mta_sts: bool = False,
        fetch: Fetch | None = None,
        port: int = 25,
        tls: Tls = "opportunistic",
        timeout_seconds: float = 15.0,
        cache_size: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is looked up yet.

        Args:
            resolver: Default: `dns_resolver()`, with the machine's name servers.
            allow_private: Whether loopback, link-local and private addresses may be mailed to.
            ipv6: Whether IPv6 addresses are used.
            own: Our own names and addresses; servers that are we, and the ones behind them, are left out.
            dnssec: Whether the resolver's AD bit is to be believed; then DANE is observed.
            mta_sts: Whether MTA-STS policies are observed.
            fetch: Gets MTA-STS policies. Default: over HTTPS.
            port: Port of the servers.
            tls: What is expected of them where no policy says more.
            timeout_seconds: For one look-up.
            cache_size: Domains remembered; the longest unused are dropped first.
            now: Monotonic seconds.
        """
        resolver = resolver if resolver is not None else dns_resolver(dnssec=dnssec)
        self._lookups = Lookups(resolver, dnssec=dnssec, timeout_seconds=timeout_seconds)
        self._allow_private = allow_private
        self._ipv6 = ipv6
        self._own = frozenset(name.lower().rstrip(".") for name in own)
        self._dnssec = dnssec
        self._policies: StsPolicies | None = None
        if mta_sts:
            fetch = fetch or HttpsFetch(self._addresses)
            self._policies = StsPolicies(self._lookups, fetch, cache_size=cache_size, now=now)
        self._port = port
        self._tls = tls
        self._cache_size = cache_size
        self._now = now
        self._known: OrderedDict[str, tuple[float, Route | Outcome]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Route | Outcome]] = {}

    async def route(self, domain: str) -> Route | Outcome:
        """Return the route of a domain (A-labels, lower case), or the outcome of mail to it.

        The outcome is rejected 5.1.2 (no such domain, or nothing in it takes mail), 5.1.10 (null MX), 5.4.4 (its
        servers are in a private network) or 5.4.6 (they are we), or deferred 4.4.3 or 4.4.4 (DNS gave no answer) or
        4.7.5 (a TLS policy leaves no server).
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
        except NoDnsAnswer as error:
            result, ttl = from_us(Status.DEFERRED, "4.4.3", f"no DNS answer for {domain}: {error}"), FAILURE_TTL
        self._known[domain] = (self._now() + min(ttl, MAX_TTL), result)
        self._known.move_to_end(domain)
        while len(self._known) > self._cache_size:
            self._known.popitem(last=False)
        return result

    async def _find(self, domain: str) -> _Found:
        answer = await self._lookups.ask(domain, RdataType.MX)
        ttl = max(answer.ttl, MIN_TTL)
        if not answer.exists:
            return from_us(Status.REJECTED, "5.1.2", f"the domain {domain} does not exist"), ttl
        records = [
            (record.preference, record.exchange.to_text(omit_final_dot=True).lower())
            for record in answer.records
            if isinstance(record, MX)
        ]
        named = [record for record in records if record[1] not in {"", "."}]
        if records and not named:
            return from_us(Status.REJECTED, "5.1.10", f"the domain {domain} takes no mail (null MX)"), ttl
        random.shuffle(named)  # which of too many equal ones are left out is a matter of chance
        named.sort(key=lambda record: record[0])
        best = {name: preference for preference, name in reversed(named)} or {domain: 0}  # RFC 5321, 5.1: implicit MX
        names = sorted(best.items(), key=lambda item: item[1])[:MAX_NAMES]
        servers = await asyncio.gather(*(find_server(self._lookups, name, preference) for name, preference in names))
        outcome = self._unreachable(domain, servers, has_mx=bool(named))
        if outcome is not None:
            return outcome[0], min(outcome[1], ttl)
        servers = [server for server in self._before_us(servers) if self._usable(server)]
        policy, policy_ttl = await self._policies.find(domain) if self._policies is not None else (None, MAX_TTL)
        result, found_ttl = await self._secured(domain, servers, policy, authentic=answer.authentic)
        return result, max(min(ttl, found_ttl, policy_ttl), FAILURE_TTL)

    def _unreachable(self, domain: str, servers: Sequence[Server], *, has_mx: bool) -> _Found | None:
        """Return the outcome when no server of a domain can be used at all."""
        left = self._before_us(servers)
        if any(self._usable(server) for server in left):
            return None
        every = [address for server in left for address in server.addresses]
        status, ttl = Status.DEFERRED, MIN_TTL
        if len(left) < len(servers) and not left:
            status, enhanced, reason = Status.REJECTED, "5.4.6", f"mail for {domain} would come back to us"
        elif any(server.unknown for server in left):
            enhanced, reason, ttl = "4.4.3", f"no DNS answer for the servers of {domain}", FAILURE_TTL
        elif every and not (self._allow_private or any(is_public(address) for address in every)):
            status, enhanced, reason = Status.REJECTED, "5.4.4", f"the servers of {domain} are in a private network"
        elif every:
            enhanced, reason = "4.4.4", f"the servers of {domain} have IPv6 addresses only"
        elif has_mx:
            enhanced, reason = "4.4.4", f"the servers of {domain} have no address"
        else:
            status, enhanced, reason = Status.REJECTED, "5.1.2", f"the domain {domain} has no mail server"
        return from_us(status, enhanced, reason), ttl

    def _before_us(self, servers: Sequence[Server]) -> list[Server]:
        """Return the servers that come before ourselves: mail never goes back or sideways (RFC 5321, 5.1)."""
        ours = [s.preference for s in servers if s.name in self._own or not self._own.isdisjoint(s.addresses)]
        return [server for server in servers if not ours or server.preference < min(ours)]

    def _usable(self, server: Server) -> list[str]:
        """Return the addresses of a server that may be used."""
        return [
            address
            for address in server.addresses
            if (self._ipv6 or ":" not in address) and (self._allow_private or is_public(address))
        ]

    async def _secured(
        self, domain: str, servers: Sequence[Server], policy: Policy | None, *, authentic: bool
    ) -> _Found:
        """Make the route of what TLS policies leave; DANE goes before MTA-STS (RFC 8461, 2)."""
        said = [TlsaFound()] * len(servers)
        if self._dnssec and authentic:
            said = await asyncio.gather(*(find_tlsa(self._lookups, server, self._port) for server in servers))
        enforced = policy if policy is not None and policy.mode == Mode.ENFORCE else None
        hosts: list[Host] = []
        for server, found in zip(servers, said, strict=True):
            tls: Tls | None = "dane" if found.dane is not None else "encrypted" if found.encrypted else None
            if enforced is not None and tls != "dane":
                if not enforced.allows(server.name):
                    continue
                tls = "sts"
            if found.failed:
                continue
            hosts += [
                Host(server.name, self._port, address, server.preference, tls=tls, dane=found.dane)
                for address in self._usable(server)
            ]
        if hosts:
            hosts = hosts[:MAX_HOSTS]
            ttl = min(*(server.ttl for server in servers), *(found.ttl for found in said), MAX_TTL)
            return Route(_key(hosts, self._port), tuple(hosts), self._tls), max(ttl, MIN_TTL)
        if any(found.failed for found in said):
            reason = f"no DNS answer for the TLSA records of the servers of {domain} (DANE)"
            return from_us(Status.DEFERRED, "4.7.5", reason), FAILURE_TTL
        reason = f"the MTA-STS policy of {domain} names none of its mail servers"
        return from_us(Status.DEFERRED, "4.7.5", reason), MIN_TTL

    async def _addresses(self, name: str) -> list[str]:
        """Return the usable addresses of a web server."""
        return self._usable(await find_server(self._lookups, name, 0))


def _key(hosts: Sequence[Host], port: int) -> str:
    """Name the site, and after a # what is expected of whose TLS: a session made for less is no use for more."""
    names = dict.fromkeys(sorted(host.name for host in hosts))
    policies = sorted({f"{host.name}={host.tls}" for host in hosts if host.tls is not None})
    return f"mx:{','.join(names)}:{port}" + (f"#{','.join(policies)}" if policies else "")

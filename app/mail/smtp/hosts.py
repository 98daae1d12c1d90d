"""What a route is: servers, what is expected of their TLS, and in which order they are tried.

May import `app.mail.smtp.dane` (its values) and the standard library.

Source: RFC 5321 section 5.1; docs/contract/dyn-email.md, section 15.1.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from app.mail.smtp.dane import Dane

Tls = Literal["none", "opportunistic", "implicit", "required", "encrypted", "sts", "dane"]
"""`opportunistic`: STARTTLS if offered, any certificate, in clear when it fails; `implicit`: TLS from the first octet,
checked; `required`: STARTTLS, checked; `encrypted`: STARTTLS, any certificate; `sts`: as `required`, because the
MTA-STS policy of the domain says so; `dane`: STARTTLS, checked against the host's TLSA records."""

_RANDOM = random.Random()  # noqa: S311 spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class Host:
    """One server, or one address of it."""

    name: str
    """Its name, for TLS and for records."""
    port: int
    address: str = ""
    """Its IP address; empty: the name is looked up when connecting."""
    priority: int = 0
    """Lower ones are tried first."""
    weight: int = 1
    """Share among the servers of the same priority, 1 to 100."""
    tls: Tls | None = None
    """What is expected of TLS; None: what the route says."""
    username: str = ""
    """For AUTH; empty: the route's."""
    password: str = field(default="", repr=False)
    dane: Dane | None = None
    """TLSA records, with `tls` = `dane`."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way for mail."""

    key: str
    """Equal keys share a pool: the relays, or the MX site with what is expected of its TLS."""
    hosts: tuple[Host, ...]
    """At least one; `order` says which to try first."""
    tls: Tls = "opportunistic"
    username: str = ""
    """For AUTH; empty: none."""
    password: str = field(default="", repr=False)

    @property
    def site(self) -> str:
        """The servers alone, whatever is expected of their TLS: routes with equal sites share limits."""
        return self.key.partition("#")[0]

    def tls_of(self, host: Host) -> Tls:
        """Return what is expected of the TLS of one host."""
        return host.tls or self.tls

    def credentials_of(self, host: Host) -> tuple[str, str]:
        """Return name and password for one host; both empty: no AUTH."""
        return (host.username, host.password) if host.username else (self.username, self.password)

    def order(self, choose: random.Random = _RANDOM) -> Sequence[Host]:
        """Return all hosts in the order to try them for one opening; each call draws anew.

        By priority; within one, servers in weighted random order; of one server, its IPv4 addresses in random order,
        then its IPv6 addresses.

        Args:
            choose: Source of chance.
        """
        if len(self.hosts) == 1:
            return self.hosts
        ordered: list[Host] = []
        for _, equal in groupby(sorted(self.hosts, key=_priority), key=_priority):
            servers: dict[tuple[str, int, str], list[Host]] = {}
            for host in equal:
                servers.setdefault((host.name, host.port, host.username), []).append(host)
            # The first of several exponential clocks to ring is each with the chance of its rate.
            rings = [(choose.expovariate(max(addresses[0].weight, 1)), addresses) for addresses in servers.values()]
            for _, addresses in sorted(rings, key=lambda ring: ring[0]):
                choose.shuffle(addresses)
                ordered += sorted(addresses, key=lambda host: ":" in host.address)
        return ordered


def _priority(host: Host) -> int:
    return host.priority

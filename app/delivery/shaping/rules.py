"""The values of the shaping rules: what one destination may be given, and which destination that is.

Imports the standard library only; `rules_file` reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

RELAY_PREFIX = "relay:"
"""How the key of a relay's route begins; the sandbox inbox is a relay as well."""


class ShapingProblem(ValueError):
    """A rules file can't be used; the text names the file, the entry and the field."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one destination may be given, by all delivery processes together."""

    connections: int = 10
    """Most SMTP sessions at the same time."""
    rate: float | None = None
    """Most messages per second; None: no limit."""
    messages_per_connection: int = 100
    """Messages after which a session is closed and a new one opened."""
    circuit_failures: int = 5
    """Consecutive overload answers or failed connections that open the circuit."""
    circuit_seconds: float = 15.0
    """How long the circuit stays open the first time; it doubles with each failed probe."""
    circuit_seconds_max: float = 900.0
    """The longest it stays open."""
    shared: bool = True
    """Whether the limits are divided among the delivery processes; False: each process has them whole."""


@dataclass(frozen=True, slots=True)
class SiteRule:
    """One `[[site]]` entry."""

    name: str
    hosts: tuple[str, ...]
    """Lower case; `mx.example.com` is that host, `*.example.com` every host below example.com."""
    limits: Limits

    def matches(self, host: str) -> bool:
        """Tell whether the rule is for this host (lower case, no final dot)."""
        return any(host.endswith(mask[1:]) if mask[0] == "*" else host == mask for mask in self.hosts)


@dataclass(frozen=True, slots=True)
class WarmupPlan:
    """How much a new sender domain may send on its first days."""

    started_on: date
    """The first day, UTC."""
    per_day: tuple[int, ...]
    """Messages on the first day, the second, ...; afterwards there is no limit."""

    def allowed(self, day: date) -> int | None:
        """Return how many messages that UTC day takes: 0 before the plan, None after it."""
        index = (day - self.started_on).days
        if index < 0:
            return 0
        return self.per_day[index] if index < len(self.per_day) else None


@dataclass(frozen=True, slots=True)
class Rules:
    """All shaping rules of an installation."""

    default: Limits = field(default_factory=Limits)
    """For MX sites no entry names."""
    relay: Limits = field(default_factory=lambda: Limits(shared=False))
    """For relays and the sandbox no entry names."""
    sites: tuple[SiteRule, ...] = ()
    """The first that matches holds; the operator's own come first."""
    warmups: Mapping[str, WarmupPlan] = field(default_factory=dict)
    """By sender domain, lower case."""
    process_connections: int = 10
    """Most sessions one delivery process opens to one destination, whatever its rule says."""

    def limits(self, key: str, hosts: Sequence[str]) -> Limits:
        """Return what a destination may be given.

        Args:
            key: Key of its route.
            hosts: Names of its servers, the preferred first; the first that any entry names decides.
        """
        for host in hosts:
            name = host.rstrip(".").lower()
            for rule in self.sites:
                if rule.matches(name):
                    return rule.limits
        return self.relay if key.startswith(RELAY_PREFIX) else self.default

    def warmup(self, domain: str) -> WarmupPlan | None:
        """Return the plan of a sender domain, or None."""
        return self.warmups.get(domain.lower()) if self.warmups else None

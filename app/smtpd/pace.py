"""How many mails a minute one address may bring. Imports the standard library only."""

from ipaddress import IPv6Address, ip_address
from time import monotonic

MAX_KNOWN = 20_000
"""Addresses that are remembered; beyond it those that have been quiet are forgotten."""
MINUTE = 60.0


def group_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


class Pace:
    """A bucket for each client that fills by so many a minute and holds one minute's worth."""

    def __init__(self, per_minute: int) -> None:
        """Begin with full buckets.

        Args:
            per_minute: Mails of one client; 0: no limit.
        """
        self._per_minute = per_minute
        self._known: dict[str, tuple[float, float]] = {}

    def take(self, address: str) -> bool:
        """Count a mail of this client; False when it has brought too many."""
        if not self._per_minute:
            return True
        now = monotonic()
        group = group_of(address)
        left, seen = self._known.pop(group, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - seen) * self._per_minute / MINUTE)
        allowed = left >= 1
        self._known[group] = (left - 1 if allowed else left, now)
        while len(self._known) > MAX_KNOWN:  # the one that was quiet longest stands first
            del self._known[next(iter(self._known))]
        return allowed

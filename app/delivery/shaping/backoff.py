"""How a destination that wants less gets less: halved at once, given back bit by bit while it takes mail.

Pure: the caller says what time it is. Imports the standard library only. The same idea as TCP's congestion control
(additive increase, multiplicative decrease, RFC 5681).
"""

import math

DECREASE = 0.5
"""What is left of rate and connections after an overload answer."""
HOLD_SECONDS = 2.0
"""Further overload answers within this time belong to the same decrease: their messages had begun before it."""
RECOVERY_SECONDS = 120.0
"""How long it takes from nothing back to everything, while the site takes mail."""
STEP_SECONDS = 2.0
"""The longest time a single success counts for, so that a rare message does not recover everything at once."""
LEAST_FACTOR = 1 / 64
"""The least part of rate and connections that is left; below it the circuit decides."""
LEAST_RATE = 1.0
"""What was observed is never taken for less than this, in messages per second: an idle site has a rate of nearly 0."""


class Backoff:
    """The part of a destination's allowance that is used at present."""

    __slots__ = ("_changed_at", "_factor", "_hold_until", "_reference")

    def __init__(self) -> None:
        """Start with everything."""
        self._factor = 1.0
        self._reference = math.inf
        self._hold_until = -math.inf
        self._changed_at = 0.0

    @property
    def factor(self) -> float:
        """The part, 0 < factor <= 1; 1.0: no back-off."""
        return self._factor

    def rate(self, allowed: float | None) -> float | None:
        """Return the rate to use, in messages per second: with a back-off, a part of what was observed before it.

        Args:
            allowed: What the rules allow; None: no limit.
        """
        if self._factor >= 1.0:
            return allowed
        if allowed is None:
            return self._reference * self._factor
        return min(allowed, self._reference * self._factor)

    def connections(self, allowed: int) -> int:
        """Return the sessions to use of those allowed, at least one."""
        return max(1, math.floor(allowed * self._factor)) if allowed else 0

    def overloaded(self, now: float, observed_rate: float) -> bool:
        """The site wants less; return whether something changed.

        Args:
            now: Present time, in seconds.
            observed_rate: Messages per second that were begun lately; it becomes what is halved.
        """
        if now < self._hold_until:
            return False
        if self._factor >= 1.0:
            self._reference = max(observed_rate, LEAST_RATE)
        self._factor = max(self._factor * DECREASE, LEAST_FACTOR)
        self._hold_until = now + HOLD_SECONDS
        self._changed_at = now
        return True

    def succeeded(self, now: float) -> bool:
        """The site took a message; return whether something changed."""
        if self._factor >= 1.0 or now < self._hold_until:
            return False
        self._factor += min(now - self._changed_at, STEP_SECONDS) / RECOVERY_SECONDS
        self._changed_at = now
        if self._factor >= 1.0:
            self._factor = 1.0
            self._reference = math.inf
        return True

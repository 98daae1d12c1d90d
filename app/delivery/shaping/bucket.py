"""A token bucket whose rate may change: what the pace of one destination is kept with.

Pure: the caller says what time it is. Imports the standard library only.

In any window of t seconds it lets at most `rate * t + capacity` messages begin. Changing the rate keeps what was
accrued (in messages), so moving rate from one process to another makes nothing out of nothing.
"""

import math

BURST_SECONDS = 0.5
"""A bucket holds one message and what its rate makes in this time: enough that a loop that comes late loses nothing."""
_ALMOST = 1.0 - 1e-9
"""A whole message, but for what adding floating point numbers loses."""


class Bucket:
    """Messages that may begin, made at a rate."""

    __slots__ = ("_at", "_burst_seconds", "_capacity", "_rate", "_tokens")

    def __init__(self, rate: float, now: float, *, tokens: float = 1.0, burst_seconds: float = BURST_SECONDS) -> None:
        """Start with what may begin at once.

        Args:
            rate: Messages per second; 0: none are made.
            now: Present time, in seconds.
            tokens: Messages that may begin at once.
            burst_seconds: How long an unused rate is saved.
        """
        self._burst_seconds = burst_seconds
        self._rate = rate
        self._capacity = 1.0 + rate * burst_seconds
        self._tokens = min(tokens, self._capacity)
        self._at = now

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self._rate

    def delay(self, now: float) -> float:
        """Return the seconds until a message may begin: 0.0 now, infinity when the rate is 0 and nothing is left."""
        tokens = self._tokens + (now - self._at) * self._rate
        if tokens >= _ALMOST:
            return 0.0
        return (1.0 - tokens) / self._rate if self._rate > 0 else math.inf

    def begin(self, now: float) -> None:
        """Take one message; who begins before its time is in debt and waits the longer."""
        tokens = self._tokens + (now - self._at) * self._rate
        self._tokens = min(tokens, self._capacity) - 1.0
        self._at = now

    def change(self, rate: float, now: float) -> None:
        """Go on with another rate; what was accrued stays, as far as the new bucket holds it."""
        tokens = min(self._tokens + (now - self._at) * self._rate, self._capacity)
        self._rate = rate
        self._capacity = 1.0 + rate * self._burst_seconds
        self._tokens = min(tokens, self._capacity)
        self._at = now

    def refill(self, tokens: float, now: float) -> None:
        """Replace what was accrued; a debt is subtracted."""
        debt = min(self._tokens + (now - self._at) * self._rate, 0.0)
        self._tokens = min(tokens, self._capacity) + debt
        self._at = now

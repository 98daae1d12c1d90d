"""A circuit breaker: after failures in a row a destination is left alone, then asked with one message.

Pure: the caller says what time it is. Imports the standard library only.
"""

import math
import random

PROBE_SECONDS = 120.0
"""A probe without an outcome for this long is given up, and another may begin."""
JITTER = 0.2
"""An opening lasts up to this part longer or shorter, so that processes do not all probe at once."""


class Circuit:
    """Closed: traffic flows. Open: none. Half open: one message, whose outcome decides."""

    __slots__ = ("_failures", "_limit", "_longest", "_openings", "_probe_until", "_random", "_reopens_at", "_seconds")

    def __init__(self, *, failures: int, seconds: float, longest: float, random_source: random.Random) -> None:
        """Start closed.

        Args:
            failures: How many in a row open it.
            seconds: How long it is open the first time; it doubles with each failed probe.
            longest: The longest it is open, before jitter.
            random_source: For the jitter.
        """
        self._limit = failures
        self._seconds = seconds
        self._longest = longest
        self._random = random_source
        self._failures = 0
        self._openings = 0
        self._reopens_at = -math.inf
        self._probe_until = -math.inf

    @property
    def is_closed(self) -> bool:
        """Whether traffic flows."""
        return self._openings == 0

    def delay(self, now: float) -> float:
        """Return the seconds until a message may begin: while open, until a probe may."""
        if self._openings == 0:
            return 0.0
        return max(self._reopens_at - now, self._probe_until - now, 0.0)

    def begin(self, now: float) -> None:
        """A message begins; with the circuit open, it is the probe."""
        if self._openings:
            self._probe_until = now + PROBE_SECONDS

    def good(self, now: float) -> None:
        """The site answered as a working one does.

        While the circuit is open and no probe has begun, that is the late outcome of an older message and no proof.
        """
        self._failures = 0
        if self._openings and self.is_probing(now):
            self._openings = 0
            self._probe_until = -math.inf

    def failed(self, now: float) -> None:
        """The site was overloaded or out of reach."""
        if self._openings:
            if self.is_probing(now):
                self._open(now)
            return
        self._failures += 1
        if self._failures >= self._limit:
            self._open(now)

    def unclear(self, now: float) -> None:
        """The outcome says nothing about the site; a probe that ended so may be repeated at once."""
        if self._openings and self.is_probing(now):
            self._probe_until = -math.inf

    def is_probing(self, now: float) -> bool:
        """Tell whether a probe is under way."""
        return now < self._probe_until

    def _open(self, now: float) -> None:
        seconds = min(self._seconds * 2.0 ** min(self._openings, 30), self._longest)
        self._openings += 1
        self._failures = 0
        self._probe_until = -math.inf
        self._reopens_at = now + seconds * self._random.uniform(1.0 - JITTER, 1.0 + JITTER)

"""One destination as one delivery process sees it: its share of the limits, its back-off, its circuit.

Pure: time and chance are given. May import the other modules of this package and `app.mail.smtp.outcome`.

`delay` and `begin` are called for every message. A site without a rate limit, back-off or open circuit is `free`, and
then they look at one attribute.
"""

import math
import random
from collections.abc import Callable

from app.delivery.shaping.backoff import Backoff
from app.delivery.shaping.bucket import Bucket
from app.delivery.shaping.circuit import Circuit
from app.delivery.shaping.rules import Limits
from app.delivery.shaping.signals import Signal, read_signal
from app.delivery.shaping.usage import Usage
from app.mail.smtp.outcome import Outcome

ASK_AGAIN_SECONDS = 0.1
"""The wait when this process has no share at present; one may come with the next exchange."""
OBSERVE_SECONDS = 1.0
"""The observed rate is that of the last one to two such periods."""


class Site:
    """What one process may send to one destination. Made by `Shaper.site`."""

    __slots__ = (
        "__weakref__",
        "_backoff",
        "_bucket",
        "_circuit",
        "_free",
        "_marks",
        "_now",
        "begun",
        "connections",
        "is_starved",
        "key",
        "limits",
        "messages_per_connection",
        "share",
        "share_connections",
        "usage",
    )

    def __init__(
        self,
        key: str,
        limits: Limits,
        *,
        connections: int,
        rate: float | None,
        now: Callable[[], float],
        random_source: random.Random,
        tokens: float = 1.0,
    ) -> None:
        """Start with a share of the limits.

        Args:
            key: The route's key.
            limits: What the rules allow all processes together.
            connections: This process's share of the sessions.
            rate: This process's share of the rate, in messages per second; None: no limit.
            now: Tells the time, in seconds.
            random_source: For the circuit's jitter.
            tokens: Messages that may begin at once.
        """
        self.key = key
        self.limits = limits
        self.messages_per_connection = limits.messages_per_connection
        self.share = rate
        """This process's share of the rate, before back-off."""
        self.share_connections = connections
        """This process's share of the sessions, before back-off and circuit."""
        self.begun = 0
        """Messages begun so far."""
        self.is_starved = False
        """Whether a message had to wait for the rate since the last exchange, which resets it."""
        self.usage = Usage(active_at=now())
        """What the exchange with the other processes keeps about this site."""
        self._now = now
        self._backoff = Backoff()
        self._circuit = Circuit(
            failures=limits.circuit_failures,
            seconds=limits.circuit_seconds,
            longest=limits.circuit_seconds_max,
            random_source=random_source,
        )
        start = now()
        self._marks = (start, 0, start, 0)
        self._bucket = None if rate is None else Bucket(rate, start, tokens=tokens)
        self._free = False
        self.connections = 0
        self._apply(start)

    @property
    def is_open(self) -> bool:
        """Whether normal traffic is allowed: the circuit is closed."""
        return self._circuit.is_closed

    @property
    def is_troubled(self) -> bool:
        """Whether there is a back-off or an open circuit to remember."""
        return self._backoff.factor < 1.0 or not self._circuit.is_closed

    @property
    def rate(self) -> float | None:
        """Messages per second at present, after back-off; None: no limit."""
        return None if self._bucket is None else self._bucket.rate

    def delay(self) -> float:
        """Return the seconds until the next message may begin; 0.0: now. Finite, even when nothing is in sight."""
        if self._free:
            return 0.0
        now = self._now()
        circuit = self._circuit
        if not circuit.is_closed:
            wait = circuit.delay(now)
            if wait <= 0.0 and self.connections == 0:
                self.connections = 1  # for the probe
            return wait
        if self.connections == 0:
            self.is_starved = True
            return ASK_AGAIN_SECONDS
        bucket = self._bucket
        wait = bucket.delay(now) if bucket is not None else 0.0
        if wait > 0.0:
            self.is_starved = True
            return wait if wait < math.inf else ASK_AGAIN_SECONDS
        return 0.0

    def begin(self) -> None:
        """A message begins now."""
        self.begun += 1
        if self._free:
            return
        now = self._now()
        self._circuit.begin(now)
        if self._bucket is not None:
            self._bucket.begin(now)

    def observe(self, outcome: Outcome) -> None:
        """Learn from the outcome of a message: back off, open the circuit, or recover."""
        now = self._now()
        if now - self._marks[2] >= OBSERVE_SECONDS:
            self._marks = (self._marks[2], self._marks[3], now, self.begun)
        signal = read_signal(outcome)
        if signal is Signal.SUCCESS and self._free:
            self._circuit.good(now)
            return
        if signal is Signal.NOTHING:
            self._circuit.unclear(now)
        elif signal in {Signal.SUCCESS, Signal.ALIVE}:
            self._circuit.good(now)
            if signal is Signal.SUCCESS:
                self._backoff.succeeded(now)
        else:
            self._circuit.failed(now)
            if signal is Signal.OVERLOAD:
                self._backoff.overloaded(now, self.observed_rate(now))
        self._apply(now)

    def observed_rate(self, now: float) -> float:
        """Return the messages per second that were begun lately."""
        since, count, _, _ = self._marks
        return (self.begun - count) / max(now - since, OBSERVE_SECONDS)

    def pace(self, least: float) -> float:
        """Return the messages per second it is thought to take, from all processes together.

        Its limit; in trouble this process's part of what is left of it; without a limit what it took lately, but
        `least`.
        """
        if self.limits.rate and not self.is_troubled:
            return self.limits.rate
        return self.rate or max(self.observed_rate(self._now()), least)

    def grant(self, *, connections: int, rate: float | None, tokens: float | None = None) -> None:
        """Go on with another share.

        Args:
            connections: Sessions; 0: none at present.
            rate: Messages per second; None: no limit.
            tokens: Messages that may begin at once; None: what was saved up until now.
        """
        now = self._now()
        self.share, self.share_connections = rate, connections
        self._apply(now)
        if tokens is not None and self._bucket is not None:
            self._bucket.refill(tokens, now)

    def _apply(self, now: float) -> None:
        """Make share, back-off and circuit into what the hot path looks at."""
        rate = self._backoff.rate(self.share)
        if rate is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = Bucket(rate, now)
        elif not math.isclose(rate, self._bucket.rate, rel_tol=1e-9):
            self._bucket.change(rate, now)
        if self._circuit.is_closed:
            self.connections = self._backoff.connections(self.share_connections)
        else:
            self.connections = 0 if self._circuit.delay(now) > 0.0 and not self._circuit.is_probing(now) else 1
        self._free = self._bucket is None and self._circuit.is_closed and self.connections > 0

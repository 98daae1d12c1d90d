"""The messages a sender domain under a warm-up plan may send: granted one by one through Valkey, or from its even part.

Pure: the caller's clock. May import `rules`, `warmup` and the standard library.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.delivery.shaping.rules import WarmupPlan
from app.delivery.shaping.warmup import ASK_AGAIN_SECONDS, LONGEST_WAIT, DayBucket, burst, next_day, until, utc_day

MOST_WANTED = 100
"""Grants one exchange asks for at most; what is held and not used is lost to the other processes for a moment."""
HOLD_SECONDS = 5.0
"""Unused grants are given back after this time."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a day's messages a process may use without Valkey."""

    workers: int
    rank: int | None
    """None: not known, so nobody gets what is left over by the division."""

    def of(self, count: int) -> int:
        """Return this part of a count; the parts of all processes together are at most the count."""
        rest = count % self.workers
        return count // self.workers + (1 if self.rank is not None and self.rank < rest else 0)


class Budget:
    """What one process may send today for one sender domain. Made by `Shaper.warmup`."""

    __slots__ = (
        "_active_at",
        "_asked",
        "_bucket",
        "_day",
        "_ends_at",
        "_grants",
        "_part",
        "_plan",
        "_total",
        "_wait_until",
        "_wall",
        "count",
        "domain",
        "is_starved",
        "used",
    )

    count: int | None
    """Messages of all processes together today; None: the plan is over."""
    used: int
    """Messages begun today."""
    is_starved: bool
    """Whether a message had to wait since the last exchange."""
    _asked: int
    _grants: int
    _total: int
    _active_at: float
    _wait_until: float
    _bucket: DayBucket | None

    def __init__(self, domain: str, plan: WarmupPlan, *, wall: Callable[[], float], part: Part | None) -> None:
        """Start.

        Args:
            domain: Sender domain, lower case.
            plan: Its plan.
            wall: Tells the time, in seconds of the Unix epoch.
            part: This process's part without Valkey; None: grants come through Valkey.
        """
        self.domain = domain
        self._plan = plan
        self._wall = wall
        self._part = part
        self._begin_day(wall())

    @property
    def day_key(self) -> str:
        """The name of plan and day in Valkey."""
        return f"{self.domain}:{self._day.isoformat()}"

    @property
    def mine(self) -> int:
        """Messages sent today, and grants still held."""
        return self.used + self._grants

    @property
    def is_limited(self) -> bool:
        """Whether the plan still limits today."""
        self._look(self._wall())
        return self.count is not None

    def delay(self) -> float:
        """Return the seconds until the next message may begin; 0.0: now."""
        unix = self._wall()
        self._look(unix)
        if self.count is None or self._grants > 0:
            return 0.0
        if self._bucket is not None:
            return min(self._bucket.delay(unix), LONGEST_WAIT)
        self.is_starved = True
        return min(max(self._wait_until - unix, ASK_AGAIN_SECONDS), LONGEST_WAIT)

    def begin(self) -> None:
        """A message begins now."""
        unix = self._wall()
        self._look(unix)
        self.used += 1
        if self.count is None:
            return
        if self._grants > 0:
            self._grants -= 1
        elif self._bucket is not None:
            self._bucket.take(unix)

    @property
    def is_due(self) -> bool:
        """Whether there is something to tell or to ask at an exchange."""
        self._look(self._wall())
        return self.count is not None and (self.is_starved or self._grants > 0 or self.used != self._asked)

    def want(self) -> int:
        """Return how many further messages to ask for, and give back what was held for long without use."""
        unix = self._wall()
        begun = self.used - self._asked
        self._asked = self.used
        if self.is_starved or begun:
            self._active_at = unix
        elif unix - self._active_at > HOLD_SECONDS:
            self._grants = 0
        if not self.is_starved and not begun:
            return 0
        most = min(burst(self.count or 0), MOST_WANTED)
        return max(0, min(2 * begun + 1, most) - self._grants)

    def grant(self, granted: int, total: int, wait: float) -> None:
        """Take what an exchange brought: further messages, the day's total so far, and the wait for more."""
        unix = self._wall()
        self._part = self._bucket = None
        self._grants += granted
        self._total = max(total, self.used)
        self._wait_until = unix + wait
        self.is_starved = False

    def go_alone(self, part: Part) -> None:
        """Go on without Valkey, with an even part of what is left of the day."""
        unix = self._wall()
        self._look(unix)
        self._part = part
        if self.count is not None and self._bucket is None:
            self._bucket = DayBucket(part.of(max(self.count - self._total, 0)), unix)

    def _look(self, unix: float) -> None:
        if unix >= self._ends_at:
            self._begin_day(unix)

    def _begin_day(self, unix: float) -> None:
        self._day = utc_day(unix)
        self._ends_at = unix + until(next_day(self._day), unix)
        self.count = self._plan.allowed(self._day)
        self.used = self._asked = self._grants = self._total = 0
        self._wait_until = unix
        self._active_at = unix
        self.is_starved = False
        self._bucket = None
        if self._part is not None and self.count is not None:
            self._bucket = DayBucket(self._part.of(self.count), unix)

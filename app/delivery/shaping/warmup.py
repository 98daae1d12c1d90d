"""What a sender domain that is being warmed up may send today.

Pure: the caller says what time it is. May import `rules`.

A plan's day is a count that must hold exactly, so processes don't divide a rate: they are granted single messages,
from one `DayBucket` in Valkey, or from one of their own with their part of the day when there is no Valkey.
"""

from datetime import UTC, date, datetime, timedelta

DAY_SECONDS = 86_400
BURST_PART = 100
"""At most one hundredth of a day's messages (and at least one) goes out at once."""
ASK_AGAIN_SECONDS = 0.2
"""The wait for a grant that may come with the next exchange."""
LONGEST_WAIT = 3600.0
"""The longest wait that is named: a plan's share may grow when another process goes."""
_ALMOST = 0.999
"""A whole message: seconds of the Unix epoch are too large for finer steps. The day's count is exact all the same."""


def burst(per_day: int) -> int:
    """Return how many of a day's messages may go out at once."""
    return max(1, per_day // BURST_PART)


def utc_day(unix: float) -> date:
    """Return the UTC day of an instant."""
    return datetime.fromtimestamp(unix, UTC).date()


def seconds_left(unix: float) -> float:
    """Return how long the UTC day of an instant still lasts, in seconds; more than 0."""
    return DAY_SECONDS - unix % DAY_SECONDS


def until(day: date, unix: float) -> float:
    """Return the seconds until a UTC day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - unix


def next_day(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


class DayBucket:
    """A day's messages, spread over what is left of the day."""

    __slots__ = ("_at", "_burst", "_left", "_tokens")

    def __init__(self, count: int, unix: float) -> None:
        """Start with a burst.

        Args:
            count: Messages this day still takes.
            unix: Present time, seconds of the Unix epoch.
        """
        self._burst = burst(count)
        self._left = count
        self._tokens = float(min(self._burst, count))
        self._at = unix

    @property
    def left(self) -> int:
        """Messages not yet granted today."""
        return self._left

    def take(self, unix: float) -> bool:
        """Take one message if the pace allows it."""
        self._refill(unix)
        if self._left < 1 or self._tokens < _ALMOST:
            return False
        self._left -= 1
        self._tokens -= 1.0
        return True

    def delay(self, unix: float) -> float:
        """Return the seconds until the next message; until the day's end when none is left."""
        self._refill(unix)
        left = seconds_left(unix)
        if self._left < 1:
            return left
        return 0.0 if self._tokens >= _ALMOST else min((1.0 - self._tokens) * left / self._left, left)

    def _refill(self, unix: float) -> None:
        elapsed = max(unix - self._at, 0.0)
        self._at = max(unix, self._at)
        rate = self._left / (seconds_left(unix) + elapsed)
        self._tokens = min(self._tokens + elapsed * rate, float(self._burst))

"""Time: the only source of "now", so that a test can set it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        return datetime.now(UTC)


def second(moment: datetime) -> datetime:
    """Return `moment` without its fraction of a second."""
    return moment.replace(microsecond=0)

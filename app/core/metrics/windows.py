"""Time ranges of the metrics: half-open, UTC, whole seconds; how one is cut into whole days, whole hours and edges.

Pure: imports errors only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.core.errors import Fault, FieldFault, Invalid

MAX_BUCKETS = 20_000
"""Most buckets of one time series (docs/contract/dyn-metrics.md, 4)."""
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""Hours and days are counted from here."""
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Step(StrEnum):
    """Width of a bucket."""

    HOUR = "hour"
    DAY = "day"

    @property
    def width(self) -> timedelta:
        """How long a bucket is."""
        return _HOUR if self is Step.HOUR else _DAY


@dataclass(frozen=True, slots=True)
class Cuts:
    """Six rising instants that cut a window into what can be summed and what must be counted.

        start      hours_start      days_start      days_end      hours_end      end
          |  count      |     hours     |     days      |    hours    |   count   |

    Pieces may be empty. One that is counted lies within one hour, one of hours, beside a piece of days, within one day.
    """

    start: datetime
    hours_start: datetime
    days_start: datetime
    days_end: datetime
    hours_end: datetime
    end: datetime

    @property
    def days(self) -> "Window":
        """The whole days."""
        return Window(self.days_start, self.days_end)

    @property
    def hours(self) -> "tuple[Window, Window]":
        """The whole hours before and after them, each part of one day."""
        return Window(self.hours_start, self.days_start), Window(self.days_end, self.hours_end)

    def pieces(self, step: Step) -> "tuple[Window, ...]":
        """Return the whole days, or the whole hours beside them, as far as there are any."""
        pieces = (self.days,) if step is Step.DAY else self.hours
        return tuple(piece for piece in pieces if piece.start < piece.end)

    @property
    def edges(self) -> "tuple[Window, ...]":
        """What is left, each part of one hour, as far as there is any."""
        edges = Window(self.start, self.hours_start), Window(self.hours_end, self.end)
        return tuple(edge for edge in edges if edge.start < edge.end)


@dataclass(frozen=True, slots=True)
class Window:
    """Instants t with `start <= t < end`; make one with `window`."""

    start: datetime
    end: datetime

    def cuts(self, *, use_days: bool = True) -> Cuts:
        """Cut the window into whole days (unless `use_days` is off), whole hours and the edges that cut an hour."""
        hours_start, hours_end = _whole(self.start, self.end, _HOUR)
        days_start, days_end = _whole(hours_start, hours_end, _DAY) if use_days else (hours_end, hours_end)
        return Cuts(self.start, hours_start, days_start, days_end, hours_end, self.end)

    @property
    def hour(self) -> datetime:
        """Start of the hour in which the window begins."""
        return _floor(self.start, _HOUR)

    def buckets(self, step: Step) -> int:
        """Return how many hours or days the window overlaps."""
        return -(-(self.end - _floor(self.start, step.width)) // step.width)

    def counted(self, step: Step) -> range:
        """Return the hours or days of a window that consists of whole ones, counted from 1970."""
        return range((self.start - FIRST) // step.width, (self.end - FIRST) // step.width)

    def starts(self, step: Step) -> Iterator[datetime]:
        """Yield the start of each bucket that overlaps the window; the first may lie before it."""
        bucket = _floor(self.start, step.width)
        while bucket < self.end:
            yield bucket
            bucket += step.width


def window(start: datetime, end: datetime) -> Window:
    """Return the window between two aware instants, fractions of seconds cut.

    Raises:
        Invalid: The end is not after the start; the field is `end_time`.
    """
    first, last = (moment.astimezone(UTC).replace(microsecond=0) for moment in (start, end))
    if last <= first:
        raise Invalid([FieldFault("end_time", Fault.INVALID, "is not after the start")])
    # Nothing was ever accepted outside; and there the arithmetic of the calendar ends.
    return Window(max(first, FIRST), max(min(last, _LAST), FIRST))


def check_buckets(asked: Window, step: Step) -> None:
    """Go on only when a series over the window is not too long.

    Raises:
        Invalid: It would have more than 20000 buckets; the field is `timeseries`.
    """
    if asked.buckets(step) > MAX_BUCKETS:
        raise Invalid([FieldFault("timeseries", Fault.INVALID, f"has more than {MAX_BUCKETS} buckets")])


def _floor(moment: datetime, width: timedelta) -> datetime:
    return moment - (moment - FIRST) % width


def _whole(start: datetime, end: datetime, width: timedelta) -> tuple[datetime, datetime]:
    """Return the part of a range that consists of whole units; an empty one at a border, or else the end."""
    first = start + (FIRST - start) % width
    last = _floor(end, width)
    return (first, last) if first <= last else (end, end)

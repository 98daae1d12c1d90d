"""How buckets are cut into whole days and hours, which the counters know, and pieces of hours, which the ledger knows.

Pure: imports the standard library alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Pieces:
    """Ranges of time, rising, each of a bucket.

    Attributes:
        marks: Start and end of each.
        buckets: Number of the bucket of each.
    """

    marks: list[datetime] = field(default_factory=list)
    buckets: list[int] = field(default_factory=list)

    def add(self, start: int, end: int, bucket: int) -> None:
        """Add a range between two seconds, unless it is empty."""
        if start < end:
            self.marks.extend((_moment(start), _moment(end)))
            self.buckets.append(bucket)

    def bucket_at(self, mark: int) -> int:
        """Return the bucket of what lies behind a mark, counted from 1."""
        return self.buckets[mark // 2]

    def scans(self, late: timedelta = timedelta()) -> tuple[list[datetime], list[datetime]]:
        """Return starts and ends of the ranges that have to be read, each beginning as much before its pieces."""
        starts: list[datetime] = []
        ends: list[datetime] = []
        for start, end in zip(self.marks[::2], self.marks[1::2], strict=True):
            if ends and start - late <= ends[-1]:
                ends[-1] = end
            else:
                starts.append(start - late)
                ends.append(end)
        return starts, ends


@dataclass(frozen=True, slots=True)
class Parts:
    """Whole hours by the day (UTC) in which they lie; the first hour of a day is 1."""

    days: list[date] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    buckets: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cut:
    """Buckets, cut.

    Attributes:
        days: Whole days, UTC.
        hours: Whole hours beside them.
        parts: The same hours by the day.
        rest: What is left.
    """

    days: Pieces = field(default_factory=Pieces)
    hours: Pieces = field(default_factory=Pieces)
    parts: Parts = field(default_factory=Parts)
    rest: Pieces = field(default_factory=Pieces)


def whole(borders: Sequence[datetime]) -> Pieces:
    """Return the buckets between borders as they are."""
    pieces = Pieces()
    for bucket, (start, end) in enumerate(_ranges(borders)):
        pieces.add(start, end, bucket)
    return pieces


def cut(borders: Sequence[datetime]) -> Cut:
    """Cut the buckets between borders (whole seconds, rising)."""
    found = Cut()
    for bucket, (start, end) in enumerate(_ranges(borders)):
        hours_start, hours_end = _inside(start, end, _HOUR)
        days_start, days_end = _inside(hours_start, hours_end, _DAY)
        found.rest.add(start, hours_start, bucket)
        _add_hours(found, hours_start, days_start, bucket)
        found.days.add(days_start, days_end, bucket)
        _add_hours(found, days_end, hours_end, bucket)
        found.rest.add(hours_end, end, bucket)
    return found


def _add_hours(found: Cut, start: int, end: int, bucket: int) -> None:
    found.hours.add(start, end, bucket)
    while start < end:
        midnight = start - start % _DAY
        until = min(end, midnight + _DAY)
        found.parts.days.append(_moment(midnight).date())
        found.parts.first.append((start - midnight) // _HOUR + 1)
        found.parts.last.append((until - midnight) // _HOUR)
        found.parts.buckets.append(bucket)
        start = until


def _ranges(borders: Iterable[datetime]) -> Iterator[tuple[int, int]]:
    seconds = [int(border.timestamp()) for border in borders]
    return pairwise(seconds)


def _inside(start: int, end: int, width: int) -> tuple[int, int]:
    """Return the part of a range that consists of whole units; an empty one at its end if there is none."""
    first, last = start + -start % width, end - end % width
    return (first, last) if first < last else (end, end)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)

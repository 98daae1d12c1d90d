"""Buckets of time by the clock of a time zone: where each begins, also where the clock is put forward or back.

Pure: imports this package's values and errors.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

from app.core.errors import Fault, FieldFault, Invalid
from app.core.measures.values import Interval

MAX_BUCKETS = 2000
"""Most buckets of a series (docs/contract/native.md, 16)."""
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 1, 1, tzinfo=UTC)
"""Nothing happened outside; and there the arithmetic of the calendar ends."""
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_DECEMBER = 12


def window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return both ends in UTC and whole seconds.

    Raises:
        Invalid: The end is not after the start; the field is `end`.
    """
    first, last = (max(FIRST, min(moment, LAST)).replace(microsecond=0).astimezone(UTC) for moment in (start, end))
    if end <= start:
        raise Invalid([FieldFault("end", Fault.INVALID, "is not after start")])
    return first, last


def starts_of(start: datetime, end: datetime, interval: Interval, zone: tzinfo) -> list[datetime]:
    """Return where the buckets that overlap a range begin, in UTC and rising; the first may begin before it.

    An hour that the clock repeats is two buckets; a day has the hours it has.

    Args:
        start: Of the range, inclusive.
        end: Of the range, exclusive; after the start.
        interval: How wide the buckets are.
        zone: By whose clock.

    Raises:
        Invalid: There are more than 2000; the field is `interval`.
    """
    following = _hours(start, zone) if interval is Interval.HOUR else _days(start, interval, zone)
    found = [following(None)]
    while (bucket := following(found[-1])) < end:
        if bucket <= start:
            found = [bucket]
        else:
            found.append(bucket)
        if len(found) > MAX_BUCKETS:
            raise Invalid([FieldFault("interval", Fault.OUT_OF_RANGE, f"makes more than {MAX_BUCKETS} buckets")])
    return found


def _hours(start: datetime, zone: tzinfo) -> Callable[[datetime | None], datetime]:
    def following(bucket: datetime | None) -> datetime:
        if bucket is None:
            local = start.astimezone(zone)
            return start - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        bucket += _HOUR
        local = bucket.astimezone(zone)
        odd = timedelta(minutes=local.minute, seconds=local.second)
        return bucket + (_HOUR - odd) if odd else bucket  # the clock was put by half an hour

    return following


def _days(start: datetime, interval: Interval, zone: tzinfo) -> Callable[[datetime | None], datetime]:
    day = _floor(start.astimezone(zone).date(), interval)

    def following(bucket: datetime | None) -> datetime:
        nonlocal day
        if bucket is None:
            return _midnight(day, zone)
        while True:
            day = _next(day, interval)
            if (moment := _midnight(day, zone)) > bucket:  # else the calendar left that day out
                return moment

    return following


def _midnight(day: date, zone: tzinfo) -> datetime:
    """Return when a day begins: the first of two midnights, or where a missing one would be."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _floor(day: date, interval: Interval) -> date:
    match interval:
        case Interval.WEEK:
            return day - timedelta(days=day.weekday())
        case Interval.MONTH:
            return day.replace(day=1)
        case _:
            return day


def _next(day: date, interval: Interval) -> date:
    match interval:
        case Interval.WEEK:
            return day + 7 * _DAY
        case Interval.MONTH:
            years, month = divmod(day.month, _DECEMBER)
            return date(day.year + years, month + 1, 1)
        case _:
            return day + _DAY

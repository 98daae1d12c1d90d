"""Buckets begin by the clock of their zone, and cover a range without gap or overlap."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.measures.buckets import MAX_BUCKETS, starts_of, window
from app.core.measures.cutting import Pieces, cut
from app.core.measures.values import Interval

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
]
BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_a_day_has_the_hours_it_has() -> None:
    starts = starts_of(utc(2026, 3, 27, 23), utc(2026, 3, 30, 22), Interval.DAY, BERLIN)
    assert starts == [utc(2026, 3, 27, 23), utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)]
    starts = starts_of(utc(2026, 10, 24, 22), utc(2026, 10, 26, 1), Interval.DAY, BERLIN)
    assert starts == [utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)]


def test_an_hour_that_is_repeated_is_two_and_one_that_is_left_out_none() -> None:
    for day in (utc(2026, 3, 28, 23), utc(2026, 10, 24, 22)):
        starts = starts_of(day, day + timedelta(hours=6), Interval.HOUR, BERLIN)
        assert starts == [day + timedelta(hours=number) for number in range(6)]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert starts_of(utc(2026, 1, 1), utc(2026, 1, 13), Interval.WEEK, UTC) == [
        utc(2025, 12, 29),
        utc(2026, 1, 5),
        utc(2026, 1, 12),
    ]
    assert starts_of(utc(2025, 12, 31, 23, 30), utc(2026, 2, 28, 23), Interval.MONTH, BERLIN) == [
        utc(2025, 12, 31, 23),
        utc(2026, 1, 31, 23),
    ]


def test_half_hours_are_where_their_zone_has_them() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    assert starts_of(utc(2026, 1, 1), utc(2026, 1, 1, 2), Interval.HOUR, kolkata) == [
        utc(2025, 12, 31, 23, 30),
        utc(2026, 1, 1, 0, 30),
        utc(2026, 1, 1, 1, 30),
    ]


def test_a_day_the_calendar_left_out_has_no_bucket() -> None:
    apia = ZoneInfo("Pacific/Apia")  # there was no 30 December 2011
    starts = starts_of(utc(2011, 12, 29, 10), utc(2011, 12, 31, 10), Interval.DAY, apia)
    assert [start.astimezone(apia).day for start in starts] == [29, 31]


def test_2000_buckets_are_the_most() -> None:
    start = utc(2020, 1, 1)
    assert len(starts_of(start, start + timedelta(hours=MAX_BUCKETS), Interval.HOUR, UTC)) == MAX_BUCKETS
    for end in (start + timedelta(hours=MAX_BUCKETS, seconds=1), utc(9999, 1, 1)):
        with pytest.raises(Invalid):
            starts_of(start, end, Interval.HOUR, UTC)
    assert len(starts_of(utc(1970, 1, 1), utc(2100, 1, 1), Interval.MONTH, UTC)) == 130 * 12


def test_a_range_ends_after_its_start() -> None:
    for end in (utc(2026, 1, 1), utc(2025, 1, 1)):
        with pytest.raises(Invalid):
            window(utc(2026, 1, 1), end)
    assert window(utc(2026, 1, 1, 0, 0, 0, 900_000), utc(2026, 1, 1, 0, 0, 1)) == (
        utc(2026, 1, 1),
        utc(2026, 1, 1, 0, 0, 1),
    )


seconds = st.integers(0, 4_000_000_000)
zones: st.SearchStrategy[tzinfo] = st.sampled_from(ZONES).map(ZoneInfo)


@given(seconds, st.integers(1, 40 * 86400), st.sampled_from(list(Interval)), zones)
def test_buckets_and_their_pieces_cover_a_range(first: int, length: int, interval: Interval, zone: tzinfo) -> None:
    start = datetime.fromtimestamp(first, UTC)
    end = start + timedelta(seconds=length)
    starts = starts_of(start, end, interval, zone)
    assert starts == sorted(set(starts))
    assert starts[0] <= start
    assert all(start < bucket < end for bucket in starts[1:])
    for bucket in starts:
        local = bucket.astimezone(zone)
        assert (local.minute, local.second) == (0, 0)
        assert interval is Interval.HOUR or local.hour <= 1  # 1 where midnight was left out
    borders = [start, *starts[1:], end]
    found = cut(borders)
    covered = sorted(
        (begin, until, bucket)
        for pieces in (found.days, found.hours, found.rest)
        for begin, until, bucket in zip(pieces.marks[::2], pieces.marks[1::2], pieces.buckets, strict=True)
    )
    assert covered[0][0] == start
    assert covered[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(covered))
    assert all(borders[bucket] <= begin < until <= borders[bucket + 1] for begin, until, bucket in covered)
    hours = sum(last - first + 1 for first, last in zip(found.parts.first, found.parts.last, strict=True))
    assert hours * 3600 == sum(length_of(found.hours))


def length_of(pieces: Pieces) -> list[float]:
    return [(end - start).total_seconds() for start, end in zip(pieces.marks[::2], pieces.marks[1::2], strict=True)]


def test_what_is_read_begins_before_its_pieces_and_is_read_once() -> None:
    pieces = Pieces()
    for start, end in ((0, 10), (100, 110), (1000, 1010)):
        pieces.add(start, end, 0)
    starts, ends = pieces.scans(timedelta(seconds=95))
    assert [start.timestamp() for start in starts] == [-95, 905]
    assert [end.timestamp() for end in ends] == [110, 1010]

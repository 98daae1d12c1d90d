from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.metrics import Step, window
from app.core.metrics.windows import MAX_BUCKETS, check_buckets

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(1_479_000_000, 1_479_900_000).map(lambda number: datetime.fromtimestamp(number, UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(moments, moments, st.booleans())
def test_the_pieces_rise_are_aligned_and_leave_nothing_whole_to_count(
    start: datetime, end: datetime, days: bool
) -> None:
    if end <= start:
        start, end = end, start + timedelta(seconds=1)
    cuts = window(start, end).cuts(use_days=days)
    instants = (cuts.start, cuts.hours_start, cuts.days_start, cuts.days_end, cuts.hours_end, cuts.end)
    assert list(instants) == sorted(instants)
    assert (cuts.start, cuts.end) == (start, end)
    if cuts.hours_start < cuts.hours_end:
        assert (cuts.hours_start - EPOCH) % HOUR == (cuts.hours_end - EPOCH) % HOUR == timedelta()
        assert cuts.hours_start - start < HOUR
        assert end - cuts.hours_end < HOUR
    else:
        assert end - start < 2 * HOUR
    if cuts.days_start < cuts.days_end:
        assert days
        assert (cuts.days_start - EPOCH) % DAY == (cuts.days_end - EPOCH) % DAY == timedelta()
        assert cuts.days_start - cuts.hours_start < DAY
        assert cuts.hours_end - cuts.days_end < DAY


@given(moments, st.integers(1, 900_000), st.sampled_from(Step))
def test_the_buckets_are_those_that_overlap(start: datetime, seconds: int, step: Step) -> None:
    asked = window(start, start + timedelta(seconds=seconds))
    starts = list(asked.starts(step))
    assert len(starts) == asked.buckets(step)
    assert starts[0] <= asked.start < starts[0] + step.width
    assert starts[-1] < asked.end <= starts[-1] + step.width
    assert all(later - earlier == step.width for earlier, later in pairwise(starts))


@pytest.mark.parametrize(
    ("start", "end"),
    [("2016-11-22", "2016-11-22"), ("2016-11-23", "2016-11-22"), ("2016-11-22T00:00:00.2", "2016-11-22T00:00:00.7")],
)
def test_an_empty_range_is_refused(start: str, end: str) -> None:
    with pytest.raises(Invalid) as caught:
        window(at(start), at(end))
    assert [fault.field for fault in caught.value.faults] == ["end_time"]


def test_offsets_and_fractions_are_levelled() -> None:
    here = timezone(timedelta(hours=5, minutes=30))
    asked = window(datetime(2016, 11, 22, 5, 30, 0, 999_999, tzinfo=here), at("2016-11-22T01:00:00.5"))
    assert (asked.start, asked.end) == (at("2016-11-22T00:00:00"), at("2016-11-22T01:00:00"))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        (datetime.min.replace(tzinfo=UTC), datetime(1800, 1, 1, tzinfo=UTC)),
        (datetime(9999, 6, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_ends_of_the_calendar_do_no_harm(start: datetime, end: datetime) -> None:
    asked = window(start, end)
    asked.cuts()
    asked.buckets(Step.HOUR)


def test_a_series_has_at_most_twenty_thousand_buckets() -> None:
    start = at("2016-11-22")
    check_buckets(window(start, start + MAX_BUCKETS * HOUR), Step.HOUR)
    check_buckets(window(start, start + MAX_BUCKETS * DAY), Step.DAY)
    with pytest.raises(Invalid) as caught:
        check_buckets(window(start, start + MAX_BUCKETS * HOUR + timedelta(seconds=1)), Step.HOUR)
    assert [fault.field for fault in caught.value.faults] == ["timeseries"]

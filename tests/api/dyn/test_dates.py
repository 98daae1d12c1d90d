"""Dates in and out, offsets and flags."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dyn.dates import iso, parse_end, parse_start
from app.api.dyn.errors import Problems
from app.api.dyn.params import Params
from app.api.dyn.scalars import MAX_OFFSET, read_flag, read_range, read_start_index


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2014-01-31", "2014-01-31T00:00:00+00:00"),
        ("2014-01-31T10", "2014-01-31T10:00:00+00:00"),
        ("2014-01-31T10:00", "2014-01-31T10:00:00+00:00"),
        ("2014-01-31T10:00:05", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31 10:00:05", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31T10:00:05.999", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31T10:00:05Z", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31T10:00:05+00:00", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31T10:00:05+0000", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31T10:00:05 00:00", "2014-01-31T10:00:05+00:00"),
        ("2014-01-31 10:00:05 0200", "2014-01-31T08:00:05+00:00"),
        ("2014-01-31T10:00:05-05:00", "2014-01-31T15:00:05+00:00"),
        ("2014-01-31T10-0530", "2014-01-31T15:30:00+00:00"),
        ("2014-01-31-05:00", "2014-01-31T05:00:00+00:00"),
        ("1391162405", "2014-01-31T10:00:05+00:00"),
        ("1391162405123", "2014-01-31T10:00:05+00:00"),
        ("5", "1970-01-01T00:00:05+00:00"),
        ("123456789", "1973-11-29T21:33:09+00:00"),
        (" 2014-01-31 ", "2014-01-31T00:00:00+00:00"),
    ],
)
def test_forms_of_a_date(text: str, expected: str) -> None:
    moment = parse_start(text)
    assert moment is not None
    assert moment.utcoffset() == timedelta()
    assert iso(moment) == expected


@pytest.mark.parametrize(
    "text",
    ["soon", "", "2014-02-30", "2014-13-01", "2014-01-31T24:00", "2014-01-31T10:61", "31.01.2014", "2014-1-1", "-5",
     "12345678901", "123456789012", "12345678901234", "2014-01-31T10:00+99:00", "0000-01-01", "0001-01-01T00:00+05:00",
     "2014-01-31T10:00:05+0:00", "\uff12\uff10\uff11\uff14-01-31", "2014-01-31\n10", "1e9"],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert parse_start(text) is None
    assert parse_end(text) is None


def test_a_date_alone_as_an_end_is_the_end_of_that_day() -> None:
    assert parse_end("2014-01-31") == datetime(2014, 2, 1, tzinfo=UTC)
    assert parse_end("2014-01-31-05:00") == datetime(2014, 2, 1, 5, tzinfo=UTC)
    assert parse_end("2014-01-31T00") == datetime(2014, 1, 31, tzinfo=UTC)
    assert parse_end("9999-12-31") == datetime.max.replace(tzinfo=UTC)


def test_dates_out_are_whole_seconds_in_utc() -> None:
    moment = datetime(2014, 1, 31, 12, 0, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert iso(moment) == "2014-01-31T10:00:05+00:00"


@given(st.text(alphabet="0123456789-:T Z+.", max_size=30))
def test_no_text_fails(text: str) -> None:
    for moment in (parse_start(text), parse_end(text)):
        assert moment is None or moment.tzinfo is UTC


def test_starttime_wins_over_startdate() -> None:
    problems = Problems()
    params = Params([("startdate", "nonsense"), ("starttime", "2014-01-31"), ("enddate", "2014-01-31")])
    assert read_range(params, problems) == (datetime(2014, 1, 31, tzinfo=UTC), datetime(2014, 2, 1, tzinfo=UTC))
    assert problems.sentences == []


def test_bad_dates_are_noted_in_order_under_one_name() -> None:
    problems = Problems()
    assert read_range(Params([("enddate", "x"), ("startdate", "y")]), problems) == (None, None)
    assert problems.sentences == ["The start time is not valid.", "The end time is not valid."]


@pytest.mark.parametrize(
    ("text", "offset"), [("0", 0), ("25", 25), ("007", 7), (" 5 ", 5), ("", 0), ("9" * 30, MAX_OFFSET), ("0" * 30, 0)]
)
def test_start_index(text: str, offset: int) -> None:
    problems = Problems()
    assert read_start_index(Params([("startindex", text)]), problems) == offset
    assert problems.sentences == []


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "+1", "²", "٣", "1 2"])
def test_a_bad_start_index_is_noted(text: str) -> None:
    problems = Problems()
    assert read_start_index(Params([("startindex", text)]), problems) == 0
    assert problems.sentences == ["The start index is not valid."]


def test_flags() -> None:
    problems = Problems()
    fields = Params([("a", "1"), ("b", "false"), ("c", "TRUE"), ("d", ""), ("trackopens", "yes")])
    assert [read_flag(fields, name, problems) for name in "abcd"] == [True, False, True, None]
    assert problems.sentences == []
    assert read_flag(fields, "trackopens", problems) is None
    assert problems.sentences == ["The trackopens is not valid."]

"""Local time and zone give one instant, as the documents say."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.campaigns import parse_start
from app.core.errors import Invalid

NINE = "2027-01-20T09:00:00"


def at(text: str, zone: str = "UTC") -> str:
    return parse_start(text, zone).at.strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("UTC", 9),
        ("Asia/Ho_Chi_Minh", 2),
        ("asia/ho_chi_minh", 2),
        (" Asia/Ho_Chi_Minh ", 2),
        ("GMT+7", 2),
        ("UTC+07:00", 2),
        ("+07:00", 2),
        ("+0700", 2),
        ("gmt", 9),
        ("Z", 9),
        ("UTC-3", 12),
        ("EST", 14),
        ("MST", 16),
        ("HST", 19),
        ("Etc/GMT+7", 16),
        ("Europe/Paris", 8),
    ],
)
def test_a_zone_may_be_named_in_many_ways(zone: str, hour: int) -> None:
    assert at(NINE, zone) == f"2027-01-20T{hour:02}:00:00"


def test_half_hours_count() -> None:
    assert at(NINE, "+05:30") == at(NINE, "Asia/Kolkata") == "2027-01-20T03:30:00"


@pytest.mark.parametrize(
    "text", ["2027-01-20T09:00", "2027-01-20T09:00:00.123456", "2027-01-20 09:00:00", " 2027-01-20T09:00:00,5 "]
)
def test_seconds_may_be_missing_and_fractions_are_dropped(text: str) -> None:
    assert parse_start(text, "UTC").at == datetime(2027, 1, 20, 9, tzinfo=UTC)
    assert parse_start(text, "Asia/Tokyo").local == NINE


@pytest.mark.parametrize("text", ["2027-01-20T09:00:00Z", "2027-01-20T16:00:00+07:00", "2027-01-20T04:30-0430"])
def test_with_an_offset_the_zone_is_only_for_display(text: str) -> None:
    start = parse_start(text, "Asia/Ho_Chi_Minh")
    assert start.at == datetime(2027, 1, 20, 9, tzinfo=UTC)
    assert (start.local, start.time_zone) == ("2027-01-20T16:00:00", "Asia/Ho_Chi_Minh")


def test_a_skipped_time_moves_forward() -> None:
    assert at("2027-03-14T02:30:00", "America/New_York") == "2027-03-14T07:30:00"  # 03:30 EDT
    assert parse_start("2027-03-14T02:30:00", "America/New_York").local == "2027-03-14T02:30:00"


def test_of_a_time_that_occurs_twice_the_first_is_meant() -> None:
    assert at("2027-11-07T01:30:00", "America/New_York") == "2027-11-07T05:30:00"  # EDT, not EST


@pytest.mark.parametrize(
    "text",
    [
        "", "tomorrow", "2027-01-20", "2027-13-01T00:00:00", "2027-02-29T00:00:00", "2027-01-20T24:00:00",
        "2027-01-20T09:00:61", "2027-01-20T09", "20270120T090000", "2027-01-20T09:00:00+25:00", "0000-01-01T00:00:00",
        "2027-01-20T09:00:00 UTC", "٢٠٢٧-01-20T09:00:00", "2027-01-20T09:00:00" + "0" * 100, "2027-01-20T09:00:00\x00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_start(text, "UTC", field="send_at")
    assert [fault.field for fault in raised.value.faults] == ["send_at"]


def test_the_edge_of_time_is_refused_rather_than_overflowing() -> None:
    for text, zone in (("0001-01-01T00:00:00", "+14:00"), ("9999-12-31T23:59:59", "-14:00")):
        with pytest.raises(Invalid):
            parse_start(text, zone)


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Mars/Base",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Factory",
        "GMT+99",
        "+14:01",
        "+7:60",
        "A" * 1000,
        "\x00",
    ],
)
def test_what_is_no_zone_is_refused_by_its_name(zone: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_start(NINE, zone)
    assert [fault.field for fault in raised.value.faults] == ["time_zone"]


ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "America/Santiago",
        "Pacific/Apia",
    ]
)
FIRST, LAST = datetime(2000, 1, 1), datetime(2090, 1, 1)  # noqa: DTZ001 local times
LOCAL = st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0))


@given(LOCAL, ZONES)
def test_the_instant_shows_that_local_time_or_one_moved_forward(local: datetime, zone: str) -> None:
    start = parse_start(local.isoformat(), zone)
    shown = start.at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert start.local == local.isoformat()
    assert timedelta(0) <= shown - local <= timedelta(hours=24)  # Apia once skipped a whole day
    if shown == local:
        before = (start.at - timedelta(minutes=30)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        hour_before = (start.at - timedelta(hours=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert local not in {before, hour_before}, "there was an earlier one"


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_a_time_or_refused(text: str, zone: str) -> None:
    try:
        start = parse_start(text, zone)
    except Invalid:
        return
    assert start.at.tzinfo is UTC


@given(LOCAL, st.integers(-14 * 60, 14 * 60))
def test_offsets_are_what_they_say(local: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    expected = local.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    assert parse_start(local.isoformat(), offset).at == parse_start(local.isoformat() + offset, "UTC").at == expected

"""The text of a series is its objects, few zeros or many."""

import random
from array import array
from datetime import UTC, datetime, timedelta

import orjson

from app.api.dyn.metrics.series import points
from app.core.metrics import Series

START = datetime(2016, 11, 22, tzinfo=UTC)
BUCKETS = 50


def drawn(chance: random.Random, share: float) -> "array[int]":
    return array("i", [chance.randrange(1, 2**31) if chance.random() < share else 0 for _ in range(BUCKETS)])


def test_the_text_is_the_objects() -> None:
    chance = random.Random(1)
    starts = [START + timedelta(hours=number) for number in range(BUCKETS)]
    for share in (0.0, 0.1, 0.9, 1.0):
        series = Series(starts, {key: (drawn(chance, share),) for key in (3, 17)})
        shown = points(series, ("timestamp", "sent_count"))
        assert orjson.loads(shown.json()) == shown.objects()
        series = Series(starts, {key: (drawn(chance, share), drawn(chance, share)) for key in (3, 17)})
        shown = points(series, ("bounce_count", "timestamp", "soft_bounce_count", "hard_bounce_count"), total=True)
        assert orjson.loads(shown.json()) == shown.objects()
        soft, hard = series.columns[3]
        first = shown.objects()["3"][0]
        assert list(first.items()) == [
            ("bounce_count", soft[0] + hard[0]),
            ("timestamp", int(START.timestamp())),
            ("soft_bounce_count", soft[0]),
            ("hard_bounce_count", hard[0]),
        ]


def test_nobody_has_no_series() -> None:
    assert points(Series([START], {}), ("timestamp", "sent_count")).json() == b"{}"


def test_something_stands_around_it() -> None:
    shown = points(Series([START], {3: (array("i", [5]),)}), ("timestamp", "sent_count"))
    assert shown.json(b"[", b"]") == b"[" + shown.json() + b"]"

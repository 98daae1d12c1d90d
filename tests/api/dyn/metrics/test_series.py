"""The text of a series is its objects, few zeros or many, narrow numbers or wide."""

import random
from array import array
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.api.dyn.metrics.series import TOGETHER, Points, points
from app.core.metrics import Columns, Series

START = datetime(2016, 11, 22, tzinfo=UTC)
BUCKETS = 50
SENT = ("timestamp", "sent_count")
BOUNCED = ("bounce_count", "timestamp", "soft_bounce_count", "hard_bounce_count")


def drawn(chance: random.Random, share: float, most: int, buckets: int = BUCKETS) -> "memoryview[int]":
    numbers = [chance.randint(1, most) if chance.random() < share else 0 for _ in range(buckets)]
    return memoryview(array("i", numbers))


def check(shown: Points) -> None:
    assert shown.json() == orjson.dumps(shown.objects())


@pytest.mark.parametrize("most", [1, 9, 10, 99, 100, 127, 128, 255, 256, 999, 2**31 - 1])
def test_the_text_is_the_objects(most: int) -> None:
    chance = random.Random(most)
    starts = [START + timedelta(hours=number) for number in range(BUCKETS)]
    for share in (0.0, 0.05, 0.9, 1.0):
        keys = range(3, 3 + chance.choice([1, 2, TOGETHER // BUCKETS + 5]))
        check(points(Series(starts, {key: (drawn(chance, share, most),) for key in keys}), SENT))
        both: dict[int, Columns] = {
            key: (drawn(chance, share, most), drawn(chance, share, chance.choice([5, most]))) for key in keys
        }
        shown = points(Series(starts, both), BOUNCED, total=True)
        check(shown)
        soft, hard = both[3]
        assert list(shown.objects()["3"][0].items()) == [
            ("bounce_count", soft[0] + hard[0]),
            ("timestamp", int(START.timestamp())),
            ("soft_bounce_count", soft[0]),
            ("hard_bounce_count", hard[0]),
        ]


def test_times_of_any_length_stand_without_blanks() -> None:
    chance = random.Random(1)
    for first, step in ((datetime(1970, 1, 1, tzinfo=UTC), 1), (datetime(2001, 8, 20, tzinfo=UTC), 1)):
        starts = [first + timedelta(days=step * number) for number in range(BUCKETS)]
        check(points(Series(starts, {key: (drawn(chance, 0.5, 3),) for key in (3, 17)}), SENT))


def test_one_key_may_have_more_points_than_are_written_at_once() -> None:
    chance = random.Random(2)
    starts = [START + timedelta(hours=number) for number in range(TOGETHER + 1)]
    check(points(Series(starts, {key: (drawn(chance, 0.5, 300, len(starts)),) for key in (3, 17)}), SENT))


def test_nobody_has_no_series() -> None:
    assert points(Series([START], {}), SENT).json() == b"{}"


def test_something_stands_around_it() -> None:
    shown = points(Series([START], {3: (memoryview(array("i", [5])),)}), SENT)
    assert shown.json(b"[", b"]") == b"[" + shown.json() + b"]"

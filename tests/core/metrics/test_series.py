"""Numbers of days and of single hours add up to the same as one by one, however they lie."""

import random
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from struct import pack

import pytest

from app.core.errors import Invalid
from app.core.metrics.buckets import KEY, Block, Bucket, totals
from app.core.metrics.series import MAX_POINTS, Piece, joined
from app.core.metrics.values import NUMBER, Series
from app.core.metrics.windows import Step, window

FIRST = datetime(2016, 11, 22, tzinfo=UTC)
BUCKETS = 10 * 24
PLACE = int(FIRST.timestamp()) // 3600
INSIDE = range(PLACE + 3, PLACE + BUCKETS - 2)
KEYS = [3, 5, 3, 7]


def drawn(chance: random.Random, start: int, width: int, keys: Sequence[int] = KEYS) -> tuple[Block, list[list[int]]]:
    """Return hours of some keys as PostgreSQL sends them, and plain."""
    numbers = [[chance.randrange(100_000) for _ in range(width)] for _ in keys]
    sent = b"".join(pack(f">{width}i", *row) for row in numbers)
    return Block(0, Step.HOUR, start, array(KEY, keys), sent), numbers


def bucket(column: int, hour: int, keys: Sequence[int], numbers: Sequence[int]) -> Bucket:
    return Bucket(column, hour, array(KEY, keys), array(NUMBER, numbers))


def series_of(pieces: Sequence[Piece], buckets: Sequence[Bucket], columns: int = 1) -> Series:
    return joined(window(FIRST, FIRST + timedelta(hours=BUCKETS)), Step.HOUR, columns, pieces, buckets)


@pytest.mark.parametrize("seed", range(5))
def test_blocks_are_cut_and_put_side_by_side(seed: int) -> None:
    chance = random.Random(seed)
    pieces: list[Piece] = []
    buckets: list[Bucket] = []
    expected = {key: [0] * BUCKETS for key in (2, 3, 5, 7)}
    for start in chance.sample(range(PLACE - 24, PLACE + BUCKETS + 24, 24), 10):
        keys = chance.choice([KEYS, [5, 3, 7], [7, 3, 5], [5], [2, 2, 2]])
        block, numbers = drawn(chance, start, 24, keys)
        if block.inside(INSIDE):
            pieces.append((block, block.inside(INSIDE)))
        for key, row in zip(keys, numbers, strict=True):
            for hour, number in enumerate(row, start):
                if hour in INSIDE:
                    expected[key][hour - PLACE] += number
    for hour in (0, 100, 100, BUCKETS - 1):
        buckets.append(bucket(0, PLACE + hour, [5, 5], [1, hour]))
        expected[5][hour] += 1 + hour
    found = series_of(pieces, buckets).columns
    assert {key: list(column) for key, (column,) in found.items()} == {
        k: row for k, row in expected.items() if any(row)
    }


def test_hours_of_a_day_are_added_up_for_each_key() -> None:
    block, numbers = drawn(random.Random(2), PLACE, 24)
    for wanted in (range(PLACE + 5, PLACE + 9), range(PLACE - 3, PLACE + 1), range(PLACE + 24, PLACE + 30), range(0)):
        found = block.total(block.inside(wanted))
        assert list(found.keys) == KEYS
        expected = [sum(row[hour - PLACE] for hour in wanted if hour - PLACE in range(24)) for row in numbers]
        assert list(found.numbers) == expected
    sums = totals([block.total(range(PLACE, PLACE + 24)), bucket(2, PLACE, [9], [4])])
    assert sums == {
        3: (sum(numbers[0] + numbers[2]), 0, 0),
        5: (sum(numbers[1]), 0, 0),
        7: (sum(numbers[3]), 0, 0),
        9: (0, 0, 4),
    }


def test_totals_may_be_greater_than_the_numbers_of_an_hour() -> None:
    hours = [bucket(0, PLACE + hour, [3, 5], [2**31 - 1, hour]) for hour in range(5)]
    assert totals(hours) == {3: (5 * (2**31 - 1), 0, 0), 5: (10, 0, 0)}


def test_who_has_nothing_has_no_series() -> None:
    zeros = Block(1, Step.HOUR, PLACE, array(KEY, [3]), bytes(4 * 24))
    assert list(series_of([(zeros, zeros.inside(INSIDE))], [bucket(0, PLACE, [5, 7], [0, 1])], columns=2).columns) == [
        7
    ]
    assert series_of([], []).columns == {}


def test_too_many_points_are_refused_before_there_is_room_for_them() -> None:
    keys = range(MAX_POINTS // BUCKETS + 1)
    with pytest.raises(Invalid):
        series_of([], [bucket(0, PLACE, keys, keys)])
    assert len(series_of([], [bucket(0, PLACE, keys[1:], keys[1:])]).columns) == len(keys) - 1

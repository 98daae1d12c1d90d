"""Numbers of days and of single hours add up to the same as one by one, however they lie."""

import random
from array import array
from datetime import UTC, datetime, timedelta
from struct import pack

import pytest

from app.core.errors import Invalid
from app.core.metrics.buckets import KEY, Block, Bucket, totals
from app.core.metrics.series import MAX_POINTS, Table
from app.core.metrics.windows import Step, window

FIRST = datetime(2016, 11, 22, tzinfo=UTC)
BUCKETS = 10 * 24
PLACE = int(FIRST.timestamp()) // 3600
INSIDE = range(PLACE + 3, PLACE + BUCKETS - 2)
KEYS = [3, 5, 3, 7]


def drawn(chance: random.Random, start: int, width: int) -> tuple[Block, list[list[int]]]:
    """Return hours of some keys as PostgreSQL sends them, and plain."""
    numbers = [[chance.randrange(100_000) for _ in range(width)] for _ in KEYS]
    sent = b"".join(pack(f">{width}i", *row) for row in numbers)
    return Block(0, Step.HOUR, start, array(KEY, KEYS), sent), numbers


def table_of(columns: int = 1) -> Table:
    return Table(window(FIRST, FIRST + timedelta(hours=BUCKETS)), Step.HOUR, columns=columns)


def test_blocks_are_cut_and_put_side_by_side() -> None:
    chance = random.Random(1)
    table, expected = table_of(), {key: [0] * BUCKETS for key in KEYS}
    for start in chance.sample(range(PLACE - 24, PLACE + BUCKETS + 24, 24), 10):
        block, numbers = drawn(chance, start, 24)
        table.put(block, INSIDE)
        for key, row in zip(KEYS, numbers, strict=True):
            for hour, number in enumerate(row, start):
                if hour in INSIDE:
                    expected[key][hour - PLACE] += number
    for hour in (0, 100, 100, BUCKETS - 1):
        table.add(Bucket(0, PLACE + hour, [5, 5], [1, hour]))
        expected[5][hour] += 1 + hour
    assert {key: list(column) for key, (column,) in table.series().columns.items()} == expected


def test_hours_of_a_day_are_added_up_for_each_key() -> None:
    block, numbers = drawn(random.Random(2), PLACE, 24)
    for wanted in (range(PLACE + 5, PLACE + 9), range(PLACE - 3, PLACE + 1), range(PLACE + 24, PLACE + 30), range(0)):
        found = block.total(wanted)
        assert list(found.keys) == KEYS
        expected = [sum(row[hour - PLACE] for hour in wanted if hour - PLACE in range(24)) for row in numbers]
        assert list(found.numbers) == expected
    sums = totals([block.total(range(PLACE, PLACE + 24)), Bucket(2, PLACE, [9], [4])])
    assert sums == {
        3: [sum(numbers[0] + numbers[2]), 0, 0],
        5: [sum(numbers[1]), 0, 0],
        7: [sum(numbers[3]), 0, 0],
        9: [0, 0, 4],
    }


def test_who_has_nothing_has_no_series() -> None:
    table = table_of(columns=2)
    table.put(Block(1, Step.HOUR, PLACE, array(KEY, [3]), bytes(4 * 24)), INSIDE)
    table.add(Bucket(0, PLACE, [5, 7], [0, 1]))
    assert list(table.series().columns) == [7]


def test_too_many_points_are_refused_before_there_is_room_for_them() -> None:
    with pytest.raises(Invalid):
        table_of().add(Bucket(0, PLACE, range(MAX_POINTS), range(MAX_POINTS)))

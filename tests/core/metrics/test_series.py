"""Runs of numbers add up to the same, in whatever order they come."""

import random
from array import array
from datetime import UTC, datetime, timedelta

from app.core.metrics.series import Table
from app.core.metrics.values import NUMBER
from app.core.metrics.windows import Step, window

FIRST = datetime(2016, 11, 22, tzinfo=UTC)
BUCKETS = 10 * 24
PLACE = int(FIRST.timestamp()) // 3600
KEY = 7


def drawn(chance: random.Random, places: list[int]) -> "array[int]":
    return array(NUMBER, [chance.randrange(5) for _ in range(24 * len(places))])


def added(table: Table, chance: random.Random, places: list[int], expected: list[int]) -> None:
    """Add runs of a day each to a table and to a plain list."""
    numbers = drawn(chance, places)
    table.add_runs(KEY, range(PLACE, PLACE + BUCKETS), places, numbers)
    for at, number in enumerate(numbers):
        bucket = places[at // 24] + at % 24 - PLACE
        if 0 <= bucket < BUCKETS:
            expected[bucket] += number


def test_runs_add_up_in_any_order() -> None:
    chance = random.Random(1)
    days = [PLACE + 24 * number for number in range(-1, 11)]
    shuffled = chance.sample(days, len(days))
    for first, second in ((days, shuffled), (shuffled, days), (shuffled, shuffled), (days + days, shuffled)):
        table = Table(window(FIRST, FIRST + timedelta(hours=BUCKETS)), Step.HOUR, columns=1)
        expected = [0] * BUCKETS
        added(table, chance, first, expected)
        added(table, chance, second, expected)
        assert [list(column) for column in table.series().columns[KEY]] == [expected]

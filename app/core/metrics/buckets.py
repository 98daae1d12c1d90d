"""Numbers of many senders or accounts as columns: as PostgreSQL sends them, cut and added up.

A step of Python for each number would take longer than the database. Imports this package's values and windows.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from app.core.metrics.values import NUMBER
from app.core.metrics.windows import Step

KEY = "q"
"""Type of keys, as `array` calls it: eight octets."""
OCTETS = 4
"""Of each number."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What there was in an hour or a day, or in a part of it.

    Attributes:
        column: Which numbers of an answer these are.
        hour: The hour, or one of the day, counted from 1970.
        keys: Senders or accounts; one may come more than once, and then its numbers are to be added.
        numbers: As many.
    """

    column: int
    hour: int
    keys: Sequence[int]
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Block:
    """The same of several hours or days.

    Attributes:
        column: Which numbers of an answer these are.
        step: Whether it is hours or days.
        start: The first of them, counted from 1970.
        keys: Senders or accounts; one may come more than once, and then its numbers are to be added.
        numbers: All of the first key, then those of the second, and so on: four octets each, highest first.
    """

    column: int
    step: Step
    start: int
    keys: "array[int]"
    numbers: bytes

    @property
    def width(self) -> int:
        """How many hours or days it is."""
        return len(self.numbers) // OCTETS // len(self.keys)

    def inside(self, wanted: range) -> range:
        """Return those of some hours or days that it has."""
        first = max(self.start, wanted.start)
        return range(first, max(first, min(self.start + self.width, wanted.stop)))

    def total(self, wanted: range) -> Bucket:
        """Return what some hours or days have together."""
        inside, words = self.inside(wanted), unpacked(self.numbers)
        none = array(NUMBER, bytes(OCTETS * len(self.keys)))
        numbers = reduce(added, (words[one - self.start :: self.width] for one in inside), none)
        return Bucket(self.column, inside.start * (self.step.width // Step.HOUR.width), self.keys, numbers)

    def merged(self) -> "Block":
        """Return the same with each key once."""
        if len(set(self.keys)) == len(self.keys):
            return self
        size = OCTETS * self.width
        sums: dict[int, int] = {}
        for at, key in enumerate(self.keys):
            # All stay below 2^31, so nothing is carried from one to the next, and they are one long number.
            sums[key] = sums.get(key, 0) + int.from_bytes(self.numbers[size * at : size * at + size], "big")
        numbers = b"".join(number.to_bytes(size, "big") for number in sums.values())
        return Block(self.column, self.step, self.start, array(KEY, sums), numbers)


def unpacked(octets: bytes | None, kind: str = NUMBER) -> "array[int]":
    """Return numbers that come highest octet first; none of nothing."""
    found = array(kind, octets or b"")
    if sys.byteorder == "little":
        found.byteswap()
    return found


def added(one: "array[int]", other: "array[int]") -> "array[int]":
    """Return the sums of two columns of one length; all stay below 2^31."""
    total = sum(int.from_bytes(column.tobytes(), sys.byteorder) for column in (one, other))
    return array(NUMBER, total.to_bytes(OCTETS * len(one), sys.byteorder))


def totals(buckets: Iterable[Bucket]) -> dict[int, list[int]]:
    """Return three numbers for each key of some buckets."""
    found: dict[int, list[int]] = {}
    for bucket in buckets:
        for key in set(bucket.keys) - found.keys():
            found[key] = [0, 0, 0]
        for key, number in zip(bucket.keys, bucket.numbers, strict=True):
            found[key][bucket.column] += number
    return found

"""Numbers of many senders or accounts as columns: as PostgreSQL sends them, cut and added up.

A step of Python for each number would take longer than the database. All numbers stay below 2^31, so columns are added
as one long number each: nothing is carried from one of theirs to the next. Imports this package's values and windows.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import iter_unpack

from app.core.metrics.values import NUMBER
from app.core.metrics.windows import Step

KEY = "q"
"""Type of keys, as `array` calls it: eight octets."""
OCTETS = 4
"""Of each number."""
WIDE = "q"
"""Type of sums over any time: eight octets, as keys have."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What there was in an hour or a day, or in a part of it.

    Attributes:
        column: Which numbers of an answer these are.
        hour: The hour, or one of the day, counted from 1970.
        keys: Senders or accounts; one may come more than once, and then its numbers are to be added.
        numbers: As many.
        changes: Whether some may be below zero: what came late may have been taken away from an hour that is closed.
    """

    column: int
    hour: int
    keys: "array[int]"
    numbers: "array[int]"
    changes: bool = False


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
        """Return what some of its hours or days have together."""
        words = unpacked(self.numbers)
        columns = (words[one - self.start :: self.width] for one in wanted)
        total = sum(map(_long, columns)).to_bytes(OCTETS * len(self.keys), sys.byteorder)
        hour = wanted.start * (self.step.width // Step.HOUR.width)
        return Bucket(self.column, hour, self.keys, array(NUMBER, total))

    def rows(self, keys: "array[int]", wanted: range) -> Sequence[bytes]:
        """Return some of its hours or days for each of some keys, among which are its own, in the order of those."""
        before, size = OCTETS * (wanted.start - self.start), OCTETS * len(wanted)
        after = OCTETS * self.width - before - size
        rows = [row for (row,) in iter_unpack(f"{before}x{size}s{after}x", self.numbers)]
        if self.keys == keys:
            return rows
        sums: dict[int, int] = {}
        for key, row in zip(self.keys, rows, strict=True):
            sums[key] = sums.get(key, 0) + int.from_bytes(row, "big")
        return [sums.get(key, 0).to_bytes(size, "big") for key in keys]


def unpacked(octets: bytes | None, kind: str = NUMBER) -> "array[int]":
    """Return numbers that come highest octet first; none of nothing."""
    found = array(kind, octets or b"")
    if sys.byteorder == "little":
        found.byteswap()
    return found


def totals(buckets: Iterable[Bucket]) -> dict[int, tuple[int, ...]]:
    """Return three numbers for each key of some buckets, which may be greater than those."""
    alike: dict[tuple[bytes, int], int] = {}
    found: list[tuple[int, array[int], array[int]]] = []
    for bucket in buckets:
        if bucket.changes:
            found.append((bucket.column, bucket.keys, bucket.numbers))
        else:
            whose = bucket.keys.tobytes(), bucket.column
            alike[whose] = alike.get(whose, 0) + _long(array(WIDE, bucket.numbers))
    for (octets, column), numbers in alike.items():
        found.append((column, array(KEY, octets), array(WIDE, numbers.to_bytes(len(octets), sys.byteorder))))
    columns: tuple[dict[int, int], ...] = ({}, {}, {})
    for column, keys, words in found:
        sums = columns[column]
        for key, number in zip(keys, words, strict=True):
            sums[key] = sums.get(key, 0) + number
    first, second, third = columns
    return {key: (first.get(key, 0), second.get(key, 0), third.get(key, 0)) for key in first | second | third}


def _long(column: "array[int]") -> int:
    return int.from_bytes(column, sys.byteorder)

"""Time series: what the counters know, filled up with zeros.

Imports this package's windows and values, and errors.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import add

from app.core.errors import Fault, FieldFault, Invalid
from app.core.metrics.values import NUMBER, Columns, Series
from app.core.metrics.windows import Step, Window

MAX_POINTS = 1_000_000
"""Most points of all series of one answer together: a bound on memory."""


class Table:
    """A number for every bucket that overlaps a window, in each column of each key."""

    def __init__(self, window: Window, step: Step, *, columns: int) -> None:
        """Begin an empty one."""
        self._starts = list(window.starts(step))
        self._first = int(self._starts[0].timestamp()) // int(step.width.total_seconds())
        self._columns = columns
        self._dense: dict[int, Columns] = {}

    def add(self, place: int, rows: Iterable[Sequence[int]]) -> None:
        """Add what one bucket holds.

        Args:
            place: The bucket, counted from 1970.
            rows: Keys with as many numbers as there are columns; more are left out.

        Raises:
            Invalid: More than a million points; the field is `timeseries`.
        """
        at = place - self._first
        for key, *numbers in rows:
            for column, number in zip(self._of(key), numbers, strict=False):
                column[at] += number

    def add_runs(self, key: int, inside: range, places: Sequence[int], *columns: "array[int] | None") -> None:
        """Add runs of numbers, each from its bucket on, as far as they lie in a range of buckets; as `add`.

        Args:
            key: Whose.
            inside: The range.
            places: Where each run begins, in any order.
            columns: The runs behind each other, all of one length; None: zeros.
        """
        is_alone = key not in self._dense and len(set(places)) == len(places)
        for column, numbers in zip(self._of(key), columns, strict=False):
            if numbers is None:
                continue
            if len(numbers) == len(places):
                for place, number in zip(places, numbers, strict=True):
                    if place in inside:
                        column[place - self._first] += number
                continue
            for place, run in _runs(places, numbers):
                first, last = max(place, inside.start), min(place + len(run), inside.stop)
                if first >= last:
                    continue
                here = slice(first - self._first, last - self._first)
                meant = run[first - place : last - place]
                # Of a list, the array knows how long it becomes.
                column[here] = meant if is_alone else array(NUMBER, list(map(add, column[here], meant)))

    def _of(self, key: int) -> Columns:
        found = self._dense.get(key)
        if found is None:
            found = self._dense[key] = tuple(array(NUMBER, [0]) * len(self._starts) for _ in range(self._columns))
            if len(self._dense) * len(self._starts) > MAX_POINTS:
                raise Invalid([FieldFault("timeseries", Fault.INVALID, f"has more than {MAX_POINTS} points")])
        return found

    def series(self) -> Series:
        """Return what is not zero throughout, by id."""
        found = {key: self._dense[key] for key in sorted(self._dense) if any(map(any, self._dense[key]))}
        return Series(self._starts, found)


def unpacked(sent: bytes | None) -> "array[int] | None":
    """Return the numbers of an integer[] in the form in which PostgreSQL sends it, dimensions behind each other.

    That form is words of four octets, highest first: the number of dimensions, two more, two for each dimension; then
    for each number its length, 4, and the number. There must be no null among them.
    """
    if sent is None:
        return None
    words = array(NUMBER, sent)
    if sys.byteorder == "little":
        words.byteswap()
    return words[4 + 2 * words[0] :: 2]


def _runs(places: Sequence[int], numbers: "array[int]") -> "list[tuple[int, array[int]]]":
    """Return runs with their places, put together where each begins at the end of the one before."""
    width = len(numbers) // len(places)
    gaps = [at for at, (one, other) in enumerate(pairwise(places), 1) if other != one + width]
    return [(places[at], numbers[at * width : end * width]) for at, end in pairwise([0, *gaps, len(places)])]

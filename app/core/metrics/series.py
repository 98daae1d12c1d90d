"""Time series: what the counters know, filled up with zeros.

Imports this package's buckets, windows and values, and errors.
"""

from array import array
from collections.abc import Iterable

from app.core.errors import Fault, FieldFault, Invalid
from app.core.metrics.buckets import Block, Bucket, unpacked
from app.core.metrics.values import NUMBER, Columns, Series
from app.core.metrics.windows import Step, Window

MAX_POINTS = 1_000_000
"""Most points of all series of one answer together: a bound on memory."""


class Table:
    """A number for every bucket that overlaps a window, in each column of each key."""

    def __init__(self, window: Window, step: Step, *, columns: int) -> None:
        """Begin an empty one."""
        self._starts = list(window.starts(step))
        self._hours = step.width // Step.HOUR.width
        self._first = int(self._starts[0].timestamp()) // int(step.width.total_seconds())
        self._columns = columns
        self._dense: dict[int, Columns] = {}

    def put(self, block: Block, wanted: range) -> None:
        """Take the numbers of some hours or days, as the step is, where there are none so far.

        Raises:
            Invalid: More than a million points; the field is `timeseries`.
        """
        inside, block = block.inside(wanted), block.merged()
        if not inside:
            return
        self._begin(block.keys)
        words, width = unpacked(block.numbers), block.width
        here = slice(inside.start - self._first, inside.stop - self._first)
        for key, at in zip(block.keys, range(inside.start - block.start, len(words), width), strict=True):
            self._dense[key][block.column][here] = words[at : at + len(inside)]

    def add(self, bucket: Bucket) -> None:
        """Add what one bucket holds, or a part of it.

        Raises:
            Invalid: More than a million points; the field is `timeseries`.
        """
        self._begin(bucket.keys)
        at = bucket.hour // self._hours - self._first
        for key, number in zip(bucket.keys, bucket.numbers, strict=True):
            self._dense[key][bucket.column][at] += number

    def _begin(self, keys: Iterable[int]) -> None:
        """Let there be columns for some keys.

        Raises:
            Invalid: More than a million points; the field is `timeseries`.
        """
        new = set(keys) - self._dense.keys()
        if (len(self._dense) + len(new)) * len(self._starts) > MAX_POINTS:
            raise Invalid([FieldFault("timeseries", Fault.INVALID, f"has more than {MAX_POINTS} points")])
        for key in new:
            self._dense[key] = tuple(array(NUMBER, [0]) * len(self._starts) for _ in range(self._columns))

    def series(self) -> Series:
        """Return what is not zero throughout, by id."""
        found = {key: self._dense[key] for key in sorted(self._dense) if any(map(any, self._dense[key]))}
        return Series(self._starts, found)

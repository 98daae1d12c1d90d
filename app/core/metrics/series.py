"""Time series: what the counters know, side by side, filled up with zeros.

Imports this package's buckets, windows and values, and errors.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import TypeAlias

from app.core.errors import Fault, FieldFault, Invalid
from app.core.metrics.buckets import KEY, OCTETS, Block, Bucket, unpacked
from app.core.metrics.values import Series
from app.core.metrics.windows import Step, Window

MAX_POINTS = 1_000_000
"""Most points of all series of one answer together: a bound on memory."""
Piece: TypeAlias = tuple[Block, range]
"""A block, and which of its hours or days are meant, one at least."""


def joined(window: Window, step: Step, columns: int, pieces: Sequence[Piece], buckets: Sequence[Bucket]) -> Series:
    """Return a number for every bucket that overlaps a window, in each column of each key that has any.

    Args:
        window: Over what.
        step: Width of a bucket.
        columns: How many numbers a key has in each.
        pieces: What is put side by side: hours or days, as the step is; none twice, in any order.
        buckets: What is added: buckets, or parts of them.

    Raises:
        Invalid: More than a million points; the field is `timeseries`.
    """
    starts = list(window.starts(step))
    if not starts:  # before 1970, or in the year 9999
        return Series([], {})
    size, first = len(starts), int(starts[0].timestamp()) // int(step.width.total_seconds())
    keys = _keys(pieces, buckets)
    if len(keys) * size > MAX_POINTS:
        raise Invalid([FieldFault("timeseries", Fault.INVALID, f"has more than {MAX_POINTS} points")])
    places = dict(zip(keys, range(0, len(keys) * size, size), strict=True))
    found: list[memoryview[int]] = []
    for column in range(columns):
        numbers = _side_by_side(keys, range(first, first + size), [one for one in pieces if one[0].column == column])
        for bucket in buckets:
            if bucket.column == column:
                at = bucket.hour // (step.width // Step.HOUR.width) - first
                for key, number in zip(bucket.keys, bucket.numbers, strict=True):
                    numbers[places[key] + at] += number
        found.append(memoryview(numbers))
    rows = ((key, tuple(numbers[at : at + size] for numbers in found)) for key, at in sorted(places.items()))
    return Series(starts, {key: row for key, row in rows if any(map(any, row))})


def _keys(pieces: Iterable[Piece], buckets: Iterable[Bucket]) -> "array[int]":
    """Return each key once, in the order of the longest block: others have to be put into that."""
    blocks = {block.keys.tobytes(): block.keys for block, _ in pieces}
    longest_first = sorted(blocks.values(), key=len, reverse=True)
    return array(KEY, dict.fromkeys(chain(*longest_first, *(bucket.keys for bucket in buckets))))


def _side_by_side(keys: "array[int]", places: range, pieces: Iterable[Piece]) -> "array[int]":
    """Return the numbers of some hours or days of the first key, then those of the second, and so on."""
    rows: list[Iterable[bytes]] = []
    at = places.start
    for block, wanted in sorted(pieces, key=lambda piece: piece[1].start):
        rows += [_zeros(keys, wanted.start - at), block.rows(keys, wanted)]
        at = wanted.stop
    rows.append(_zeros(keys, places.stop - at))
    return unpacked(b"".join(chain.from_iterable(zip(*rows, strict=True))))


def _zeros(keys: "array[int]", number: int) -> Iterable[bytes]:
    return repeat(bytes(OCTETS * number), len(keys))

"""Time series: what the counters know, filled up with zeros.

Imports this package's windows, and errors.
"""

from collections.abc import Sequence
from datetime import datetime

from app.core.errors import Fault, FieldFault, Invalid
from app.core.metrics.windows import Step, Window

MAX_POINTS = 1_000_000
"""Most points of all series of one answer together: a bound on memory."""


def buckets(window: Window, step: Step) -> tuple[int, int]:
    """Return the parameters that tell a statement where buckets lie: unix seconds of the first start, and width."""
    return int(next(window.starts(step)).timestamp()), int(step.width.total_seconds())


def filled(
    rows: Sequence[tuple[int, Sequence[int], Sequence[int]]], window: Window, step: Step
) -> dict[int, list[int]]:
    """Return a number for every bucket that overlaps the window, for each key that has a row.

    Args:
        rows: Key, places of buckets, and as many numbers; those of one place are added.
        window: Of the question.
        step: Width of a bucket.

    Raises:
        Invalid: More than a million points; the field is `timeseries`.
    """
    count = window.buckets(step)
    if len(rows) * count > MAX_POINTS:
        raise Invalid([FieldFault("timeseries", Fault.INVALID, f"has more than {MAX_POINTS} points")])
    found: dict[int, list[int]] = {}
    for key, places, numbers in rows:
        dense = found[key] = [0] * count
        for place, number in zip(places, numbers, strict=True):
            dense[place] += number
    return found


def points(dense: dict[int, list[int]], window: Window, step: Step) -> dict[int, list[tuple[datetime, int]]]:
    """Return the same with the start of each bucket beside its number."""
    starts = list(window.starts(step))
    return {key: list(zip(starts, numbers, strict=True)) for key, numbers in dense.items()}

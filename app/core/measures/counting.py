"""Numbers from the counters where they know, else from the ledger. Imports this package's modules."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from app.core.measures import ledger
from app.core.measures.asking import Asking, Target
from app.core.measures.cells import Cells
from app.core.measures.cutting import Cut, cut, whole
from app.core.measures.ledger import OF_NO_COPY, Grouping
from app.core.measures.values import By, Metric

_COUNTED = frozenset({By.NONE, By.ACCOUNT, By.SENDER})


async def count(
    asking: Asking,
    target: Target,
    borders: Sequence[datetime],
    metrics: Iterable[Metric],
    grouping: Grouping,
) -> Cells:
    """Count the metrics in the buckets between borders.

    Raises:
        Overloaded: It takes too long.
    """
    metrics = set(metrics)
    cells = Cells()
    counted = metrics - OF_NO_COPY if target.counted and grouping.by in _COUNTED else set()
    if counted:
        pieces = cut(borders)
        rest = replace(grouping, most=None)  # which is the largest is not seen from a part
        cells.include(await _known(asking, target, pieces, counted, rest))
        cells.include(await ledger.count(asking, target, pieces.rest, counted, rest))
    if others := metrics - counted:
        cells.include(await ledger.count(asking, target, whole(borders), others, grouping))
    return cells


async def _known(asking: Asking, target: Target, pieces: Cut, metrics: set[Metric], grouping: Grouping) -> Cells:
    """Return what the counters know."""
    cells = Cells()
    if not pieces.days.marks and not pieces.hours.marks:
        return cells
    days = [mark.date() for mark in pieces.days.marks]
    parts = pieces.parts
    rows = await asking.rows(
        "counters",
        target.account_ids,
        target.sender_ids,
        days,
        pieces.days.buckets,
        pieces.hours.marks,
        pieces.hours.buckets,
        parts.days,
        parts.first,
        parts.last,
        parts.buckets,
        sorted(metrics),
        grouping.by,
        grouping.keys,
    )
    for row in rows:
        cells.add(row.key, Metric(row.metric), row.bucket, row.value)
    return cells

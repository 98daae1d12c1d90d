"""The verbs: totals, series and the largest. Read only; they see the caller's account and those below it.

Source: docs/contract/native.md, 16.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from app.core.accounts import Caller
from app.core.errors import Fault, FieldFault, Invalid
from app.core.measures.asking import Asking, Target
from app.core.measures.buckets import starts_of, window
from app.core.measures.counting import count
from app.core.measures.ledger import Grouping
from app.core.measures.naming import names_of
from app.core.measures.values import By, Columns, Interval, Key, Metric, Question, Rates, Series
from app.db.unit_of_work import ReadSession

LARGEST = 50
"""Most series of an answer."""
MOST = 200
"""Most rows of `top`."""
_ONLY = {
    By.CATEGORY: {Metric.HARD_BOUNCES, Metric.SOFT_BOUNCES},
    By.LINK: {Metric.CLICKS, Metric.UNIQUE_CLICKS},
}


async def summary(read: ReadSession, caller: Caller, asked: Question) -> dict[Metric, int]:
    """Return the sum of every metric.

    Raises:
        Invalid: The end is not after the start.
        Overloaded: It takes too long.
    """
    borders = window(asked.start, asked.end)
    asking = Asking(read)
    target = await asking.target(caller, asked)
    if target is None:
        return dict.fromkeys(Metric, 0)
    cells = await count(asking, target, borders, Metric, Grouping(By.NONE))
    return {metric: cells.column(None, metric, 1)[0] for metric in Metric}


def rates(totals: dict[Metric, int]) -> Rates:
    """Return what totals are in shares."""
    delivered = totals[Metric.DELIVERED]

    def share(number: int, whole: int = delivered) -> float:
        return number / whole if whole > 0 else 0.0

    return Rates(
        delivery=share(delivered, totals[Metric.ACCEPTED] - totals[Metric.BLOCKED]),
        bounce=share(totals[Metric.HARD_BOUNCES] + totals[Metric.SOFT_BOUNCES]),
        open=share(totals[Metric.UNIQUE_OPENS]),
        click=share(totals[Metric.UNIQUE_CLICKS]),
        complaint=share(totals[Metric.COMPLAINTS]),
        unsubscribe=share(totals[Metric.UNSUBSCRIBES]),
    )


async def timeseries(
    read: ReadSession,
    caller: Caller,
    asked: Question,
    *,
    metrics: Sequence[Metric],
    interval: Interval,
    zone: tzinfo,
    by: By = By.NONE,
) -> Series:
    """Return metrics over time; of groups the 50 largest by the first metric, where that is not enough by the next.

    Args:
        read: The transaction.
        caller: Who sees itself and the accounts below.
        asked: About whom, and when.
        metrics: One or more.
        interval: How wide a bucket is.
        zone: By whose clock buckets begin.
        by: What each series is of; `none` for a single one.

    Raises:
        Invalid: The end is not after the start; more than 2000 buckets.
        Overloaded: It takes too long.
    """
    start, end = window(asked.start, asked.end)
    starts = starts_of(start, end, interval, zone)
    asking = Asking(read)
    target = await asking.target(caller, asked)
    if target is None:
        return Series(starts, [(None, _zeros(metrics, len(starts)))] if by is By.NONE else [])
    keys = None
    if by is not By.NONE:
        keys = await _largest_keys(asking, target, asked, metrics, by)
        if not keys:
            return Series(starts, [])
    borders = [start, *starts[1:], end]
    cells = await count(asking, target, borders, metrics, Grouping(by, keys))
    named = await names_of(asking, by, keys or [])
    wanted: list[str | None] = [None] if keys is None else [*keys]
    lines: list[tuple[Key | None, Columns]] = [
        (None if key is None else named[key], {metric: cells.column(key, metric, len(starts)) for metric in metrics})
        for key in wanted
    ]
    return Series(starts, lines)


async def top(
    read: ReadSession, caller: Caller, asked: Question, *, metric: Metric, by: By, limit: int
) -> list[tuple[Key, int]]:
    """Return who has the most of a metric, the largest first; who has nothing is not there.

    Args:
        read: The transaction.
        caller: Who sees itself and the accounts below.
        asked: About whom, and when.
        metric: Of what.
        by: Who: `category` for bounces alone, `link` for clicks alone.
        limit: At most so many, up to 200.

    Raises:
        Invalid: The end is not after the start; what is asked for has no such key.
        Overloaded: It takes too long.
    """
    borders = window(asked.start, asked.end)
    if metric not in _ONLY.get(by, {metric}):
        raise Invalid([FieldFault("by", Fault.INVALID, f"is not possible for {metric}")])
    asking = Asking(read)
    target = await asking.target(caller, asked)
    if target is None:
        return []
    cells = await count(asking, target, borders, [metric], Grouping(by, most=limit))
    found = cells.largest(metric)[:limit]
    named = await names_of(asking, by, [key for key, _ in found])
    return [(named[key], number) for key, number in found]


async def _largest_keys(
    asking: Asking, target: Target, asked: Question, metrics: Iterable[Metric], by: By
) -> list[str]:
    borders = window(asked.start, asked.end)
    keys: list[str] = []
    for metric in metrics:
        most = LARGEST + len(keys)
        cells = await count(asking, target, borders, [metric], Grouping(by, most=most))
        keys += [key for key, _ in cells.largest(metric) if key not in keys][: LARGEST - len(keys)]
        if len(keys) >= LARGEST:
            break
    return keys


def _zeros(metrics: Iterable[Metric], buckets: int) -> Columns:
    return {metric: [0] * buckets for metric in metrics}

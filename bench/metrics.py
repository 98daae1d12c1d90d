"""`metrics`: every question of Dyn Metrics about 30 days, asked in this process: what the server's side of it takes.

A case is a verb with its arguments; each is asked some times in a row, in a transaction of its own. The history is that
of bench/metrics_history.py. The statement of a case is in app/core/metrics/sql under nearly its name; for a plan, run
it with EXPLAIN after plan_each_time.sql.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import metrics
from app.core.metrics import Category, ListFilters, RollUp, Scope, Step, window
from app.core.suppressions import Reason
from app.db.unit_of_work import ReadSession, reading
from app.models.bounce import BounceType
from bench.metrics_history import History, lay
from bench.options import Options
from bench.sheet import Sheet, percentile
from bench.stand import Stand

REPEATED = 15
"""Times each case is asked, after one that is not counted."""
DEEP = 100_000
Ask = Callable[[ReadSession], Awaitable[Any]]


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"metrics: every question about 30 days, {options.rows:,} copies, 300 accounts, 1,000 senders")
    with Stand() as stand:
        history = stand.run(partial(lay, stand.key, options.rows))
        sheet.add("laying the history down", "s", history.seconds)
        for _ in range(options.runs):
            stand.run(partial(_measure, sheet, history))
    sheet.note("one connection, everything in memory; a list page holds 500 rows; no HTTP and no JSON")
    return sheet


async def _measure(sheet: Sheet, history: History, engine: AsyncEngine) -> None:
    for name, ask in _cases(history):
        taken: list[float] = []
        for _ in range(REPEATED + 1):
            async with reading(engine) as read:
                began = time.perf_counter()
                await ask(read)
                taken.append((time.perf_counter() - began) * 1000)
        taken = sorted(taken[1:])
        sheet.add(f"{name}: p50", "ms", percentile(taken, 0.5))
        sheet.add(f"{name}: greatest of {REPEATED}", "ms", taken[-1])


def _cases(history: History) -> Iterator[tuple[str, Ask]]:
    whole = window(history.start, history.end)
    cut = window(*history.burst)
    for who, scope in (("account", Scope(user_id=history.largest)), ("master", Scope())):
        yield from _counts(who, history, whole, scope)
        yield from _lists(who, history, whole, scope)
    account = Scope(user_id=history.largest)
    for verb in (metrics.email_counts, metrics.bounce_counts, metrics.blocked_counts):
        yield f"account: {verb.__name__}, half an hour of a burst", partial(_ask, verb, history, cut, scope=account)


def _counts(who: str, history: History, whole: metrics.Window, scope: Scope) -> Iterator[tuple[str, Ask]]:
    verbs: tuple[tuple[Any, Any], ...] = (
        (metrics.email_counts, metrics.email_series),
        (metrics.bounce_counts, metrics.bounce_series),
        (metrics.blocked_counts, metrics.blocked_series),
    )
    for count, series in verbs:
        for by in RollUp:
            yield f"{who}: {count.__name__} by {by}", partial(_ask, count, history, whole, scope=scope, by=by)
            for step in Step:
                ask = partial(_ask, series, history, whole, scope=scope, by=by, step=step)
                yield f"{who}: {series.__name__} by {by} and {step}", ask


def _lists(who: str, history: History, whole: metrics.Window, scope: Scope) -> Iterator[tuple[str, Ask]]:
    filters: dict[str, dict[str, Any]] = {
        "": {},
        ", sender": {"scope": Scope(user_id=scope.user_id, sender=history.sender)},
        ", domain": {"filters": ListFilters(domain="gmail.example")},
        ", rare domain": {"filters": ListFilters(domain="rare.example")},
        ", recipient": {"filters": ListFilters(recipient="r1234@gmail.example")},
        ", X-header": {"filters": ListFilters(x_headers=(("X-Campaign", "c2"),))},
    }
    bounces = {", type and category": {"bounce_type": BounceType.SOFT, "category": Category.QUOTA_ISSUES}}
    blocked = {", reason": {"reason": Reason.MANUAL}}
    for verb, more in ((metrics.emails, {}), (metrics.bounces, bounces), (metrics.blocked_emails, blocked)):
        for name, given in {**filters, **more}.items():
            for offset in (0, DEEP):
                ask = partial(_ask, verb, history, whole, **{"scope": scope, **given, "offset": offset})
                yield f"{who}: {verb.__name__}{name}, offset {offset:,}", ask


async def _ask(verb: Any, history: History, asked: metrics.Window, read: ReadSession, **given: Any) -> Any:
    return await verb(read, history.master, asked, **given)

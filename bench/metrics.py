"""`metrics`: every question of Dyn Metrics about 30 days, asked in this process: what the server's side of it takes.

A case is a verb with its arguments; each is asked some times in a row, in a transaction of its own, of a ledger of two
million copies and of one of as many as asked for. The history is that of bench/metrics_history.py. The statement of a
case is in app/core/metrics/sql under nearly its name; for a plan, run it with EXPLAIN after plan_each_time.sql.

Beside the time there is the CPU time of the verb and of its backend together: about what the time is when nothing else
runs on the machine.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.dyn.metrics.series import points
from app.core import metrics
from app.core.metrics import Category, ListFilters, RollUp, Scope, Step, window
from app.core.suppressions import Reason
from app.db.unit_of_work import ReadSession, reading
from app.kit import memory
from app.models.bounce import BounceType
from bench.metrics_history import History, lay
from bench.options import Options
from bench.sheet import Sheet, percentile
from bench.stand import Stand

BASE = 2_000_000
"""Copies in the ledger with which a larger one is compared."""
REPEATED = 12
"""Times each case is asked, after one that is not counted; the greatest of them stands for p99."""
DEEP = 100_000
ONE = ("timestamp", "sent_count")
BOTH = ("bounce_count", "timestamp", "soft_bounce_count", "hard_bounce_count")
Ask = Callable[[ReadSession], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a case took, in milliseconds, sorted."""

    wall: list[float]
    cpu: list[float]


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"metrics: every question about 30 days, {options.rows:,} copies, 300 accounts, 1,000 senders")
    base = _of(sheet, BASE) if options.rows > BASE else {}
    lines = [
        "| | p50 ms | p99 ms | CPU ms | least CPU | least CPU of the smaller | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, taken in _of(sheet, options.rows).items():
        numbers = [percentile(taken.wall, 0.5), taken.wall[-1], percentile(taken.cpu, 0.5), taken.cpu[0]]
        for what, number in zip(("p50", "p99", "CPU", "least CPU"), numbers, strict=True):
            sheet.add(f"{name}: {what}", "ms", number)
        shown = [f"{number:.0f}" for number in numbers]
        if name in base:
            smaller = base[name].cpu[0]
            sheet.add(f"{name}: least CPU of {BASE:,}", "ms", smaller)
            sheet.add(f"{name}: ratio", "", taken.cpu[0] / smaller)
            shown += [f"{smaller:.0f}", f"{taken.cpu[0] / smaller:.2f}"]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    sheet.note("\n".join(lines))
    sheet.note("one connection, everything in memory; a list page holds 500 rows; no HTTP, and JSON where it says so")
    sheet.note(f"p99: the greatest of {REPEATED}; CPU: median of verb and backend together; ratio: of the least CPU")
    return sheet


def _of(sheet: Sheet, rows: int) -> dict[str, Taken]:
    with Stand() as stand:
        history = stand.run(partial(lay, stand.key, rows))
        sheet.add(f"laying {rows:,} copies down", "s", history.seconds)
        return stand.run(partial(_measure, history))


async def _measure(history: History, engine: AsyncEngine) -> dict[str, Taken]:
    found: dict[str, Taken] = {}
    memory.settle()  # as the API does
    for name, ask in _cases(history):
        wall: list[float] = []
        cpu: list[float] = []
        for _ in range(REPEATED + 1):
            async with reading(engine) as read:
                connection = await read.connection()
                pid = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
                used = _cpu(pid)
                began = time.perf_counter()
                await ask(read)
                wall.append((time.perf_counter() - began) * 1000)
                cpu.append(_cpu(pid) - used)
        found[name] = Taken(sorted(wall[1:]), sorted(cpu[1:]))
    return found


def _cpu(pid: int) -> float:
    """Return the CPU time of this process and of a backend, in milliseconds."""
    return time.process_time() * 1000 + int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def _cases(history: History) -> Iterator[tuple[str, Ask]]:
    whole = window(history.start, history.end)
    cut = window(*history.burst)
    for who, scope in (("account", Scope(user_id=history.largest)), ("master", Scope())):
        yield from _counts(who, history, whole, scope)
        yield from _lists(who, history, whole, scope)
    account = Scope(user_id=history.largest)
    for verb in (metrics.email_counts, metrics.bounce_counts, metrics.blocked_counts):
        yield f"account: {verb.__name__}, from burst to burst", partial(_ask, verb, history, cut, scope=account)


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
                yield f"{who}: {series.__name__} by {by} and {step}, as JSON", partial(_write, ask)


def _lists(who: str, history: History, whole: metrics.Window, scope: Scope) -> Iterator[tuple[str, Ask]]:
    filters: dict[str, dict[str, Any]] = {
        "": {},
        ", sender": {"scope": Scope(user_id=scope.user_id, sender=history.sender)},
        ", quiet sender": {"scope": Scope(user_id=scope.user_id, sender=history.quiet)},
        ", domain": {"filters": ListFilters(domain="gmail.example")},
        ", rare domain": {"filters": ListFilters(domain="rare.example")},
        ", recipient": {"filters": ListFilters(recipient="r1231@gmail.example")},
        ", X-header": {"filters": ListFilters(x_headers=(("X-Campaign", "c2"),))},
        ", rare X-header": {"filters": ListFilters(x_headers=(("X-Campaign", "rare"),))},
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


async def _write(ask: Ask, read: ReadSession) -> bytes:
    """Ask for series and write them as the API does."""
    series = await ask(read)
    both = any(len(columns) > 1 for columns in series.columns.values())
    return points(series, BOTH if both else ONE, total=both).json()

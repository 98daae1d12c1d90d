"""`metrics`: every question of Dyn Metrics about 30 days, asked in this process: what the server's side of it takes.

A case is a verb with its arguments, and of series the writing of their JSON; each is asked some times in a row, in a
transaction of its own, in turns of a ledger of as many copies as asked for and of one of two million. The history is
that of bench/metrics_history.py. The statement of a case is in app/core/metrics/sql under nearly its name; for a plan,
run it with EXPLAIN after plan_each_time.sql.

Beside the time there is the CPU time of the verb and of its backend together: about what the time is when nothing else
runs on the machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.dyn.metrics.series import points
from app.core import metrics
from app.core.metrics import Category, ListFilters, RollUp, Scope, Step, window
from app.core.suppressions import Reason
from app.db.engine import make_engine
from app.db.unit_of_work import ReadSession, reading
from app.kit import memory
from app.models.bounce import BounceType
from app.settings import Settings
from bench.metrics_history import History, lay
from bench.options import Options
from bench.sheet import Sheet, percentile
from bench.stand import Stand

BASE = 2_000_000
"""Copies in the ledger with which a larger one is compared."""
REPEATED = 25
"""Times each case is asked, after one that is not counted; the greatest of them stands for p99."""
DEEP = 100_000
ONE = ("timestamp", "sent_count")
BOTH = ("bounce_count", "timestamp", "soft_bounce_count", "hard_bounce_count")
Ask = Callable[[ReadSession], Awaitable[Any]]


Place: TypeAlias = tuple[Settings, History]
"""A ledger."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a case took, in milliseconds."""

    wall: list[float]
    cpu: list[float]


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"metrics: every question about 30 days, {options.rows:,} copies, 300 accounts, 1,000 senders")
    found, *smaller = _asked(sheet, [options.rows, BASE][: 1 + (options.rows > BASE)])
    base = smaller[0] if smaller else {}
    lines = ["| | p50 ms | p99 ms | CPU ms | p50 of the smaller | ratio |", "|---|---:|---:|---:|---:|---:|"]
    for name, taken in found.items():
        numbers = [percentile(taken.wall, 0.5), percentile(taken.wall, 0.99), percentile(taken.cpu, 0.5)]
        for what, number in zip(("p50", "p99", "CPU"), numbers, strict=True):
            sheet.add(f"{name}: {what}", "ms", number)
        shown = [f"{number:.0f}" for number in numbers]
        if name in base:
            before = percentile(base[name].wall, 0.5)
            sheet.add(f"{name}: p50 of {BASE:,}", "ms", before)
            sheet.add(f"{name}: ratio", "", numbers[0] / before)
            shown += [f"{before:.0f}", f"{numbers[0] / before:.2f}"]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    sheet.note("\n".join(lines))
    sheet.note("one connection, everything in memory; a list page holds 500 rows; no HTTP, and JSON where it says so")
    sheet.note(f"p99: the greatest of {REPEATED}; CPU: median of verb and backend together")
    sheet.note("ratio: of the p50 of both ledgers, asked in turns")
    return sheet


def _asked(sheet: Sheet, sizes: list[int]) -> list[dict[str, Taken]]:
    """Lay ledgers of some sizes down and ask each case of each in turns; return what that took, by size and name."""
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        places: list[Place] = []
        for rows in sizes:
            stand = stack.enter_context(Stand())
            history = stand.run(partial(lay, stand.key, rows))
            sheet.add(f"laying {rows:,} copies down", "s", history.seconds)
            places.append((stand.settings, history))
        return runner.run(_measure(places))


async def _measure(places: list[Place]) -> list[dict[str, Taken]]:
    memory.settle()  # as the API does
    engines = [make_engine(settings) for settings, _ in places]
    found: list[dict[str, Taken]] = [{} for _ in places]
    for cases in zip(*(_cases(history) for _, history in places), strict=True):
        for _ in range(REPEATED + 1):
            for engine, (name, ask), taken in zip(engines, cases, found, strict=True):
                await _time(engine, ask, taken.setdefault(name, Taken([], [])))
        for (name, _), taken in zip(cases, found, strict=True):
            taken[name] = Taken(sorted(taken[name].wall[1:]), sorted(taken[name].cpu[1:]))
    for engine in engines:
        await engine.dispose()
    return found


async def _time(engine: AsyncEngine, ask: Ask, taken: Taken) -> None:
    """Ask once, and add what that took."""
    async with reading(engine) as read:
        connection = await read.connection()
        pid = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
        used = _cpu(pid)
        began = time.perf_counter()
        await ask(read)
        taken.wall.append((time.perf_counter() - began) * 1000)
        taken.cpu.append(_cpu(pid) - used)


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

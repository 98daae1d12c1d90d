"""Counts and series of any measure: what the counters know of whole days and hours, and the edges counted.

Imports this package's modules and db.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Row

from app.core.accounts import Caller
from app.core.metrics.edges import edges
from app.core.metrics.questions import Question, What
from app.core.metrics.scopes import Target, look_up, sql
from app.core.metrics.series import Table, unpacked
from app.core.metrics.values import RollUp, Series
from app.core.metrics.windows import Cuts, Step, Window, check_buckets
from app.db.unit_of_work import ReadSession

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


async def totals(read: ReadSession, caller: Caller, asked: Question) -> dict[int, tuple[int, int, int]]:
    """Return three numbers for each sender or account, by id; who has nothing is not there."""
    target = await look_up(read, caller, asked.scope)
    if target is None:
        return {}
    cuts = asked.window.cuts()
    found: dict[int, tuple[int, int, int]] = {}
    rows = await _known(read, "counts_of_days", target, cuts.days, asked)
    for hours in cuts.hours:
        rows = [*rows, *await _known(read, "counts_of_hours", target, hours, asked)]
    known = [(row.key, (row.first, row.second, row.third)) for row in rows]
    told = [(key, numbers) for _, key, numbers in await edges(read, target, cuts, asked)]
    for key, (one, two, three) in known + told:
        first, second, third = found.get(key, (0, 0, 0))
        found[key] = first + one, second + two, third + three
    return {key: found[key] for key in sorted(found) if any(found[key])}


async def series(read: ReadSession, caller: Caller, step: Step, asked: Question) -> Series:
    """Return the series of each sender or account, by id; who has nothing has none.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.
    """
    check_buckets(asked.window, step)
    table = Table(asked.window, step, columns=2 if asked.what is What.BOUNCES else 1)
    target = await look_up(read, caller, asked.scope)
    if target is not None:
        cuts = asked.window.cuts()
        await (_days if step is Step.DAY else _hours)(read, target, cuts, asked, table)
        for moment, parts in groupby(await edges(read, target, cuts, asked), itemgetter(0)):
            table.add((moment - _FIRST) // step.width, ((key, *numbers) for _, key, numbers in parts))
    return table.series()


async def _days(read: ReadSession, target: Target, cuts: Cuts, asked: Question, table: Table) -> None:
    days = range((cuts.days_start - _FIRST) // Step.DAY.width, (cuts.days_end - _FIRST) // Step.DAY.width)
    for row in await _known(read, "series_of_days", target, cuts.days, asked):
        table.add_runs(row.key, days, row.places, unpacked(row.first), unpacked(row.second))
    for hours in cuts.hours:
        day = (hours.start - _FIRST) // Step.DAY.width
        table.add(day, await _known(read, "counts_of_hours", target, hours, asked))


async def _hours(read: ReadSession, target: Target, cuts: Cuts, asked: Question, table: Table) -> None:
    whole = Window(cuts.hours_start, cuts.hours_end)
    inside = range((whole.start - _FIRST) // Step.HOUR.width, (whole.end - _FIRST) // Step.HOUR.width)
    for row in await _known(read, "series_of_hours", target, whole, asked):
        table.add_runs(row.key, inside, row.places, unpacked(row.first), unpacked(row.second))


async def addresses(read: ReadSession, by: RollUp, keys: Mapping[int, object]) -> dict[int, str]:
    """Return the addresses of senders, none of accounts."""
    if by is RollUp.USER or not keys:
        return {}
    return {row.id: row.email for row in await sql.rows(read, "addresses", list(keys))}


async def _known(read: ReadSession, name: str, target: Target, part: Window, asked: Question) -> Sequence[Row[Any]]:
    if part.start == part.end:
        return []
    whose = (target.account_ids, target.sender_ids, part.start, part.end)
    return await sql.rows(read, name, *whose, asked.by is RollUp.USER, str(asked.reason or asked.what))

"""The parts of hours at both ends of a range: counted in the ledger, or told by the minutes of busy hours.

Imports this package's modules and db.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row

from app.core.metrics.questions import Question, What, stored
from app.core.metrics.scopes import Target, sql
from app.core.metrics.values import RollUp
from app.core.metrics.windows import Cuts, Step, Window
from app.db.unit_of_work import ReadSession

Edge: TypeAlias = tuple[datetime, int, tuple[int, int, int]]
"""An instant in the hour, the key, three numbers."""
_MINUTE = timedelta(minutes=1)
_STATEMENTS = {What.ACCEPTED: "email_edge", What.BOUNCES: "bounce_edge", What.BLOCKED: "blocked_edge"}


async def edges(read: ReadSession, target: Target, cuts: Cuts, asked: Question) -> list[Edge]:
    """Return what happened in the parts of hours with which a range begins and ends, some numbers in pieces."""
    found: list[Edge] = []
    for part in cuts.edges:
        if part.start == part.end:
            continue
        whose = target.account_ids
        if asked.what is What.ACCEPTED:
            told, busy = await _minutes(read, target, part, asked)
            found += told
            whose = [one for one in whose if one not in busy]
            for rest in _around(part) if busy else ():
                found += _rows(rest.start, await _count(read, sorted(busy), target, rest, asked))
        if whose:
            found += _rows(part.start, await _count(read, whose, target, part, asked))
    return found


async def _minutes(read: ReadSession, target: Target, part: Window, asked: Question) -> tuple[list[Edge], set[int]]:
    """Return what the whole minutes of a part of an hour have, as far as it is known, and of which accounts it is."""
    hour = next(part.starts(Step.HOUR))
    first, last = -((hour - part.start) // _MINUTE), (part.end - hour) // _MINUTE
    rows = await sql.rows(read, "minutes", target.account_ids, hour, first + 1, last)
    meant = None if target.sender_ids is None else set(target.sender_ids)
    by_account = asked.by is RollUp.USER
    told = [
        (hour, row.account_id if by_account else row.sender_id, (row.copies, 0, 0))
        for row in rows
        if row.copies and (meant is None or row.sender_id in meant)
    ]
    return told, {row.account_id for row in rows}


def _around(part: Window) -> list[Window]:
    """Return what is left of a part of an hour beside its whole minutes."""
    first = part.start + (part.start.replace(second=0) - part.start) % _MINUTE
    last = part.end.replace(second=0)
    if first > last:
        return [part]
    return [rest for rest in (Window(part.start, first), Window(last, part.end)) if rest.start < rest.end]


async def _count(
    read: ReadSession, account_ids: Sequence[int], target: Target, part: Window, asked: Question
) -> Sequence[Row[Any]]:
    more = (stored(asked.reason),) if asked.what is What.BLOCKED else ()
    whose = (list(account_ids), target.sender_ids, part.start, part.end, asked.by is RollUp.USER)
    return await sql.rows(read, _STATEMENTS[asked.what], *whose, *more)


def _rows(moment: datetime, rows: Sequence[Row[Any]]) -> list[Edge]:
    return [(moment, row.key, (row.first, row.second, row.third)) for row in rows]

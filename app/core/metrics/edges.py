"""The parts of hours at both ends of a range: counted in the ledger, or told by the minutes of busy hours.

Imports this package's modules and db.
"""

from array import array
from collections.abc import Sequence
from datetime import timedelta

from app.core.metrics.buckets import KEY, Bucket, unpacked
from app.core.metrics.questions import Question, What, stored
from app.core.metrics.scopes import Target, rows
from app.core.metrics.values import NUMBER, RollUp
from app.core.metrics.windows import FIRST, Cuts, Step, Window
from app.db.unit_of_work import ReadSession

_MINUTE = timedelta(minutes=1)
_STATEMENTS = {What.ACCEPTED: "email_edge", What.BOUNCES: "bounce_edge", What.BLOCKED: "blocked_edge"}


async def edges(read: ReadSession, target: Target, cuts: Cuts, asked: Question) -> list[Bucket]:
    """Return what happened in the parts of hours with which a range begins and ends, some numbers in pieces."""
    parts = [part for part in cuts.edges if part.start < part.end]
    found: list[Bucket] = []
    busy: dict[int, set[int]] = {}
    if asked.what is What.ACCEPTED and parts:
        found, busy = await _minutes(read, target, parts, asked)
    for part in parts:
        counted = busy.get(_hour(part), set())
        whose = [one for one in target.account_ids if one not in counted]
        if whose:
            found += await _count(read, whose, target, part, asked)
        for rest in _around(part) if counted else ():
            found += await _count(read, sorted(counted), target, rest, asked)
    return found


async def _minutes(
    read: ReadSession, target: Target, parts: Sequence[Window], asked: Question
) -> tuple[list[Bucket], dict[int, set[int]]]:
    """Return what the whole minutes of parts of hours have, as far as it is known, and of which accounts, by hour."""
    hours = [next(part.starts(Step.HOUR)) for part in parts]
    first = [1 - (hour - part.start) // _MINUTE for hour, part in zip(hours, parts, strict=True)]
    last = [(part.end - hour) // _MINUTE for hour, part in zip(hours, parts, strict=True)]
    found: list[Bucket] = []
    busy: dict[int, set[int]] = {}
    meant = None if target.sender_ids is None else set(target.sender_ids)
    for row in await rows(read, "minutes", target.account_ids, hours, first, last):
        hour = (row["hour"] - FIRST) // Step.HOUR.width
        busy.setdefault(hour, set()).add(row["account_id"])
        if meant is None or row["sender_id"] in meant:
            key = row["account_id" if asked.by is RollUp.USER else "sender_id"]
            found.append(Bucket(0, hour, array(KEY, [key]), array(NUMBER, [row["copies"]])))
    return found, busy


def _around(part: Window) -> list[Window]:
    """Return what is left of a part of an hour beside its whole minutes."""
    first = part.start + (part.start.replace(second=0) - part.start) % _MINUTE
    last = part.end.replace(second=0)
    if first > last:
        return [part]
    return [rest for rest in (Window(part.start, first), Window(last, part.end)) if rest.start < rest.end]


async def _count(
    read: ReadSession, account_ids: Sequence[int], target: Target, part: Window, asked: Question
) -> list[Bucket]:
    more = (stored(asked.reason),) if asked.what is What.BLOCKED else ()
    whose = (list(account_ids), target.sender_ids, part.start, part.end, asked.by is RollUp.USER)
    [(octets, *columns)] = await rows(read, _STATEMENTS[asked.what], *whose, *more)
    keys = unpacked(octets, KEY)
    known = ((column, numbers) for column, numbers in enumerate(columns) if numbers is not None)
    return [Bucket(column, _hour(part), keys, unpacked(numbers)) for column, numbers in known]


def _hour(part: Window) -> int:
    return (part.start - FIRST) // Step.HOUR.width

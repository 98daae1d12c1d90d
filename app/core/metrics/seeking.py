"""Where a page of a list lies, so that only that part of a long range is read.

Imports this package's modules and db.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from app.core.metrics.scopes import Target, instants, sql
from app.core.metrics.windows import Window
from app.db.unit_of_work import ReadSession

DEEP = 2000
"""Rows that are passed over faster than anything tells where to go on."""
STEPS = 8
"""Parts of a range that are counted one after the other, at most; the rest is read as a whole."""
NEAR = 5
"""Pages that are missing at most when the last part is counted."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is narrowed by more than the counters know.

    Attributes:
        days: The statement that tells how much there is by day, before it is narrowed.
        found: The statement that counts what there is in a range, narrowed.
        target: Whose records.
        window: All of it.
        filters: What narrows: the parameters of `found` after the fourth.
    """

    days: str
    found: str
    target: Target
    window: Window
    filters: Sequence[object]


async def by_counters(read: ReadSession, target: Target, window: Window, offset: int, limit: int) -> tuple[Window, int]:
    """Return the hours in which a page of all copies lies, told by the counters, and the rows to leave out in them."""
    for use_days in (True, False):  # first the days, then the hours of those days
        cuts = window.cuts(use_days=use_days)
        found = (await sql.rows(read, "seek", *instants(target, cuts), offset, limit))[0]
        start = max(window.start, found.from_at or cuts.hours_end)
        window = Window(start, min(window.end, found.until_at or window.end))
        offset -= found.before
    return window, offset


async def by_counting(read: ReadSession, listing: Listing, offset: int, limit: int) -> tuple[Window, int]:
    """Return the part of a window in which a page lies, and the rows to leave out at its beginning.

    The lists of many accounts can't be read in one order, so each would be read as far as the page might reach; and
    rows are counted faster than they are passed over in order. So they are counted from the start on, in parts that
    end where the page is likely to begin, until they are enough.
    """
    target, window = listing.target, listing.window
    days = await sql.rows(read, listing.days, target.account_ids, target.sender_ids, window.start, window.end)
    start = reached = window.start
    before = found = 0
    passed = 0.0
    for _ in range(STEPS):
        missing = offset + limit - found
        # All might match at first; later as many as did so far, and less than all of a long way is gone at once.
        share = (found or 0.5) / passed if passed else 1.0
        ahead = missing / share * (0.9 if passed and missing > NEAR * limit else 1.2)
        until, more = _after(days, reached, window.end, ahead)
        part = (target.account_ids, reached, until, target.sender_ids, *listing.filters)
        here = (await sql.rows(read, listing.found, *part))[0].found
        passed += more
        found += here
        reached = until
        if found <= offset:
            start, before = reached, found
        if found >= offset + limit or reached >= window.end:
            return Window(start, reached), offset - before
    return Window(start, window.end), offset - before


def _after(days: Sequence[Row[Any]], start: datetime, end: datetime, ahead: float) -> tuple[datetime, float]:
    """Return about when so many more have come, and about how many there are until then."""
    passed = 0.0
    for day in days:
        until = min(day.start + _DAY, end)
        if until <= start:
            continue
        begin = max(day.start, start)
        inside = float(day.copies) * ((until - begin) / _DAY)
        if passed + inside >= ahead:
            moment = begin + (until - begin) * ((ahead - passed) / inside)
            return min(moment.replace(microsecond=0) + timedelta(seconds=1), end), ahead
        passed += inside
    return end, passed

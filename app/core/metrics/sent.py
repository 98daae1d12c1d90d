"""Accepted copies, listed and counted. Read only.

Imports this package's modules and db.
"""

from datetime import datetime

from app.core.accounts import Caller
from app.core.metrics.scopes import PAGE, Target, conditions, instants, look_up, sql
from app.core.metrics.series import buckets, filled, points
from app.core.metrics.values import NO_FILTERS, WHOLE_SCOPE, CountRow, EmailRow, ListFilters, RollUp, Scope
from app.core.metrics.windows import Step, Window, check_buckets
from app.db.unit_of_work import ReadSession

DEEP = 2000
"""Rows that are passed over faster than the counters tell where to go on."""


async def emails(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    scope: Scope = WHOLE_SCOPE,
    filters: ListFilters = NO_FILTERS,
    delivered: bool | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> list[EmailRow]:
    """List accepted copies, by acceptance, then id: delivered, on their way, bounced or blocked.

    Args:
        read: The transaction.
        caller: Who sees itself and its sub-accounts.
        window: On the second of acceptance.
        scope: Narrows whose copies; what is out of the caller's sight gives an empty list.
        filters: Narrow which copies.
        delivered: True: delivered and not bounced since; False: all others.
        offset: Rows left out at the beginning.
        limit: Most rows returned.

    Source:
        docs/contract/dyn-metrics.md, 6.1.
    """
    target = await look_up(read, caller, scope)
    if target is None:
        return []
    given, narrowed = await conditions(read, target, window, filters)
    if not narrowed and delivered is None and (offset >= DEEP or len(target.account_ids) > 1):
        window, offset = await _seek(read, target, window, offset, limit)
        given = (target.account_ids, window.start, window.end, *given[3:])
    rows = await sql.rows(read, "emails", *given, delivered, limit, offset)
    return [
        EmailRow(
            row.id,
            row.accepted_at,
            row.account_id,
            row.sender_id,
            row.recipient,
            row.delivered,
            row.x_headers,
        )
        for row in rows
    ]


async def email_counts(
    read: ReadSession, caller: Caller, window: Window, *, scope: Scope = WHOLE_SCOPE, by: RollUp = RollUp.SENDER
) -> list[CountRow]:
    """Count the copies that `emails` lists, per sender or account, by id; who has none has no row.

    Source:
        docs/contract/dyn-metrics.md, 6.2.
    """
    target = await look_up(read, caller, scope)
    if target is None:
        return []
    rows = await sql.rows(read, "email_counts", *instants(target, window.cuts()), by is RollUp.USER)
    return [CountRow(row.key, row.sender, row.copies) for row in rows]


async def email_series(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    step: Step,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
) -> dict[int, list[tuple[datetime, int]]]:
    """Count the copies that `emails` lists, per sender or account and per hour or day.

    Returns:
        By id, every bucket that overlaps the window, with zeros where nothing was accepted; the first bucket may begin
        before the window, but only copies inside count. Who has no copies has no series.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.

    Source:
        docs/contract/dyn-metrics.md, 4 and 6.2.
    """
    check_buckets(window, step)
    target = await look_up(read, caller, scope)
    if target is None:
        return {}
    pieces = instants(target, window.cuts(use_days=step is Step.DAY))
    rows = await sql.rows(read, "email_series", *pieces, by is RollUp.USER, *buckets(window, step))
    return points(filled([(row.key, row.places, row.copies) for row in rows], window, step), window, step)


async def _seek(read: ReadSession, target: Target, window: Window, offset: int, limit: int) -> tuple[Window, int]:
    """Return the hours in which a page lies, to be read alone, and the rows to leave out at their beginning."""
    for use_days in (True, False):  # first the days, then the hours of those days
        cuts = window.cuts(use_days=use_days)
        found = (await sql.rows(read, "seek", *instants(target, cuts), offset, limit))[0]
        start = max(window.start, found.from_at or cuts.hours_end)
        window = Window(start, min(window.end, found.until_at or window.end))
        offset -= found.before
    return window, offset

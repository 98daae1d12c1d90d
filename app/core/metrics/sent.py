"""Accepted copies, listed and counted. Read only.

Imports this package's modules and db.
"""

from app.core.accounts import Caller
from app.core.metrics.counting import addresses, series, totals
from app.core.metrics.questions import Question, What
from app.core.metrics.scopes import PAGE, conditions, look_up, sql
from app.core.metrics.seeking import DEEP, Listing, by_counters, by_counting
from app.core.metrics.values import NO_FILTERS, WHOLE_SCOPE, CountRow, EmailRow, ListFilters, RollUp, Scope, Series
from app.core.metrics.windows import Step, Window
from app.db.unit_of_work import ReadSession


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
    if not narrowed and delivered is None and (offset >= DEEP or target.sender_ids):
        window, offset = await by_counters(read, target, window, offset, limit)
    elif len(target.account_ids) > 1 and filters.recipient is None:
        listing = Listing("accepted_by_day", "emails_found", target, window, (*given[4:], delivered))
        window, offset = await by_counting(read, listing, offset, limit)
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
    found = await totals(read, caller, Question(What.ACCEPTED, window, scope, by))
    names = await addresses(read, by, found)
    return [CountRow(key, names.get(key), copies) for key, (copies, _, _) in found.items()]


async def email_series(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    step: Step,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
) -> Series:
    """Count the copies that `emails` lists, per sender or account and per hour or day.

    Returns:
        One number for every bucket that overlaps the window; the first may begin before the window, but only copies
        inside count.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.

    Source:
        docs/contract/dyn-metrics.md, 4 and 6.2.
    """
    return await series(read, caller, step, Question(What.ACCEPTED, window, scope, by))

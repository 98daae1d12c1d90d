"""Blocked copies, listed and counted. Read only.

A copy that was blocked at a later attempt is listed and counted by its acceptance like any other (docs/contract/
dyn-metrics.md, 7.2: the count is the number of rows of the list).

Imports this package's modules, the front door of suppressions (types) and db.
"""

from app.core.accounts import Caller
from app.core.metrics.counting import addresses, series, totals
from app.core.metrics.questions import DELETED, Question, What, stored
from app.core.metrics.scopes import PAGE, conditions, look_up, sql
from app.core.metrics.values import (
    NO_FILTERS,
    WHOLE_SCOPE,
    BlockedCount,
    BlockedRow,
    Bounces,
    ListFilters,
    RollUp,
    Scope,
    Series,
)
from app.core.metrics.windows import Step, Window
from app.core.suppressions import Reason
from app.db.unit_of_work import ReadSession


async def blocked_emails(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    scope: Scope = WHOLE_SCOPE,
    filters: ListFilters = NO_FILTERS,
    reason: Reason | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> list[BlockedRow]:
    """List copies that were not sent because their recipient must not be mailed, by acceptance, then id.

    Args:
        read: The transaction.
        caller: Who sees itself and its sub-accounts.
        window: On the second of acceptance.
        scope: Narrows whose copies; what is out of the caller's sight gives an empty list.
        filters: Narrow which copies.
        reason: Only copies blocked for this.
        offset: Rows left out at the beginning.
        limit: Most rows returned.

    Source:
        docs/contract/dyn-metrics.md, 7.1.
    """
    target = await look_up(read, caller, scope)
    if target is None:
        return []
    given, _ = await conditions(read, target, window, filters)
    rows = await sql.rows(read, "blocked_emails", *given, stored(reason), limit, offset)
    return [
        BlockedRow(
            row.id,
            row.accepted_at,
            row.account_id,
            row.sender_id,
            row.recipient,
            Reason.MANUAL if row.blocked_reason == DELETED else Reason(row.blocked_reason),
            row.postback_at,
            row.x_headers,
        )
        for row in rows
    ]


async def blocked_counts(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
    reason: Reason | None = None,
) -> list[BlockedCount]:
    """Count the copies that `blocked_emails` lists, per sender or account, by id; who has none has no row.

    Source:
        docs/contract/dyn-metrics.md, 7.2.
    """
    found = await totals(read, caller, Question(What.BLOCKED, window, scope, by, reason))
    names = await addresses(read, by, found)
    return [BlockedCount(key, names.get(key), blocked, Bounces(*causes)) for key, (blocked, *causes) in found.items()]


async def blocked_series(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    step: Step,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
    reason: Reason | None = None,
) -> Series:
    """Count the copies that `blocked_emails` lists, per sender or account and per hour or day.

    Returns:
        One number for every bucket that overlaps the window; the first may begin before the window, but only copies
        inside count.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.

    Source:
        docs/contract/dyn-metrics.md, 4 and 7.2.
    """
    return await series(read, caller, step, Question(What.BLOCKED, window, scope, by, reason))

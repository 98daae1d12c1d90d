"""Blocked copies, listed and counted. Read only.

A copy that was blocked at a later attempt is listed and counted by its acceptance like any other (docs/contract/
dyn-metrics.md, 7.2: the count is the number of rows of the list).

Imports this package's modules, the front door of suppressions (types) and db.
"""

from datetime import datetime

from app.core.accounts import Caller
from app.core.metrics.scopes import PAGE, conditions, instants, look_up, sql
from app.core.metrics.series import buckets, filled, points
from app.core.metrics.values import (
    NO_FILTERS,
    WHOLE_SCOPE,
    BlockedCount,
    BlockedRow,
    Bounces,
    ListFilters,
    RollUp,
    Scope,
)
from app.core.metrics.windows import Step, Window, check_buckets
from app.core.suppressions import Reason
from app.db.unit_of_work import ReadSession

DELETED = "deleted"
"""Stands in the ledger for a campaign copy whose contact was deleted meanwhile; shown and counted as `manual`."""


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
    rows = await sql.rows(read, "blocked_emails", *given, _stored(reason), limit, offset)
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
    target = await look_up(read, caller, scope)
    if target is None:
        return []
    pieces = instants(target, window.cuts())
    rows = await sql.rows(read, "blocked_counts", *pieces, by is RollUp.USER, reason)
    return [BlockedCount(row.key, row.sender, row.blocked, Bounces(row.soft, row.hard)) for row in rows]


async def blocked_series(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    step: Step,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
    reason: Reason | None = None,
) -> dict[int, list[tuple[datetime, int]]]:
    """Count the copies that `blocked_emails` lists, per sender or account and per hour or day.

    Returns:
        By id, every bucket that overlaps the window, with zeros where nothing was blocked; the first bucket may begin
        before the window, but only copies inside count. Who has none has no series.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.

    Source:
        docs/contract/dyn-metrics.md, 4 and 7.2.
    """
    check_buckets(window, step)
    target = await look_up(read, caller, scope)
    if target is None:
        return {}
    pieces = instants(target, window.cuts(use_days=step is Step.DAY))
    rows = await sql.rows(read, "blocked_series", *pieces, by is RollUp.USER, *buckets(window, step), reason)
    return points(filled([(row.key, row.places, row.blocked) for row in rows], window, step), window, step)


def _stored(reason: Reason | None) -> list[str] | None:
    """Return the words of the ledger for a reason."""
    if reason is None:
        return None
    return [reason, DELETED] if reason is Reason.MANUAL else [reason]

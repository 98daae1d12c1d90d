"""The verbs: lists and counts of what an account and its sub-accounts sent. Read only.

Imports the front doors of accounts and senders, models and db.
"""

from dataclasses import dataclass
from datetime import datetime

from app.core import accounts, senders
from app.core.accounts import Caller
from app.core.errors import Fault, FieldFault, Invalid
from app.core.metrics.values import NO_FILTERS, WHOLE_SCOPE, CountRow, EmailRow, ListFilters, RollUp, Scope
from app.core.metrics.windows import Cuts, Step, Window, check_buckets
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

PAGE = 500
"""Rows per page."""
MAX_POINTS = 1_000_000
"""Most points of all series of one answer together: a bound on memory."""
X_HEADERS = 4
"""Most filters by X-header; an account has no more names."""
X_VALUE_LENGTH = 500
"""Longest value of a remembered X-header, in characters."""
_ANGLES = str.maketrans("", "", "<>")
_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class _Target:
    """A scope, looked up: accounts, and senders if only some are meant."""

    account_ids: list[int]
    sender_ids: list[int] | None


async def emails(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    scope: Scope = WHOLE_SCOPE,
    filters: ListFilters = NO_FILTERS,
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
        offset: Rows left out at the beginning.
        limit: Most rows returned.

    Source:
        docs/contract/dyn-metrics.md, 6.1.
    """
    target = await _look_up(read, caller, scope)
    if target is None:
        return []
    await _sql.rows(read, "plan_each_time")
    if filters == NO_FILTERS:
        window, offset = await _seek(read, target, window, offset, limit)
    headers = await _configured(read, target, filters)
    rows = await _sql.rows(
        read,
        "emails",
        target.account_ids,
        window.start,
        window.end,
        target.sender_ids,
        filters.recipient,
        filters.domain,
        filters.local,
        filters.delivered,
        [name for name, _ in headers],
        [value for _, value in headers],
        limit,
        offset,
    )
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
    target = await _look_up(read, caller, scope)
    if target is None:
        return []
    await _sql.rows(read, "plan_each_time")
    rows = await _sql.rows(read, "email_counts", *_parameters(target, window.cuts()), by is RollUp.USER)
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
    target = await _look_up(read, caller, scope)
    if target is None:
        return {}
    await _sql.rows(read, "plan_each_time")
    cuts = window.cuts(use_days=step is Step.DAY)
    rows = await _sql.rows(read, "email_series", *_parameters(target, cuts), by is RollUp.USER, str(step))
    found: dict[int, dict[datetime, int]] = {}
    for row in rows:
        found.setdefault(row.key, {})[row.bucket] = row.copies
    if len(found) * window.buckets(step) > MAX_POINTS:
        raise Invalid([FieldFault("timeseries", Fault.INVALID, f"has more than {MAX_POINTS} points")])
    starts = list(window.starts(step))
    return {key: [(start, counts.get(start, 0)) for start in starts] for key, counts in sorted(found.items())}


def _parameters(target: _Target, cuts: Cuts) -> tuple[object, ...]:
    instants = (cuts.start, cuts.hours_start, cuts.days_start, cuts.days_end, cuts.hours_end, cuts.end)
    return (target.account_ids, target.sender_ids, *instants)


async def _look_up(read: ReadSession, caller: Caller, scope: Scope) -> _Target | None:
    """Return the accounts and senders that are meant; None when there can't be any record."""
    account_ids = await accounts.scope_ids(read, caller)
    if scope.user_id is not None:
        account_ids = [scope.user_id] if scope.user_id in account_ids else []
    sender_ids = None if scope.sender_id is None else [scope.sender_id]
    if scope.sender is not None:
        known = await senders.ids_of(read, account_ids, scope.sender)
        sender_ids = [one for one in known if scope.sender_id in {None, one}]
    return None if not account_ids or sender_ids == [] else _Target(account_ids, sender_ids)


async def _configured(read: ReadSession, target: _Target, filters: ListFilters) -> list[tuple[str, str]]:
    """Return the X-header filters that count, in the form of the stored values."""
    if not filters.x_headers:
        return []
    names = await accounts.x_header_names(read, target.account_ids)
    return [
        (name.lower(), value.translate(_ANGLES)[:X_VALUE_LENGTH])
        for name, value in filters.x_headers
        if name.lower() in names
    ][:X_HEADERS]


async def _seek(read: ReadSession, target: _Target, window: Window, offset: int, limit: int) -> tuple[Window, int]:
    """Return the hours in which a page lies, to be read alone, and the rows to leave out at their beginning."""
    cuts = window.cuts(use_days=False)
    rows = await _sql.rows(
        read,
        "seek",
        target.account_ids,
        target.sender_ids,
        cuts.start,
        cuts.hours_start,
        cuts.hours_end,
        offset,
        limit,
    )
    found = rows[0]
    start = max(window.start, found.from_at or cuts.hours_end)
    end = min(window.end, found.until_at or window.end)
    return Window(start, end), offset - found.before

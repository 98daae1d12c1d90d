"""Bounces, listed, shown and counted. Read only.

Imports this package's modules, models (types) and db.
"""

from array import array
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.core import accounts
from app.core.accounts import Caller
from app.core.errors import NotFound
from app.core.metrics.counting import addresses, series, totals
from app.core.metrics.questions import Question, What
from app.core.metrics.scopes import PAGE, conditions, look_up, sql
from app.core.metrics.seeking import Listing, by_counting
from app.core.metrics.values import (
    NO_FILTERS,
    NUMBER,
    WHOLE_SCOPE,
    BounceCount,
    BounceDetail,
    BounceRow,
    Bounces,
    Category,
    ListFilters,
    RollUp,
    Scope,
    Series,
)
from app.core.metrics.windows import Step, Window
from app.db.unit_of_work import ReadSession
from app.models.bounce import BounceType


async def bounces(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    scope: Scope = WHOLE_SCOPE,
    filters: ListFilters = NO_FILTERS,
    bounce_type: BounceType | None = None,
    category: Category | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> list[BounceRow]:
    """List bounces, by the second they were recorded, then acceptance and id of their copies.

    Args:
        read: The transaction.
        caller: Who sees itself and its sub-accounts.
        window: On the time of the bounce.
        scope: Narrows whose bounces; what is out of the caller's sight gives an empty list.
        filters: Narrow which bounces.
        bounce_type: Only these.
        category: Only these.
        offset: Rows left out at the beginning.
        limit: Most rows returned.

    Source:
        docs/contract/dyn-metrics.md, 5.1.
    """
    target = await look_up(read, caller, scope)
    if target is None:
        return []
    given, _ = await conditions(read, target, window, filters)
    given = (*given, bounce_type, category)
    if filters.recipient is None:
        listing = Listing("bounced_by_day", "bounces_found", target, window, given[4:])
        window, offset = await by_counting(read, listing, offset, limit)
    rows = await sql.rows(read, "bounces", target.account_ids, window.start, window.end, *given[3:], limit, offset)
    return [_row(row) for row in rows]


async def bounce(read: ReadSession, caller: Caller, message_id: int, accepted_at: datetime) -> BounceDetail:
    """Return the bounce of a copy in full.

    Raises:
        NotFound: The copy did not bounce, or belongs to nobody whom the caller sees.

    Source:
        docs/contract/dyn-metrics.md, 5.2.
    """
    rows = await sql.rows(read, "bounce", message_id, accepted_at, await accounts.scope_ids(read, caller))
    if not rows:
        raise NotFound("bounce")
    found = rows[0]
    return BounceDetail(_row(found), found.full_content, found.diagnostic, found.regex_name)


async def bounce_counts(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
    bounce_type: BounceType | None = None,
) -> list[BounceCount]:
    """Count the bounces that `bounces` lists, per sender or account, by id; who has none has no row.

    Source:
        docs/contract/dyn-metrics.md, 5.3.
    """
    found = await totals(read, caller, Question(What.BOUNCES, window, scope, by))
    names = await addresses(read, by, found)
    counts = [
        BounceCount(
            key,
            names.get(key),
            Bounces(0 if bounce_type is BounceType.HARD else soft, 0 if bounce_type is BounceType.SOFT else hard),
        )
        for key, (soft, hard, _) in found.items()
    ]
    return [row for row in counts if row.bounces.all]


async def bounce_series(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    step: Step,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
    bounce_type: BounceType | None = None,
) -> Series:
    """Count the bounces that `bounces` lists, per sender or account and per hour or day.

    Returns:
        Two numbers, soft and hard ones, for every bucket that overlaps the window; the first may begin before the
        window, but only bounces inside count.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.

    Source:
        docs/contract/dyn-metrics.md, 4 and 5.3.
    """
    found = await series(read, caller, step, Question(What.BOUNCES, window, scope, by))
    if bounce_type is None:
        return found
    none = memoryview(array(NUMBER, [0]) * len(found.starts))
    only = {
        key: (soft, none) if bounce_type is BounceType.SOFT else (none, hard)
        for key, (soft, hard) in found.columns.items()
    }
    return Series(found.starts, {key: columns for key, columns in only.items() if any(map(any, columns))})


def _row(row: Row[Any]) -> BounceRow:
    return BounceRow(
        row.message_id,
        row.accepted_at,
        row.account_id,
        row.sender_id,
        row.recipient,
        row.bounced_at,
        row.bounce_type,
        row.category,
        row.code,
        row.x_headers,
        row.postback_at,
    )

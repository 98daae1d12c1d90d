"""Bounces, listed, shown and counted. Read only.

Imports this package's modules, models (types) and db.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from app.core import accounts
from app.core.accounts import Caller
from app.core.errors import NotFound
from app.core.metrics.scopes import PAGE, conditions, instants, look_up, sql
from app.core.metrics.series import buckets, filled
from app.core.metrics.values import (
    NO_BOUNCES,
    NO_FILTERS,
    WHOLE_SCOPE,
    BounceCount,
    BounceDetail,
    BounceRow,
    Bounces,
    Category,
    ListFilters,
    RollUp,
    Scope,
)
from app.core.metrics.windows import Step, Window, check_buckets
from app.db.unit_of_work import ReadSession
from app.models.bounce import BounceType

_SECOND = timedelta(seconds=1)


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
    given = (*given, bounce_type, category, limit)
    span = (await sql.rows(read, "bounce_span", *given, offset))[0]
    if span.first_at is None:
        return []
    start = span.first_at.replace(microsecond=0)
    end = span.last_at.replace(microsecond=0) + _SECOND
    rows = await sql.rows(read, "bounces", given[0], start, end, *given[3:], span.first_at, span.first_id)
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
    target = await look_up(read, caller, scope)
    if target is None:
        return []
    pieces = instants(target, window.cuts())
    rows = await sql.rows(read, "bounce_counts", *pieces, by is RollUp.USER, bounce_type)
    return [BounceCount(row.key, row.sender, Bounces(row.soft, row.hard)) for row in rows]


async def bounce_series(
    read: ReadSession,
    caller: Caller,
    window: Window,
    *,
    step: Step,
    scope: Scope = WHOLE_SCOPE,
    by: RollUp = RollUp.SENDER,
    bounce_type: BounceType | None = None,
) -> dict[int, list[tuple[datetime, Bounces]]]:
    """Count the bounces that `bounces` lists, per sender or account and per hour or day.

    Returns:
        By id, every bucket that overlaps the window, with zeros where nothing bounced; the first bucket may begin
        before the window, but only bounces inside count. Who has none has no series.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.

    Source:
        docs/contract/dyn-metrics.md, 4 and 5.3.
    """
    check_buckets(window, step)
    target = await look_up(read, caller, scope)
    if target is None:
        return {}
    pieces = instants(target, window.cuts(use_days=step is Step.DAY))
    rows = await sql.rows(read, "bounce_series", *pieces, by is RollUp.USER, *buckets(window, step), bounce_type)
    soft = filled([(row.key, row.places, row.soft) for row in rows], window, step)
    hard = filled([(row.key, row.places, row.hard) for row in rows], window, step)
    starts = list(window.starts(step))
    return {key: list(zip(starts, _pairs(soft[key], hard[key]), strict=True)) for key in soft}


def _pairs(soft: list[int], hard: list[int]) -> Iterator[Bounces]:
    """Yield both numbers of each bucket; most are zero."""
    return (Bounces(one, two) if one or two else NO_BOUNCES for one, two in zip(soft, hard, strict=True))


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

"""From filters to the parameters of a statement, and the statement asked. For the verbs of this package."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from app.core import accounts, senders
from app.core.reports.values import Filters
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

PAGE = 500
"""Rows per page."""
X_HEADERS = 4
"""Most filters by X-header; an account has no more names."""
X_VALUE_LENGTH = 500
"""Longest value of a remembered X-header, in characters."""
TEXT_LENGTH = 1000
"""Most characters of any other filter; no address is so long, so what is cut off finds nothing either way."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_ANGLES = str.maketrans("", "", "<>")
_sql = Sql(__package__)


async def by_sender(
    read: ReadSession, name: str, account_id: int, filters: Filters, *more: object
) -> Sequence[Row[Any]]:
    """Return the rows of a statement over the mail of an account, none if it never had such a sender.

    Args:
        read: The transaction.
        name: Of the statement.
        account_id: Whose records.
        filters: Its parameters from the second to the ninth.
        more: The others.
    """
    sender_ids: list[int] | None = None
    if filters.sender is not None:
        sender_ids = list(await senders.ids_of(read, [account_id], filters.sender[:TEXT_LENGTH]))
        if not sender_ids:
            return []
    return await _ask(read, name, account_id, filters, sender_ids, *more)


async def by_sender_text(
    read: ReadSession, name: str, account_id: int, filters: Filters, *more: object
) -> Sequence[Row[Any]]:
    """Return the rows of a statement over records that may name senders which the account never had."""
    sender = None if filters.sender is None else filters.sender[:TEXT_LENGTH]
    return await _ask(read, name, account_id, filters, sender, *more)


async def _ask(
    read: ReadSession, name: str, account_id: int, filters: Filters, sender: list[int] | str | None, *more: object
) -> Sequence[Row[Any]]:
    headers = await _configured(read, account_id, filters)
    await _sql.rows(read, "plan_each_time")
    return await _sql.rows(
        read,
        name,
        account_id,
        _bounded(filters.start),
        _bounded(filters.end),
        sender,
        None if filters.recipient is None else filters.recipient[:TEXT_LENGTH],
        None if filters.domain is None else filters.domain[:TEXT_LENGTH],
        [name for name, _ in headers],
        [value for _, value in headers],
        json.dumps(dict(headers)),
        *more,
    )


def _bounded(moment: datetime) -> datetime:
    """Return the instant, moved to where the database's calendar is sure to know it: nothing is recorded outside."""
    return max(min(moment, _LAST), _FIRST)


async def _configured(read: ReadSession, account_id: int, filters: Filters) -> list[tuple[str, str]]:
    """Return the X-header filters that count: names as they are given, values in the form of the stored ones."""
    if not filters.x_headers:
        return []
    names = await accounts.x_header_names(read, [account_id])
    return [
        (name, value.translate(_ANGLES)[:X_VALUE_LENGTH]) for name, value in filters.x_headers if name.lower() in names
    ][:X_HEADERS]

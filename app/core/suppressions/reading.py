"""The verbs that read the list and the marks. Imports models and the transaction."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from app.core.suppressions.keys import keys_of
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.models.suppression import Reason, Suppression

PAGE = 500
"""Entries of a page, unless asked for fewer or more."""
MAX_PAGE = 1000
MAX_OFFSET = 2**62
"""Furthest page; there is nothing behind it."""
_STREAMED = 1000
"""Rows fetched ahead of a reader."""

_sql = Sql(__package__)
COLUMNS = (
    Suppression.id,
    Suppression.address,
    Suppression.reason,
    Suppression.detail,
    Suppression.source_message_id,
    Suppression.source_accepted_at,
    Suppression.created_at,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One address of an account's list.

    Attributes:
        id: Its number.
        address: Trimmed, in lower case, the domain in A-labels.
        reason: Why.
        detail: What to show beside the reason; may be empty.
        source_message_id: The copy that caused it, if one did.
        source_accepted_at: Partition of that copy.
        created_at: Since when.
    """

    id: int
    address: str
    reason: Reason
    detail: str
    source_message_id: int | None
    source_accepted_at: datetime | None
    created_at: datetime


async def reasons(read: ReadSession, account_id: int, addresses: Iterable[str]) -> dict[str, Reason]:
    """Return which of the addresses are on the account's list and why, by the form `key_of` gives them."""
    rows = await _sql.rows(read, "reasons", account_id, keys_of(addresses))
    return {row.address: Reason(row.reason) for row in rows}


async def marked(read: ReadSession, account_id: int, addresses: Iterable[str]) -> set[str]:
    """Return which of the addresses carry the bounced or complained mark, in the form `key_of` gives them.

    Source:
        docs/contract/dyn-email.md, 9.1.
    """
    return {row.address for row in await _sql.rows(read, "marked", account_id, keys_of(addresses))}


async def get(read: ReadSession, account_id: int, address: str) -> Entry | None:
    """Return the entry of an address, if it is on the account's list."""
    keys = keys_of([address])
    query = select(*COLUMNS).where(Suppression.account_id == account_id, Suppression.address.in_(keys))
    row = (await read.execute(query)).one_or_none()
    return entry_of(row) if row is not None else None


async def page(
    read: ReadSession,
    account_id: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> list[Entry]:
    """Return entries by time, then number; past the end there are none.

    Args:
        read: The transaction.
        account_id: Whose list.
        start: Entries made at this instant or later.
        end: Entries made before this instant.
        offset: How many are left out in front; less than 0 counts as 0.
        limit: Kept within 0 to 1000.

    Source:
        docs/contract/dyn-email.md, 10.1.
    """
    if offset > MAX_OFFSET:
        return []
    query = select(*COLUMNS).where(*_within(account_id, start, end)).order_by(Suppression.created_at, Suppression.id)
    rows = await read.execute(query.offset(max(offset, 0)).limit(min(max(limit, 0), MAX_PAGE)))
    return [entry_of(row) for row in rows]


async def count(
    read: ReadSession, account_id: int, *, start: datetime | None = None, end: datetime | None = None
) -> int:
    """Return how many entries `page` has in all.

    Source:
        docs/contract/dyn-email.md, 10.2.
    """
    query = select(func.count()).select_from(Suppression).where(*_within(account_id, start, end))
    return (await read.execute(query)).scalar_one()


async def stream(read: ReadSession, account_id: int) -> AsyncIterator[Entry]:
    """Yield all entries by time, then number, in constant memory."""
    query = (
        select(*COLUMNS).where(Suppression.account_id == account_id).order_by(Suppression.created_at, Suppression.id)
    )
    result = await read.stream(query.execution_options(yield_per=_STREAMED))
    try:
        async for fetched in result.partitions(_STREAMED):  # one switch of greenlets for all of them
            for row in fetched:
                yield entry_of(row)
    finally:
        await result.close()


def _within(account_id: int, start: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    conditions = [Suppression.account_id == account_id]
    if start is not None:
        conditions.append(Suppression.created_at >= start)
    if end is not None:
        conditions.append(Suppression.created_at < end)
    return conditions


def entry_of(row: Row[*tuple[Any, ...]]) -> Entry:
    """Return a row of `COLUMNS` as an entry."""
    return Entry(**{**row._asdict(), "reason": Reason(row.reason)})

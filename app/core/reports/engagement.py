"""The verbs about opens and clicks. Read only; an account sees its own records alone.

Machine opens are opens. Unique ones are copies, or links of copies, and stand at their first event.

Source: docs/contract/dyn-email.md, 11.5.
"""

from app.core.reports.asking import PAGE, by_sender
from app.core.reports.values import ClickRow, Filters, OpenRow, UniqueClickRow, UniqueOpenRow
from app.db.unit_of_work import ReadSession


async def opens(
    read: ReadSession, account_id: int, filters: Filters, *, offset: int = 0, limit: int = PAGE
) -> list[OpenRow]:
    """List opens by time, then id."""
    rows = await by_sender(read, "opens", account_id, filters, limit, offset)
    return [OpenRow(row.occurred_at, row.recipient, row.ip, row.x_headers) for row in rows]


async def count_opens(read: ReadSession, account_id: int, filters: Filters) -> int:
    """Count what `opens` lists."""
    return sum(row.found for row in await by_sender(read, "open_count", account_id, filters))


async def unique_opens(
    read: ReadSession, account_id: int, filters: Filters, *, offset: int = 0, limit: int = PAGE
) -> list[UniqueOpenRow]:
    """List copies that were opened, by their first open, then id."""
    rows = await by_sender(read, "unique_opens", account_id, filters, limit, offset)
    return [UniqueOpenRow(row.occurred_at, row.recipient, row.total, row.x_headers) for row in rows]


async def count_unique_opens(read: ReadSession, account_id: int, filters: Filters) -> int:
    """Count what `unique_opens` lists."""
    return sum(row.found for row in await by_sender(read, "unique_open_count", account_id, filters))


async def clicks(
    read: ReadSession, account_id: int, filters: Filters, *, offset: int = 0, limit: int = PAGE
) -> list[ClickRow]:
    """List clicks by time, then id."""
    rows = await by_sender(read, "clicks", account_id, filters, limit, offset)
    return [ClickRow(row.occurred_at, row.recipient, row.ip, row.url, row.x_headers) for row in rows]


async def count_clicks(read: ReadSession, account_id: int, filters: Filters) -> int:
    """Count what `clicks` lists."""
    return sum(row.found for row in await by_sender(read, "click_count", account_id, filters))


async def unique_clicks(
    read: ReadSession, account_id: int, filters: Filters, *, offset: int = 0, limit: int = PAGE
) -> list[UniqueClickRow]:
    """List links of copies that were clicked, by their first click, then copy and link."""
    rows = await by_sender(read, "unique_clicks", account_id, filters, limit, offset)
    return [UniqueClickRow(row.occurred_at, row.recipient, row.ip, row.url, row.total, row.x_headers) for row in rows]


async def count_unique_clicks(read: ReadSession, account_id: int, filters: Filters) -> int:
    """Count what `unique_clicks` lists."""
    return sum(row.found for row in await by_sender(read, "unique_click_count", account_id, filters))

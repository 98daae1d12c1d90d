"""The verbs about what was accepted, refused and failed. Read only; an account sees its own records alone.

Imports the front doors of accounts and senders (through `asking`), and the pure words for failures.

Source: docs/contract/dyn-email.md, 11.1 to 11.4 and 11.6.
"""

from datetime import timedelta

from app.core.reports.asking import PAGE, by_sender, by_sender_text
from app.core.reports.values import BounceKind, BounceRow, ComplaintRow, CopyRow, Filters, IssueRow
from app.db.unit_of_work import ReadSession
from app.mail.bounce_rules import BLOCKED_CODE, BLOCKED_RULE, blocked_text, bounce_rule

MAX_TEXT = 65_536
"""Most characters of the text of one bounce in a list."""


async def sent(
    read: ReadSession,
    account_id: int,
    filters: Filters,
    *,
    delivered: bool = False,
    offset: int = 0,
    limit: int = PAGE,
) -> list[CopyRow]:
    """List accepted copies, blocked ones included, by acceptance, then id.

    Args:
        read: The transaction.
        account_id: Whose.
        filters: Which; the range is on the second of acceptance.
        delivered: Only those that a receiving server took and that have not bounced since.
        offset: Rows left out at the beginning.
        limit: Most rows returned.
    """
    rows = await by_sender(read, "sent", account_id, filters, delivered, limit, offset)
    return [
        CopyRow(row.accepted_at + timedelta(milliseconds=row.accepted_ms), row.recipient, row.x_headers) for row in rows
    ]


async def count_sent(read: ReadSession, account_id: int, filters: Filters, *, delivered: bool = False) -> int:
    """Count what `sent` lists."""
    rows = await by_sender(read, "sent_count", account_id, filters, delivered)
    return sum(row.found for row in rows)


async def bounces(
    read: ReadSession,
    account_id: int,
    filters: Filters,
    *,
    kind: BounceKind | None = None,
    with_text: bool = True,
    offset: int = 0,
    limit: int = PAGE,
) -> list[BounceRow]:
    """List bounces by the time they were recorded, or copies that were blocked by the moment of that.

    Args:
        read: The transaction.
        account_id: Whose.
        filters: Which.
        kind: Only these; None: hard and soft bounces.
        with_text: Whether `text` is filled, with no more than 65536 characters.
        offset: Rows left out at the beginning.
        limit: Most rows returned.
    """
    if kind is None or kind.is_bounce:
        length = MAX_TEXT if with_text else 0
        rows = await by_sender(read, "bounces", account_id, filters, kind and str(kind), length, limit, offset)
        return [
            BounceRow(
                row.occurred_at,
                row.recipient,
                BounceKind(row.kind),
                bounce_rule(row.category, row.code),
                row.code,
                row.content,
                row.postback_at,
                row.x_headers,
            )
            for row in rows
        ]
    rows = await by_sender(read, "blocked", account_id, filters, str(kind), limit, offset)
    return [
        BounceRow(
            row.occurred_at,
            row.recipient,
            kind,
            BLOCKED_RULE,
            BLOCKED_CODE,
            blocked_text(row.reason) if with_text else "",
            row.postback_at,
            row.x_headers,
        )
        for row in rows
    ]


async def count_bounces(read: ReadSession, account_id: int, filters: Filters) -> dict[BounceKind, int]:
    """Count what `bounces` lists, by kind; every kind is there."""
    rows = await by_sender(read, "bounce_counts", account_id, filters)
    counts = {row.kind: row.found for row in rows} | await count_blocked(read, account_id, filters)
    return {kind: counts.get(kind, 0) for kind in BounceKind}


async def count_blocked(read: ReadSession, account_id: int, filters: Filters) -> dict[BounceKind, int]:
    """Count the copies that were blocked because their recipients are suppressed, by kind; none for what is not."""
    rows = await by_sender(read, "blocked_counts", account_id, filters)
    return {BounceKind(row.kind): row.found for row in rows}


async def complaints(
    read: ReadSession, account_id: int, filters: Filters, *, offset: int = 0, limit: int = PAGE
) -> list[ComplaintRow]:
    """List complaints by time, then copy."""
    rows = await by_sender(read, "complaints", account_id, filters, limit, offset)
    return [ComplaintRow(row.occurred_at, row.recipient, row.postback_at, row.x_headers) for row in rows]


async def count_complaints(read: ReadSession, account_id: int, filters: Filters) -> int:
    """Count what `complaints` lists."""
    return sum(row.found for row in await by_sender(read, "complaint_count", account_id, filters))


async def issues(
    read: ReadSession, account_id: int, filters: Filters, *, offset: int = 0, limit: int = PAGE
) -> list[IssueRow]:
    """List refused sends of any family by time, then id; `sender` is compared with the From address that was tried."""
    rows = await by_sender_text(read, "issues", account_id, filters, limit, offset)
    return [IssueRow(row.occurred_at, row.address, row.issue_type, row.description, row.x_headers) for row in rows]


async def count_issues(read: ReadSession, account_id: int, filters: Filters) -> int:
    """Count what `issues` lists."""
    return sum(row.found for row in await by_sender_text(read, "issue_count", account_id, filters))

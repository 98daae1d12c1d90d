"""What events that were taken over mean for the suppression lists, if they are to. Imports the front door of contacts.

Transactions of their own, one list at a time, because entries are held before contacts everywhere. Doing it twice does
no harm.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts
from app.core.ingest.naming import Group
from app.core.ingest.transaction import transaction
from app.core.ingest.values import EventKind
from app.core.messages import SuppressionRules
from app.core.suppressions import NewEntry, Reason
from app.db.unit_of_work import unit_of_work

_REASONS = {EventKind.COMPLAINED: Reason.COMPLAINT, EventKind.UNSUBSCRIBED: Reason.UNSUBSCRIBE}


async def act(engine: AsyncEngine, copies: Sequence[tuple[Group, int, datetime]], rules: SuppressionRules) -> None:
    """Suppress recipients that bounced, complained or unsubscribed.

    Args:
        engine: Of `make_engine`.
        copies: Events, with id and partition of their copy.
        rules: When soft bounces do it.
    """
    bounced = [
        (message_id, accepted_at)
        for group, message_id, accepted_at in copies
        if any(event.kind is EventKind.BOUNCED for event in group.events)
    ]
    if bounced:
        ids, seconds = map(list, zip(*bounced, strict=True))
        async with transaction(engine) as connection:
            await contacts.suppress_bounced(
                connection,
                ids,
                seconds,
                soft_bounces=rules.soft_bounces,
                soft_bounce_hours=rules.soft_bounce_hours,
            )
    for account_id, entries in _words(copies).items():
        async with unit_of_work(engine) as write:
            await contacts.suppress_many(write, account_id, entries)


def _words(copies: Sequence[tuple[Group, int, datetime]]) -> dict[int, list[NewEntry]]:
    """Return by account what recipients have said, the earliest first."""
    found = sorted(
        (group.key.account_id, event.occurred_at, group.recipient, _REASONS[event.kind])
        for group, _, _ in copies
        for event in group.events
        if event.kind in _REASONS
    )
    by_account: dict[int, list[NewEntry]] = {}
    for account_id, occurred_at, recipient, reason in found:
        by_account.setdefault(account_id, []).append(NewEntry(recipient, reason, created_at=occurred_at))
    return by_account

"""What bounces mean for their recipients: entries of the suppression list, marks, and contacts that are mailed no more.

Set-based and on the driver's connection, because whole groups of outcomes come here. Imports db.

Source: docs/contract/dyn-email.md, 16.
"""

from collections.abc import Sequence
from datetime import datetime

from app.db.sql import Connection, Sql

_LOCK_SPACE = 1651469925
"""Tells the advisory locks of bounced recipients from others."""
_sql = Sql(__package__)


async def suppress_bounced(
    connection: Connection,
    message_ids: Sequence[int],
    accepted_ats: Sequence[datetime],
    *,
    soft_bounces: int,
    soft_bounce_hours: float,
) -> None:
    """Draw the consequences of bounces that were just recorded: a hard one counts at once, a soft one with its like.

    Two transactions that record soft bounces of one recipient at the same time follow one another here, so that the
    last of several is seen to be one.

    Args:
        connection: Inside the transaction that recorded them.
        message_ids: Copies that bounced.
        accepted_ats: Their partitions.
        soft_bounces: Soft bounces of one recipient with the same code that suppress it.
        soft_bounce_hours: Hours within which they must fall.
    """
    copies = list(message_ids), list(accepted_ats)
    await _sql.fetch(connection, "hold_soft_bounces", _LOCK_SPACE, *copies)
    rows = await _sql.fetch(connection, "suppress_bounced", *copies, soft_bounces, soft_bounce_hours)
    if rows:
        columns = [[row[name] for row in rows] for name in ("account_id", "address", "message_id", "accepted_at")]
        # Looked for only now that the entries are held: whoever has made a contact meanwhile has committed it.
        await _sql.execute(connection, "couple_bounced", *columns)

"""A recipient's receiver reports a copy as abuse. Imports the front door of contacts, models' words.

Source: docs/contract/dyn-email.md, 16; RFC 5965.
"""

from datetime import datetime

from app.core import contacts
from app.core.suppressions import Reason
from app.core.tracking.recording import cut
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.models.message import Kind

MAX_SOURCE = 200
MAX_CONTENT = 1_000_000
"""Characters of a report that are kept."""
sql = Sql(__package__)


async def complain(
    write: WriteSession,
    message_id: int,
    accepted_at: datetime,
    *,
    source: str,
    full_content: str = "",
    at: datetime | None = None,
) -> bool:
    """Record a complaint about a copy and put its recipient on the suppression list.

    The contact of a campaign's copy becomes spam-reported. A copy is complained about once: a second report changes
    nothing, also when the address has been taken off the list meanwhile.

    Args:
        write: The transaction; it holds the copy until its end.
        message_id: The copy.
        accepted_at: Its partition.
        source: Who told: the reporting receiver, or `simulator`.
        full_content: The whole report.
        at: When; None: now.

    Returns:
        Whether it was recorded; False also for a copy that does not exist.
    """
    content = cut(full_content, MAX_CONTENT)
    rows = await sql.rows(write, "record_complaint", message_id, accepted_at, at, cut(source, MAX_SOURCE), content)
    if not rows or not rows[0].is_new:
        return False
    copy = rows[0]
    await contacts.suppress(
        write,
        copy.account_id,
        [copy.recipient],
        Reason.COMPLAINT,
        source=(message_id, accepted_at),
        contact_id=copy.contact_id if copy.kind in {Kind.CAMPAIGN, Kind.AUTOMATION} else None,
    )
    return True

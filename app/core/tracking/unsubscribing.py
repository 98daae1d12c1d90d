"""A recipient unsubscribes through a mail's own link, button or address. Imports the front door of contacts.

Source: docs/contract/dyn-email.md, 13 and 16; docs/contract/dynosend.md, 7.8; RFC 8058.
"""

from datetime import datetime
from typing import Any

from app.core import contacts
from app.core.errors import NotFound
from app.core.suppressions import Reason
from app.core.tracking.recording import MAX_IP, MAX_USER_AGENT, cut
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.models.message import Kind
from app.models.unsubscription import Means

sql = Sql(__package__)


async def unsubscribe(
    write: WriteSession,
    message_id: int,
    accepted_at: datetime,
    *,
    means: Means,
    ip: str = "",
    user_agent: str = "",
    at: datetime | None = None,
) -> bool:
    """Unsubscribe the recipient of a copy.

    Mail of a campaign or an automation: the contact, in its audience. Any other mail: an `unsubscribe` entry of the
    account's suppression list. Nothing is left to do for an automation's contact that was deleted. It is recorded and
    counted the first time, and later whenever it changed something: the recipient had subscribed again.

    Args:
        write: The transaction; it holds the copy until its end.
        message_id: The copy.
        accepted_at: Its partition.
        means: How.
        ip: Who came, "" unknown.
        user_agent: With which program, "" unknown.
        at: When; None: now.

    Returns:
        Whether it was recorded; False also for a copy that does not exist.
    """
    rows = await sql.rows(write, "hold_copy", message_id, accepted_at)
    if not rows:
        return False
    copy = rows[0]
    entry = (message_id, accepted_at, at, means.value, cut(ip, MAX_IP), cut(user_agent, MAX_USER_AGENT))
    if not (await sql.rows(write, "has_unsubscribed", message_id, accepted_at))[0].known:
        await sql.rows(write, "record_unsubscription", *entry)
        await _act(write, copy, message_id, accepted_at)
        return True
    # Counters are held before lists and contacts, everywhere; but only these tell whether there is anything to count.
    savepoint = await write.begin_nested()
    await sql.rows(write, "record_unsubscription", *entry)
    if await _act(write, copy, message_id, accepted_at):
        await savepoint.commit()
        return True
    await savepoint.rollback()
    await _act(write, copy, message_id, accepted_at)
    return False


async def _act(write: WriteSession, copy: Any, message_id: int, accepted_at: datetime) -> bool:
    """Do what the recipient wants; return whether anything changed."""
    if copy.kind == Kind.AUTOMATION and copy.audience_id is None:
        return False  # its contact was deleted, and nobody knows any more which list it was in
    if copy.kind in {Kind.CAMPAIGN, Kind.AUTOMATION} and copy.audience_id is not None:
        return await _leave(write, copy)
    suppressed = await contacts.suppress(
        write, copy.account_id, [copy.recipient], Reason.UNSUBSCRIBE, source=(message_id, accepted_at)
    )
    return bool(suppressed.added)


async def _leave(write: WriteSession, copy: Any) -> bool:
    """Unsubscribe the contact, by its id, which outlives a change of address, or whoever has the address by now."""
    for which in (copy.contact_id, copy.recipient):
        if which is not None:
            try:
                return await contacts.unsubscribe(write, copy.account_id, copy.audience_id, which)
            except NotFound:
                continue
    return False

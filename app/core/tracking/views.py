"""The mail of a copy as a page. Imports campaigns' front door, `app.mail` and db.

Source: docs/contract/dyn-email.md, section 13.
"""

import asyncio
from html import escape

from app.core import campaigns
from app.core.errors import NotFound
from app.core.tracking.copies import TrackedCopy
from app.db.engine import driver_of
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun, uid
from app.mail.campaign import CopyFacts, Links, web_page
from app.mail.personalise import SyntaxProblem, TooLarge

_sql = Sql("app.core.tracking")


async def web_view(read: ReadSession, copy: TrackedCopy, links: Links) -> str | None:
    """Return the mail of a copy as HTML: its author's, without pixel and with links as they are written.

    It is foreign text: whoever shows it keeps its scripts from running.

    Args:
        read: The transaction.
        copy: Which.
        links: For our own links in it.

    Returns:
        The page; None when the content is gone.
    """
    if copy.run_id is not None and copy.content_version is not None:
        return await _of_run(read, copy, copy.run_id, copy.content_version, links)
    rows = await _sql.rows(read, "mail_page", copy.mail_id, copy.accepted_at) if copy.mail_id is not None else ()
    if not rows:
        return None
    html: str | None = rows[0].html
    return html if html is not None else _plain(rows[0].text or "")


async def _of_run(read: ReadSession, copy: TrackedCopy, run_id: int, version: int, links: Links) -> str | None:
    try:
        stored = await campaigns.version_content(await driver_of(await read.connection()), run_id, version)
    except NotFound:
        return None
    facts = CopyFacts(
        copy.message_id,
        copy.accepted_at,
        copy.recipient,
        email_id="",  # headers alone hold these two
        return_token="",
        contact_uid=uid(Noun.CONTACT, copy.contact_id) if copy.contact_id else "",
        values={**copy.fields, **stored.by_audience.get(copy.audience_id or 0, {})},
    )
    try:
        # Arithmetic that may take long for a large text.
        return await asyncio.to_thread(web_page, stored.content, links, facts)
    except (SyntaxProblem, TooLarge):
        return None


def _plain(text: str) -> str:
    return f"<!DOCTYPE html><meta charset=utf-8><title></title><pre>{escape(text)}</pre>"

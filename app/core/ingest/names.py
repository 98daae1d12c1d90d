"""The ids that copies had in another system: shown instead of ours, and found. Reads only. Imports messages, db.

Source: docs/contract/native.md, 12.
"""

from collections.abc import Collection
from datetime import datetime

from app.core.messages import parse_email_id
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

MAX_EMAIL_ID = 300
"""Characters of the longest id of another system."""
sql = Sql(__package__)


async def foreign_ids(read: ReadSession, message_ids: Collection[int]) -> dict[int, str]:
    """Return the ids that some of these copies had in another system, by copy.

    Args:
        read: The transaction.
        message_ids: Those of a page, which the caller may see.
    """
    rows = await sql.rows(read, "foreign_ids", list(message_ids)) if message_ids else []
    return {row.message_id: row.email_id for row in rows}


async def find_copy(read: ReadSession, account_id: int, email_id: str) -> tuple[datetime, int] | None:
    """Return second of acceptance and id of the copy that an email id names, of whichever system it is.

    Args:
        read: The transaction.
        account_id: Whose copy it is, if it is one of another system.
        email_id: Foreign text.

    Returns:
        None when it can't be the id of a copy; one of ours may not exist, or be another account's.
    """
    if 0 < account_id < 1 << 63 and len(email_id) <= MAX_EMAIL_ID and "\0" not in email_id:
        rows = await sql.rows(read, "find_foreign", account_id, email_id)
        if rows:
            return rows[0].accepted_at, rows[0].message_id
    return parse_email_id(email_id)

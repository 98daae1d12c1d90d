"""What happened to a contact and what it did. Imports audiences' front door and the core's errors.

Source: docs/contract/native.md, 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.contacts.finding import get
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

MOST = 1000
"""Most rows of one page."""
_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened.

    Attributes:
        occurred_at: When.
        type: As events are called (docs/contract/native.md, 12).
        id: With time and type the place in the list.
        message_id: The copy it is about.
        accepted_at: Partition of the copy.
        run_id: The campaign's run that made the copy.
        data: What else is known.
    """

    occurred_at: datetime
    type: str
    id: int
    message_id: int | None
    accepted_at: datetime | None
    run_id: int | None
    data: Mapping[str, Any] | None


async def activity(
    read: ReadSession,
    account_id: int,
    audience: int | str | UUID,
    which: int | str | UUID,
    *,
    after: tuple[datetime, str, int] | None = None,
    limit: int = 50,
) -> list[Activity]:
    """List what happened to a contact, the latest first; of its mails the latest 1000.

    Args:
        read: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        which: By id, uid, UUID or address.
        after: Time, type and id of the last row of the page before.
        limit: How many, 1 to 1000.

    Raises:
        NotFound: The account has no such audience, or that no such contact.
    """
    contact = await get(read, account_id, audience, which)
    position = after or (None, None, None)
    args = (account_id, contact.id, contact.address, *position, min(max(limit, 1), MOST))
    return [Activity(*tuple(row)) for row in await _sql.rows(read, "activity", *args)]

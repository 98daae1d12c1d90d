"""What the tokens of a mail name: a copy, and the contact it went to. Imports models' words, db and kit.

Whoever calls has verified the token: it is the authority for the copy it names, and for nothing of another account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

_AUDIENCE = "@"
"""Where the values of a campaign copy name the audience its contact was in."""
_sql = Sql("app.core.tracking")


@dataclass(frozen=True, slots=True)
class TrackedCopy:
    """A copy of the ledger, as far as its recipient's doings need it.

    Attributes:
        message_id: Its id.
        accepted_at: Its second of acceptance.
        account_id: Whose.
        sender_id: Who sent it.
        run_id: Its run; None for a single mail.
        mail_id: Its single mail; None for a run.
        contact_id: Its contact; None when it was sent to an address alone.
        content_version: Which content of the run.
        kind: What made it, of `app.models.message.Kind`.
        recipient: Envelope recipient.
        fields: Values of its contact when it was claimed.
    """

    message_id: int
    accepted_at: datetime
    account_id: int
    sender_id: int
    run_id: int | None
    mail_id: int | None
    contact_id: int | None
    content_version: int | None
    kind: str
    recipient: str
    fields: Mapping[str, Any]

    @property
    def audience_id(self) -> int | None:
        """The audience its contact was in when the copy was made; None without."""
        value = self.fields.get(_AUDIENCE)
        return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class ContactPlace:
    """Where a contact stands now.

    Attributes:
        account_id: Whose.
        audience_id: In which audience.
        address: Its address.
    """

    account_id: int
    audience_id: int
    address: str


async def copy_of(read: ReadSession, message_id: int, accepted_at: datetime) -> TrackedCopy | None:
    """Return the copy a token names; None when it is not in the ledger any more.

    Args:
        read: The transaction.
        message_id: Of the token.
        accepted_at: Of the token: the second of acceptance.
    """
    rows = await _sql.rows(read, "copy_by_token", message_id, accepted_at)
    if not rows:
        return None
    values = dict(rows[0]._mapping)  # noqa: SLF001 SQLAlchemy's documented name
    return TrackedCopy(
        **values | {"message_id": message_id, "accepted_at": accepted_at, "fields": values["fields"] or {}}
    )


async def place_of(read: ReadSession, contact_id: int) -> ContactPlace | None:
    """Return whose a contact is and where; None when there is no such contact any more.

    Args:
        read: The transaction.
        contact_id: Of a verified token, or of a copy.
    """
    rows = await _sql.rows(read, "contact_place", contact_id)
    return ContactPlace(rows[0].account_id, rows[0].audience_id, rows[0].address) if rows else None

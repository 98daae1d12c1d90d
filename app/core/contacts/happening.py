"""What contacts do outside of mail, told by the customer's application. Imports events' front door, the core's errors.

Source: docs/contract/dynosend.md, 8.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert

from app.core import events
from app.core.contacts.finding import get
from app.core.errors import Fault, FieldFault, Invalid
from app.core.events import EventType
from app.core.extra import merged
from app.db.unit_of_work import WriteSession
from app.models.contact_event import ContactEvent

_AHEAD = timedelta(minutes=5)
"""How far a customer's clock may be ahead."""
_NAME = re.compile(r"[A-Za-z0-9_]{1,100}\Z")


async def record_event(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    which: int | str | UUID,
    *,
    name: str,
    properties: Mapping[str, object] | None = None,
    occurred_at: datetime | None = None,
) -> int:
    """Record that a contact did something; return the event's id.

    Args:
        write: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        which: By id, uid, UUID or address; of any status.
        name: Letters, digits and underscores, 1 to 100.
        properties: What else is known, as JSON; at most 64 kB.
        occurred_at: When it happened, aware, not in the future; None: now.

    Raises:
        Invalid: The name, the properties or the time cannot be accepted.
        NotFound: The account has no such audience, or that no such contact.
    """
    if not _NAME.match(name):
        raise Invalid([FieldFault("event_name", Fault.INVALID, "format is invalid")])
    try:
        stored = merged(None, properties) or {}
    except Invalid as error:
        kind = error.faults[0].fault
        message = "must not be longer than 64 kB" if kind is Fault.TOO_LONG else "cannot be stored"
        raise Invalid([FieldFault("properties", kind, message)]) from None
    if occurred_at is not None and occurred_at > datetime.now(UTC) + _AHEAD:
        raise Invalid([FieldFault("occurred_at", Fault.OUT_OF_RANGE, "must not be in the future")])
    contact = await get(write, account_id, audience, which)
    row: dict[str, object] = {"account_id": account_id, "audience_id": contact.audience_id, "contact_id": contact.id}
    if occurred_at is not None:
        row["occurred_at"] = occurred_at
    query = insert(ContactEvent).values(**row, name=name, properties=stored).returning(ContactEvent.id)
    event_id = (await write.execute(query)).scalar_one()
    await events.emit(
        write,
        account_id,
        EventType.CONTACT_EVENT,
        contact_id=contact.id,
        audience_id=contact.audience_id,
        address=contact.address,
        data={"name": name, "event_id": event_id},
    )
    return event_id


async def forget_events(write: WriteSession, contact_id: int) -> None:
    """Delete all events of a contact that is deleted."""
    await write.execute(delete(ContactEvent).where(ContactEvent.contact_id == contact_id))

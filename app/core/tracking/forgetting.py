"""What is forgotten with a contact: who its visitors were. Imports events' front door.

Source: docs/contract/dynosend.md, 7.9.
"""

from collections.abc import Sequence

from app.core.events import Event
from app.db.sql import Connection, Sql
from app.models.domain_event import EventType

_sql = Sql(__package__)


async def forget(connection: Connection, events: Sequence[Event]) -> None:
    """Take personal data out of the records of contacts that were deleted; numbers and times stay.

    Copies are found by the address the contact had in the end. Doing it again changes nothing.

    Args:
        connection: In the transaction that marks the events as routed.
        events: Of any type; those of deleted contacts count.
    """
    gone = [
        (event.account_id, event.contact_id, event.address)
        for event in events
        if event.type == EventType.CONTACT_DELETED and event.contact_id and event.address
    ]
    if gone:
        await _sql.execute(connection, "forget", *(list(column) for column in zip(*gone, strict=True)))

"""Who enters and who leaves: what follows from domain events. Uses this package's statements and events' front door.

A consumer: what it writes stands in the transaction that marks the events as routed, so each is followed once. One
statement for a batch, whatever it holds. An import of contacts writes no events (docs/imports.md): it lets nobody in.

Source: docs/contract/dynosend.md, 14.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from app.core.automations import repository
from app.core.automations.runs import Reason
from app.core.events import Event, EventType
from app.db.sql import Connection
from app.models.automation import TriggerType
from app.models.contact import ContactStatus

MOST_A_DAY = 24
"""How often a contact enters one automation in 24 hours, if it may again: what bounds a circle of automations."""
SLICE = 20_000
"""Tags looked at in one statement."""

_Row = tuple[int, datetime, int, str, str, int | None]


async def enter(connection: Connection, events: Sequence[Event], *, now: datetime | None = None) -> int:
    """Let contacts enter that these events set off, and leave whose subscription has ended; other events pass.

    Which automations a contact has been in is forgotten when it is deleted.

    Args:
        connection: The driver's, in a transaction.
        events: Committed ones.
        now: The time; None: now.

    Returns:
        How many entered.
    """
    leaving = [(event.contact_id, event.occurred_at, reason) for event in events if (reason := _leaves(event))]
    if leaving:
        await repository.sql.fetch(connection, "leave", *map(list, zip(*leaving, strict=True)), now)
    gone = [(one.account_id, one.audience_id, one.contact_id) for one in events if _leaves(one) is Reason.DELETED]
    if gone:
        await repository.sql.execute(connection, "forget_entrants", *map(list, zip(*gone, strict=True)))
    rows = (row for event in events for row in _rows(event))
    entered = 0
    while part := list(islice(rows, SLICE)):
        columns = map(list, zip(*part, strict=True))
        entered += (await repository.sql.fetch(connection, "enter", *columns, MOST_A_DAY, now))[0]["entered"]
    return entered


def _leaves(event: Event) -> Reason | None:
    """Return why runs of the contact end, if they do."""
    if event.contact_id is None:
        return None
    match event.type:
        case EventType.CONTACT_UNSUBSCRIBED:
            return Reason.UNSUBSCRIBED
        case EventType.CONTACT_DELETED:
            return Reason.DELETED
        case _:
            return None


def _rows(event: Event) -> Iterator[_Row]:
    """Yield what an event may set off."""
    data = event.data or {}
    if event.contact_id is None:
        return
    at = event.id, event.occurred_at, event.contact_id
    match event.type:
        case EventType.CONTACT_SUBSCRIBED:
            yield *at, TriggerType.SUBSCRIBED, "", None
        case EventType.CONTACT_UNSUBSCRIBED if data.get("status", ContactStatus.UNSUBSCRIBED) == "unsubscribed":
            yield *at, TriggerType.UNSUBSCRIBED, "", None
        case EventType.CONTACT_TAGGED:
            for tag in data.get("tags", ()):
                yield *at, TriggerType.TAG_ADDED, str(tag), None
        case EventType.CONTACT_EVENT:
            yield *at, TriggerType.EVENT, str(data.get("name", "")), data.get("event_id")
        case _:
            return

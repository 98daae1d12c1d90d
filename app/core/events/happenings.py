"""What a reader of events asks for and gets. Imports models' words and `ids`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.events.ids import EventId, Position, Source
from app.models.domain_event import EventType


class MailEvent(StrEnum):
    """What happens to mail (docs/contract/native.md, 12)."""

    ACCEPTED = "email.accepted"
    DELIVERED = "email.delivered"
    DEFERRED = "email.deferred"
    BOUNCED = "email.bounced"
    BLOCKED = "email.blocked"
    OPENED = "email.opened"
    CLICKED = "email.clicked"
    COMPLAINED = "email.complained"
    UNSUBSCRIBED = "email.unsubscribed"
    REFUSED = "email.refused"


SOURCE_OF: Mapping[str, Source] = {kind.value: Source[kind.name] for kind in MailEvent}
"""Where the events of a type stand; those of all other types are told in the outbox."""
TOLD_TYPES = tuple(kind.value for kind in EventType if kind.value not in SOURCE_OF)
"""Types of events that are about no copy."""
TYPES = (*SOURCE_OF, *TOLD_TYPES)
"""Every type there is, by the names of the native API."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies by their keys: the only ones that are looked at.

    Attributes:
        ids: Their ids.
        accepted_ats: Their partitions, parallel.
    """

    ids: Sequence[int]
    accepted_ats: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events. All given ones must match.

    Attributes:
        types: Of `TYPES`; None: all.
        recipient: Address as it is compared: lower case, the domain in A-labels.
        message: Id and second of acceptance of a copy.
        campaign_id: The campaign whose runs made the copy, or that the event is about.
        sender_id: The sender of the copy.
        start: At this instant or later.
        end: Before this instant.
    """

    types: frozenset[str] | None = None
    recipient: str | None = None
    message: tuple[int, datetime] | None = None
    campaign_id: int | None = None
    sender_id: int | None = None
    start: datetime | None = None
    end: datetime | None = None

    def wants(self, source: Source) -> bool:
        """Tell whether events of a source may match."""
        if source is Source.TOLD:
            return self.sender_id is None and bool(self.told_types)
        if source is Source.REFUSED and (self.message or self.campaign_id or self.sender_id):
            return False  # no copy came about
        return self.types is None or any(SOURCE_OF.get(one) is source for one in self.types)

    @property
    def told_types(self) -> Sequence[str]:
        """The wanted ones of the types that are told in the outbox."""
        return TOLD_TYPES if self.types is None else [one for one in TOLD_TYPES if one in self.types]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event.

    Attributes:
        id: Which; `public_id` makes the UUID of it.
        type: Of `TYPES`.
        occurred_at: When.
        account_id: Whose.
        message_id: The copy it is about, or that led to it.
        accepted_at: Partition of the copy.
        foreign_id: What another system called the copy.
        recipient: Whom it is about.
        sender_id: Of the copy.
        campaign_id: Of the copy, or that it is about.
        contact_id: Of the copy, or that it is about.
        audience_id: Of that contact, for events of contacts.
        data: What else is told, by type (docs/events.md); ids in it are numbers.
    """

    id: EventId
    type: str
    occurred_at: datetime
    account_id: int
    message_id: int | None
    accepted_at: datetime | None
    foreign_id: str | None
    recipient: str | None
    sender_id: int | None
    campaign_id: int | None
    contact_id: int | None
    audience_id: int | None
    data: Mapping[str, Any]

    @property
    def position(self) -> Position:
        """Its place in the order of time."""
        return Position(self.occurred_at, int(self.id.source), self.id.copy, self.id.row)

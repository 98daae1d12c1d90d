"""Domain events: an outbox written in the transaction that made them, routed once. Owns the table `domain_events`."""

from app.core.events.outbox import MAX_TAKEN, Event, emit, mark_routed, take
from app.models.domain_event import EventType

__all__ = ["MAX_TAKEN", "Event", "EventType", "emit", "mark_routed", "take"]

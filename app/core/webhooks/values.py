"""What goes between the table of deliveries and whoever calls. Imports the ids of events."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.events import EventId, Source, public_id


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to be tried now; ours until its lease ends.

    Attributes:
        id: Of the row.
        webhook_id: To which webhook.
        account_id: Whose.
        url: Where to.
        secrets: What signs, sealed: those that are good at the time of the claim, the newest first.
        event: Which event; None for a sample.
        event_at: Partition of its copy, or its own moment.
        event_id: Its public id.
        attempts: Tries that have ended.
        sample: What a sample tells.
        body: What is posted; empty until it was composed, and when the event is gone.
    """

    id: int
    webhook_id: int
    account_id: int
    url: str
    secrets: tuple[bytes, ...]
    event: EventId | None
    event_at: datetime
    event_id: UUID
    attempts: int
    sample: dict[str, Any] | None = field(default=None)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Result:
    """How a try ended.

    Attributes:
        due: The delivery.
        status: HTTP status; None without an answer.
        error: Why it failed, in a few words; "" for success.
        final: Whether trying again makes no sense.
        gone: Whether the receiver wants nothing any more: 410.
    """

    due: Due
    status: int | None = None
    error: str = ""
    final: bool = False
    gone: bool = False


def event_of(source: int | None, copy: int, row: int) -> EventId | None:
    """Return the event that a row names; None for a sample."""
    return None if source is None else EventId(Source(source), copy, row)


def id_shown(event: EventId | None, sample_id: UUID | None) -> UUID:
    """Return the public id of what a row tells.

    Raises:
        ValueError: It tells nothing.
    """
    if event is not None:
        return public_id(event)
    if sample_id is None:
        raise ValueError("a delivery tells an event or a sample")
    return sample_id

"""Events as they are shown: by the native API, and by webhooks. Imports kit and its siblings.

Source: docs/contract/native.md, 12 and 15; docs/events.md.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.events.happenings import Happening
from app.core.events.ids import public_id
from app.kit.uids import Noun, uuid

_NOUNS = {"run_id": Noun.RUN, "audience_id": Noun.AUDIENCE, "job_id": Noun.JOB}
"""Members of `data` that name things."""
_HIDDEN = frozenset({"campaign_id", "contact_id", "event_id"})
"""Members of `data` that stand beside it, or name rows that no API shows."""


def shown(event: Happening, email_id: Callable[[datetime, int], str]) -> dict[str, Any]:
    """Return an event as it is shown: what it names by UUIDs, what it tells in `data`.

    Args:
        event: Which.
        email_id: Makes the name of a copy of the second of its acceptance and its id.
    """
    name = event.foreign_id
    if event.message_id is None or event.accepted_at is None:
        name = None
    elif name is None:
        name = email_id(event.accepted_at, event.message_id)
    return {
        "id": public_id(event.id),
        "type": event.type,
        "occurred_at": event.occurred_at,
        "email_id": name,
        "recipient": event.recipient,
        "sender_id": event.sender_id,
        "campaign_id": _uuid(Noun.CAMPAIGN, event.campaign_id),
        "contact_id": _uuid(Noun.CONTACT, event.contact_id),
        "data": _data(event),
    }


def _data(event: Happening) -> dict[str, Any]:
    told = {name: _told(name, value) for name, value in event.data.items() if name not in _HIDDEN}
    if event.audience_id is not None:
        told["audience_id"] = _uuid(Noun.AUDIENCE, event.audience_id)
    return told


def _told(name: str, value: Any) -> Any:
    noun = _NOUNS.get(name)
    if noun is not None and isinstance(value, int) and not isinstance(value, bool):
        return _uuid(noun, value)
    return dict(value) if isinstance(value, Mapping) else value


def _uuid(noun: Noun, number: int | None) -> UUID | None:
    return None if number is None else uuid(noun, number)

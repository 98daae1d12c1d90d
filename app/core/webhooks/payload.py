"""What is said of an event. Imports the front doors of events and messages.

A delivery names its event; its body is made when it is sent, of the row that the API shows, so nothing is stored twice
and whatever the body says can be read there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from app.core import events, messages
from app.core.events import Happening
from app.core.webhooks.values import Due
from app.db.unit_of_work import ReadSession

_BESIDE = ("id", "email_id", "recipient", "sender_id", "campaign_id", "contact_id")
"""What the API shows beside `data` stands within it here."""
_SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "email": {
        "email_id": "20260105090000.0000125a8749@mail-1",
        "recipient": "jo@example.org",
        "sender_id": None,
        "campaign_id": None,
        "contact_id": None,
    },
    "email.bounced": {
        "bounce_type": "hard",
        "category": "bad-mailbox",
        "code": "5.1.1",
        "rule": "emaildoesntexist",
        "diagnostic": "smtp;550 5.1.1 User unknown",
        "regex_name": "badmailbox03",
    },
    "email.opened": {"ip": "192.0.2.1", "user_agent": "Mozilla/5.0", "machine": False, "unique": True},
    "email.clicked": {
        "ip": "192.0.2.1",
        "user_agent": "Mozilla/5.0",
        "machine": False,
        "unique": True,
        "url": "https://example.com/",
    },
    "email.deferred": {"attempt": 1, "code": "4.2.0", "smtp_code": 451, "diagnostic": "451 4.2.0 Later", "host": "mx"},
    "email.blocked": {"blocked_reason": "hardbounce"},
}


async def compose(read: ReadSession, claimed: Sequence[Due], node_name: str) -> list[Due]:
    """Return deliveries with their bodies, in a few statements for all; a body stays empty where the event is gone.

    Args:
        read: A transaction that began after the claim.
        claimed: Deliveries.
        node_name: The setting of that name, part of email ids.
    """
    wanted = [(due.account_id, due.event, due.event_at) for due in claimed if due.event is not None]
    found = await events.get_events(read, wanted) if wanted else {}
    return [replace(due, body=_body(due, found, node_name)) for due in claimed]


def sample_of(type_: str, event_id: UUID, now: datetime) -> dict[str, Any]:
    """Return what a sample event of a type tells; its data say that it is one."""
    members = {**_SAMPLES.get(type_.partition(".")[0], {}), **_SAMPLES.get(type_, {})}
    return {"type": type_, "timestamp": _written(now), "data": {"id": str(event_id), "sample": True, **members}}


def _body(due: Due, found: Mapping[Any, Happening], node_name: str) -> bytes:
    if due.event is None:
        return orjson.dumps(due.sample)
    event = found.get(due.event)
    if event is None:
        return b""
    shown = events.shown(event, lambda second, number: messages.email_id(second, number, node_name))
    data = {name: shown[name] for name in _BESIDE}
    data |= {name: value for name, value in shown["data"].items() if name not in data}
    return orjson.dumps({"type": event.type, "timestamp": _written(event.occurred_at), "data": data})


def _written(moment: datetime) -> str:
    """Return an instant as the contract has it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

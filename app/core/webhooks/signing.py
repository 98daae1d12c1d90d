"""Secrets and signatures, as the Standard Webhooks specification has them. Pure.

Source: docs/contract/native.md, 15.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def message_id(event_id: UUID) -> str:
    """Return what `webhook-id` is for an event: its id in the API behind `evt_`, the same on every try."""
    return f"evt_{event_id}"


def signature(secret: str, name: str, timestamp: int, body: bytes) -> str:
    """Return one signature: `v1,` and the base64 of HMAC-SHA256 over `name.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()


def headers(event_id: UUID, body: bytes, keys: Iterable[str], now: datetime) -> dict[str, str]:
    """Return the headers of one try.

    Args:
        event_id: Public id of the event.
        body: Exactly as it is sent.
        keys: Every secret that signs.
        now: The time of this try.
    """
    name, timestamp = message_id(event_id), int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, name, timestamp, body) for key in keys),
    }

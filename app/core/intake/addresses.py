"""Addresses of ours, and the copies their signed tokens name. Pure. Imports mail and kit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from app.kit.secrets import derive
from app.mail import tracking, verp

FEEDBACK = "fbl"
UNSUBSCRIBE = "unsubscribe"
_MAX_ADDRESS = 320


class Purpose(StrEnum):
    """What an address is for."""

    REPORT = "report"
    """`bounces+TOKEN[+...]@`: the return path of a copy."""
    FEEDBACK = "feedback"
    """`fbl@`: complaints, each of which names its copy itself."""
    UNSUBSCRIBE = "unsubscribe"
    """`unsubscribe+TOKEN@`: the address of the List-Unsubscribe header of a copy."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that the tokens of incoming mail are verified with.

    Attributes:
        copies: Of return paths and X-Trireme-Message.
        links: Of the tokens for recipients.
    """

    copies: tuple[bytes, ...]
    links: tuple[bytes, ...]

    @classmethod
    def of(cls, secret_keys: Sequence[str]) -> Self:
        """Derive them.

        Args:
            secret_keys: Of the settings; every one verifies.
        """
        return cls(
            tuple(derive(key, "verp") for key in secret_keys), tuple(derive(key, "tracking") for key in secret_keys)
        )


@dataclass(frozen=True, slots=True)
class Destination:
    """An address of ours.

    Attributes:
        purpose: What it is for.
        message_id: The copy its token names; 0 for `Purpose.FEEDBACK`, which has none.
        accepted_at: The copy's partition; None for `Purpose.FEEDBACK`.
    """

    purpose: Purpose
    message_id: int = 0
    accepted_at: datetime | None = None


def destination(keys: Keys, address: str) -> Destination | None:
    """Return what an address is for; None when it is none of ours, or its token was not made by us for this purpose.

    The domain is not looked at: the token alone says which copy is meant.

    Args:
        keys: Of the installation.
        address: Of the envelope.
    """
    if len(address) > _MAX_ADDRESS:
        return None
    local = address.rpartition("@")[0].lower()
    if local == FEEDBACK:
        return Destination(Purpose.FEEDBACK)
    if token := verp.token_of(address):
        return _of_copy(Purpose.REPORT, verp.decode(keys.copies, token))
    if token := verp.token_of(address, UNSUBSCRIBE):
        return _of_copy(Purpose.UNSUBSCRIBE, tracking.read(keys.links, token, tracking.Purpose.UNSUBSCRIBE))
    return None


def copy_of(keys: Keys, token: str | None) -> tuple[int, datetime] | None:
    """Return the copy that X-Trireme-Message names, and its partition; None when it was not made by us."""
    decoded = verp.decode(keys.copies, token) if token else None
    if decoded is None:
        return None
    accepted_at = _time(decoded[0])
    return None if accepted_at is None else (decoded[1], accepted_at)


def _of_copy(purpose: Purpose, decoded: tuple[int, int] | None) -> Destination | None:
    if decoded is None:
        return None
    accepted_at = _time(decoded[0])
    return None if accepted_at is None else Destination(purpose, decoded[1], accepted_at)


def _time(seconds: int) -> datetime | None:
    """Return the instant; None when it is none that a copy can have."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None

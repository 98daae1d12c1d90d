"""What goes into the verbs of this package and comes out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RollUp(StrEnum):
    """What a row of counts stands for."""

    SENDER = "sender"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose records are meant, out of those the caller sees. All given ones must match.

    Attributes:
        user_id: One account.
        sender: Address of an approved sender, ignoring case.
        sender_id: The same by id.
    """

    user_id: int | None = None
    sender: str | None = None
    sender_id: int | None = None


WHOLE_SCOPE = Scope()
"""All that the caller sees."""


@dataclass(frozen=True, slots=True)
class ListFilters:
    """Which copies a list holds. All given ones must match.

    Attributes:
        recipient: Full address, ignoring case.
        domain: Domain of the recipient, ignoring case.
        local: Local part of the recipient, ignoring case.
        delivered: True: delivered and not bounced since; False: all others.
        x_headers: Name (any case) and exact value; names that no account in scope has configured are ignored.
    """

    recipient: str | None = None
    domain: str | None = None
    local: str | None = None
    delivered: bool | None = None
    x_headers: tuple[tuple[str, str], ...] = ()


NO_FILTERS = ListFilters()
"""Every copy."""


@dataclass(frozen=True, slots=True)
class EmailRow:
    """One accepted copy.

    Attributes:
        message_id: Its id in the ledger.
        accepted_at: Second of acceptance, UTC.
        delivered: Whether a receiving server took it and it has not bounced since.
        x_headers: Names, as configured then, and values; None without.
    """

    message_id: int
    accepted_at: datetime
    account_id: int
    sender_id: int
    recipient: str
    delivered: bool
    x_headers: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class CountRow:
    """Copies of one sender or account.

    Attributes:
        key: `sender_id` or `user_id`.
        sender: Address of the sender; None for an account.
        copies: At least 1.
    """

    key: int
    sender: str | None
    copies: int

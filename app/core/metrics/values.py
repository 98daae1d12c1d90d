"""What goes into the verbs of this package and comes out.

Imports models and the front door of suppressions (types).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from app.core.suppressions import Reason


class RollUp(StrEnum):
    """What a row of counts stands for."""

    SENDER = "sender"
    USER = "user"


class Category(StrEnum):
    """What a bounce was about (docs/contract/dyn-metrics.md, 5.4), in the order of that list."""

    BAD_CONFIGURATION = "bad-configuration"
    BAD_CONNECTION = "bad-connection"
    BAD_DOMAIN = "bad-domain"
    BAD_MAILBOX = "bad-mailbox"
    CONTENT_RELATED = "content-related"
    INACTIVE_MAILBOX = "inactive-mailbox"
    INVALID_SENDER = "invalid-sender"
    MESSAGE_EXPIRED = "message-expired"
    NO_ANSWER_FROM_HOST = "no-answer-from-host"
    OTHER = "other"
    POLICY_RELATED = "policy-related"
    PROTOCOL_ERRORS = "protocol-errors"
    QUOTA_ISSUES = "quota-issues"
    RELAYING_ISSUES = "relaying-issues"
    ROUTING_ERRORS = "routing-errors"
    SPAM_RELATED = "spam-related"
    UNCLASSIFIED = "unclassified"
    VIRUS_RELATED = "virus-related"


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
        x_headers: Name (any case) and exact value; names that no account in scope has configured are ignored.
    """

    recipient: str | None = None
    domain: str | None = None
    local: str | None = None
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


NUMBER = "i"
"""Type of the numbers of a series, as `array` calls it: what a column of PostgreSQL holds of a counter."""
Columns: TypeAlias = "tuple[memoryview[int], ...]"
"""Numbers of that type, together in memory."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers over time of some senders or accounts.

    Attributes:
        starts: Start of every bucket that overlaps the window; the first may lie before it.
        columns: By id: as many numbers, with zeros where nothing happened, in one column; of bounces in two, the soft
            ones and the hard ones. Who has nothing at all is not there.
    """

    starts: list[datetime]
    columns: dict[int, Columns]


class Bounces(NamedTuple):
    """A number of bounces by type."""

    soft: int
    hard: int

    @property
    def all(self) -> int:
        """Both kinds."""
        return self.soft + self.hard


@dataclass(frozen=True, slots=True)
class BounceRow:
    """One bounce.

    Attributes:
        message_id: Its copy's id in the ledger.
        accepted_at: Second of the copy's acceptance, UTC.
        bounced_at: When it was recorded.
        code: Enhanced status code.
        x_headers: Names, as configured then, and values; None without.
        postback_at: When the customer's postback succeeded; None if it did not, or none was due.
    """

    message_id: int
    accepted_at: datetime
    account_id: int
    sender_id: int
    recipient: str
    bounced_at: datetime
    bounce_type: str
    category: str
    code: str
    x_headers: dict[str, Any] | None
    postback_at: datetime | None


@dataclass(frozen=True, slots=True)
class BounceDetail:
    """One bounce in full.

    Attributes:
        row: As it is listed.
        full_content: The whole report; for a reply during delivery the reply.
        diagnostic: What the other server said.
        regex_name: Which rule decided.
    """

    row: BounceRow
    full_content: str
    diagnostic: str
    regex_name: str


@dataclass(frozen=True, slots=True)
class BounceCount:
    """Bounces of one sender or account.

    Attributes:
        key: `sender_id` or `user_id`.
        sender: Address of the sender; None for an account.
        bounces: At least 1 together.
    """

    key: int
    sender: str | None
    bounces: Bounces


@dataclass(frozen=True, slots=True)
class BlockedRow:
    """One blocked copy.

    Attributes:
        message_id: Its id in the ledger.
        accepted_at: Second of acceptance, UTC.
        reason: Why.
        postback_at: When the customer's postback succeeded; None if it did not, or none was due.
        x_headers: Names, as configured then, and values; None without.
    """

    message_id: int
    accepted_at: datetime
    account_id: int
    sender_id: int
    recipient: str
    reason: Reason
    postback_at: datetime | None
    x_headers: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class BlockedCount:
    """Blocked copies of one sender or account.

    Attributes:
        key: `sender_id` or `user_id`.
        sender: Address of the sender; None for an account.
        blocked: At least 1.
        bounces: How many of them because of earlier bounces.
    """

    key: int
    sender: str | None
    blocked: int
    bounces: Bounces

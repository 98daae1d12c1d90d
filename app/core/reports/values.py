"""What goes into the verbs of this package and comes out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

XHeaders = dict[str, str] | None
"""Remembered X-headers of a copy: names as configured when it was accepted, and values; None without."""


class BounceKind(StrEnum):
    """What a line of the list of bounces is: two kinds of bounces, three of blocked copies."""

    HARD = "hard"
    SOFT = "soft"
    SUPPRESSED = "suppressed"
    PREVIOUSLY_HARD_BOUNCED = "previouslyhardbounced"
    PREVIOUSLY_COMPLAINED = "previouslycomplained"

    @property
    def is_bounce(self) -> bool:
        """Whether it was handed to a server that refused it; else it was blocked here."""
        return self in {BounceKind.HARD, BounceKind.SOFT}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records a report is about. All given ones must match.

    Attributes:
        start: Begin of the range, inclusive, aware.
        end: End of the range, exclusive, aware; not after the start: nothing.
        sender: From address, ignoring case.
        recipient: Full address, ignoring case.
        domain: Domain of the recipient, ignoring case.
        x_headers: Name (any case; found fastest as it was spelled when the mail was accepted) and exact value; names
            that the account has not configured are ignored.
    """

    start: datetime
    end: datetime
    sender: str | None = None
    recipient: str | None = None
    domain: str | None = None
    x_headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One accepted copy.

    Attributes:
        accepted_at: With its milliseconds.
    """

    accepted_at: datetime
    recipient: str
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class BounceRow:
    """One bounce, or one copy that was blocked because its recipient is suppressed.

    Attributes:
        occurred_at: When the bounce was recorded or the copy blocked.
        rule: The classic rule, such as `emaildoesntexist`.
        code: Enhanced status code.
        text: The text of the bounce; "" when it was not asked for.
        postback_at: When the customer was told; None = not yet, or never.
    """

    occurred_at: datetime
    recipient: str
    kind: BounceKind
    rule: str
    code: str
    text: str
    postback_at: datetime | None
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class ComplaintRow:
    """One complaint.

    Attributes:
        postback_at: When the customer was told; None = not yet, or never.
    """

    occurred_at: datetime
    recipient: str
    postback_at: datetime | None
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One refused send, or refused recipient of one.

    Attributes:
        address: The offending address, or the first recipient.
        issue_type: One of the words of docs/contract/dyn-email.md, 7.
        description: What the client was told.
    """

    occurred_at: datetime
    address: str
    issue_type: str
    description: str
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One open."""

    occurred_at: datetime
    recipient: str
    ip: str
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class UniqueOpenRow:
    """One copy that was opened.

    Attributes:
        occurred_at: First open.
        total: Opens in all, at least 1.
    """

    occurred_at: datetime
    recipient: str
    total: int
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class ClickRow:
    """One click.

    Attributes:
        url: Where the link led.
    """

    occurred_at: datetime
    recipient: str
    ip: str
    url: str
    x_headers: XHeaders


@dataclass(frozen=True, slots=True)
class UniqueClickRow:
    """One link of a copy that was clicked.

    Attributes:
        occurred_at: First click.
        ip: Of the first click.
        url: Where the first click led.
        total: Clicks of that link in all, at least 1.
    """

    occurred_at: datetime
    recipient: str
    ip: str
    url: str
    total: int
    x_headers: XHeaders

"""What is handed over for acceptance, and what comes back."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from app.models.issue import IssueType
from app.models.message import Kind


class Lane(IntEnum):
    """Order of service in the delivery queue; a lower lane always goes first."""

    URGENT = 0
    NORMAL = 1
    NON_URGENT = 2


class Author(Protocol):
    """Whose mail it is; a `Caller` is one."""

    @property
    def account_id(self) -> int:
        """The account."""
        ...

    @property
    def revision(self) -> int | None:
        """Number of its state when it was read; None: whatever it is now."""
        ...


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """An account for which the platform itself writes a mail.

    Attributes:
        account_id: Whose mail it is.
        revision: Always None: nobody's rights were read before.
    """

    account_id: int
    revision: None = None


@dataclass(frozen=True, slots=True)
class IssueDraft:
    """A refusal to be recorded.

    Attributes:
        issue_type: Why.
        address: The offending address, or the first recipient.
        description: The text the client is told.
    """

    issue_type: IssueType
    address: str
    description: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One mail that has passed every check that needs no database.

    Attributes:
        caller: Whose mail it is, as last read; its revision is compared when the mail is written.
        sender_id: The approved sender of the From address.
        from_address: The address in From.
        kind: What made it.
        lane: When it is served.
        headers: Header lines in order, Unicode, without CR, LF and NUL.
        text: The text body.
        html: The HTML body.
        recipients: Envelope recipients, each once.
        x_headers: Values of the configured X-headers, None when there are none.
        issues: Recipients that were left out, each with its reason.
        received_at: When the request came in; becomes the acceptance.
        tracking: What its copies report: the sum of `app.mail.tracked.Tracks`; of `tracking_of`.
        links: Where its tracked links lead, by link number; None without any.
        contact_id: To which contact, of a mail to a single one.
        ids: Of `reserve_ids` for the mail and each recipient, when its content had to know them; else they are given
            when it is written.
        raw: The whole mail where it came whole (`app.mail.raw`); `headers` then holds its subject, `text` and `html`
            nothing.
    """

    caller: Author
    sender_id: int
    from_address: str
    kind: Kind
    lane: Lane
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    recipients: tuple[str, ...]
    x_headers: dict[str, str] | None
    issues: tuple[IssueDraft, ...]
    received_at: datetime
    tracking: int = 0
    links: tuple[str, ...] | None = None
    contact_id: int | None = None
    ids: tuple[int, ...] = ()
    raw: bytes | None = None

    @property
    def size(self) -> int:
        """Characters held in memory while it waits, near enough to bytes."""
        return (
            sum(len(name) + len(value) for name, value in self.headers)
            + len(self.text or "")
            + len(self.html or "")
            + sum(map(len, self.recipients))
            + sum(map(len, self.links or ()))
            + len(self.raw or b"")
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A send that was refused as a whole, to be recorded.

    Attributes:
        caller: Whose send it was.
        sender: The From value as given.
        issues: What to record.
        x_headers: As in `Draft`.
        received_at: When the request came in.
    """

    caller: Author
    sender: str
    issues: tuple[IssueDraft, ...]
    x_headers: dict[str, str] | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that is durable.

    Attributes:
        mail_id: Its content.
        accepted_at: Second of acceptance.
        message_ids: Its copies, in the order of the draft's recipients.
    """

    mail_id: int
    accepted_at: datetime
    message_ids: tuple[int, ...]

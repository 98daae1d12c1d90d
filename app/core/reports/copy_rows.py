"""What goes into the verbs on copies and comes out. Imports models for their words alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.core.reports.values import XHeaders
from app.models.message import Kind, State


@dataclass(frozen=True, slots=True)
class CopyFilter:
    """Which copies. All given ones must match.

    Attributes:
        recipient: Address as it is compared: lower case, the domain in A-labels.
        domain: Of the recipient, in lower case.
        sender_id: The sender.
        campaign_id: The campaign whose runs made it.
        state: Where it stands.
        kind: What made it.
        x_header: Name of a remembered X-header (any case) and its exact value.
        start: Accepted at this instant or later.
        end: Accepted before this instant.
    """

    recipient: str | None = None
    domain: str | None = None
    sender_id: int | None = None
    campaign_id: int | None = None
    state: State | None = None
    kind: Kind | None = None
    x_header: tuple[str, str] | None = None
    start: datetime | None = None
    end: datetime | None = None


class CopyPlace(NamedTuple):
    """The place of a copy in the order of acceptance."""

    accepted_at: datetime
    accepted_ms: int
    message_id: int


@dataclass(frozen=True, slots=True)
class CopyState:
    """One copy as it stands.

    Attributes:
        message_id: Its id in the ledger.
        second: Second of acceptance: its partition.
        accepted_ms: Milliseconds within it.
        account_id: Owner.
        sender_id: Sender.
        sender: From address.
        recipient: Envelope recipient.
        subject: Of the mail, or of the campaign before it is personalised; None when it is not kept.
        kind: What made it.
        state: Where it stands.
        campaign_id: None for a single mail.
        contact_id: Whom it is for, if that is a contact.
        x_headers: Remembered ones.
        blocked_reason: Why it was blocked.
        delivered_at: When a server took it; stays when it bounces later.
        bounced_at: When its final failure was recorded.
        finished_at: When it reached a state that nothing will change by itself.
        possible_duplicate: Whether it may have arrived twice.
        opens: How often it was opened.
        clicks: How often a link of it was followed.
        foreign_id: What another system called it; None for our own.
    """

    message_id: int
    second: datetime
    accepted_ms: int
    account_id: int
    sender_id: int
    sender: str
    recipient: str
    subject: str | None
    kind: Kind
    state: State
    campaign_id: int | None
    contact_id: int | None
    x_headers: XHeaders
    blocked_reason: str | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    finished_at: datetime | None
    possible_duplicate: bool
    opens: int
    clicks: int
    foreign_id: str | None

    @property
    def accepted_at(self) -> datetime:
        """When it was accepted, with its milliseconds."""
        return self.second + timedelta(milliseconds=self.accepted_ms)

    @property
    def place(self) -> CopyPlace:
        """Its place in the order of acceptance."""
        return CopyPlace(self.second, self.accepted_ms, self.message_id)

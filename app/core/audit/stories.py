"""What `why` tells. Imports models for their words alone."""

from dataclasses import dataclass
from datetime import datetime

from app.core.messages import Attempt
from app.models.contact import ContactStatus
from app.models.message import Kind, State
from app.models.run import RunState
from app.models.suppression import Reason


@dataclass(frozen=True, slots=True)
class CopyStory:
    """One copy for the address.

    Attributes:
        message_id: The copy.
        accepted_at: When it was accepted, or for a campaign claimed for its first attempt.
        account_id: Owner.
        sender: From address.
        kind: What made it.
        state: Where it stands.
        reason: That in a sentence.
        possible_duplicate: Whether it may have arrived twice.
        run_id: Run that made it, None for a single mail.
        campaign_id: Its campaign.
        campaign_name: Its name.
        attempts: In order.
    """

    message_id: int
    accepted_at: datetime
    account_id: int
    sender: str
    kind: Kind
    state: State
    reason: str
    possible_duplicate: bool
    run_id: int | None
    campaign_id: int | None
    campaign_name: str | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class RunStory:
    """A run that has no copy for the address.

    Attributes:
        run_id: The run.
        campaign_id: Its campaign.
        campaign_name: Its name.
        account_id: Owner.
        state: Where the run stands.
        reason: Why there is no copy, in a sentence.
    """

    run_id: int
    campaign_id: int
    campaign_name: str
    account_id: int
    state: RunState
    reason: str


@dataclass(frozen=True, slots=True)
class ListEntry:
    """The address on a suppression list.

    Attributes:
        account_id: Whose list.
        reason: Why.
        detail: More about it.
        created_at: Since when.
    """

    account_id: int
    reason: Reason
    detail: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """The address in an audience.

    Attributes:
        account_id: Owner.
        audience_id: The audience.
        audience_name: Its name.
        contact_id: The contact.
        status: Whether it is mailed.
        created_at: When it was added.
        subscribed_at: When it subscribed last.
        unsubscribed_at: When it unsubscribed last.
        removed_at: When a replacement of the list's members left it out.
    """

    account_id: int
    audience_id: int
    audience_name: str
    contact_id: int
    status: ContactStatus
    created_at: datetime
    subscribed_at: datetime | None
    unsubscribed_at: datetime | None
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Why:
    """What happened to an address.

    Attributes:
        address: As it is compared: lower case, the domain in A-labels.
        copies: Newest first.
        has_more: Whether there are older copies than these.
        runs: Runs without a copy for it: those it is still a target of, and for a named campaign all of its runs.
        suppressions: One entry per account that has it on its list.
        contacts: One per audience.
    """

    address: str
    copies: tuple[CopyStory, ...]
    has_more: bool
    runs: tuple[RunStory, ...]
    suppressions: tuple[ListEntry, ...]
    contacts: tuple[Membership, ...]

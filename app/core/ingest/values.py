"""What is taken over, and what became of it. Imports models' words and the core's errors.

Source: docs/contract/native.md, 12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from app.core.errors import FieldFault
from app.core.metrics import Category
from app.core.suppressions import Reason
from app.models.bounce import BounceType
from app.models.issue import IssueType
from app.models.unsubscription import Means


class EventKind(StrEnum):
    """What happened to a mail."""

    ACCEPTED = "email.accepted"
    DELIVERED = "email.delivered"
    DEFERRED = "email.deferred"
    BOUNCED = "email.bounced"
    BLOCKED = "email.blocked"
    OPENED = "email.opened"
    CLICKED = "email.clicked"
    COMPLAINED = "email.complained"
    UNSUBSCRIBED = "email.unsubscribed"
    REFUSED = "email.refused"


@dataclass(frozen=True, slots=True)
class Deferred:
    """An attempt that failed for the time being.

    Attributes:
        code: Enhanced status code, "" unknown.
        diagnostic: What the server said.
        host: Which server.
    """

    code: str = ""
    diagnostic: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Bounced:
    """A final failure.

    Attributes:
        bounce_type: Hard or soft.
        category: What was at fault.
        code: Enhanced status code.
        regex_name: Which rule decided, "" unknown.
        diagnostic: What the other server said.
        full_content: The whole report.
    """

    bounce_type: BounceType
    category: Category
    code: str
    regex_name: str = ""
    diagnostic: str = ""
    full_content: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Not sent, because the recipient must not be mailed.

    Attributes:
        reason: Of the suppression.
    """

    reason: Reason


@dataclass(frozen=True, slots=True)
class Visited:
    """An open, or the click of a link.

    Attributes:
        ip: Who came, "" unknown.
        user_agent: With which program, "" unknown.
        url: Where the link led, "" for an open.
    """

    ip: str = ""
    user_agent: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Complained:
    """A report of abuse.

    Attributes:
        source: Who told, "" unknown.
        full_content: The whole report.
    """

    source: str = ""
    full_content: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The recipient wants no more.

    Attributes:
        means: How it was said.
        ip: Who came, "" unknown.
        user_agent: With which program, "" unknown.
    """

    means: Means = Means.PAGE
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A send, or one recipient of it, that was refused.

    Attributes:
        issue_type: Why.
        description: What the client was told.
    """

    issue_type: IssueType
    description: str = ""


Facts: TypeAlias = Deferred | Bounced | Blocked | Visited | Complained | Unsubscribed | Refused | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event, checked as far as that needs no database; texts hold no NUL and no half of a surrogate pair.

    Attributes:
        kind: What happened.
        occurred_at: When.
        account: Whose mail: the UUID or the integer id of its account.
        sender: Address of the sender; None unknown.
        recipient: Address of the recipient, as `app.mail.addresses` gives it; None unknown.
        email_id: What the other system calls the copy, or ours for a copy of ours; None: the event is all there is.
        accepted_at: When the mail was accepted, if that is known.
        x_headers: X-headers that are remembered with the mail.
        facts: What the kind has besides: of the class of that name, `Visited` for opens and clicks, None for
            `ACCEPTED` and `DELIVERED`.
    """

    kind: EventKind
    occurred_at: datetime
    account: UUID | int
    sender: str | None = None
    recipient: str | None = None
    email_id: str | None = None
    accepted_at: datetime | None = None
    x_headers: Mapping[str, str] | None = None
    facts: Facts = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that was not taken over.

    Attributes:
        index: Its place among those given, from 0.
        faults: What is wrong with it.
    """

    index: int
    faults: tuple[FieldFault, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call.

    Attributes:
        accepted: Events that are in the ledger now, those included that were there before.
        rejected: The others, by index.
    """

    accepted: int
    rejected: tuple[Rejection, ...]

"""What goes into the verbs of this package and comes out. Imports models (types)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from app.models.message import Kind


class Metric(StrEnum):
    """What is counted, each event at its own time (docs/contract/native.md, 16)."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    HARD_BOUNCES = "hard_bounces"
    SOFT_BOUNCES = "soft_bounces"
    BLOCKED = "blocked"
    REFUSED = "refused"
    OPENS = "opens"
    UNIQUE_OPENS = "unique_opens"
    CLICKS = "clicks"
    UNIQUE_CLICKS = "unique_clicks"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    SUBSCRIBED = "subscribed"
    """Contacts, one by one; those of an import count in its job."""
    UNSUBSCRIBED = "unsubscribed"


class Interval(StrEnum):
    """Width of a bucket, by the clock and calendar of a time zone."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"


class By(StrEnum):
    """What a key stands for."""

    NONE = "none"
    ACCOUNT = "account"
    SENDER = "sender"
    CAMPAIGN = "campaign"
    DOMAIN = "domain"
    """Of the recipient, in lower case."""
    CATEGORY = "category"
    """Of bounces."""
    LINK = "link"
    """The URL, of clicks."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which mail is meant. All given ones must match; one that names what is not there finds nothing.

    Attributes:
        account: One account, by id or UUID, of those the caller sees; None: all of them.
        sender_id: One sender.
        campaign_id: One campaign.
        audience_id: Copies for contacts that are in this audience.
        domain: Of the recipient, ignoring case.
        kind: What made the copy.
    """

    account: int | UUID | None = None
    sender_id: int | None = None
    campaign_id: int | None = None
    audience_id: int | None = None
    domain: str | None = None
    kind: Kind | None = None


NO_FILTERS = Filters()
"""All mail."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about whom and when.

    Attributes:
        start: Inclusive, aware; counted in whole seconds.
        end: Exclusive, aware.
        filters: Which mail.
        late: How long after its acceptance a copy may be delivered or put off: what came later is not found where the
            counters do not tell of it.
    """

    start: datetime
    end: datetime
    filters: Filters = NO_FILTERS
    late: timedelta = field(default=timedelta(days=4))


@dataclass(frozen=True, slots=True)
class Key:
    """What a series or number is of.

    Attributes:
        name: Address of a sender, name of a campaign, user name of an account; the domain, category or URL itself.
        number: Id of sender, campaign or account; None for the others.
        public_id: Of an account, its UUID.
    """

    name: str
    number: int | None = None
    public_id: UUID | None = None


Columns: TypeAlias = dict[Metric, list[int]]
"""Per metric a number for each bucket."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers over time.

    Attributes:
        starts: Start of every bucket; the first may lie before the question's start, but nothing before it counts.
        lines: Each key with its numbers, the largest first; one with the key None when nothing was grouped.
    """

    starts: list[datetime]
    lines: list[tuple[Key | None, Columns]]


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of 1, not rounded; 0 where nothing was there to divide by.

    Attributes:
        delivery: Delivered copies of those accepted and not blocked.
        bounce: Bounces of both types for each delivered copy, as the other ones.
        open: First opens.
        click: First clicks of links.
    """

    delivery: float
    bounce: float
    open: float
    click: float
    complaint: float
    unsubscribe: float

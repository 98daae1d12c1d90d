"""What goes into the verbs of this package and comes out. Imports the models only."""

from dataclasses import dataclass
from typing import TypedDict

from app.models.account import Account


class Changes(TypedDict, total=False):
    """The fields of an account that can be set; what is absent stays as it is (or gets its default on creation).

    `complaint_url` is what the classic API calls `spam_url`; offsets are in minutes east of UTC. An offset without a
    `time_zone` takes away the zone that was known.
    """

    account_name: str
    company_name: str
    contact_name: str
    address: str
    city: str
    state: str
    zip_code: str
    country: str
    phone: str
    utc_offset_minutes: int
    time_zone: str | None
    tracking_domain: str | None
    monthly_cap: int | None
    status: str
    test_mode: bool
    track_opens: bool
    track_links: bool
    track_unsubscribes: bool
    bounce_url: str | None
    bounce_url_active: bool
    complaint_url: str | None
    complaint_url_active: bool
    unsubscribe_url: str | None
    unsubscribe_url_active: bool


class Alterations(Changes, total=False):
    """The fields of an account that can be changed later; on creation they are given by themselves."""

    username: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An account that was just made.

    Attributes:
        account: The row.
        key: Its primary key in clear text.
    """

    account: Account
    key: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as lists show it.

    Attributes:
        account: The row.
        key: Its primary key in clear text; "" when it was stored under a secret key that is gone.
        sent_this_month: Copies counted against the quota in this calendar month (UTC).
    """

    account: Account
    key: str
    sent_this_month: int

"""Accounts as the native API shows and takes them. Imports the front door of accounts.

Source: docs/contract/native.md, 2.
"""

import re
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.native.bodies import Body, given
from app.api.native.times import Time
from app.core import accounts
from app.core.accounts import AccountStatus, Changes, Listed, Role
from app.core.errors import Fault, FieldFault, Invalid
from app.mail.addresses import InvalidAddress, parse_mailbox

MIN_PASSWORD, MAX_PASSWORD = 10, 1024
"""Characters of a password."""
MAX_TEXT = 500
MAX_URL = 2000
MAX_CAP = 10**15
KINDS = ("bounce", "complaint", "unsubscribe")
"""Postbacks, by what they tell of."""

EXAMPLE: dict[str, Any] = {
    "id": "4d1b9220-5a43-11e6-ae4a-6e8264809144",
    "user_id": 21,
    "parent_id": None,
    "role": "master",
    "status": "active",
    "username": "master@example.com",
    "account_name": "Example",
    "company_name": "Example, Inc.",
    "contact_name": "",
    "phone": "",
    "address": {"line": "", "city": "", "state": "", "zip": "", "country": ""},
    "time_zone": "America/New_York",
    "monthly_cap": 100000,
    "sent_this_month": 1204,
    "test_mode": False,
    "track_opens": False,
    "track_clicks": False,
    "track_unsubscribes": False,
    "tracking_domain": None,
    "postbacks": {
        "bounce": {"url": "https://hooks.example.com/b?e=@email", "active": True},
        "complaint": {"url": None, "active": False},
        "unsubscribe": {"url": None, "active": False},
    },
    "x_headers": ["X-Campaign", "X-Region", None, None],
    "api_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "created_at": "2016-06-15T12:15:05.000Z",
    "updated_at": "2016-06-15T12:15:05.000Z",
}

_Text = Annotated[str, Field(max_length=MAX_TEXT)]
_Password = Annotated[str, Field(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]
_Name = Annotated[str, Field(min_length=1, max_length=320)]
_Cap = Annotated[int, Field(ge=0, le=MAX_CAP)]
_TEXTS = ("company_name", "contact_name", "phone")
_FLAGS = {
    "test_mode": "test_mode",
    "track_opens": "track_opens",
    "track_clicks": "track_links",
    "track_unsubscribes": "track_unsubscribes",
}
_ADDRESS = {"line": "address", "city": "city", "state": "state", "zip": "zip_code", "country": "country"}
_COUNTRY = re.compile(r"(?:[A-Za-z]{2})?\Z", re.ASCII)
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", re.ASCII
)
_URL = re.compile(r"https?://[^\s\x00-\x20\x7f\"<>]+\Z", re.IGNORECASE)


class AddressOut(BaseModel):
    """Where an account's owner is."""

    line: str
    city: str
    state: str
    zip: str
    country: str


class PostbackOut(BaseModel):
    """A URL that is called, and whether it is."""

    url: str | None
    active: bool


class PostbacksOut(BaseModel):
    """The three postbacks."""

    bounce: PostbackOut
    complaint: PostbackOut
    unsubscribe: PostbackOut


class AccountOut(BaseModel):
    """An account."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    user_id: int
    parent_id: UUID | None
    role: Role
    status: AccountStatus
    username: str
    account_name: str
    company_name: str
    contact_name: str
    phone: str
    address: AddressOut
    time_zone: str
    monthly_cap: int | None
    sent_this_month: int
    test_mode: bool
    track_opens: bool
    track_clicks: bool
    track_unsubscribes: bool
    tracking_domain: str | None
    postbacks: PostbacksOut
    x_headers: list[str | None]
    api_key: str | None = Field(
        default=None, description="Only for keys with the scope `write`.", exclude_if=lambda key: key is None
    )
    created_at: Time
    updated_at: Time


class AddressIn(Body):
    """Parts of an address that are to change."""

    line: _Text | None = None
    city: _Text | None = None
    state: _Text | None = None
    zip: _Text | None = None
    country: _Text | None = None


class PostbackIn(Body):
    """A URL to be called, and whether it is to be."""

    url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    active: bool = False


class PostbacksIn(Body):
    """Postbacks that are to change; null takes one away."""

    bounce: PostbackIn | None = None
    complaint: PostbackIn | None = None
    unsubscribe: PostbackIn | None = None


class AccountPatch(Body):
    """What is to change of an account; `role`, `monthly_cap` and `status` only from above."""

    username: _Name = ""
    password: _Password = ""
    account_name: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] = ""
    company_name: _Text | None = None
    contact_name: _Text | None = None
    phone: _Text | None = None
    address: AddressIn | None = None
    time_zone: Annotated[str, Field(max_length=100)] | None = None
    test_mode: bool = False
    track_opens: bool = False
    track_clicks: bool = False
    track_unsubscribes: bool = False
    tracking_domain: Annotated[str, Field(max_length=253)] | None = None
    postbacks: PostbacksIn | None = None
    x_headers: Annotated[list[Annotated[str, Field(max_length=100)] | None], Field(max_length=4)] | None = None
    role: Literal["admin", "master", "sub"] = "sub"
    monthly_cap: _Cap | None = None
    status: Literal["active", "disabled"] = "active"


class AccountIn(AccountPatch):
    """An account to be made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "shop@example.com", "password": "a long password", "role": "sub"}]}
    )

    username: _Name
    password: _Password


def shown(listed: Listed, parent: UUID | None, *, with_key: bool) -> AccountOut:
    """Return an account as it is shown.

    Args:
        listed: The account.
        parent: UUID of its master.
        with_key: Whether its primary key is shown.
    """
    row = listed.account
    return AccountOut(
        id=row.public_id,
        user_id=row.id,
        parent_id=parent,
        role=Role(row.role),
        status=AccountStatus(row.status),
        username=row.username,
        account_name=row.account_name,
        company_name=row.company_name,
        contact_name=row.contact_name,
        phone=row.phone,
        address=AddressOut(**{name: getattr(row, column) for name, column in _ADDRESS.items()}),
        time_zone=row.time_zone or accounts.zone_of_offset(row.utc_offset_minutes),
        monthly_cap=row.monthly_cap,
        sent_this_month=listed.sent_this_month,
        test_mode=row.test_mode,
        track_opens=row.track_opens,
        track_clicks=row.track_links,
        track_unsubscribes=row.track_unsubscribes,
        tracking_domain=row.tracking_domain,
        postbacks=PostbacksOut(
            **{
                kind: PostbackOut(url=getattr(row, f"{kind}_url"), active=getattr(row, f"{kind}_url_active"))
                for kind in KINDS
            }
        ),
        x_headers=[name or None for name in row.x_headers],
        api_key=listed.key if with_key else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def changes_of(body: AccountPatch) -> Changes:
    """Return what a request changes, under the core's names; not user name, password, role and X-headers.

    Raises:
        Invalid: Values that can't be accepted.
    """
    members = given(body)
    faults: list[FieldFault] = []
    changes: dict[str, Any] = {
        name: members[name] for name in ("account_name", "monthly_cap", "status") if name in members
    }
    changes |= {name: members[name] or "" for name in _TEXTS if name in members}
    changes |= {column: members[name] for name, column in _FLAGS.items() if name in members}
    if "username" in members and not _is_username(members["username"].strip()):
        faults.append(FieldFault("username", Fault.INVALID, "is not an e-mail address"))
    if "address" in members:
        changes |= _address(members["address"], faults)
    if "time_zone" in members:
        changes |= _zone(members["time_zone"], faults)
    if "tracking_domain" in members:
        changes["tracking_domain"] = host = (members["tracking_domain"] or "").strip().lower() or None
        if host is not None and not _HOST.match(host):
            faults.append(FieldFault("tracking_domain", Fault.INVALID, "is not the name of a host"))
    if "postbacks" in members:
        changes |= _postbacks(members["postbacks"], faults)
    if faults:
        raise Invalid(faults)
    return cast("Changes", changes)


def _is_username(text: str) -> bool:
    try:
        mailbox = parse_mailbox(text)
    except InvalidAddress:
        return False
    return not mailbox.name and "<" not in text


def _address(members: dict[str, Any] | None, faults: list[FieldFault]) -> dict[str, Any]:
    if members is None:
        return dict.fromkeys(_ADDRESS.values(), "")
    if not _COUNTRY.match(members.get("country") or ""):
        faults.append(FieldFault("address.country", Fault.INVALID, "is not a country of two letters"))
    return {_ADDRESS[name]: value or "" for name, value in members.items()}


def _zone(text: str | None, faults: list[FieldFault]) -> dict[str, Any]:
    try:
        zone, minutes = accounts.read_zone(text or "UTC")
    except Invalid as error:
        faults.extend(error.faults)
        return {}
    return {"time_zone": zone, "utc_offset_minutes": minutes}


def _postbacks(members: dict[str, Any] | None, faults: list[FieldFault]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for kind in KINDS:
        if members is not None and kind not in members:
            continue
        one = (members or {}).get(kind)
        if one is None:
            changes |= {f"{kind}_url": None, f"{kind}_url_active": False}
            continue
        if "url" in one:
            changes[f"{kind}_url"] = one["url"] or None
            if one["url"] and not _is_url(one["url"]):
                faults.append(FieldFault(f"postbacks.{kind}.url", Fault.INVALID, "is not an http or https URL"))
            if not one["url"]:
                changes[f"{kind}_url_active"] = False
        if "active" in one:
            changes[f"{kind}_url_active"] = one["active"]
    return changes


def _is_url(text: str) -> bool:
    if not _URL.match(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

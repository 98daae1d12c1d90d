"""The parameters of `POST /accounts`: read, checked, and turned into what the core changes.

May import the parameters and errors of this family, `app.mail.addresses`, and the front door of accounts.

Source: docs/contract/dyn-email.md, section 6.2.
"""

import re
from urllib.parse import urlsplit

from app.api.dyn.errors import Problems
from app.api.dyn.params import Params
from app.api.dyn.scalars import read_flag
from app.core.accounts import Changes
from app.mail.addresses import InvalidAddress, parse_mailbox

MAX_TEXT = 500
"""Longest text field, in characters."""
MAX_PASSWORD = 1024
"""Longest password, in characters."""
MAX_URL = 2000
"""Longest URL, in characters."""

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_OFFSETS = (re.compile(r"([+-]?)([0-9]{1,2})\.([0-9]{2})"), re.compile(r"([+-]?)([0-9]{2})([0-9]{2})"))
_WESTMOST, _EASTMOST = -12 * 60, 13 * 60
_MINUTES = 60
_URL = re.compile(r"https?://[^\s\x00-\x20\x7f\"<>]+", re.IGNORECASE)
_URL_NAMES = {
    "bounce": ("bounce_url", "bounceurl"),
    "spam": ("spam_url", "spamurl"),
    "unsub": ("unsub_url", "unsuburl", "unsubscribeurl"),
}
"""Spellings of the three postback URLs, the documented one first."""


def read_username(params: Params, problems: Problems) -> str:
    """Return the user name of an account to be made; notes one that is not an e-mail address."""
    username = (params.text("username") or "").strip()
    try:
        mailbox = parse_mailbox(username)
    except InvalidAddress:
        mailbox = None
    if mailbox is None or mailbox.name or "<" in username:
        problems.not_valid("username")
    return username


def require_for_creation(params: Params, problems: Problems) -> None:
    """Note what an account to be made lacks: a password, and a name or both company and phone."""
    password = params.text("password")
    if password is None:
        problems.blank("password")
    elif len(password) > MAX_PASSWORD:
        problems.not_valid("password")
    if params.text("accountname") is None:
        for name in ("companyname", "phone"):
            if params.text(name) is None:
                problems.blank(name)


def read_changes(params: Params, problems: Problems) -> Changes:
    """Return what is sent non-blank, under the core's names; notes what is not valid, in the order of the table."""
    changes: Changes = {}
    _read_texts(params, problems, changes)
    country = _text(params, "country")
    if country is not None:
        changes["country"] = country
        if not _COUNTRY.fullmatch(country):
            problems.not_valid("country")
    offset = _text(params, "timezone")
    if offset is not None:
        minutes = parse_offset(offset)
        if minutes is None:
            problems.not_valid("timezone")
        changes["utc_offset_minutes"] = minutes or 0
    _read_urls(params, problems, changes)
    flags = {
        "track_opens": _read_flag(params, problems, "trackopens"),
        "track_links": _read_flag(params, problems, "tracklinks", "tracelinks"),
        "track_unsubscribes": _read_flag(params, problems, "trackunsubscribes", "trackunsub"),
    }
    for name, flag in flags.items():
        if flag is not None:
            changes[name] = flag  # type: ignore[literal-required]  # the three keys above
    return changes


def read_new_key(params: Params, problems: Problems) -> bool:
    """Return whether a new primary key is asked for."""
    return bool(_read_flag(params, problems, "generatenewapikey", "generatewapikey"))


def parse_offset(text: str) -> int | None:
    """Return an offset from UTC in minutes: `-5.00`, `5.30` or `-0500`, -12.00 to +13.00; None: not an offset."""
    for form in _OFFSETS:
        match = form.fullmatch(text)
        if match:
            minutes = int(match[2]) * _MINUTES + int(match[3])
            minutes = -minutes if match[1] == "-" else minutes
            return minutes if int(match[3]) < _MINUTES and _WESTMOST <= minutes <= _EASTMOST else None
    return None


def offset_text(minutes: int) -> str:
    """Return an offset from UTC as `+hhmm` or `-hhmm`."""
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // _MINUTES:02}{abs(minutes) % _MINUTES:02}"


def _text(params: Params, name: str) -> str | None:
    text = params.text(name)
    return None if text is None else text.strip()


def _read_texts(params: Params, problems: Problems, changes: Changes) -> None:
    texts = {
        "account_name": "accountname",
        "company_name": "companyname",
        "contact_name": "contactname",
        "phone": "phone",
        "address": "address",
        "city": "city",
        "state": "state",
        "zip_code": "zipcode",
    }
    for field, name in texts.items():
        text = _text(params, name)
        if text is None:
            continue
        changes[field] = text  # type: ignore[literal-required]  # the keys of the table above
        if len(text) > MAX_TEXT:
            problems.not_valid(name)


def _read_urls(params: Params, problems: Problems, changes: Changes) -> None:
    """Read the three URLs, then their switches: a URL without its switch is on, a switch without its URL is refused."""
    for event, field in (("bounce", "bounce"), ("spam", "complaint"), ("unsub", "unsubscribe")):
        names = _URL_NAMES[event]
        url = next((text for name in names if (text := _text(params, name)) is not None), None)
        if url is not None:
            changes[f"{field}_url"] = url  # type: ignore[literal-required]  # the keys of the table above
            changes[f"{field}_url_active"] = True  # type: ignore[literal-required]  # the keys of the table above
            if not is_url(url):
                problems.not_valid(names[0])
        elif params.text(f"{names[0]}_active") is not None:
            problems.blank(names[0])
    for event, field in (("bounce", "bounce"), ("spam", "complaint"), ("unsub", "unsubscribe")):
        flag = read_flag(params, f"{_URL_NAMES[event][0]}_active", problems)
        if flag is not None:
            changes[f"{field}_url_active"] = flag  # type: ignore[literal-required]  # the keys of the table above


def is_url(text: str) -> bool:
    """Tell whether the text is an http or https URL with a host."""
    if len(text) > MAX_URL or not _URL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bad port or a bad IPv6 address
        return False


def _read_flag(params: Params, problems: Problems, *names: str) -> bool | None:
    spelled = next((name for name in names if params.text(name) is not None), names[0])
    return read_flag(params, spelled, problems)

"""Texts of records to values. Imports the core's front doors, `app.mail`, and the classic API's dates and offsets."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson

from app.api.dyn.account_fields import parse_offset
from app.api.dyn.dates import parse_start
from app.cli.import_dyn.source import Record
from app.core.accounts import Changes
from app.core.ingest import Blocked, Bounced
from app.core.metrics import Category
from app.core.suppressions import Reason
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.mail.bounce_rules import bounce_rule
from app.mail.classify import classify
from app.models.bounce import BounceType

MAX_TEXT = 2000
"""Longest text of an account that is taken over, in characters."""
MAX_MESSAGE = 100_000
"""Longest text of a bounce that is taken over, in characters."""
_TEXTS = {
    "account_name": "accountname", "company_name": "companyname", "contact_name": "contactname", "address": "address",
    "city": "city", "state": "state", "zip_code": "zipcode", "country": "country", "phone": "phone",
}  # fmt: skip
_FLAGS = {
    "track_opens": ("trackopens",), "track_links": ("tracklinks", "tracelinks"),
    "track_unsubscribes": ("trackunsubscribes", "trackunsub"), "test_mode": ("testmode",),
}  # fmt: skip
_URLS = {
    "bounce_url": ("bounceurl", "bounce_url"), "complaint_url": ("spamurl", "spam_url"),
    "unsubscribe_url": ("unsuburl", "unsub_url", "unsubscribeurl"),
}  # fmt: skip
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no"}
_CATEGORIES = {
    "emaildoesntexist": Category.BAD_MAILBOX, "invalidemail": Category.BAD_MAILBOX,
    "domaindoesntexist": Category.BAD_DOMAIN, "inactive": Category.INACTIVE_MAILBOX,
    "overquota": Category.QUOTA_ISSUES, "blockedcontent": Category.POLICY_RELATED,
    "relayerror": Category.RELAYING_ISSUES, "remoteconfigerror": Category.OTHER,
    "localconfigerror": Category.INVALID_SENDER,
}  # fmt: skip
"""Classic rule to the category that is meant when the text of a bounce does not tell a better one."""
_NOT_UNDERSTOOD = "\N{REPLACEMENT CHARACTER}"
_REASON_MARK = "recipient is suppressed: "


def read_changes(record: Record) -> Changes:
    """Return what a listing says about an account; what it does not say, or says unclearly, is left out."""
    changes: dict[str, Any] = {}
    for name, key in _TEXTS.items():
        if text := record.text(key):
            changes[name] = text[:MAX_TEXT]
    for name, keys in _FLAGS.items():
        flag = record.text(*keys).lower()
        if flag in _TRUE | _FALSE:
            changes[name] = flag in _TRUE
    for name, keys in _URLS.items():
        url = record.text(*keys)
        if url.lower().startswith(("http://", "https://")) and len(url) <= MAX_TEXT:
            changes[name] = url
            changes[f"{name}_active"] = record.text(f"{keys[-1]}_active", f"{keys[1]}_active").lower() not in _FALSE
    offset = parse_offset(record.text("timezone"))
    if offset is not None:
        changes["utc_offset_minutes"] = offset
    cap = record.text("emailcap")
    if cap.isascii() and cap.isdigit() and int(cap[:18]) > 0:
        changes["monthly_cap"] = int(cap[:18])
    return cast("Changes", changes)


def read_instant(record: Record, *names: str) -> datetime | None:
    """Return the first instant of these names that is one."""
    return next((found for name in names if (text := record.text(name)) and (found := parse_start(text))), None)


def read_address(text: str) -> str | None:
    """Return an address as the ledger has it; None for what is none, or came in an encoding that was not understood."""
    if _NOT_UNDERSTOOD in text:
        return None
    try:
        return parse_mailbox(text).address
    except InvalidAddress:
        return None


def read_x_headers(value: object) -> Mapping[str, str]:
    """Return the X-headers of an item: an object, an object as text, or nothing."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.lstrip().startswith("{") else None
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, dict):
        return {}
    return {str(name): str(text) for name, text in value.items() if text not in {None, ""}}


def read_reason(text: str) -> Reason | None:
    """Return the reason of a suppression; None for an unknown word, `manual` for none."""
    word = text.strip().lower()
    if not word:
        return Reason.MANUAL
    return Reason(word) if word in set(Reason) else None


def read_blocked(record: Record) -> Blocked:
    """Return why a mail was blocked."""
    match record.text("bouncetype").lower():
        case "previouslyhardbounced":
            return Blocked(Reason.HARDBOUNCE)
        case "previouslycomplained":
            return Blocked(Reason.COMPLAINT)
        case _:
            word = record.text("bouncemessage").partition(_REASON_MARK)[2].strip()
            return Blocked(Reason(word) if word in set(Reason) else Reason.MANUAL)


def read_bounce(record: Record) -> Bounced:
    """Return what is known of a bounce; its category is told from its text if that agrees with its rule."""
    message = record.text("bouncemessage")[:MAX_MESSAGE]
    code, rule = record.text("bouncecode"), record.text("bouncerule").lower()
    verdict = classify(message, 0, code or None)
    category, regex_name = Category(verdict.category), verdict.regex_name
    code = code or verdict.code
    if rule in _CATEGORIES and bounce_rule(category, code) != rule:
        category, regex_name = _CATEGORIES[rule], ""
    hard = record.text("bouncetype").lower() == "hard"
    return Bounced(
        bounce_type=BounceType.HARD if hard else BounceType.SOFT,
        category=category,
        code=code,
        regex_name=regex_name,
        diagnostic=message[:MAX_TEXT],
        full_content=message,
    )


def later(moment: datetime, ordinal: int) -> datetime:
    """Return a moment a little later within its second, so that equal events stay several."""
    return moment.astimezone(UTC) + timedelta(microseconds=min(ordinal, 999_999 - moment.microsecond))

"""Names of fields, and what their values look like. Pure; imports models and the core's errors.

Source: docs/contract/dynosend.md, 6.3, 7 and 13.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, time

from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.models.audience_field import FieldType

EMAIL = "EMAIL"
"""The field every audience has without a row."""
MAX_VALUE = 10_000
"""Characters of one value."""
RESERVED = frozenset(
    {
        # what the members of a contact and of a request are called
        *("ID", "UID", "CONTACT_UID", "AUDIENCE_UID", "LIST_UID", "STATUS", "SOURCE", "IP_ADDRESS", "TAG", "TAGS"),
        *("CREATED_AT", "UPDATED_AT", "NEW_EMAIL", "IGNORE_DOI", "API_TOKEN"),
        # names of personalisation that are not fields
        *("SUBSCRIBER_UID", "NAME", "FULL_NAME"),
        *("UNSUBSCRIBE_URL", "UPDATE_PROFILE_URL", "WEB_VIEW_URL", "SUBSCRIBE_CONFIRM_URL"),
        *("LIST_NAME", "LIST_FROM_NAME", "LIST_FROM_EMAIL"),
        *("CAMPAIGN_UID", "CAMPAIGN_NAME", "CAMPAIGN_SUBJECT"),
        *("CAMPAIGN_FROM_EMAIL", "CAMPAIGN_FROM_NAME", "CAMPAIGN_REPLY_TO"),
        *("CONTACT_NAME", "CONTACT_ADDRESS_1", "CONTACT_ADDRESS_2", "CONTACT_CITY", "CONTACT_STATE", "CONTACT_ZIP"),
        *("CONTACT_COUNTRY", "CONTACT_PHONE", "CONTACT_EMAIL", "CONTACT_URL"),
        *("CURRENT_YEAR", "CURRENT_MONTH", "CURRENT_DAY"),
    }
)
"""Tags no field may have."""

_TAG = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\Z"
)
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?\Z")


def checked_tag(tag: str, taken: Iterable[str] = ()) -> str:
    """Return a tag for a new field, in upper case.

    Args:
        tag: As a client wrote it.
        taken: Tags of the audience.

    Raises:
        Conflict: The audience has a field of this tag; EMAIL is always there.
        Invalid: Not a tag, or a reserved one.
    """
    tag = tag.strip().upper()
    if not _TAG.match(tag):
        raise Invalid([FieldFault("tag", Fault.INVALID, "format is invalid")])
    if tag == EMAIL or tag in taken:
        raise Conflict("the field exists")
    if tag in RESERVED:
        raise Invalid([FieldFault("tag", Fault.INVALID, "is reserved")])
    return tag


def as_text(tag: str, value: object) -> str | None:
    """Return a value as it is stored: trimmed text; None for a blank one, which means not set.

    Args:
        tag: Of the field, for the error.
        value: Text, number, boolean, a list of these (joined by commas) or None.

    Raises:
        Invalid: An object, something in a list that has no text, a text that is too long or cannot be stored.
    """
    text = value if isinstance(value, str) else _spelled(value)
    if text is None or not is_storable(text):
        raise Invalid([FieldFault(tag, Fault.INVALID, "must be a string")])
    text = text.strip()
    if len(text) > MAX_VALUE:
        raise Invalid([FieldFault(tag, Fault.TOO_LONG, f"must not be longer than {MAX_VALUE} characters")])
    return text or None


def check_value(tag: str, kind: str, text: str) -> None:
    """Accept a stored text as a value of that type.

    Raises:
        Invalid: It is none.
    """
    if kind in {FieldType.TEXT, FieldType.TEXTAREA}:
        return
    if kind == FieldType.NUMBER:
        if not _NUMBER.match(text):
            raise Invalid([FieldFault(tag, Fault.INVALID, "must be a number")])
    elif not _is_moment(kind, text):
        raise Invalid([FieldFault(tag, Fault.INVALID, "is not a valid date")])


def _is_moment(kind: str, text: str) -> bool:
    try:
        if kind == FieldType.DATE:
            return bool(_DATE.match(text)) and date.fromisoformat(text) is not None
        if kind == FieldType.TIME:
            return bool(_TIME.match(text)) and time.fromisoformat(text) is not None
        return bool(_DATETIME.match(text)) and datetime.fromisoformat(text) is not None
    except ValueError:  # a form that is right, and a day that is none
        return False


def _spelled(value: object) -> str | None:
    """Return what is no text as text; None when it has none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        parts = [part if isinstance(part, str) else _scalar(part) for part in value]
        return None if None in parts else ",".join(part for part in parts if part is not None)
    return None


def _scalar(value: object) -> str | None:
    return None if isinstance(value, list | tuple) else _spelled(value)

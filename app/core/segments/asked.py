"""What conditions compare with, checked and put into one form. Pure; imports audiences' and contacts' front doors, kit.

Source: docs/contract/native.md, 8.
"""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from app.core.audiences import FieldType, as_text, check_value
from app.core.contacts import ContactStatus, clean_tags
from app.core.errors import Fault, FieldFault, Invalid
from app.core.segments.values import Kind
from app.kit.uids import Noun, number_of

MAX_VALUE = 1000
"""Characters of a value."""
MAX_DAYS = 36_500
SET = ("is_set", "is_not_set")
"""Operators that compare with nothing."""
_ORDERED_KINDS = frozenset({Kind.NUMBER, Kind.DATE, Kind.DATETIME})


def value_of(type_: str, kind: Kind, op: str, given: object) -> str | int | tuple[str, str] | None:
    """Return what a condition compares with.

    Args:
        type_: Of the condition.
        kind: How it compares.
        op: An operator of that kind.
        given: As the client wrote it.

    Raises:
        Invalid: It cannot be accepted.
    """
    if op in SET:
        if given is not None:
            raise Invalid(fault("value", "is not known", Fault.UNKNOWN))
        return None
    if given is None:
        raise Invalid(fault("value", "is required", Fault.REQUIRED))
    if op == "between":
        if not isinstance(given, list | tuple) or len(given) != 2:  # noqa: PLR2004 from and to
            raise Invalid(fault("value", "must be a list of two values"))
        return _ordered(kind, given[0]), _ordered(kind, given[1])
    if op.endswith("within_days"):
        return days_of("value", given)
    return _campaign(given) if op == "campaign" else _single(type_, kind, given)


def _single(type_: str, kind: Kind, given: object) -> str:
    """Return one text, number, date, moment, status or tag.

    Raises:
        Invalid: It cannot be accepted.
    """
    if kind in _ORDERED_KINDS:
        return _ordered(kind, given)
    if kind is Kind.MOMENT:
        return _moment(given)
    text = text_of("value", given)
    if type_ == "status":
        text = text.replace("_", "-")
        if text not in set(ContactStatus):
            raise Invalid(fault("value", "is not a status"))
    return clean_tags([text])[0] if kind is Kind.TAG else text


def _ordered(kind: Kind, given: object) -> str:
    """Return a number, a date or a moment as text.

    Raises:
        Invalid: It is none.
    """
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Invalid(fault("value", f"must be a {kind}"))
    text = as_text("value", given) or ""
    if len(text) > MAX_VALUE:
        raise Invalid(fault("value", f"must not be longer than {MAX_VALUE} characters", Fault.TOO_LONG))
    check_value("value", FieldType(str(kind)), text)
    return _moment(text) if kind is Kind.DATETIME else text


def _moment(given: object) -> str:
    """Return an instant as text in one form, UTC; one without an offset is in UTC.

    Raises:
        Invalid: It is none.
    """
    if isinstance(given, datetime):
        moment: datetime | None = given
    else:
        moment = None
        if isinstance(given, str):
            with suppress(ValueError):
                moment = datetime.fromisoformat(given.strip())
    if moment is None:
        raise Invalid(fault("value", "is not a time"))
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except OverflowError:
        raise Invalid(fault("value", "is not a time")) from None


def days_of(field: str, given: object) -> int:
    """Return a number of days.

    Raises:
        Invalid: It is none from 1 to 36,500.
    """
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_DAYS:
        raise Invalid(fault(field, f"must be a number of days from 1 to {MAX_DAYS}"))
    return given


def _campaign(given: object) -> int:
    """Return the id of a campaign.

    Raises:
        Invalid: It names none.
    """
    which: str | UUID | None = given if isinstance(given, str | UUID) else None
    if isinstance(which, str):
        with suppress(ValueError):
            which = UUID(which)
    number = number_of(Noun.CAMPAIGN, which) if which is not None else None
    if number is None:
        raise Invalid(fault("value", "is not a campaign", Fault.NOT_FOUND))
    return number


def text_of(field: str, given: object) -> str:
    """Return a text as values are stored: trimmed.

    Raises:
        Invalid: It is blank, no text, longer than 1000 characters or cannot be stored.
    """
    text = as_text(field, given) if isinstance(given, str | int | float) else None
    if text is None:
        raise Invalid(fault(field, "must be a text that is not blank"))
    if len(text) > MAX_VALUE:
        raise Invalid(fault(field, f"must not be longer than {MAX_VALUE} characters", Fault.TOO_LONG))
    return text


def fault(field: str, message: str, kind: Fault = Fault.INVALID) -> list[FieldFault]:
    """Return what is wrong with one member of a condition."""
    return [FieldFault(field, kind, message)]

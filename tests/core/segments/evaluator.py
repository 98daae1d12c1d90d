"""What a definition means, in plain Python: what the compiled SQL is compared with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.segments import Condition, Definition, Kind, Match
from app.models.contact import Contact


@dataclass(frozen=True)
class Known:
    """A contact and what it did."""

    contact: Contact
    events: tuple[tuple[str, datetime], ...] = ()
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)


def meets(known: Known, definition: Definition) -> bool:
    combined = all if definition.match is Match.ALL else any
    return combined(_meets(known, one) for one in definition.conditions)


def _meets(known: Known, one: Condition) -> bool:
    contact = known.contact
    match one.kind:
        case Kind.STATUS:
            return (contact.status == one.value) == (one.op == "is")
        case Kind.TAG:
            return (one.value in contact.tags) == (one.op == "has")
        case Kind.TEXT:
            return _text(_stored(contact, one), one)
        case Kind.NUMBER | Kind.DATE | Kind.DATETIME:
            return _ordered(_stored(contact, one), one)
        case Kind.MOMENT:
            return _moment(known, one)
        case _:
            since = known.now - timedelta(days=one.days) if one.days else datetime.min.replace(tzinfo=UTC)
            happened = any(name == one.name and at >= since for name, at in known.events)
            return happened == (one.op == "happened")


def _stored(contact: Contact, one: Condition) -> str | None:
    if one.type == "source":
        return contact.source
    if one.type == "email" or one.name == "EMAIL":
        return contact.address
    fields: Mapping[str, Any] = contact.fields
    return fields.get(one.name or "")


def _text(stored: str | None, one: Condition) -> bool:
    have, asked = (stored or "").lower(), str(one.value).lower()
    match one.op:
        case "is_set" | "is_not_set":
            return bool(have) == (one.op == "is_set")
        case "equals" | "not_equals":
            return (have == asked) == (one.op == "equals")
        case "contains" | "not_contains":
            return (asked in have) == (one.op == "contains")
        case "starts_with":
            return have.startswith(asked)
        case _:
            return have.endswith(asked)


def _ordered(stored: str | None, one: Condition) -> bool:
    if one.op in {"is_set", "is_not_set"}:
        return bool(stored) == (one.op == "is_set")
    have = _parsed(one.kind, stored or "")
    if one.op == "between":
        assert isinstance(one.value, tuple)
        low, high = (_parsed(one.kind, value) for value in one.value)
        return have is not None and low <= have <= high
    asked = _parsed(one.kind, str(one.value))
    if have is None:
        return one.op == "not_equals"
    return bool(
        {
            "equals": have == asked,
            "not_equals": have != asked,
            "lt": have < asked,
            "lte": have <= asked,
            "gt": have > asked,
            "gte": have >= asked,
        }[one.op]
    )


def _parsed(kind: Kind, text: str) -> Any:
    """Return a value that can be compared; None for a text that is none."""
    try:
        match kind:
            case Kind.NUMBER:
                return Decimal(text) if text < ":" else None
            case Kind.DATE:
                # A day there is not, which only somebody who writes past the verbs can store, is still in its place.
                return text if re.fullmatch(r"\d...-..-..", text) else None
            case _:
                moment = datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d[T ]", text) else None
                return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, InvalidOperation):
        return None


def _moment(known: Known, one: Condition) -> bool:
    moment = known.contact.created_at if one.type == "created_at" else known.contact.subscribed_at
    if one.op in {"before", "after"}:
        asked = datetime.fromisoformat(str(one.value))
        return moment is not None and (moment < asked if one.op == "before" else moment > asked)
    assert isinstance(one.value, int)
    recent = moment is not None and moment >= known.now - timedelta(days=one.value)
    return recent == (one.op == "within_days")

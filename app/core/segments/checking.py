"""Definitions as clients write them, checked. Pure; imports audiences' and contacts' front doors, kit, core errors.

Source: docs/contract/native.md, 8.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.audiences import EMAIL, FieldSet, FieldType
from app.core.errors import Fault, FieldFault, Invalid
from app.core.segments.asked import SET, days_of, fault, text_of, value_of
from app.core.segments.values import Condition, Definition, Kind, Match

MAX_CONDITIONS = 20
MAX_EVENT_NAME = 100

_TEXT = ("equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", *SET)
_ORDERED = ("equals", "not_equals", "lt", "lte", "gt", "gte", "between", *SET)
_ENGAGED = ("any_within_days", "none_within_days", "campaign")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.STATUS: ("is", "is_not"),
    Kind.TAG: ("has", "has_not"),
    Kind.TEXT: _TEXT,
    Kind.NUMBER: _ORDERED,
    Kind.DATE: _ORDERED,
    Kind.DATETIME: _ORDERED,
    Kind.MOMENT: ("before", "after", "within_days", "not_within_days"),
    Kind.EVENT: ("happened", "not_happened"),
    Kind.ENGAGEMENT: _ENGAGED,
}
"""The operators of each kind of condition."""
_KINDS: Mapping[str, Kind] = {
    "status": Kind.STATUS,
    "tag": Kind.TAG,
    "email": Kind.TEXT,
    "source": Kind.TEXT,
    "created_at": Kind.MOMENT,
    "subscribed_at": Kind.MOMENT,
    "event": Kind.EVENT,
    "opened": Kind.ENGAGEMENT,
    "clicked": Kind.ENGAGEMENT,
}
_KINDS_OF_FIELDS: Mapping[str, Kind] = {
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.DATE: Kind.DATE,
    FieldType.DATETIME: Kind.DATETIME,
}
"""Fields of other types compare as text."""


def definition_of(fields: FieldSet, match: str, conditions: Sequence[Mapping[str, Any]]) -> Definition:
    """Return a definition, checked.

    Args:
        fields: Of the audience.
        match: `all` or `any`.
        conditions: 1 to 20, each as the contract writes it.

    Raises:
        Invalid: With everything that cannot be accepted; a fault is named after its place, `conditions.0.op`.
    """
    faults: list[FieldFault] = []
    if match not in set(Match):
        faults.append(FieldFault("match", Fault.INVALID, "must be all or any"))
    if not conditions:
        faults.append(FieldFault("conditions", Fault.REQUIRED, "is required"))
    if len(conditions) > MAX_CONDITIONS:
        faults.append(FieldFault("conditions", Fault.TOO_LONG, f"must not be more than {MAX_CONDITIONS}"))
    checked = []
    for place, given in enumerate(conditions[:MAX_CONDITIONS]):
        try:
            checked.append(condition_of(fields, given))
        except Invalid as error:
            faults += [FieldFault(f"conditions.{place}.{one.field}", one.fault, one.message) for one in error.faults]
    if faults:
        raise Invalid(faults)
    return Definition(Match(match), tuple(checked))


def condition_of(fields: FieldSet, given: Mapping[str, Any]) -> Condition:
    """Return one condition, checked.

    Raises:
        Invalid: It cannot be accepted.
    """
    type_ = given.get("type")
    kind = _KINDS.get(type_) if isinstance(type_, str) else None
    name: str | None = None
    if type_ == "field":
        name, kind = _field(fields, given.get("field"))
    if kind is None:
        raise Invalid(fault("type", "is not a type of conditions", Fault.REQUIRED if type_ is None else Fault.UNKNOWN))
    op = given.get("op")
    if op not in OPERATORS[kind]:
        words = ", ".join(OPERATORS[kind])
        raise Invalid(fault("op", f"must be one of {words}", Fault.REQUIRED if op is None else Fault.INVALID))
    allowed = {"type", "op", *({"name", "within_days"} if kind is Kind.EVENT else {"value"})}
    for extra in given.keys() - allowed - ({"field"} if type_ == "field" else set()):
        raise Invalid(fault(str(extra)[:100], "is not known", Fault.UNKNOWN))
    if kind is Kind.EVENT:
        days = given.get("within_days")
        return Condition(
            str(type_), op, kind, name=_event_name(given.get("name")),
            days=None if days is None else days_of("within_days", days),
        )  # fmt: skip
    return Condition(str(type_), op, kind, value=value_of(str(type_), kind, op, given.get("value")), name=name)


def _field(fields: FieldSet, given: object) -> tuple[str, Kind]:
    """Return a field's tag and how it compares.

    Raises:
        Invalid: The audience has none of this tag.
    """
    if not isinstance(given, str):
        raise Invalid(fault("field", "is required", Fault.REQUIRED))
    tag = given.strip().upper()
    if tag == EMAIL:
        return tag, Kind.TEXT
    if tag not in fields.types:
        raise Invalid(fault("field", "is not a field of the audience", Fault.NOT_FOUND))
    return tag, _KINDS_OF_FIELDS.get(fields.types[tag], Kind.TEXT)


def _event_name(given: object) -> str:
    """Return the name of an event.

    Raises:
        Invalid: It is blank or too long.
    """
    if not isinstance(given, str) or not given.strip():
        raise Invalid(fault("name", "is required", Fault.REQUIRED))
    name = text_of("name", given)
    if len(name) > MAX_EVENT_NAME:
        raise Invalid(fault("name", f"must not be longer than {MAX_EVENT_NAME} characters", Fault.TOO_LONG))
    return name

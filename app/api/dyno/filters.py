"""Dyno Email Marketing: one flat JSON object of filters and controls, understood. Pure; imports finding's front door.

Source: docs/contract/dyno.md, 3.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.api.dyno.bodies import CONTROL_PREFIX, about
from app.core.errors import Invalid
from app.core.extra import is_storable
from app.core.finding import Condition, Kind, Operator, Order, Scalar, UnreadablePattern, as_number, check_pattern

MAX_CONDITIONS = 100
"""Of one question."""
MAX_OPERANDS = 10_000
"""Entries of one `in`, and of all of a question together."""
MAX_PATTERN = 2000
"""Characters of a pattern with `%`, and of what is contained."""
LIMIT = 1000
"""Objects of a page, unless fewer are asked for; more are not given."""
FARTHEST = 2**62
"""Offset behind which there is nothing."""


@dataclass(frozen=True, slots=True)
class Controls:
    """How a page is cut.

    Attributes:
        fields: Keys that are wanted; empty: all.
        limit: How many objects at most.
        offset: How many are skipped.
        order: Of all.
    """

    fields: tuple[str, ...]
    limit: int
    offset: int
    order: Order


@dataclass(frozen=True, slots=True)
class _Wire:
    """An operator of the family.

    Attributes:
        operator: What it is called in the core.
        negated: Whether it is the opposite.
        on_numbers: Whether numbers know it.
    """

    operator: Operator
    negated: bool = False
    on_numbers: bool = True


_COMPARING = {
    "eq": _Wire(Operator.EQUAL),
    "ne": _Wire(Operator.EQUAL, negated=True),
    "neq": _Wire(Operator.EQUAL, negated=True),
    "not_eq": _Wire(Operator.EQUAL, negated=True),
    "gt": _Wire(Operator.GREATER),
    "gte": _Wire(Operator.GREATER_OR_EQUAL),
    "lt": _Wire(Operator.LESS),
    "lte": _Wire(Operator.LESS_OR_EQUAL),
    "like": _Wire(Operator.LIKE, on_numbers=False),
    "not_like": _Wire(Operator.LIKE, negated=True, on_numbers=False),
    "like_ignore_case": _Wire(Operator.LIKE_IGNORING_CASE, on_numbers=False),
    "not_like_ignore_case": _Wire(Operator.LIKE_IGNORING_CASE, negated=True, on_numbers=False),
    "like_regex": _Wire(Operator.REGEX, on_numbers=False),
    "not_like_regex": _Wire(Operator.REGEX, negated=True, on_numbers=False),
}
_TRUTHS = {"true": True, "false": False}


def unknown_names(body: Mapping[str, Any], kinds: Mapping[str, Kind], *, ordering: bool) -> Iterator[tuple[str, str]]:
    """Yield names that only an extra field can have, each with the parameter that says it.

    Args:
        body: The question.
        kinds: The fields every object has.
        ordering: Whether the field of the order counts.
    """
    for name in body:
        if name not in kinds and not name.startswith(CONTROL_PREFIX):
            yield name, name
    by = body.get("application_order_by")
    if ordering and isinstance(by, str) and by not in kinds:
        yield by, "application_order_by"


def conditions_of(body: Mapping[str, Any], kinds: Mapping[str, Kind]) -> list[Condition]:
    """Return the filters; names that are no field are taken for extra fields.

    Args:
        body: The question.
        kinds: The fields every object has.

    Raises:
        Invalid: An unknown operator, a value it cannot take, or too much of it all.
    """
    found: list[Condition] = []
    for name, value in body.items():
        if name.startswith(CONTROL_PREFIX):
            continue
        kind = kinds.get(name, Kind.EXTRA)
        if isinstance(value, dict):
            for operator, operand in value.items():
                found += _of_operator(name, kind, operator, operand)
        else:
            found.append(Condition(name, Operator.EQUAL, (_scalar(name, kind, value),)))
        if len(found) > MAX_CONDITIONS or sum(len(one.operands) for one in found) > MAX_OPERANDS:
            raise Invalid(about(name, "is beyond what one request may ask"))
    return found


def controls_of(body: Mapping[str, Any]) -> Controls:
    """Return the controls.

    Raises:
        Invalid: One has a value it cannot take.
    """
    by, direction = body.get("application_order_by", "created"), body.get("application_order_direction", "asc")
    if not isinstance(by, str) or not by:
        raise Invalid(about("application_order_by"))
    if not isinstance(direction, str) or direction.lower() not in {"asc", "desc"}:
        raise Invalid(about("application_order_direction"))
    return Controls(
        fields=_fields(body.get("application_fields")),
        limit=min(_whole(body, "application_limit", LIMIT), LIMIT),
        offset=min(_whole(body, "application_offset", 0), FARTHEST),
        order=Order(by, descending=direction.lower() == "desc"),
    )


def _of_operator(name: str, kind: Kind, operator: str, operand: Any) -> Iterator[Condition]:
    """Yield what an operator says.

    Raises:
        Invalid: There is none of this name for this field, or not with this value.
    """
    said = f"{name}.{operator}"
    wire = _COMPARING.get(operator)
    if wire is not None and (wire.on_numbers or kind is not Kind.NUMBER):
        yield Condition(name, wire.operator, (_operand(said, kind, wire, operand),), wire.negated)
    elif operator in {"in", "not_in"}:
        yield Condition(name, Operator.EQUAL, _listed(said, kind, operand), operator == "not_in")
    elif operator == "between":
        if not isinstance(operand, list) or len(operand) != 2:  # noqa: PLR2004 from and to
            raise Invalid(about(said))
        for bound, one in zip(("gte", "lte"), operand, strict=True):
            yield Condition(name, _COMPARING[bound].operator, (_operand(said, kind, _COMPARING[bound], one),))
    elif operator == "is_null":
        truth = _TRUTHS.get(operand.lower()) if isinstance(operand, str) else operand
        if not isinstance(truth, bool):
            raise Invalid(about(said))
        yield Condition(name, Operator.EQUAL, (None,), negated=not truth)
    else:
        raise Invalid(about(said, "is not a known operator"))


def _operand(said: str, kind: Kind, wire: _Wire, value: Any) -> Scalar:
    """Return what one operator compares with.

    Raises:
        Invalid: It cannot.
    """
    operand = _scalar(said, kind, value)
    if wire.operator is Operator.EQUAL:
        return operand
    if operand is None or isinstance(operand, bool):
        raise Invalid(about(said))
    if not wire.on_numbers:
        _check_pattern(said, wire, operand)
    return operand


def _check_pattern(said: str, wire: _Wire, operand: Scalar) -> None:
    """Accept a pattern or a regular expression.

    Raises:
        Invalid: It is none.
    """
    if not isinstance(operand, str):
        raise Invalid(about(said))
    if wire.operator is Operator.REGEX:
        try:
            check_pattern(operand)
        except UnreadablePattern:
            raise Invalid(about(said, "is not a regular expression")) from None
    elif len(operand) > MAX_PATTERN:
        raise Invalid(about(said, f"is longer than {MAX_PATTERN} characters"))


def _listed(said: str, kind: Kind, value: Any) -> tuple[Scalar, ...]:
    """Return the entries of a list, or of one text with commas.

    Raises:
        Invalid: It is neither, or an entry is of another kind.
    """
    if isinstance(value, str):
        value = [trimmed for part in value.split(",") if (trimmed := part.strip())]
    if not isinstance(value, list) or len(value) > MAX_OPERANDS:
        raise Invalid(about(said))
    return tuple(_scalar(said, kind, one) for one in value)


def _scalar(said: str, kind: Kind, value: Any) -> Scalar:
    """Return a value a field of that kind may be compared with.

    Raises:
        Invalid: It is of another kind.
    """
    taken = _TAKEN[kind](value)
    if taken is None and value is not None:
        raise Invalid(about(said))
    return taken


def _string(value: Any) -> Scalar:
    return value if isinstance(value, str) and is_storable(value) else None


def _number(value: Any) -> Scalar:
    if isinstance(value, str):
        return as_number(value)
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _any(value: Any) -> Scalar:
    if isinstance(value, bool):
        return value
    return _string(value) if isinstance(value, str) else _number(value)


_TAKEN: Mapping[Kind, Callable[[Any], Scalar]] = {Kind.STRING: _string, Kind.NUMBER: _number, Kind.EXTRA: _any}


def _fields(value: Any) -> tuple[str, ...]:
    """Return names of keys.

    Raises:
        Invalid: It is no list and no text.
    """
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Invalid(about("application_fields"))
    return tuple(one for one in value if isinstance(one, str))


def _whole(body: Mapping[str, Any], name: str, default: int) -> int:
    """Return a number of objects.

    Raises:
        Invalid: It is negative, or none.
    """
    if name not in body:
        return default
    number = _number(body[name])
    if not isinstance(number, Decimal) or number < 0 or number != number.to_integral_value():
        raise Invalid(about(name))
    return int(min(number, Decimal(FARTHEST)))

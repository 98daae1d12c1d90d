"""Conditions as SQL with bound parameters. Imports SQLAlchemy and this package's fields.

What a condition says of a value that is set is an expression that may be null; a negated one is its opposite, null
taken for false, and so true of what is not set.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Numeric,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
)

from app.core.finding.fields import Expression, Field, Table, extra_of
from app.core.finding.values import Condition, Kind, Operator, Order, Scalar, as_number

MAX_BIGINT = 2**63 - 1

_COMPARED: dict[Operator, Callable[[Any, Any], ColumnElement[bool]]] = {
    Operator.GREATER: lambda value, operand: value > operand,
    Operator.GREATER_OR_EQUAL: lambda value, operand: value >= operand,
    Operator.LESS: lambda value, operand: value < operand,
    Operator.LESS_OR_EQUAL: lambda value, operand: value <= operand,
}


def compiled(table: Table, condition: Condition) -> ColumnElement[bool]:
    """Return a condition, other than of a regular expression, as SQL."""
    field = table.fields.get(condition.field)
    if field is None:
        met = _extra(extra_of(table, condition.field), condition)
    elif field.kind is Kind.NUMBER:
        met = _number(field.value, condition)
    else:
        met = _string(field, condition)
    return not_(func.coalesce(met, false(), type_=Boolean)) if condition.negated else met


def ordered(table: Table, order: Order) -> list[Expression]:
    """Return what objects are sorted by, the UUID last."""
    if order.field == "id":
        return [table.uuid.desc() if order.descending else table.uuid.asc()]
    return [*_keys(table, order), table.uuid]


def preordered(table: Table, order: Order) -> list[Expression]:
    """Return what objects are sorted by but for ties, which it may have more of; empty when `ordered` is as quick."""
    if order.field in {"created", "id"}:
        return []
    field = table.fields.get(order.field)
    if field is None or field.start is None:
        return _keys(table, order)
    return [(field.start.desc() if order.descending else field.start.asc()).nulls_last()]


def _keys(table: Table, order: Order) -> list[Expression]:
    field = table.fields.get(order.field)
    if field is None:
        keys = _extra_keys(extra_of(table, order.field))
    elif field.order is not None or field.kind is Kind.NUMBER:
        keys = [field.value if field.order is None else field.order]
    else:
        keys = [func.nullif(field.value, "", type_=Text).collate("C")]
    if order.field == "created":  # never null; without the clause an index serves both directions
        return [key.desc() if order.descending else key.asc() for key in keys]
    return [(key.desc() if order.descending else key.asc()).nulls_last() for key in keys]


def searched(table: Table, field: str) -> Expression:
    """Return the text a regular expression is searched in; null when there is none."""
    known = table.fields.get(field)
    if known is not None:
        return func.nullif(known.value, "", type_=Text)
    member = extra_of(table, field)
    return case((func.jsonb_typeof(member) == "string", func.nullif(_text(member), "", type_=Text)))


def spelled(operand: Scalar) -> str:
    """Return how a stored text would say an operand."""
    if isinstance(operand, bool):
        return "true" if operand else "false"
    return format(operand, "f") if isinstance(operand, Decimal) else operand or ""


def valued(operand: Scalar) -> Decimal | None:
    """Return an operand as a number; None when it is none."""
    if isinstance(operand, Decimal):
        return operand
    return as_number(operand) if isinstance(operand, str) else None


def pattern_of(text: str) -> tuple[str, bool]:
    """Return a pattern for LIKE, and whether it is to be matched: otherwise the text is contained."""
    if "%" not in text:
        return text, False
    backslashes = len(text) - len(text.rstrip("\\"))
    return text + "\\" * (backslashes % 2), True


def _string(field: Field, condition: Condition) -> ColumnElement[bool]:
    is_unset = func.coalesce(field.value, "", type_=Text) == ""
    if condition.operator is Operator.EQUAL:
        texts = [spelled(operand) for operand in condition.operands]
        blank = [is_unset] if "" in texts else []
        among = [text for text in texts if text]
        if not among:
            return or_(false(), *blank)
        exact = field.exact(among) if field.exact is not None else field.value.in_(among)
        return or_(exact, *blank)
    return and_(_texts(field.value, condition), field.value != "")


def _texts(value: Expression, condition: Condition) -> ColumnElement[bool]:
    """Compare a text with one operand."""
    text = spelled(condition.operands[0])
    if condition.operator in _COMPARED:
        return _COMPARED[condition.operator](value.collate("C"), literal(text, Text))
    pattern, is_matched = pattern_of(text)
    sought: Expression = literal(pattern, Text)
    if condition.operator is Operator.LIKE_IGNORING_CASE:
        value, sought = func.lower(value, type_=Text), func.lower(sought, type_=Text)
    return value.like(sought) if is_matched else func.strpos(value, sought) > 0


def _number(value: Expression, condition: Condition) -> ColumnElement[bool]:
    """Compare a whole number."""
    numbers = [number for operand in condition.operands if (number := valued(operand)) is not None]
    if condition.operator is Operator.EQUAL:
        whole = [int(number) for number in numbers if number == number.to_integral_value() and _fits(number)]
        return value.in_(whole) if whole else false()
    number = numbers[0]
    compare = _COMPARED[condition.operator]
    if number == number.to_integral_value() and _fits(number):
        return compare(value, literal(int(number), BigInteger))
    return compare(cast(value, Numeric), literal(number, Numeric))


def _fits(number: Decimal) -> bool:
    return abs(number) <= MAX_BIGINT


def _extra(member: Expression, condition: Condition) -> ColumnElement[bool]:
    """Compare what a client stored, by the kind of each value; null where there is nothing."""
    text, kind = _text(member), func.jsonb_typeof(member)
    numbers = [number for operand in condition.operands if (number := valued(operand)) is not None]
    stored = cast(case((kind == "number", text)), Numeric)
    if condition.operator is not Operator.EQUAL:
        of_text = and_(_texts(text, condition), text != "")
        compare = _COMPARED.get(condition.operator)
        of_number = compare(stored, literal(numbers[0], Numeric)) if compare and numbers else false()
        return case((kind == "string", of_text), (kind == "number", of_number), else_=false())
    texts = [spelled(operand) for operand in condition.operands]
    truths = [spelled(operand) for operand in condition.operands if isinstance(operand, bool)]
    equal = case(
        (kind == "string", _among(text, [one for one in texts if one])),
        (kind == "number", _among(stored, numbers)),
        (kind == "boolean", _among(text, truths)),
        else_=false(),
    )
    is_unset = func.coalesce(text, "", type_=Text) == ""
    return or_(equal, is_unset) if "" in texts else equal


def _extra_keys(member: Expression) -> list[Expression]:
    """Return what stored members are sorted by: numbers, then texts, then booleans, then the rest."""
    text, kind = _text(member), func.jsonb_typeof(member)
    return [
        cast(case((kind == "number", text)), Numeric),
        case((kind == "string", func.nullif(text, "", type_=Text))).collate("C"),
        case((kind == "boolean", text)).collate("C"),
    ]


def _text(member: Expression) -> Expression:
    """Return a jsonb value's text; null for null."""
    text: Expression = member.astext
    return text


def _among(value: Expression, operands: Sequence[Any]) -> ColumnElement[bool]:
    return value.in_(operands) if operands else false()

"""Conditions about one number, or one moment, of a contact as one set of ranges, so that it is read once a row. Pure.

However many conditions are about the same field, what they ask for together is in some ranges or is not. Under `all` it
is looked for among what any of them leaves out: then ranges need only be put together, which PostgreSQL does itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from asyncpg import Range

from app.core.segments.values import Condition, Kind

_HIGHEST: dict[Kind, object] = {Kind.NUMBER: Decimal("Infinity")}
"""Infinity and NaN, which come behind all numbers, are none."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked for: a value in the ranges, or one in none of them.

    Attributes:
        ranges: Of `Decimal` or `datetime`.
        within: Whether it is to be in one of them.
        absent: Whether somebody without a value is meant too.
    """

    ranges: list[Range[Any]]
    within: bool
    absent: bool


def sought(conditions: Iterable[Condition], *, together: bool) -> Sought:
    """Return what conditions of one field that compare by order ask for.

    Args:
        conditions: All of one kind, number or datetime.
        together: Whether all of them must hold; else any.
    """
    given = [(_range(one), one.op == "not_equals") for one in conditions]
    ranges = [part for found, left_out in given for part in (_rest(found) if left_out != together else found)]
    absent = (all if together else any)(left_out for _, left_out in given)
    return Sought(ranges, within=not together, absent=absent)


def _range(one: Condition) -> list[Range[Any]]:
    """Return the range a condition names; none when its end is before its beginning."""
    low, high = (
        _value(one.kind, text) for text in (one.value if isinstance(one.value, tuple) else [str(one.value)] * 2)
    )
    if low > high:
        return []
    match one.op:
        case "lt" | "lte":
            return [Range(None, high, upper_inc=one.op == "lte")]
        case "gt" | "gte":
            return [Range(low, _HIGHEST.get(one.kind), lower_inc=one.op == "gte")]
        case _:
            return [Range(low, high, upper_inc=True)]


def _rest(found: list[Range[Any]]) -> list[Range[Any]]:
    """Return everything beside a range."""
    if not found:
        return [Range(None, None)]
    only, rest = found[0], []
    if only.lower is not None:
        rest.append(Range(None, only.lower, upper_inc=not only.lower_inc))
    if only.upper is not None:
        rest.append(Range(only.upper, None, lower_inc=not only.upper_inc))
    return rest


def _value(kind: Kind, text: str) -> Any:
    return Decimal(text) if kind is Kind.NUMBER else datetime.fromisoformat(text)

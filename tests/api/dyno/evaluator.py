"""The filter language once more, in plain Python over objects as they are shown: what the service is compared with."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

NUMBERS = {"created", "updated", "deleted", "subscriber_count"}
_NEGATED = {"ne": "eq", "neq": "eq", "not_eq": "eq", "not_like": "like", "not_in": "in",
            "not_like_ignore_case": "like_ignore_case", "not_like_regex": "like_regex"}  # fmt: skip


def meets(shown: Mapping[str, Any], question: Mapping[str, Any]) -> bool:
    """Tell whether an object meets every filter."""
    if "deleted" not in question and shown["deleted"]:
        return False
    for field, said in question.items():
        operators = said if isinstance(said, dict) else {"eq": said}
        for operator, operand in operators.items():
            met = _holds(field, shown.get(field), _NEGATED.get(operator, operator), operand)
            if met == (operator in _NEGATED):
                return False
    return True


def sorting(shown: Mapping[str, Any], field: str, *, descending: bool) -> tuple[Any, ...]:
    """Return what an object is sorted by."""
    value = shown.get(field)
    if value in (None, "") or isinstance(value, list | dict):
        return (3, (), shown["id"])
    rank = 2 if isinstance(value, bool) else 1 if isinstance(value, str) else 0
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, str):
        # of two texts the longer one is greater when it begins with the other: descending it comes first
        points = (*(-ord(char) for char in value), 1) if descending else tuple(map(ord, value))
        return (rank, points, shown["id"])
    return (rank, (-value if descending else value,), shown["id"])


def _holds(field: str, value: Any, operator: str, operand: Any) -> bool:  # noqa: PLR0911
    is_set = value is not None and value != ""
    match operator:
        case "is_null":
            return is_set != (str(operand).lower() == "true")
        case "in":
            parts = [one.strip() for one in operand.split(",") if one.strip()] if isinstance(operand, str) else operand
            return any(_equal(field, value, one) for one in parts)
        case "eq":
            return _equal(field, value, operand)
        case "between":
            return is_set and _compared(field, value, "gte", operand[0]) and _compared(field, value, "lte", operand[1])
        case "gt" | "gte" | "lt" | "lte":
            return is_set and _compared(field, value, operator, operand)
        case "like_regex":
            return is_set and isinstance(value, str) and re.search(operand, value) is not None
        case _:
            return is_set and isinstance(value, str) and _like(value, operand, ignoring=operator != "like")


def _equal(field: str, value: Any, operand: Any) -> bool:
    if operand is None or operand == "":
        return value is None or value == ""
    if value is None:
        return False
    if isinstance(value, bool | list | dict):
        return isinstance(value, bool) and isinstance(operand, bool) and value == operand
    if isinstance(value, str) and field not in NUMBERS:
        return value == _spelled(operand)
    return _number(operand) is not None and Decimal(str(value)) == _number(operand)


def _compared(field: str, value: Any, operator: str, operand: Any) -> bool:
    left: Any
    right: Any
    if isinstance(value, bool | list | dict):
        return False
    if isinstance(value, str):
        left, right = [ord(char) for char in value], [ord(char) for char in _spelled(operand)]
    else:
        left, right = Decimal(str(value)), _number(operand)
        if right is None:
            return False
    return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[operator]  # type: ignore[no-any-return]


def _spelled(operand: Any) -> str:
    if isinstance(operand, bool):
        return "true" if operand else "false"
    return operand if isinstance(operand, str) else format(Decimal(repr(operand)), "f")


def _number(operand: Any) -> Decimal | None:
    if isinstance(operand, bool):
        return None
    if isinstance(operand, str):
        trimmed = operand.strip()
        return Decimal(trimmed) if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d\d?)?", trimmed, re.ASCII) else None
    return Decimal(repr(operand))


def _like(value: str, pattern: str, *, ignoring: bool) -> bool:
    if ignoring:
        value, pattern = value.lower(), pattern.lower()
    if "%" not in pattern:
        return pattern in value
    wanted, escaped = "", False
    for char in pattern:
        if escaped or char not in "%_\\":
            wanted, escaped = wanted + re.escape(char), False
        elif char == "\\":
            escaped = True
        else:
            wanted += ".*" if char == "%" else "."
    if escaped:
        wanted += re.escape("\\")
    return re.fullmatch(wanted, value, re.DOTALL) is not None

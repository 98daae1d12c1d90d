"""Definitions as clients read them: the contract's members again. Pure; imports models and kit.

Source: docs/contract/native.md, 8.
"""

from typing import Any

from app.core.segments.values import Condition, Definition, Kind
from app.kit.uids import Noun, uid


def conditions_out(definition: Definition) -> list[dict[str, Any]]:
    """Return the conditions as the contract writes them; a definition made of them is the same one."""
    return [_out(one) for one in definition.conditions]


def _out(condition: Condition) -> dict[str, Any]:
    out: dict[str, Any] = {"type": condition.type}
    if condition.type == "field":
        out["field"] = condition.name
    out["op"] = condition.op
    if condition.kind is Kind.EVENT:
        out["name"] = condition.name
        if condition.days is not None:
            out["within_days"] = condition.days
    elif condition.op == "campaign":
        out["value"] = uid(Noun.CAMPAIGN, int(str(condition.value)))
    elif condition.value is not None:
        out["value"] = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    return out

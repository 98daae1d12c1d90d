"""Triggers and steps as clients read them: the contract's members again. Pure; imports kit and segments' front door.

Source: docs/contract/native.md, 14.
"""

from dataclasses import asdict
from typing import Any

from app.core import segments
from app.core.automations.values import (
    Choice,
    Send,
    Step,
    Trigger,
    Wait,
    name_of,
)
from app.core.segments import Definition, Match
from app.kit.uids import Noun, uuid
from app.models.automation import TriggerType


def trigger_out(trigger: Trigger) -> dict[str, Any]:
    """Return a trigger as the contract writes it."""
    out: dict[str, Any] = {"type": str(trigger.type)}
    if trigger.type is TriggerType.TAG_ADDED:
        out["tag"] = trigger.key
    if trigger.type is TriggerType.EVENT:
        out["name"] = trigger.key
        if trigger.properties:
            out["properties"] = dict(trigger.properties)
    return out


def step_out(step: Step) -> dict[str, Any]:
    """Return a step as the contract writes it; `steps_of` makes the same one of it."""
    return {"type": name_of(step), **_members(step)}


def _members(step: Step) -> dict[str, Any]:
    match step:
        case Wait(minutes=None):
            members: dict[str, Any] = {"until": {"time": step.time, "time_zone": step.time_zone}}
        case Wait():
            members = {"minutes": step.minutes}
        case Send():
            members = asdict(step) | {
                "template_id": str(uuid(Noun.TEMPLATE, step.template_id)),
                "reply_to": step.reply_to or None,
                "subject": step.subject or None,
            }
        case Choice():
            members = {"if": _condition(step), "else_stop": step.else_stop}
        case _:
            members = asdict(step)
    return members


def _condition(step: Choice) -> dict[str, Any]:
    if step.segment is None:
        return {"type": step.engaged, "step": step.step}
    [condition] = segments.conditions_out(Definition(Match.ALL, (step.segment,)))
    return condition

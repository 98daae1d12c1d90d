"""Triggers and steps as clients write them, checked. Pure; imports front doors below, `app.outbound` and the errors.

Source: docs/contract/native.md, 14.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, NoReturn
from uuid import UUID

from app.core import campaigns, contacts, segments
from app.core.audiences import EMAIL, FieldSet, as_text, check_value
from app.core.automations.values import (
    KINDS,
    AddTag,
    Choice,
    RemoveTag,
    Send,
    SetField,
    Step,
    Trigger,
    Unsubscribe,
    Wait,
    Webhook,
)
from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable, merged
from app.kit.uids import Noun, number_of
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.mail.personalise import SyntaxProblem, parse
from app.models.automation import TriggerType
from app.outbound import endpoint_of

MAX_STEPS = 50
MAX_MINUTES = 527_040
"""A leap year."""
MAX_LINE = 2000
"""Characters of a subject and of other texts of one line."""
UUID_LENGTH = 36
NO_ENDPOINT = "none"
"""The endpoint of what can't be called."""
MAX_FAULTS = 50
"""Faults one answer tells of, at most."""
_EVENT = re.compile(r"[A-Za-z0-9_]{1,100}\Z")
_TIME = re.compile(r"\d\d:\d\d(?::\d\d)?\Z", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENGAGED = frozenset({"opened", "clicked"})


@dataclass(frozen=True, slots=True)
class Known:
    """What a definition may refer to.

    Attributes:
        fields: Of the audience.
        templates: Which of the templates it names the account has.
        senders: Which of the addresses it names are approved senders of the account, lower case.
    """

    fields: FieldSet
    templates: frozenset[int]
    senders: frozenset[str]


def trigger_of(given: Mapping[str, Any]) -> Trigger:
    """Return a trigger, checked.

    Raises:
        Invalid: It cannot be accepted; fields are named `trigger.tag`.
    """
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in set(TriggerType):
        _refuse("trigger.type", "is not a trigger", Fault.REQUIRED if kind is None else Fault.UNKNOWN)
    allowed = {TriggerType.TAG_ADDED: {"tag"}, TriggerType.EVENT: {"name", "properties"}}.get(TriggerType(kind), set())
    _only(given, {"type", *allowed}, "trigger.")
    if kind == TriggerType.TAG_ADDED:
        return Trigger(TriggerType.TAG_ADDED, _tag(given.get("tag"), "trigger.tag"))
    if kind != TriggerType.EVENT:
        return Trigger(TriggerType(kind))
    name, properties = given.get("name"), given.get("properties")
    if not isinstance(name, str) or not _EVENT.match(name):
        _refuse("trigger.name", "format is invalid", Fault.REQUIRED if name is None else Fault.INVALID)
    if properties is not None and not isinstance(properties, Mapping):
        _refuse("trigger.properties", "must be an object")
    try:
        return Trigger(TriggerType.EVENT, name, merged(None, properties))
    except Invalid as error:
        _refuse("trigger.properties", error.faults[0].message, error.faults[0].fault)


def steps_of(given: Sequence[Mapping[str, Any]], known: Known) -> tuple[Step, ...]:
    """Return steps, checked.

    Raises:
        Invalid: With everything that cannot be accepted; fields are named after their place, `steps.0.minutes`.
    """
    if not given:
        _refuse("steps", "is required", Fault.REQUIRED)
    if len(given) > MAX_STEPS:
        _refuse("steps", f"must not be more than {MAX_STEPS}", Fault.TOO_LONG)
    steps: list[Step] = []
    faults: list[FieldFault] = []
    for place, members in enumerate(given):
        try:
            steps.append(_step(members, known, given[:place]))
        except Invalid as error:
            faults += [FieldFault(f"steps.{place}.{one.field}", one.fault, one.message) for one in error.faults]
    if faults:
        raise Invalid(faults[:MAX_FAULTS])
    return tuple(steps)


def named_by(given: Sequence[Mapping[str, Any]]) -> tuple[set[int], set[str]]:
    """Return which templates and senders steps name, checked or not: what to look up for `Known`."""
    sends = [members for members in given[:MAX_STEPS] if members.get("type") == "send"]
    templates = {_number(members.get("template_id")) for members in sends}
    senders = {email.strip().lower() for members in sends if isinstance(email := members.get("from_email"), str)}
    return {one for one in templates if one}, {one for one in senders if is_storable(one)}


def _step(given: Mapping[str, Any], known: Known, before: Sequence[Mapping[str, Any]]) -> Step:
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        _refuse("type", "is not a step", Fault.REQUIRED if kind is None else Fault.UNKNOWN)
    if kind == "condition":
        return _choice(given, known, before)
    return _PARTS[kind](given, known)


def _wait(given: Mapping[str, Any], _: Known) -> Wait:
    _only(given, {"type", "minutes", "until"})
    minutes, until = given.get("minutes"), given.get("until")
    if (minutes is None) == (until is None):
        _refuse("minutes", "or until is required", Fault.REQUIRED)
    if minutes is not None:
        if isinstance(minutes, bool) or not isinstance(minutes, int):
            _refuse("minutes", "must be a number")
        if not 1 <= minutes <= MAX_MINUTES:
            _refuse("minutes", f"must be 1 to {MAX_MINUTES}", Fault.OUT_OF_RANGE)
        return Wait(minutes)
    if not isinstance(until, Mapping):
        _refuse("until", "must be an object")
    _only(until, {"time", "time_zone"}, "until.")
    at, zone = (_line(until, name, f"until.{name}", required=True) for name in ("time", "time_zone"))
    campaigns.parse_zone(zone, field="until.time_zone")
    if _TIME.match(at):
        try:
            time.fromisoformat(at)
        except ValueError:
            _refuse("until.time", "is not a time")
    else:
        campaigns.parse_start(at, zone, field="until.time", zone_field="until.time_zone")
    return Wait(None, at, zone)


def _send(given: Mapping[str, Any], known: Known) -> Send:
    texts = {"from_email", "from_name", "reply_to", "subject"}
    _only(given, {"type", "template_id", *texts, "track_opens", "track_clicks"})
    number = _number(given.get("template_id"))
    if number not in known.templates:
        missing = given.get("template_id") is None
        word = "is required" if missing else "names a template that does not exist"
        _refuse("template_id", word, Fault.REQUIRED if missing else Fault.NOT_FOUND)
    from_email = _line(given, "from_email", required=True)
    if from_email.lower() not in known.senders:
        _refuse("from_email", "is not an approved sender", Fault.NOT_APPROVED)
    reply_to, subject = _line(given, "reply_to"), _line(given, "subject")
    if reply_to:
        try:
            parse_mailbox(reply_to)
        except InvalidAddress:
            _refuse("reply_to", "must be a valid email address")
    try:
        parse(subject)
    except SyntaxProblem as problem:
        _refuse("subject", f"is malformed: {problem}", Fault.SYNTAX)
    tracks = [given.get(name, True) for name in ("track_opens", "track_clicks")]
    for name, value in zip(("track_opens", "track_clicks"), tracks, strict=True):
        if not isinstance(value, bool):
            _refuse(name, "must be true or false")
    return Send(int(number or 0), from_email, _line(given, "from_name"), reply_to, subject, *tracks)


def _set_field(given: Mapping[str, Any], known: Known) -> SetField:
    _only(given, {"type", "field", "value"})
    tag = _line(given, "field", required=True).upper()
    if tag == EMAIL or tag not in known.fields.types:
        _refuse("field", "is not a field of the audience", Fault.NOT_FOUND)
    if "value" not in given:
        _refuse("value", "is required", Fault.REQUIRED)
    value = as_text("value", given["value"])
    if value is not None:
        check_value("value", known.fields.types[tag], value)
    elif tag in known.fields.required:
        _refuse("value", "is required", Fault.REQUIRED)
    return SetField(tag, value)


def _choice(given: Mapping[str, Any], known: Known, before: Sequence[Mapping[str, Any]]) -> Choice:
    _only(given, {"type", "if", "else_stop"})
    condition, else_stop = given.get("if"), given.get("else_stop", True)
    if not isinstance(else_stop, bool):
        _refuse("else_stop", "must be true or false")
    if not isinstance(condition, Mapping):
        _refuse("if", "is required", Fault.REQUIRED)
    if condition.get("type") in _ENGAGED and "op" not in condition:
        _only(condition, {"type", "step"}, "if.")
        step = condition.get("step")
        if isinstance(step, bool) or not isinstance(step, int):
            _refuse("if.step", "is required", Fault.REQUIRED)
        if not 0 <= step < len(before) or before[step].get("type") != "send":
            _refuse("if.step", "is not the number of an earlier send step", Fault.NOT_FOUND)
        return Choice(None, str(condition["type"]), step, else_stop)
    try:
        return Choice(segments.condition_of(known.fields, condition), else_stop=else_stop)
    except Invalid as error:
        raise Invalid([FieldFault(f"if.{one.field}", one.fault, one.message) for one in error.faults]) from None


def _webhook(given: Mapping[str, Any], _: Known) -> Webhook:
    _only(given, {"type", "url"})
    url = _line(given, "url", required=True)
    if endpoint_of(url) == NO_ENDPOINT:
        _refuse("url", "is not a URL that can be called")
    return Webhook(url)


def _unsubscribe(given: Mapping[str, Any], _: Known) -> Unsubscribe:
    _only(given, {"type"})
    return Unsubscribe()


def _add_tag(given: Mapping[str, Any], _: Known) -> AddTag:
    _only(given, {"type", "tag"})
    return AddTag(_tag(given.get("tag"), "tag"))


def _remove_tag(given: Mapping[str, Any], _: Known) -> RemoveTag:
    _only(given, {"type", "tag"})
    return RemoveTag(_tag(given.get("tag"), "tag"))


_PARTS: Mapping[str, Callable[[Mapping[str, Any], Known], Step]] = {
    "wait": _wait,
    "send": _send,
    "add_tag": _add_tag,
    "remove_tag": _remove_tag,
    "set_field": _set_field,
    "webhook": _webhook,
    "unsubscribe": _unsubscribe,
}


def _tag(given: object, field: str) -> str:
    tags = contacts.clean_tags([given]) if isinstance(given, str) and len(given) <= MAX_LINE else []
    if not tags:
        _refuse(field, "is required", Fault.REQUIRED if given is None or given == "" else Fault.INVALID)
    return tags[0]


def _line(given: Mapping[str, Any], name: str, field: str = "", *, required: bool = False) -> str:
    """Return a text of one line, trimmed; "" for what is not given.

    Raises:
        Invalid: It is something else, too long, or missing where it is required.
    """
    value = given.get(name)
    if value is None or value == "":
        if required:
            _refuse(field or name, "is required", Fault.REQUIRED)
        return ""
    if not isinstance(value, str) or _CONTROL.search(value) or not is_storable(value):
        _refuse(field or name, "must be a text of one line")
    if len(value) > MAX_LINE:
        _refuse(field or name, f"must not be longer than {MAX_LINE} characters", Fault.TOO_LONG)
    if required and not value.strip():
        _refuse(field or name, "is required", Fault.REQUIRED)
    return value.strip()


def _number(given: object) -> int | None:
    if not isinstance(given, str) or len(given) > UUID_LENGTH:
        return None
    try:
        return number_of(Noun.TEMPLATE, UUID(given) if len(given) == UUID_LENGTH else given)
    except ValueError:
        return None


def _only(given: Mapping[str, Any], names: set[str], before: str = "") -> None:
    """See that nothing else is given.

    Raises:
        Invalid: It is.
    """
    unknown = [str(name)[:100] for name in given if name not in names]
    if unknown:
        raise Invalid([FieldFault(f"{before}{name}", Fault.UNKNOWN, "is not known") for name in unknown[:MAX_FAULTS]])


def _refuse(field: str, message: str, kind: Fault = Fault.INVALID) -> NoReturn:
    """Raise what says that a value cannot be accepted.

    Raises:
        Invalid: Always.
    """
    raise Invalid([FieldFault(field, kind, message)])

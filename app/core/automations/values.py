"""What automations are made of. Pure; imports models and segments' front door.

Source: docs/contract/native.md, 14.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.core.segments import Condition
from app.models.automation import TriggerType


@dataclass(frozen=True, slots=True)
class Trigger:
    """What lets a contact enter.

    Attributes:
        type: Of the contract.
        key: The tag, or the name of the event; "" of the others.
        properties: What the event must have.
    """

    type: TriggerType
    key: str = ""
    properties: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A time that passes: so many minutes, or until it is a time in a zone.

    Attributes:
        minutes: How many; None: until.
        time: `HH:MM`, the next one, or `YYYY-MM-DDTHH:MM`, which may be over.
        time_zone: Where it is that time.
    """

    minutes: int | None = None
    time: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """A mail.

    Attributes:
        template_id: Its content.
        from_email: An approved sender.
        from_name: Of the From header.
        reply_to: Of the Reply-To header; "" none.
        subject: Instead of the template's; "": that one.
        track_opens: Whether opens are told.
        track_clicks: Whether clicks are told.
    """

    template_id: int
    from_email: str
    from_name: str = ""
    reply_to: str = ""
    subject: str = ""
    track_opens: bool = True
    track_clicks: bool = True


@dataclass(frozen=True, slots=True)
class AddTag:
    """A tag that the contact gets."""

    tag: str


@dataclass(frozen=True, slots=True)
class RemoveTag:
    """A tag that is taken from the contact."""

    tag: str


@dataclass(frozen=True, slots=True)
class SetField:
    """A value that the contact gets; None clears."""

    field: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A condition: of a segment, or whether the copy of an earlier step was opened or clicked.

    Attributes:
        segment: What the contact must meet; None: `engaged` holds.
        engaged: `opened` or `clicked`.
        step: Of which send step, from 0.
        else_stop: Whether the run stops when it does not hold; else the step behind it is left out.
    """

    segment: Condition | None = None
    engaged: str = ""
    step: int = 0
    else_stop: bool = True


@dataclass(frozen=True, slots=True)
class Webhook:
    """A call of a URL that tells of the contact."""

    url: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The contact's subscription ends."""


Step = Wait | Send | AddTag | RemoveTag | SetField | Choice | Webhook | Unsubscribe
KINDS: Mapping[str, type[Step]] = {
    "wait": Wait,
    "send": Send,
    "add_tag": AddTag,
    "remove_tag": RemoveTag,
    "set_field": SetField,
    "condition": Choice,
    "webhook": Webhook,
    "unsubscribe": Unsubscribe,
}
"""Steps by the contract's names."""
_NAMES = {kind: name for name, kind in KINDS.items()}


def name_of(step: Step) -> str:
    """Return what the contract calls a step."""
    return _NAMES[type(step)]


def stored(step: Step) -> dict[str, Any]:
    """Return a step as JSON for `of_stored`."""
    members = asdict(step)
    if isinstance(step, Choice):
        members["segment"] = step.segment.stored() if step.segment else None
    return {"type": name_of(step), **members}


def of_stored(members: Mapping[str, Any]) -> Step:
    """Return the step that `stored` wrote."""
    values = {name: value for name, value in members.items() if name != "type"}
    if members["type"] == "condition" and values["segment"] is not None:
        values["segment"] = Condition.of_stored(values["segment"])
    return KINDS[members["type"]](**values)

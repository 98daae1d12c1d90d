"""What requests and answers of `/automations` hold. Source: docs/contract/native.md, 14."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.native.bodies import Body
from app.api.native.times import Time
from app.core import automations
from app.core.automations import Automation, Counts, Seen
from app.core.messages import email_id
from app.kit.uids import Noun, uuid

_TRIGGER = {"type": "tag_added", "tag": "trial"}
_STEPS: list[dict[str, Any]] = [
    {"type": "wait", "minutes": 60},
    {
        "type": "send",
        "template_id": "0d6ed293-4a3c-8b1f-9d0e-2f3a4b5c6d7e",
        "from_email": "team@acme.com",
        "from_name": "Acme",
        "subject": "Hello {{ FIRST_NAME }}",
    },
    {"type": "condition", "if": {"type": "opened", "step": 1}, "else_stop": True},
    {"type": "add_tag", "tag": "onboarded"},
]
_EXAMPLE: dict[str, Any] = {"name": "Onboarding", "audience_id": "5fade5c93e42a", "trigger": _TRIGGER, "steps": _STEPS}
_KINDS = (
    "`wait` (`minutes`, or `until`: `time` and `time_zone`), `send`, `add_tag`, `remove_tag`, `set_field`, `condition`"
    " (`if`, `else_stop`), `webhook` (`url`), `unsubscribe`."
)
Trigger = Annotated[
    dict[str, Any],
    Field(examples=[_TRIGGER], description="`subscribed`, `unsubscribed`, `tag_added` or `event`."),
]
Steps = Annotated[list[dict[str, Any]], Field(max_length=1000, examples=[_STEPS], description=f"1 to 50. {_KINDS}")]


class AutomationIn(Body):
    """A new automation: a draft."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str
    audience_id: str
    trigger: Trigger
    steps: Steps
    reentry: bool = False


class AutomationChange(Body):
    """A merge patch of an automation."""

    name: str = ""
    audience_id: str = ""
    trigger: Trigger = Field(default_factory=dict)
    steps: Steps = Field(default_factory=list)
    reentry: bool | None = None


class CountsOut(BaseModel):
    """How many contacts have entered, and what has become of them."""

    entered: int
    active: int
    finished: int
    stopped: int


class AutomationOut(BaseModel):
    """An automation."""

    id: UUID
    name: str
    audience_id: UUID
    status: str
    trigger: Trigger
    reentry: bool
    steps: Steps
    counts: CountsOut
    created_at: Time
    updated_at: Time


class SentOut(BaseModel):
    """The mail of a send step."""

    step: int
    email_id: str
    accepted_at: Time


class RunOut(BaseModel):
    """A contact on its way through an automation."""

    id: UUID
    contact_id: UUID
    email: str | None = Field(description="Null once the contact is deleted.")
    status: str = Field(description="`active`, `finished` or `stopped`.")
    reason: str | None = Field(
        description="Why it stopped: `condition`, `unsubscribed`, `deleted`, `cancelled`, `failed`."
    )
    step: int = Field(description="The step that comes next, from 0.")
    due_at: Time | None = Field(description="When that is done; null once it has ended.")
    error: str | None = Field(description="Why it could not be done yet.")
    sent: list[SentOut]
    created_at: Time = Field(description="When it entered.")
    ended_at: Time | None


def shown(automation: Automation, counts: Counts) -> AutomationOut:
    """Return an automation for an answer."""
    return AutomationOut(
        id=uuid(Noun.AUTOMATION, automation.id),
        name=automation.name,
        audience_id=uuid(Noun.AUDIENCE, automation.audience_id),
        status=automation.status,
        trigger=automations.trigger_out(automations.trigger(automation)),
        reentry=automation.reentry,
        steps=[automations.step_out(step) for step in automations.steps(automation)],
        counts=CountsOut(
            entered=counts.entered, active=counts.active, finished=counts.finished, stopped=counts.stopped
        ),
        created_at=automation.created_at,
        updated_at=automation.updated_at or automation.created_at,
    )


def run_shown(seen: Seen, node_name: str) -> RunOut:
    """Return a run for an answer."""
    run = seen.run
    copies = sorted((step, copy, datetime.fromtimestamp(at, UTC)) for step, (copy, at) in seen.sent.items())
    return RunOut(
        id=uuid(Noun.AUTOMATION_RUN, run.id),
        contact_id=uuid(Noun.CONTACT, run.contact_id),
        email=seen.email,
        status=run.status,
        reason=run.reason or None,
        step=seen.position,
        due_at=run.due_at,
        error=run.error or None,
        sent=[SentOut(step=step, email_id=email_id(at, copy, node_name), accepted_at=at) for step, copy, at in copies],
        created_at=run.entered_at,
        ended_at=run.ended_at,
    )

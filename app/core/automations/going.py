"""A run that is being moved on, and the automation it is in. Pure.

Source: docs/contract/native.md, 14.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.core.automations.moving import Move
from app.core.automations.runs import Reason
from app.core.automations.values import Step, of_stored
from app.models.automation import TriggerType
from app.models.automation_run import AutomationRunStatus
from app.models.contact import ContactStatus

FIRST_RETRY_SECONDS = 60
LONGEST_RETRY_SECONDS = 3600
PATIENCE = timedelta(days=7)
"""How long a step is tried that cannot be done."""
MAX_ERROR = 300
"""Characters of what an owner is told."""


def parsed(value: Any) -> Any:
    """Return a JSON value; a bare connection of the driver gives it as text."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


@dataclass(frozen=True, slots=True)
class Plan:
    """An automation as it is now."""

    id: int
    account_id: int
    audience_id: int
    name: str
    trigger_type: TriggerType
    steps: tuple[Step, ...]
    version: int
    moves: Mapping[str, Any]

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Plan":
        """Return the automation of a row."""
        return cls(
            row["id"],
            row["account_id"],
            row["audience_id"],
            row["name"],
            TriggerType(row["trigger_type"]),
            tuple(of_stored(members) for members in parsed(row["steps"])),
            row["version"],
            parsed(row["moves"]),
        )

    @property
    def mails_leavers(self) -> bool:
        """Whether it is for those who have unsubscribed."""
        return self.trigger_type is TriggerType.UNSUBSCRIBED

    @property
    def mailed(self) -> frozenset[str]:
        """Statuses of contacts it sends mail to."""
        if self.mails_leavers:
            return frozenset({ContactStatus.SUBSCRIBED, ContactStatus.UNSUBSCRIBED})
        return frozenset({ContactStatus.SUBSCRIBED})


@dataclass(frozen=True, slots=True)
class Traveller:
    """A contact on its way, as it is now."""

    id: int
    audience_id: int
    address: str
    status: str
    fields: Mapping[str, str]
    tags: Sequence[str]

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Traveller":
        """Return the contact of a row."""
        return cls(
            row["id"], row["audience_id"], row["address"], row["status"], parsed(row["fields"]), list(row["tags"])
        )


@dataclass(slots=True)
class Going:
    """A run that is held, and what is to be written of it; its methods change nothing else."""

    id: int
    plan: Plan
    who: Traveller | None
    now: datetime
    position: int
    has_left: bool
    failures: int
    failing_since: datetime | None
    sent: dict[str, Any]
    due_at: datetime | None = None
    status: AutomationRunStatus = AutomationRunStatus.ACTIVE
    reason: str = ""
    error: str = ""
    is_done: bool = field(default=False)
    """Whether nothing more happens to it in this transaction."""

    @classmethod
    def of_row(cls, row: Mapping[str, Any], plan: Plan, who: Traveller | None) -> "Going":
        """Return the run of a claimed row, where it stands among the steps of now."""
        position, sent = row["position"], parsed(row["sent"])
        if row["version"] != plan.version and (known := plan.moves.get(str(row["version"]))):
            moved = Move.of_stored(known)
            position, sent = moved.positions[position], moved.sent(sent)
        return cls(
            row["id"], plan, who, row["now"], position, row["has_left"], row["failures"], row["failing_since"], sent
        )

    @property
    def step(self) -> Step | None:
        """The step it does next; None at the end."""
        return self.plan.steps[self.position] if self.position < len(self.plan.steps) else None

    def copy_of(self, step: int) -> tuple[int, datetime] | None:
        """Return the copy that a send step made: its id and the second of its acceptance."""
        copy = self.sent.get(str(step))
        return (int(copy[0]), datetime.fromtimestamp(copy[1], UTC)) if copy else None

    def go_on(self, steps: int = 1) -> None:
        """Note that the step is done, or that it and the next are behind it; a step that failed before has not now."""
        self.position = min(self.position + steps, len(self.plan.steps))
        self.failures, self.failing_since = 0, None

    def rest(self) -> None:
        """End this transaction's part: the next step is due at once."""
        self.is_done = True
        if self.step is None:
            self.finish()
        else:
            self.due_at = self.now

    def sleep_until(self, moment: datetime) -> None:
        """Wait until then."""
        self.is_done, self.due_at = True, moment

    def finish(self) -> None:
        """End it behind its last step."""
        self.is_done, self.due_at, self.status = True, None, AutomationRunStatus.FINISHED

    def stop(self, reason: Reason) -> None:
        """End it before."""
        self.is_done, self.due_at, self.status, self.reason = True, None, AutomationRunStatus.STOPPED, reason

    def put_off(self, error: str, seconds: float) -> None:
        """Try the step again later; nothing is wrong with it, so this may go on for ever."""
        self.is_done, self.due_at, self.error = True, self.now + timedelta(seconds=seconds), error[:MAX_ERROR]
        self.failures = 0

    def fail(self, error: str) -> None:
        """Try the step again later, ever more slowly; after a week the run stops."""
        self.error = error[:MAX_ERROR]
        if self.failing_since is not None and self.now - self.failing_since >= PATIENCE:
            self.stop(Reason.FAILED)
            return
        seconds = min(FIRST_RETRY_SECONDS * 2 ** min(self.failures, 10), LONGEST_RETRY_SECONDS)
        self.failures = min(self.failures + 1, 1000)
        self.is_done, self.due_at = True, self.now + timedelta(seconds=seconds)

"""What goes into the verbs of this package and comes out. Imports the models only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypedDict
from uuid import UUID

from app.models.campaign import Campaign
from app.models.run import Run, RunState

Which: TypeAlias = int | str | UUID
"""A campaign or a run: a number is an id, a text a uid."""


class Fields(TypedDict, total=False):
    """The fields of a campaign that can be set besides its name; what is absent stays as it is.

    `segment_id` narrows the campaign to a segment of its one audience, which it brings along when none is named;
    `per_hour` is the pace in copies, None for no limit; `start_at` (with `local_start` and `time_zone`, as `times`
    gives them) is when a start takes place if it lies ahead then; `html` and `text` win over the template's.
    """

    type: str
    audience_ids: Sequence[int]
    segment_id: int | None
    template_id: int | None
    subject: str
    preheader: str
    from_email: str
    from_name: str
    reply_to: str
    html: str
    text: str | None
    track_opens: bool
    track_clicks: bool
    per_hour: int | None
    start_at: datetime | None
    local_start: str | None
    time_zone: str
    extra: dict[str, Any] | None


class Changes(Fields, total=False):
    """Every field of a campaign that can be set."""

    name: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one run says instead of its campaign; blank means absent."""

    subject: str | None = None
    from_name: str | None = None
    from_email: str | None = None
    preheader: str | None = None

    def given(self) -> dict[str, str]:
        """Return those that are not blank, by the names campaigns and runs have in common."""
        named = {
            "subject": self.subject,
            "from_name": self.from_name,
            "from_email": self.from_email,
            "preheader": self.preheader,
        }
        return {name: value for name, value in named.items() if value and value.strip()}


@dataclass(frozen=True, slots=True)
class View:
    """A campaign with its latest run.

    Attributes:
        campaign: The row.
        run: The row of its latest run; None when it never had one.
    """

    campaign: Campaign
    run: Run | None

    @property
    def state(self) -> RunState:
        """State of the campaign: that of its latest run."""
        return RunState(self.run.state) if self.run else RunState.DRAFT


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        state: Of the run.
        total: Targets; None before they are fixed.
        reached: Targets whose copy was made, blocked ones included.
        remaining: Targets nobody has reached yet; 0 before they are fixed and when the run was stopped.
        unreached: Targets that were not reached because it was stopped.
        delivered: Copies a receiving server took, whatever came later.
        hard_bounces: Copies refused for good, or returned later.
        soft_bounces: Copies given up after temporary failures.
        blocked: Copies of people who were suppressed or unsubscribed meanwhile.
        failed: Copies that failed on our side.
        cancelled: Copies that were claimed and not sent because the run was stopped.
        waiting: Copies that wait for a further attempt.
        under_way: Copies a delivery process has in hand.
        deferrals: Attempts that ended in a deferral.
        per_minute: Copies reached per minute of sending so far, pauses included; 0 before sending.
        started_at: When sending began.
        finished_at: When it ended.
        error: Why it is paused by the platform, or has failed.
    """

    state: RunState
    total: int | None
    reached: int
    remaining: int
    unreached: int
    delivered: int
    hard_bounces: int
    soft_bounces: int
    blocked: int
    failed: int
    cancelled: int
    waiting: int
    under_way: int
    deferrals: int
    per_minute: float
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None

"""Why a run has no copy, from what is known about its campaign and the address."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from app.core.audit import ListEntry, Membership
from app.core.audit.sentences import of_run
from app.models.contact import ContactStatus
from app.models.suppression import Reason

START = datetime(2026, 1, 10, 9, tzinfo=UTC)
BEFORE = datetime(2026, 1, 5, 8, tzinfo=UTC)
AFTER = datetime(2026, 1, 12, 7, 6, 5, tzinfo=UTC)
NOT_SUBSCRIBED = "not targeted: not subscribed when the campaign started"


@dataclass(frozen=True)
class Run:
    """A row of `why_runs.sql`."""

    state: str = "done"
    error: str | None = None
    total: int | None = 5000
    next_seq: int = 123
    unreached: int = 0
    start_at: datetime | None = None
    started_at: datetime | None = START
    finished_at: datetime | None = None
    seq: int | None = None
    audience_ids: tuple[int, ...] = (1, 2)


MEMBER = Membership(1, 1, "Readers", 1, ContactStatus.SUBSCRIBED, BEFORE, BEFORE, None, None)
LISTED = ListEntry(1, Reason.HARDBOUNCE, "", BEFORE)
NOT_BEGUN = Run(total=None, started_at=None)
STOPPED = Run(state="stopped", finished_at=AFTER)

LEFT_OVER = (
    "not sent: the campaign was stopped on 2026-01-12 07:06:05 with 40 of 5000 targets not reached;"
    " whether this was one of them is not kept"
)
CASES: list[tuple[Run, Sequence[Membership], Sequence[ListEntry], str]] = [
    (Run(state="sending", seq=123), [], [], "still to come: target 123 of 5000"),
    (Run(state="paused", seq=123), [], [], "still to come: target 123 of 5000, the campaign is paused"),
    (
        Run(state="paused", seq=124, error="monthly quota spent"),
        [],
        [],
        "still to come: target 124 of 5000, the campaign is paused (monthly quota spent)",
    ),
    (
        replace(STOPPED, seq=200),
        [],
        [],
        "not sent: the campaign was stopped on 2026-01-12 07:06:05 before target 200 of 5000",
    ),
    (Run(seq=122), [], [], "target 122 of 5000 was reached, but its copy is not in the ledger"),
    (
        replace(NOT_BEGUN, state="scheduled", start_at=AFTER),
        [MEMBER],
        [],
        "not decided yet: the campaign is scheduled and begins on 2026-01-12 07:06:05",
    ),
    (replace(NOT_BEGUN, state="draft"), [], [], "not decided yet: the campaign is draft and begins later"),
    (
        replace(NOT_BEGUN, state="stopped", finished_at=AFTER),
        [],
        [],
        "not sent: the campaign was stopped on 2026-01-12 07:06:05 before it began",
    ),
    (Run(), [], [], "not targeted: in none of the campaign's audiences"),
    (Run(audience_ids=(2,)), [MEMBER], [], "not targeted: in none of the campaign's audiences"),
    (Run(), [MEMBER], [LISTED], "not targeted: bounced for good on 2026-01-05"),
    (Run(), [replace(MEMBER, status=ContactStatus.UNSUBSCRIBED, unsubscribed_at=BEFORE)], [], NOT_SUBSCRIBED),
    (Run(), [MEMBER], [replace(LISTED, created_at=AFTER)], NOT_SUBSCRIBED),
    (
        Run(),
        [replace(MEMBER, created_at=AFTER)],
        [],
        "not targeted: added on 2026-01-12, after the campaign had started",
    ),
    (Run(), [replace(MEMBER, removed_at=BEFORE)], [], "not targeted: taken off the list on 2026-01-05"),
    (
        replace(STOPPED, unreached=40),
        [MEMBER],
        [],
        LEFT_OVER,
    ),
    (
        replace(STOPPED, unreached=40),
        [replace(MEMBER, status=ContactStatus.UNCONFIRMED)],
        [],
        NOT_SUBSCRIBED,
    ),
]


@pytest.mark.parametrize(("run", "contacts", "entries", "sentence"), CASES)
def test_a_run_without_a_copy_has_its_reason(
    run: Run, contacts: Sequence[Membership], entries: Sequence[ListEntry], sentence: str
) -> None:
    assert of_run(run, contacts, entries) == sentence

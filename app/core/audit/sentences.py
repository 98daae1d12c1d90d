"""What became of a copy or why a run has none, in a sentence each. Pure; imports models for their words alone.

Source: docs/contract/native.md, 12, `GET /why`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.core.audit.stories import ListEntry, Membership
from app.core.messages import Attempt
from app.models.contact import ContactStatus
from app.models.message import State
from app.models.run import RunState

BLOCKED = {
    "complaint": "complained",
    "hardbounce": "bounced for good",
    "manual": "put on the suppression list",
    "softbounce": "bounced too often",
    "unsubscribe": "unsubscribed",
    "deleted": "contact deleted before its turn",
}
TWICE = ", may have arrived twice"
LONGEST_REPLY = 300
"""Characters of a reply that stand in a sentence; the attempts have all of it."""


def day(moment: datetime) -> str:
    """Return the day, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def instant(moment: datetime) -> str:
    """Return the instant to the second, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def of_copy(copy: Any, attempts: Sequence[Attempt], bounce: Any) -> str:
    """Say what became of a copy.

    Args:
        copy: A row of `why_copies.sql`.
        attempts: In order.
        bounce: A row of `why_bounces.sql`, None without one.
    """
    last = attempts[-1] if attempts else None
    match State(copy.state):
        case State.DELIVERED:
            said = _delivered(copy, attempts)
        case State.BOUNCED:
            said = _bounced(copy, last, bounce)
        case State.BLOCKED:
            since = f" on {day(copy.suppressed_at)}" if _is_before(copy.suppressed_at, copy.finished_at) else ""
            said = f"blocked: {BLOCKED.get(copy.blocked_reason, copy.blocked_reason or 'no reason noted')}{since}"
        case State.FAILED:
            said = _ended("failed", copy, last)
        case State.CANCELLED:
            run = f": the campaign was {copy.run_state}" if copy.run_state == RunState.STOPPED else ""
            said = f"cancelled on {_when(copy.finished_at)}{run} before it left"
        case State.UNCERTAIN:
            said = f"uncertain: no reply came after the mail had been sent on {_at(last)}, {_ahead(copy)}"
        case State.DEFERRED:
            said = f"deferred: attempt {copy.attempts} at {_at(last)}{_reply(last)}, {_ahead(copy)}"
        case State.QUEUED | State.SENDING:
            said = f"{copy.state}: {_ahead(copy)}"
    return said + (TWICE if copy.possible_duplicate or copy.state == State.UNCERTAIN else "")


def _delivered(copy: Any, attempts: Sequence[Attempt]) -> str:
    taken = next((one for one in attempts if one.outcome == "delivered"), None)
    by = f" by {taken.host}" if taken and taken.host else ""
    return f"delivered on {_when(copy.delivered_at)}{by}{_reply(taken)}"


def _bounced(copy: Any, last: Attempt | None, bounce: Any) -> str:
    kind = f": {bounce.bounce_type} ({bounce.category})" if bounce else ""
    by = f" by {last.host}" if last and last.host and last.attempted_at == copy.bounced_at else ""
    said = _reply(last) if by else f" ({bounce.diagnostic[:LONGEST_REPLY]})" if bounce and bounce.diagnostic else ""
    before = f", after it had been delivered on {instant(copy.delivered_at)}" if copy.delivered_at else ""
    return f"bounced on {_when(copy.bounced_at)}{kind}{by}{said}{before}"


def _ended(word: str, copy: Any, last: Attempt | None) -> str:
    return f"{word} on {_when(copy.finished_at)}" + (f": {last.reply[:LONGEST_REPLY]}" if last and last.reply else "")


def _ahead(copy: Any) -> str:
    """Say what comes next for a copy that is not finished."""
    if copy.is_leased and copy.due_at is None:
        return "an attempt is under way"
    if copy.run_state == RunState.PAUSED:
        return f"the campaign is paused{_error(copy.run_error)}"
    if copy.due_at is None:
        return "no further attempt without a decision" if copy.state == State.UNCERTAIN else "nobody has it"
    return f"{'next' if copy.attempts else 'due'} at {instant(copy.due_at)}"


def _reply(attempt: Attempt | None) -> str:
    if attempt is None or not (attempt.code or attempt.reply):
        return ""
    code = f"{attempt.code} " if attempt.code and not attempt.reply.startswith(str(attempt.code)) else ""
    return f" ({code}{attempt.reply[:LONGEST_REPLY]})"


def _at(attempt: Attempt | None) -> str:
    return _when(attempt.attempted_at if attempt else None)


def _when(moment: datetime | None) -> str:
    return instant(moment) if moment else "an unknown day"


def _error(error: str | None) -> str:
    return f" ({error})" if error else ""


def of_run(run: Any, contacts: Sequence[Membership], entries: Sequence[ListEntry]) -> str:
    """Say why a run has no copy for an address.

    Args:
        run: A row of `why_runs.sql`.
        contacts: The address in the audiences of the account.
        entries: The address on its suppression list.
    """
    state = RunState(run.state)
    if run.total is None:
        return _not_begun(run, state)
    if run.seq is not None:
        place = f"target {run.seq} of {run.total}"
        if run.seq < run.next_seq:
            return f"{place} was reached, but its copy is not in the ledger"
        if state is RunState.STOPPED:
            return f"not sent: the campaign was stopped on {_when(run.finished_at)} before {place}"
        tail = f", the campaign is {state}{_error(run.error)}" if state is not RunState.SENDING else ""
        return f"still to come: {place}{tail}"
    return _not_targeted(run, state, [one for one in contacts if one.audience_id in run.audience_ids], entries)


def _not_begun(run: Any, state: RunState) -> str:
    if state is RunState.STOPPED:
        return f"not sent: the campaign was stopped on {_when(run.finished_at)} before it began"
    when = f" on {instant(run.start_at)}" if run.start_at else ""
    return f"not decided yet: the campaign is {state} and begins{when or ' later'}{_error(run.error)}"


def _not_targeted(run: Any, state: RunState, members: Sequence[Membership], entries: Sequence[ListEntry]) -> str:
    start = run.started_at
    for entry in entries:
        if _is_before(entry.created_at, start):
            return f"not targeted: {BLOCKED[entry.reason]} on {day(entry.created_at)}"
    if not members:
        return "not targeted: in none of the campaign's audiences"
    there = [one for one in members if _is_before(one.created_at, start)]
    if not there:
        return f"not targeted: added on {day(members[0].created_at)}, after the campaign had started"
    left = [one.removed_at for one in there if _is_before(one.removed_at, start)]
    if len(left) == len(there) and left[0]:
        return f"not targeted: taken off the list on {day(left[0])}"
    if state is RunState.STOPPED and run.unreached and any(one.status is ContactStatus.SUBSCRIBED for one in there):
        return (
            f"not sent: the campaign was stopped on {_when(run.finished_at)} with {run.unreached} of {run.total} "
            "targets not reached; whether this was one of them is not kept"
        )
    return "not targeted: not subscribed when the campaign started"


def _is_before(moment: datetime | None, limit: datetime | None) -> bool:
    return moment is not None and (limit is None or moment <= limit)

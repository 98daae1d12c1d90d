"""What becomes of a copy when events of it are taken over. Pure: models' words only.

What is kept is a function of the set of events alone, so that neither their order nor how often they come matters:
of each time the earliest, of each X-header the least value. Source: docs/contract/native.md, 12, "What counts as what".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.core.ingest.values import Blocked, Event, EventKind
from app.models.message import State


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of a copy.

    Attributes:
        accepted_at: When it was accepted, to the millisecond.
        state: Where it stands.
        delivered_at: When a server took it.
        bounced_at: When it failed.
        finished_at: When nothing was left to do.
        blocked_reason: Why it was not sent.
        x_headers: What is remembered with it, None without.
    """

    accepted_at: datetime
    state: State
    delivered_at: datetime | None = None
    bounced_at: datetime | None = None
    finished_at: datetime | None = None
    blocked_reason: str | None = None
    x_headers: Mapping[str, str] | None = None

    @property
    def second(self) -> datetime:
        """The second of its acceptance: its partition."""
        return self.accepted_at.replace(microsecond=0)

    @property
    def ms(self) -> int:
        """Milliseconds of the acceptance within its second."""
        return self.accepted_at.microsecond // 1000


def foreign(before: Standing | None, events: Iterable[Event]) -> Standing:
    """Return a copy of another system after events.

    Accepted: at the earliest moment that is known of it. Delivered and bounced: at the earliest such event; one of them
    outweighs having been blocked. Without any outcome it is deferred or uncertain.
    """
    events = list(events)
    delivered_at = _earliest(before.delivered_at if before else None, events, EventKind.DELIVERED)
    bounced_at = _earliest(before.bounced_at if before else None, events, EventKind.BOUNCED)
    times = [min(event.occurred_at, event.accepted_at or event.occurred_at) for event in events]
    accepted_at = min(map(_to_ms, times))
    if before is not None:
        accepted_at = min(accepted_at, before.accepted_at)
    finished_at, blocked_reason, state = _blocked(before, events)
    if delivered_at or bounced_at:
        state = _outcome(delivered_at, bounced_at)
        finished_at, blocked_reason = min(moment for moment in (delivered_at, bounced_at) if moment), None
    elif state is None:
        deferred = before is not None and before.state == State.DEFERRED
        deferred = deferred or any(event.kind is EventKind.DEFERRED for event in events)
        state = State.DEFERRED if deferred else State.UNCERTAIN
    x_headers = _merged(before.x_headers if before else None, events)
    return Standing(accepted_at, state, delivered_at, bounced_at, finished_at, blocked_reason, x_headers)


def own(before: Standing, events: Iterable[Event], now: datetime) -> Standing:
    """Return a copy of ours after events; what else is known of it stays.

    An unfinished copy is finished now, whenever it happened: attempts of ours that failed for the time being came
    before.
    """
    events = list(events)
    delivered_at = _earliest(before.delivered_at, events, EventKind.DELIVERED)
    bounced_at = _earliest(before.bounced_at, events, EventKind.BOUNCED)
    if (delivered_at, bounced_at) == (before.delivered_at, before.bounced_at):
        return before
    state, finished_at = _outcome(delivered_at, bounced_at), before.finished_at or now
    return Standing(
        before.accepted_at, state, delivered_at, bounced_at, finished_at, before.blocked_reason, before.x_headers
    )


def _outcome(delivered_at: datetime | None, bounced_at: datetime | None) -> State:
    bounced = bounced_at is not None and (delivered_at is None or bounced_at >= delivered_at)
    return State.BOUNCED if bounced else State.DELIVERED


def _earliest(known: datetime | None, events: Iterable[Event], kind: EventKind) -> datetime | None:
    times = [event.occurred_at.astimezone(UTC) for event in events if event.kind is kind]
    return min([*times, *([known] if known else [])], default=None)


def _blocked(before: Standing | None, events: Iterable[Event]) -> tuple[datetime | None, str | None, State | None]:
    """Return when and why it was blocked first."""
    found = [
        (event.occurred_at.astimezone(UTC), event.facts.reason.value)
        for event in events
        if isinstance(event.facts, Blocked)
    ]
    if before is not None and before.blocked_reason and before.finished_at:
        found.append((before.finished_at, before.blocked_reason))
    return (*min(found), State.BLOCKED) if found else (None, None, None)


def _merged(known: Mapping[str, str] | None, events: Iterable[Event]) -> dict[str, str] | None:
    merged = dict(known or {})
    for event in events:
        for name, value in (event.x_headers or {}).items():
            merged[name] = min(merged.get(name, value), value)
    return dict(sorted(merged.items())) or None


def _to_ms(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment - timedelta(microseconds=moment.microsecond % 1000)

"""What an outcome makes of a copy: delivered, tried again, bounced. Pure.

Source: docs/contract/dyn-email.md, section 15: a bounce is recorded when delivery has finally failed; temporary replies
before the queue lifetime is spent are deferrals.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.core.messages import AttemptOutcome, BounceFacts, Record
from app.mail.classify import Verdict, classify, expired, local_failure
from app.mail.smtp.outcome import Outcome, Status
from app.models.bounce import BounceType
from app.models.message import State
from app.settings import Settings

GREYLISTED_WAIT = timedelta(minutes=5)
"""What most greylists want between the first attempt and the next, when they do not say."""
LONGEST_GREYLISTED_WAIT = timedelta(hours=1)
JITTER = 0.2
"""Waits are longer by up to this share, so that what failed together does not come again together."""

_GREYLISTED = re.compile(r"gr[ae]y-?\s?list", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d{1,5}) ?(s|sec|seconds?|m|min|minutes?)\b", re.IGNORECASE)


class Claimed(Protocol):
    """What a decision needs to know of a copy."""

    @property
    def lease_id(self) -> int:
        """The claim."""
        ...

    @property
    def message_id(self) -> int:
        """The copy."""
        ...

    @property
    def accepted_at(self) -> datetime:
        """Its acceptance."""
        ...

    @property
    def attempt(self) -> int:
        """Number of the attempt."""
        ...

    @property
    def lane(self) -> int:
        """Its lane."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """How long and how often.

    Attributes:
        waits: After the first, second, ... temporary failure; the last one repeats.
        lifetime: How long a copy is tried at all.
        resend_in_doubt: Whether a copy in doubt is sent again; else it waits for a decision.
        random: From 0 to 1, for the jitter.
    """

    waits: tuple[timedelta, ...]
    lifetime: timedelta
    resend_in_doubt: bool
    random: Callable[[], float] = random.random  # noqa: S311 jitter needs no secrecy

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        """Return the policy the settings ask for."""
        return cls(
            waits=tuple(timedelta(seconds=seconds) for seconds in settings.delivery.retry_seconds),
            lifetime=timedelta(hours=settings.queue.lifetime_hours),
            resend_in_doubt=settings.delivery.in_doubt == "resend",
        )

    def wait(self, attempt: int, reply: str = "") -> timedelta:
        """Return how long to wait after this attempt.

        Args:
            attempt: Its number, from 1.
            reply: What the server said; a greylist is given the time it asks for, because coming early may begin its
                count anew.
        """
        wait = self.waits[min(attempt, len(self.waits)) - 1]
        if _GREYLISTED.search(reply):
            wait = max(wait, _asked_for(reply)) if attempt == 1 else wait
        return wait * (1 + JITTER * self.random())


def decide(copy: Claimed, outcome: Outcome, *, now: datetime, policy: Policy) -> Record:
    """Return what to record for an attempt.

    Args:
        copy: The claimed copy.
        outcome: What became of the attempt.
        now: When that was known.
        policy: How long and how often.
    """
    match outcome.status:
        case Status.DELIVERED:
            return _record(copy, outcome, now, AttemptOutcome.DELIVERED, State.DELIVERED)
        case Status.REJECTED:
            return _record(copy, outcome, now, AttemptOutcome.REJECTED, State.BOUNCED, bounce=_facts(_judge(outcome)))
        case Status.IN_DOUBT:
            due_at = now + policy.wait(copy.attempt) if policy.resend_in_doubt else None
            return in_doubt(copy, outcome, now=now, due_at=due_at)
        case Status.DEFERRED:
            due_at = now + policy.wait(copy.attempt, outcome.reply)
            if due_at - copy.accepted_at <= policy.lifetime:
                return _record(copy, outcome, now, AttemptOutcome.DEFERRED, State.DEFERRED, due_at=due_at)
            verdict = expired(outcome.reply, outcome.code, outcome.enhanced or None)
            return _record(copy, outcome, now, AttemptOutcome.DEFERRED, State.BOUNCED, bounce=_facts(verdict))


def in_doubt(copy: Claimed, outcome: Outcome, *, now: datetime, due_at: datetime | None) -> Record:
    """Return the record of an attempt nobody knows the end of.

    Args:
        copy: The claimed copy.
        outcome: What is known.
        now: When it was found out.
        due_at: When it is sent again, None when it waits for a decision.
    """
    return _record(
        copy,
        outcome,
        now,
        AttemptOutcome.IN_DOUBT,
        State.UNCERTAIN,
        due_at=due_at,
        duplicate=due_at is not None,
    )


def blocked(copy: Claimed, reason: str, *, now: datetime) -> Record:
    """Return the record of a copy whose recipient has been suppressed since it was accepted."""
    outcome = _local(f"recipient is suppressed: {reason}")
    return _record(copy, outcome, now, AttemptOutcome.BLOCKED, State.BLOCKED, blocked_reason=reason)


def failed(copy: Claimed, reason: str, *, now: datetime) -> Record:
    """Return the record of a copy that can't be sent for a reason of our own."""
    return _record(copy, _local(reason), now, AttemptOutcome.FAILED, State.FAILED)


def _asked_for(reply: str) -> timedelta:
    """Return how long a greylist asks to wait, in bounds."""
    found = _SECONDS.search(reply)
    if found is None:
        return GREYLISTED_WAIT
    asked = timedelta(seconds=int(found[1])) if found[2].lower().startswith("s") else timedelta(minutes=int(found[1]))
    return min(max(asked, timedelta(seconds=1)), LONGEST_GREYLISTED_WAIT)


def _local(reason: str) -> Outcome:
    return Outcome(status=Status.REJECTED, code=0, enhanced="", reply=reason, host="", duration_ms=0)


def _judge(outcome: Outcome) -> Verdict:
    """Judge by what the server said; our own words, when no server spoke, are nothing to judge by."""
    if outcome.code:
        return classify(outcome.reply, outcome.code, outcome.enhanced or None)
    return local_failure(outcome.enhanced)


def _facts(verdict: Verdict) -> BounceFacts:
    return BounceFacts(BounceType(verdict.bounce_type), verdict.category, verdict.code, verdict.regex_name)


def _record(
    copy: Claimed,
    outcome: Outcome,
    now: datetime,
    attempt_outcome: AttemptOutcome,
    state: State,
    *,
    due_at: datetime | None = None,
    duplicate: bool = False,
    blocked_reason: str | None = None,
    bounce: BounceFacts | None = None,
) -> Record:
    accepted_at = copy.accepted_at
    return Record(
        copy.lease_id, copy.message_id, accepted_at, copy.attempt, copy.lane, max(now, accepted_at),
        attempt_outcome, state, outcome.code, outcome.enhanced, outcome.reply, outcome.host, outcome.duration_ms,
        due_at, duplicate, blocked_reason, bounce,
    )  # fmt: skip

"""What an outcome makes of a copy."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.messages import AttemptOutcome
from app.delivery.retry import Policy, blocked, decide, failed
from app.mail.smtp.outcome import Outcome, Status
from app.models.message import State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICY = Policy(
    (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=4)),
    timedelta(hours=72),
    resend_in_doubt=True,
    random=lambda: 0.0,
)


@dataclass(frozen=True)
class Claimed:
    attempt: int = 1
    accepted_at: datetime = NOW
    lease_id: int = 1
    message_id: int = 1
    lane: int = 1


def outcome(status: Status, code: int = 0, enhanced: str = "", reply: str = "") -> Outcome:
    return Outcome(status, code, enhanced, reply, "mx.example.org", 5)


def test_a_taken_copy_is_delivered() -> None:
    record = decide(Claimed(), outcome(Status.DELIVERED, 250), now=NOW, policy=POLICY)
    assert (record.state, record.final, record.due_at) == (State.DELIVERED, True, None)


@pytest.mark.parametrize(
    ("attempt", "wait"), [(1, timedelta(minutes=1)), (2, timedelta(minutes=5)), (9, timedelta(hours=4))]
)
def test_a_temporary_failure_waits_by_schedule(attempt: int, wait: timedelta) -> None:
    record = decide(Claimed(attempt), outcome(Status.DEFERRED, 451, "4.3.0", "451 4.3.0 later"), now=NOW, policy=POLICY)
    assert (record.state, record.final, record.due_at) == (State.DEFERRED, False, NOW + wait)


def test_waits_are_spread() -> None:
    late = replace(POLICY, random=lambda: 1.0)
    assert [late.wait(1), late.wait(2)] == [timedelta(seconds=72), timedelta(minutes=6)]


@pytest.mark.parametrize(
    ("attempt", "reply", "wait"),
    [
        (1, "450 4.7.1 Greylisted, please come back", timedelta(minutes=5)),
        (1, "451 4.7.1 Greylisting in action, try again in 300 seconds", timedelta(minutes=5)),
        (1, "450 gray-listed for 20 minutes", timedelta(minutes=20)),
        (1, "451 Greylisted: retry in 99999 s", timedelta(hours=1)),
        (1, "451 Greylisted: retry in 30 s", timedelta(minutes=1)),
        (2, "451 4.7.1 Greylisting in action, try again in 3000 seconds", timedelta(minutes=5)),
        (1, "452 4.2.2 Mailbox full, retry in 30 minutes", timedelta(minutes=1)),
    ],
)
def test_a_greylist_gets_the_time_it_asks_for_once(attempt: int, reply: str, wait: timedelta) -> None:
    record = decide(Claimed(attempt), outcome(Status.DEFERRED, 450, "4.7.1", reply), now=NOW, policy=POLICY)
    assert record.due_at == NOW + wait


def test_a_spent_lifetime_ends_in_a_bounce_that_says_so() -> None:
    old = Claimed(20, NOW - timedelta(hours=71))
    record = decide(old, outcome(Status.DEFERRED, 0, "4.4.1", "connection refused"), now=NOW, policy=POLICY)
    assert record.state is State.BOUNCED
    assert record.bounce is not None
    assert (record.bounce.category, record.bounce.code, record.bounce.bounce_type) == (
        "message-expired",
        "4.4.7",
        "soft",
    )


def test_the_last_reply_decides_when_it_says_more() -> None:
    old = Claimed(20, NOW - timedelta(hours=71))
    record = decide(old, outcome(Status.DEFERRED, 452, "4.2.2", "452 4.2.2 Mailbox full"), now=NOW, policy=POLICY)
    assert record.bounce is not None
    assert (record.bounce.category, record.bounce.code) == ("quota-issues", "4.2.2")


def test_a_permanent_failure_bounces() -> None:
    record = decide(Claimed(), outcome(Status.REJECTED, 550, "5.1.1", "550 5.1.1 User unknown"), now=NOW, policy=POLICY)
    assert record.bounce is not None
    assert (record.state, record.bounce.bounce_type, record.bounce.category) == (State.BOUNCED, "hard", "bad-mailbox")


def test_our_own_words_are_not_judged() -> None:
    nowhere = outcome(Status.REJECTED, 0, "5.1.2", "the domain does not exist; relaying refused as spam")
    record = decide(Claimed(), nowhere, now=NOW, policy=POLICY)
    assert record.bounce is not None
    assert (record.bounce.category, record.bounce.code, record.bounce.regex_name) == (
        "bad-domain",
        "5.1.2",
        "baddomain90",
    )


def test_a_copy_in_doubt_is_sent_again_or_held() -> None:
    again = decide(Claimed(), outcome(Status.IN_DOUBT), now=NOW, policy=POLICY)
    assert (again.state, again.duplicate, again.due_at) == (State.UNCERTAIN, True, NOW + timedelta(minutes=1))
    held = Policy(POLICY.waits, POLICY.lifetime, resend_in_doubt=False)
    waiting = decide(Claimed(), outcome(Status.IN_DOUBT), now=NOW, policy=held)
    assert (waiting.state, waiting.duplicate, waiting.due_at, waiting.final) == (State.UNCERTAIN, False, None, False)


def test_what_was_not_attempted_leaves_a_trace_too() -> None:
    assert blocked(Claimed(), "complaint", now=NOW).outcome is AttemptOutcome.BLOCKED
    assert failed(Claimed(), "no content", now=NOW).state is State.FAILED


def test_an_outcome_is_never_before_the_acceptance() -> None:
    ahead = Claimed(accepted_at=NOW + timedelta(seconds=3))
    assert decide(ahead, outcome(Status.DELIVERED, 250), now=NOW, policy=POLICY).attempted_at == ahead.accepted_at

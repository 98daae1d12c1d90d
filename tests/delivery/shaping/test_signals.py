"""What an outcome says about the site."""

import pytest

from app.delivery.shaping.signals import Signal, read_signal
from app.mail.smtp.outcome import Outcome, Status, from_us
from tests.delivery.shaping.conftest import deferred, delivered


@pytest.mark.parametrize(
    "reply",
    [
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints",
        "421 RP-001 The mail server has exceeded the rate limit allowed",
        "421 Service closing transmission channel",
        "421 4.4.2 Timeout exceeded",
        "451 4.7.500 Server busy. Please try again later",
        "451 4.7.650 The mail server has been temporarily rate limited due to IP reputation",
        "450 4.7.1 Too many messages from your address",
        "451 4.7.1 Throttled, slow down",
        "450 4.3.2 System not accepting network messages",
        "452 4.3.1 Insufficient system storage",
        "451 4.4.5 Mail system congestion",
        "450 Too many connections from your host",
        "454 4.7.0 TLS not available due to local problem",
        "451 4.7.26 Unauthenticated mail",
    ],
)
def test_a_site_that_wants_less_is_understood(reply: str) -> None:
    assert read_signal(deferred(reply)) is Signal.OVERLOAD


@pytest.mark.parametrize(
    "reply",
    [
        "450 4.7.1 Greylisted, come back in 5 minutes",
        "451 4.7.1 Greylisting in action",
        "421 4.7.0 gray-listed",
        "450 4.2.0 <a@b.test>: Recipient address rejected: Greylisted",
        "451 4.7.1 Please try again later",
        "450 4.7.0 Try later",
        "452 4.2.2 Mailbox full",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery",
        "450 4.1.1 User unknown for now",
        "451 4.3.0 Temporary lookup failure",
        "451 Requested action aborted: local error in processing",
        "452 Insufficient storage",
    ],
)
def test_one_message_refused_for_now_is_no_reason_to_slow_down(reply: str) -> None:
    assert read_signal(deferred(reply)) is Signal.ALIVE


@pytest.mark.parametrize("reply", ["too many messages", "blocked by blocklist", "rate limit exceeded", "421 busy"])
def test_a_permanent_refusal_never_slows_down(reply: str) -> None:
    assert read_signal(Outcome(Status.REJECTED, 550, "5.7.1", reply, "mx")) is Signal.ALIVE


def test_our_own_outcomes() -> None:
    assert read_signal(delivered()) is Signal.SUCCESS
    for enhanced in ("4.4.1", "4.4.2", "4.5.0", "4.7.5"):
        assert read_signal(from_us(Status.DEFERRED, enhanced, "no connection")) is Signal.UNREACHABLE
    for enhanced in ("4.3.0", "4.3.2", "4.4.3", "4.4.4"):
        assert read_signal(from_us(Status.DEFERRED, enhanced, "ours")) is Signal.NOTHING
    assert read_signal(from_us(Status.REJECTED, "5.1.2", "no such domain")) is Signal.NOTHING
    assert read_signal(from_us(Status.IN_DOUBT, "4.4.2", "connection lost")) is Signal.UNREACHABLE


def test_a_greeting_that_refuses_us_is_a_site_out_of_reach() -> None:
    assert read_signal(deferred("554 5.7.1 No mail from you")) is Signal.UNREACHABLE

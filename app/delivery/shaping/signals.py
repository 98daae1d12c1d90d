"""What an outcome says about its destination, apart from what it says about its message.

Pure; imports `app.mail.smtp.outcome` and the standard library.

The question is always: would the next message to this site, to another recipient, fare the same? Only then is it a
reason to send less.

Source: RFC 3463 section 3 (classes of enhanced codes), RFC 5321 section 3.8 and 4.2.3 (421), RFC 6647 (greylisting).
"""

import re
from enum import StrEnum

from app.mail.smtp.outcome import Outcome, Status

CLOSING = 421
"""Service not available, closing the channel (RFC 5321, 4.2.3): always about the site."""

PERMANENT = 5
"""First digit of permanent replies."""


class Signal(StrEnum):
    """What a destination's behaviour calls for."""

    SUCCESS = "success"
    """It took a message: a little more is worth trying."""
    ALIVE = "alive"
    """It works and refused this one message; the pace is right."""
    OVERLOAD = "overload"
    """It wants less from us."""
    UNREACHABLE = "unreachable"
    """It could not be reached, or the connection broke."""
    NOTHING = "nothing"
    """The outcome is of our own making and says nothing about the site."""


_GREYLIST = re.compile(r"gr[ea]y[ -]?list", re.IGNORECASE)
# Words of answers that mean us as a client, not the recipient. Bounded distances, as in classify.toml.
_PRESSURE = re.compile(
    r"too (?:many|much|fast|frequent)|rate[ -]?limit|rate of|sending rate|throttl|server (?:is )?(?:too )?busy"
    r"|(?:hourly|daily|connection|concurrency|message|session)s? .{0,20}(?:limit|exceeded)|limit .{0,20}exceeded"
    r"|overload|congest|unusual|reputation|temporarily (?:deferred|rate|blocked)|slow down|try .{0,10}slower"
    r"|block ?list|black ?list|\bRBL\b|\bDNSBL\b|concurrent",
    re.IGNORECASE,
)
_OVERLOAD_CODES = frozenset(
    {
        "4.3.1",  # mail system full: the host's store, not one mailbox (that is 4.2.2)
        "4.3.2",  # system not accepting network messages: shut down, or the load is too high
        "4.4.5",  # mail system congestion
    }
)
_UNREACHABLE_CODES = frozenset(
    {
        "4.4.1",  # no connection, or no answer in time
        "4.4.2",  # the connection broke, or TLS failed
        "4.5.0",  # what answered does not speak SMTP
        "4.7.5",  # a policy demands TLS, which failed
    }
)
_RECIPIENT_SUBJECTS = ("4.1.", "4.2.")
"""Address and mailbox status: about the recipient, however the words sound ("receiving mail at a rate ...")."""
_LIKE_GREYLISTING = frozenset({"4.7.0", "4.7.1"})
_LIKE_GREYLISTING_REPLIES = frozenset({450, 451})


def read_signal(outcome: Outcome) -> Signal:
    """Return what an outcome says about the site it came from."""
    if outcome.status is Status.DELIVERED:
        return Signal.SUCCESS
    if outcome.status is Status.IN_DOUBT:
        return Signal.UNREACHABLE  # the connection broke, and after the final dot at that
    if outcome.code == 0:
        unreachable = outcome.status is Status.DEFERRED and outcome.enhanced in _UNREACHABLE_CODES
        return Signal.UNREACHABLE if unreachable else Signal.NOTHING
    if outcome.status is Status.REJECTED:
        return Signal.ALIVE  # a 5xx is a verdict on the message; sending the rest slower would not change it
    if outcome.code // 100 == PERMANENT:
        # Deferred in spite of a 5xx: it was said to the session (greeting, EHLO, AUTH), before any message.
        return Signal.UNREACHABLE
    return Signal.OVERLOAD if _is_overload(outcome) else Signal.ALIVE


def _is_overload(outcome: Outcome) -> bool:
    """Tell whether a temporary refusal by the server means the client rather than one message.

    Greylisting refuses a triplet of client, sender and recipient, and the remedy is waiting, not slowing down; a site
    that greylists does so to the first message of every recipient, so it would keep a circuit open for ever. Its
    answers are told by their words, whatever the code. Many greylisting servers say just "450 4.7.1 try again later":
    the stage of the transaction is not known here, so 450 and 451 with 4.7.0 or 4.7.1 count as greylisting unless
    their words speak of rate, number or reputation. The big receivers' throttling does (or comes as 421, or with a
    finer detail such as 4.7.28 and 4.7.650), and one that is taken for greylisting costs retries, not mail.
    """
    if _GREYLIST.search(outcome.reply):
        return False
    if outcome.code == CLOSING:
        return True
    enhanced = outcome.enhanced
    if enhanced.startswith(_RECIPIENT_SUBJECTS):
        return False
    if enhanced in _OVERLOAD_CODES or _PRESSURE.search(outcome.reply):
        return True
    if enhanced in _LIKE_GREYLISTING and outcome.code in _LIKE_GREYLISTING_REPLIES:
        return False
    return enhanced.startswith("4.7.")

"""What a message said, and what it led to. Imports mail."""

from dataclasses import dataclass
from enum import StrEnum

from app.mail.inbound import Nothing, Report


class Outcome(StrEnum):
    """What a message led to."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    KNOWN = "known"
    """It says what was known, or what changes nothing any more."""
    IGNORED = "ignored"
    """It says nothing that counts: a delay, an automatic reply, small talk."""
    NO_COPY = "no_copy"
    """The copy is gone, or its account is."""
    FORGED = "forged"
    """It names another copy than its address does, or none of ours."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a message led to, for figures and logs.

    Attributes:
        outcome: In one word.
        detail: The bounce's category, or why it was ignored; may be empty.
        bounce_type: `hard` or `soft`; empty without a bounce.
    """

    outcome: Outcome
    detail: str = ""
    bounce_type: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """A message as it was read.

    Attributes:
        report: What it says.
        content: The message as text, to be kept and shown.
        sender: The envelope sender; "" is the null sender, None unknown.
    """

    report: Report
    content: str
    sender: str | None


def why(report: Report) -> str:
    """Return a few fixed words on a message that counts for nothing."""
    return report.why if isinstance(report, Nothing) else type(report).__name__

"""What a message that came to us can say. Imports the verdict of `app.mail.classify` only."""

from dataclasses import dataclass
from enum import StrEnum

from app.mail.classify import Verdict


class Action(StrEnum):
    """What became of a recipient (RFC 3464, 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What a report says of one recipient.

    Attributes:
        action: Only `failed` makes a bounce.
        status: Enhanced status code such as `5.1.1`; empty when the report tells none.
        diagnostic: The other server's words in one line, without the type in front; empty when it tells none.
        final_recipient: Whom it was tried to deliver to; empty when unknown.
        original_recipient: Whom we wrote to, by the report; empty when unknown.
    """

    action: Action
    status: str = ""
    diagnostic: str = ""
    final_recipient: str = ""
    original_recipient: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A report on a delivery, as RFC 3464 has it or in a server's own words.

    Attributes:
        form: `rfc3464`, or the name of the form in `forms.toml`, such as `qmail`.
        recipients: One or more.
    """

    form: str
    recipients: tuple[RecipientReport, ...]


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """A feedback report (RFC 5965).

    Attributes:
        feedback_type: In lower case, such as `abuse`; empty when the report tells none.
        is_complaint: Whether it says that mail was unwanted.
        token: Shaped like the token of a copy (`app.mail.verp.decode` says whether it is one): X-Trireme-Message of
            the returned part, else of our return path in Original-Mail-From or in the returned part. None without one.
    """

    feedback_type: str
    is_complaint: bool
    token: str | None


@dataclass(frozen=True, slots=True)
class AutomaticReply:
    """A vacation notice, a challenge, a receipt: to be ignored.

    Attributes:
        mark: What told it, such as `auto-submitted`.
    """

    mark: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """A message that says nothing about our mail: to be ignored.

    Attributes:
        why: For the log, one of a few fixed words: `empty`, `personal` or `unread`.
    """

    why: str


Report = DeliveryReport | FeedbackReport | AutomaticReply | Nothing


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report means for the copy whose address it came to.

    Attributes:
        verdict: Type, category, code, rule: what is recorded.
        diagnostic: The other server's words in one line; may be empty.
    """

    verdict: Verdict
    diagnostic: str

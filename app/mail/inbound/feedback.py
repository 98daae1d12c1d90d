"""Feedback reports (RFC 5965). Imports the parts of this package and `app.mail.verp`.

Types that make a complaint are those of RFC 5965 itself: somebody at the receiving side says that the mail was
unwanted or harmful. `not-spam` (RFC 6430) says the contrary; `auth-failure` (RFC 6591) and `dmarc` speak of signatures,
`virus` comes from scanners and not from people; a type that is not known to us says nothing we may act upon.
"""

import re

from app.mail import verp
from app.mail.inbound.decoding import text_of
from app.mail.inbound.fields import Fields, fields_of
from app.mail.inbound.parts import Part, head_of
from app.mail.inbound.values import FeedbackReport

KIND = "message/feedback-report"
"""The part that makes a report."""
COMPLAINTS = frozenset({"abuse", "fraud", "other", "opt-out", "opt-out-list"})
"""Types that say that mail was unwanted; the last two stood in drafts of the RFC and are still sent."""
RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
                      "message/global-headers"})  # fmt: skip
"""Parts that hold our mail, or its head."""

_TOKEN = re.compile(rf"[a-z2-7]{{{verp.TOKEN_LENGTH}}}")


def feedback_of(parts: list[Part]) -> FeedbackReport | None:
    """Return the feedback report among these parts, if there is one."""
    for place, part in enumerate(parts):
        if part.kind == KIND:
            told = fields_of(text_of(part.body()).lstrip("\n").split("\n"))
            kind = told.get("feedback-type").partition(";")[0].strip().lower()[:40]
            returned = [head_of(other) for other in parts[place + 1 :] if other.kind in RETURNED][:1]
            return FeedbackReport(kind, kind in COMPLAINTS, _token(told, returned))
    return None


def _token(told: Fields, returned: list[Fields]) -> str | None:
    for head in returned:
        value = head.get("x-trireme-message").strip().lower()
        if _TOKEN.fullmatch(value):
            return value
    paths = [told.get("original-mail-from"), *(head.get("return-path") for head in returned)]
    for path in paths:
        token = verp.token_of(path.strip().strip("<>")[:400])
        if token is not None:
            return token
    return None

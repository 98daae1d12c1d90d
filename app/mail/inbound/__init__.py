"""Mail that comes back to us: what it says.

    report = read(raw, sender="")              # the envelope sender; "" is the null sender
    match report:
        case DeliveryReport():
            failure = failure_of(report, recipient="jo@example.org")    # None: nothing failed, e.g. it is late
        case FeedbackReport(is_complaint=True, token=str(token)):
            ...                                 # verp.decode(keys, token) names the copy
        case _:
            ...                                 # to be ignored

Which copy a delivery report touches is decided by the address it came to, never by anything in it. Nothing here
raises on foreign input; time and memory are bounded and linear in the size. Imports the standard library, `app.kit`
and `app.mail`.

Source: docs/contract/dyn-email.md, 14 and 15; RFC 3464, 3834, 5965, 6533.
"""

from app.mail.inbound.meaning import failure_of
from app.mail.inbound.parts import MAX_MESSAGE
from app.mail.inbound.reading import content, read
from app.mail.inbound.values import (
    Action,
    AutomaticReply,
    DeliveryReport,
    Failure,
    FeedbackReport,
    Nothing,
    RecipientReport,
    Report,
)

__all__ = [
    "MAX_MESSAGE",
    "Action",
    "AutomaticReply",
    "DeliveryReport",
    "Failure",
    "FeedbackReport",
    "Nothing",
    "RecipientReport",
    "Report",
    "content",
    "failure_of",
    "read",
]

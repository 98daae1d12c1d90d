"""A submitted mail and its envelope as a draft, or why it is refused. Pure: needs no database, may run in a thread.

Imports `app.core.messages` and `app.mail`.

Source: docs/contract/dyn-email.md, sections 7 and 12.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.core.messages import IssueDraft, Lane
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox
from app.mail.raw import Malformed, RawMail, read_mail
from app.models.issue import IssueType

NOT_APPROVED = "550 5.7.1 Error: sender is not approved"
NO_RECIPIENTS = "554 5.5.1 Error: no valid recipients"
TOO_MANY = "452 4.5.3 Error: too many recipients"
TOO_LARGE = "552 5.3.4 Error: message size exceeds fixed limit"
LIMIT_REACHED = "452 4.3.1 Error: sending limit reached"
BAD_ADDRESS = "501 5.1.3 Error: bad recipient address syntax"
MALFORMED = "554 5.6.0 Error: {}"

MAX_SHOWN = 320
"""Characters of an address or From value that an issue keeps."""
MAX_REMEMBERED = 500
"""Characters of an X-header's value that are stored and shown."""
MAX_SUBJECT = 1000
"""Characters of the subject that are stored for those who look at the mail."""

_LANES = {"urgent": Lane.URGENT, "non-urgent": Lane.NON_URGENT}


class Letter(NamedTuple):
    """A mail as it was submitted.

    Attributes:
        mail: Fit to be sent.
        sender: The mailbox in From; None when there is not exactly one.
        from_text: Its address, or the beginning of what is malformed.
        recipients: Of the envelope, each once.
        lane: When it is served.
        headers: What is shown of it: its subject.
    """

    mail: RawMail
    sender: Mailbox | None
    from_text: str
    recipients: tuple[str, ...]
    lane: Lane
    headers: tuple[tuple[str, str], ...]

    def remembered(self, slots: Sequence[str]) -> dict[str, str] | None:
        """Return the values of the configured X-headers in the configured spelling; None: no value.

        Args:
            slots: The account's four names, "" where none is set.
        """
        stored: dict[str, str] = {}
        for slot in filter(None, slots):
            field = self.mail.first(slot.lower())
            value = field.shown.replace("<", "").replace(">", "")[:MAX_REMEMBERED] if field is not None else ""
            if value:
                stored[slot] = value
        return stored or None


def read_letter(raw: bytes, recipients: Iterable[str]) -> Letter:
    """Read a mail.

    Args:
        raw: The content, dots undone.
        recipients: Of the envelope; each is an address.

    Raises:
        Malformed: It can not be sent.
    """
    mail = read_mail(raw)
    sender, from_text = _from(mail)
    priority, subject = mail.first("priority"), mail.first("subject")
    unique = {address.lower(): address for address in reversed(list(recipients))}
    return Letter(
        mail,
        sender,
        from_text,
        tuple(reversed(unique.values())),
        _LANES.get(priority.value.lower(), Lane.NORMAL) if priority is not None else Lane.NORMAL,
        (("Subject", subject.shown[:MAX_SUBJECT]),) if subject is not None else (),
    )


def refused_mail(error: Malformed, first_recipient: str) -> tuple[str, IssueDraft]:
    """Return the reply to a mail that can not be sent, and what is recorded."""
    reply = MALFORMED.format(error)
    return reply, IssueDraft(IssueType.INVALID_MESSAGE, first_recipient, reply)


def address_of(text: str) -> str | None:
    """Return a recipient as it is written everywhere; None when it is no address."""
    try:
        mailbox = parse_mailbox(text)
    except InvalidAddress:
        return None
    return mailbox.address if not mailbox.name else None


def _from(mail: RawMail) -> tuple[Mailbox | None, str]:
    fields = mail.all("from")
    shown = fields[0].value[:MAX_SHOWN] if fields else ""
    if len(fields) != 1:
        return None, shown
    try:
        mailbox = parse_mailbox(fields[0].value)
    except InvalidAddress:
        return None, shown
    return mailbox, mailbox.address

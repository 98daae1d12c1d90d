"""What a call asks for, and what is wrong with it. Pure; imports models, `app.mail` and the core's errors.

Source: docs/contract/dynosend.md, 10.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox
from app.models.transactional_message import ContentKind, TransactionalMessage

MAX_LINE = 2000
"""Characters of a subject."""
MAX_TAGS = 1000
MAX_HEADERS = 100
MAX_HEADER = 10_000
"""Characters of a header's value."""
MAX_FAULTS = 20
"""Faults one answer tells of, at most."""
MAX_BODY = 1_048_576
"""Characters of a body of external content."""


class Hindrance(StrEnum):
    """What keeps a message from being sent to anybody: the state of a `Conflict`."""

    INACTIVE = "inactive"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Sending:
    """What a call asks for.

    Attributes:
        recipient: An address.
        subject: Instead of the message's own; None or blank: that one.
        tags: Names, in any case, with their values; they win over all others.
        headers: Further header lines; those that may not be set are dropped.
        html: Of external content; otherwise not looked at.
        text: As `html`.
        fields: Values of the contact, if it is made by this call.
    """

    recipient: str
    subject: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[tuple[str, str]] = ()
    html: str | None = None
    text: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def mailbox_of(recipient: str) -> Mailbox:
    """Return the recipient.

    Raises:
        Invalid: It is no bare address.
    """
    try:
        mailbox = parse_mailbox(recipient.strip())
    except InvalidAddress:
        mailbox = None
    if mailbox is None or mailbox.name:
        raise Invalid([FieldFault("recipient", Fault.INVALID, "must be a valid email address")])
    return mailbox


def check(message: TransactionalMessage, sending: Sending) -> None:
    """Look at what came with a call.

    Raises:
        Invalid: Something is missing, too large or cannot be stored.
    """
    if faults := list(_faults(message, sending)):
        raise Invalid(faults[:MAX_FAULTS])


def _faults(message: TransactionalMessage, sending: Sending) -> Iterator[FieldFault]:
    is_external = message.content == ContentKind.EXTERNAL
    bodies = {"html": sending.html or "", "text": sending.text or ""} if is_external else {}
    yield from _text_faults("subject", [sending.subject or ""], MAX_LINE)
    for name, body in bodies.items():
        if not body.strip():
            yield FieldFault(name, Fault.REQUIRED, "is required")
        yield from _text_faults(name, [body], MAX_BODY)
    for name, pairs, most, longest in (
        ("headers", list(sending.headers), MAX_HEADERS, MAX_HEADER),
        ("tags", list(sending.tags.items()), MAX_TAGS, MAX_BODY),
    ):
        if len(pairs) > most:
            yield FieldFault(name, Fault.TOO_LONG, f"must not be more than {most}")
        else:
            yield from _text_faults(name, [text for pair in pairs for text in pair], longest)


def _text_faults(name: str, texts: Sequence[str], longest: int) -> Iterator[FieldFault]:
    if any(len(text) > longest for text in texts):
        yield FieldFault(name, Fault.TOO_LONG, f"must not be longer than {longest} characters")
    elif not all(map(is_storable, texts)):
        yield FieldFault(name, Fault.INVALID, "format is invalid")

"""One content filled in for each of many recipients. Pure; imports `app.mail` and the core's errors.

Source: docs/contract/dyno.md, 9; docs/contract/dynosend.md, 13.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.errors import Fault, FieldFault, Invalid
from app.mail.addresses import Mailbox
from app.mail.campaign.html import with_preheader
from app.mail.campaign.text import text_pieces
from app.mail.personalise import SyntaxProblem, Template, TooLarge, build, parse

MAX_LINE = 2000
"""Characters of a subject and of a preheader."""
MAX_HTML = 1_048_576
"""Characters of the HTML."""
MAX_ALL = 64 * 1024 * 1024
"""Characters of all mails of one transaction."""
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a mail.

    Attributes:
        mailbox: Address and display name.
        fields: Values by name, in any case.
    """

    mailbox: Mailbox
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Merged:
    """What one recipient gets."""

    recipient: Recipient
    subject: str
    html: str
    text: str


def merge(recipients: Sequence[Recipient], *, subject: str, html: str, preheader: str, at: datetime) -> list[Merged]:
    """Return what each recipient gets; a text part is derived from the HTML.

    `{{ name }}` is a field of the recipient, ignoring case, or `email`; what is not known is empty. `{NAME}` stays.

    Args:
        recipients: Each address once.
        subject: With merge fields, as the next two.
        html: The content.
        preheader: A hidden line at its top; empty: none.
        at: The date of sending.

    Raises:
        Invalid: `subject`, `html` or `preheader` is malformed or too long, or all mails together are.
    """
    parts = (("subject", subject, MAX_LINE), ("html", html, MAX_HTML), ("preheader", preheader, MAX_LINE))
    for name, source, longest in parts:
        if len(source) > longest:
            raise Invalid([FieldFault(name, Fault.TOO_LONG, f"is longer than {longest} characters")])
    head, body, text = _parsed("subject", subject), _body(html, preheader), _text(html)
    merged, size = [], 0
    for recipient in recipients:
        values = _values(recipient, at)
        try:
            one = Merged(
                recipient,
                head.render(values, escape=False),
                body.render(values, escape=True),
                text.render(values, escape=False),
            )
        except TooLarge:
            size = MAX_ALL
        else:
            merged.append(one)
            size += len(one.subject) + len(one.html) + len(one.text)
        if size >= MAX_ALL:
            raise Invalid([FieldFault("html", Fault.TOO_LONG, "is too long for these recipients")])
    return merged


def _values(recipient: Recipient, at: datetime) -> dict[str, str]:
    day = at.astimezone(UTC)
    return {
        "CURRENT_YEAR": f"{day.year}",
        "CURRENT_MONTH": f"{day.month:02}",
        "CURRENT_DAY": f"{day.day:02}",
        **{name.strip().upper(): value for name, value in recipient.fields.items()},
        "EMAIL": recipient.mailbox.address,
    }


def _parsed(name: str, source: str) -> Template:
    """Return a text as a template.

    Raises:
        Invalid: It is malformed.
    """
    try:
        return parse(source)
    except SyntaxProblem as problem:
        raise Invalid([FieldFault(name, Fault.SYNTAX, f"is malformed: {problem}")]) from None


def _body(html: str, preheader: str) -> Template:
    """Return the HTML with its hidden line.

    Raises:
        Invalid: One of them is malformed.
    """
    body = _parsed("html", html)
    if not preheader.strip():
        return body
    _parsed("preheader", preheader)
    return _parsed("html", with_preheader(html, preheader))


def _text(html: str) -> Template:
    """Return the text part that the HTML stands for.

    Raises:
        Invalid: A condition does not end.
    """
    try:
        return Template(build(text_pieces(html, _NOTHING)), _NOTHING)
    except SyntaxProblem as problem:
        raise Invalid([FieldFault("html", Fault.SYNTAX, f"is malformed: {problem}")]) from None

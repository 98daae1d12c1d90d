"""What one `send` submits: its parameters read into a mail, and what is wrong with it.

Pure: needs no database, and may run in a thread. May import `app.mail` and the readers of this family.

Source: docs/contract/dyn-email.md, section 7.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.api.dyn.content import ContentEncoding, Undecodable, content_encoding, decode_body
from app.api.dyn.errors import FieldsRefused
from app.api.dyn.mail_headers import MAX_X_HEADERS, Header, header_lines, lane_of, mailbox_of, read_x_headers
from app.api.dyn.params import Params
from app.core.messages import IssueDraft, Lane
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox
from app.models.issue import IssueType

REQUIRED = "Required arguments are not defined"
NEED_MAIL = "503 5.5.1 Error: need MAIL command"
NO_RECIPIENTS = "554 5.5.1 Error: no valid recipients"
TOO_MANY = "452 4.5.3 Error: too many recipients"
TOO_LARGE = "552 5.3.4 Error: message size exceeds fixed limit"
UNDECODABLE = "554 5.6.0 Error: body can not be decoded"
TOO_MANY_HEADERS = "554 5.7.1 Error: too many header fields"
BAD_ADDRESS = "501 5.1.3 Error: bad recipient address syntax"
"""Of an invalid address beside valid ones; the client does not see it, the issue shows it."""

MAX_SHOWN = 320
"""Characters of an address or From value that an issue keeps."""
_UTF8_MAX = 4


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail as it was submitted.

    Attributes:
        sender: The mailbox in From; None when that is malformed.
        from_text: Its address, or the beginning of what is malformed.
        first_recipient: The first address of `to`, as an issue shows it.
        headers: Header lines.
        text: The text body, decoded.
        html: The HTML body, decoded.
        lane: When it is served.
        recipients: Valid addresses of `to`, `cc`, `bcc`, each once.
        x_headers: X-headers of the mail, those that the account does not remember included.
        issues: One for each invalid address; or, of a mail that is refused, the refusal.
        refusal: The text of the refusal, None when nothing is wrong with the mail itself.
    """

    sender: Mailbox | None
    from_text: str
    first_recipient: str
    headers: tuple[Header, ...] = ()
    text: str | None = None
    html: str | None = None
    lane: Lane = Lane.NORMAL
    recipients: tuple[str, ...] = ()
    x_headers: tuple[Header, ...] = ()
    issues: tuple[IssueDraft, ...] = ()
    refusal: str | None = None


@dataclass(slots=True)
class _Recipients:
    """The recipients of a request.

    Attributes:
        lines: Texts of the valid mailboxes for the headers To and Cc.
        addresses: Valid addresses by their comparison key.
        invalid: Entries that are no address, in order, each once.
        first: The first entry: its address, or the beginning of what is none.
        too_many: Whether reading stopped at the limit.
    """

    lines: dict[str, list[str]]
    addresses: dict[str, str]
    invalid: dict[str, None]
    first: str = ""
    too_many: bool = False


class _Refused(Exception):
    """Raised inside this module when the mail is refused as a whole."""

    def __init__(self, issue_type: IssueType, text: str) -> None:
        super().__init__(text)
        self.issue_type = issue_type
        self.text = text


def read_submission(params: Params, *, max_recipients: int, max_bytes: int) -> Submission:
    """Read a mail from the parameters of `send`.

    What is wrong is found in the order of an SMTP dialogue: From, then the number of recipients, their validity, the
    header section, decoding, size. Whether From is approved is for the caller to find out, and comes before `refusal`.

    Args:
        params: Of the request.
        max_recipients: Recipients per call, invalid ones counted.
        max_bytes: Largest message: header lines and decoded bodies, in bytes of UTF-8.

    Raises:
        FieldsRefused: `from`, `to`, `subject` or both bodies are missing.
        BodyTooLarge: A list has more entries than any request may have fields.
    """
    given = params.values("from")
    has_body = params.text("bodytext") is not None or params.text("bodyhtml") is not None
    if not given or not params.values("to") or params.text("subject") is None or not has_body:
        raise FieldsRefused(REQUIRED)
    sender = mailbox_of(given[0]) or mailbox_of(params.entry("from"))
    recipients = _read_recipients(params, max_recipients)
    first = recipients.first
    if sender is None:
        return Submission(None, given[0].strip()[:MAX_SHOWN], first)
    x_headers = tuple(read_x_headers(params))
    try:
        return _mail(params, sender, recipients, x_headers, max_bytes=max_bytes)
    except _Refused as refused:
        issues = _issues(recipients, refused, first)
        return Submission(sender, sender.address, first, x_headers=x_headers, issues=issues, refusal=refused.text)


def _mail(
    params: Params, sender: Mailbox, recipients: _Recipients, x_headers: tuple[Header, ...], *, max_bytes: int
) -> Submission:
    """Return the mail when nothing is wrong with it.

    Raises:
        _Refused: Something is.
    """
    if recipients.too_many:
        raise _Refused(IssueType.TOO_MANY_RECIPIENTS, TOO_MANY)
    if not recipients.addresses:
        raise _Refused(IssueType.INVALID_RECIPIENT, NO_RECIPIENTS)
    if len(x_headers) > MAX_X_HEADERS:
        raise _Refused(IssueType.REFUSED, TOO_MANY_HEADERS)
    lines = recipients.lines
    headers = header_lines(params, sender=sender, to=lines["to"], cc=lines["cc"], x_headers=x_headers)
    encoding = content_encoding(params.text("content-encoding"))
    text, html = _decoded(params.text("bodytext"), encoding), _decoded(params.text("bodyhtml"), encoding)
    if _is_larger(max_bytes, headers, text, html):
        raise _Refused(IssueType.TOO_LARGE, TOO_LARGE)
    return Submission(
        sender=sender,
        from_text=sender.address,
        first_recipient=recipients.first,
        headers=headers,
        text=text,
        html=html,
        lane=lane_of(params),
        recipients=tuple(recipients.addresses.values()),
        x_headers=x_headers,
        issues=_invalid(recipients.invalid, BAD_ADDRESS) if recipients.invalid else (),
    )


def _read_recipients(params: Params, limit: int) -> _Recipients:
    found = _Recipients({"to": [], "cc": [], "bcc": []}, {}, {})
    for name, line in found.lines.items():
        for entry in params.entries(name):
            try:
                mailbox = parse_mailbox(entry)
            except InvalidAddress:
                shown = entry[:MAX_SHOWN]
                found.invalid[shown] = None
            else:
                shown = mailbox.address
                line.append(mailbox.header_text())
                found.addresses.setdefault(mailbox.key, shown)
            found.first = found.first or shown
            if len(found.addresses) + len(found.invalid) > limit:
                found.too_many = True
                return found
    return found


def _decoded(body: str | None, encoding: ContentEncoding | None) -> str | None:
    """Return a body decoded.

    Raises:
        _Refused: The stated encoding does not fit.
    """
    try:
        return None if body is None else decode_body(body, encoding)
    except Undecodable:
        raise _Refused(IssueType.INVALID_MESSAGE, UNDECODABLE) from None


def _is_larger(max_bytes: int, headers: Iterable[Header], text: str | None, html: str | None) -> bool:
    pieces = [piece for line in headers for piece in line]
    pieces += [body for body in (text, html) if body]
    if sum(map(len, pieces)) * _UTF8_MAX <= max_bytes:
        return False
    return sum(len(piece.encode()) for piece in pieces) > max_bytes


def _issues(recipients: _Recipients, refused: _Refused, first: str) -> tuple[IssueDraft, ...]:
    if refused.issue_type is IssueType.INVALID_RECIPIENT and recipients.invalid:
        return _invalid(recipients.invalid, refused.text)
    return (IssueDraft(refused.issue_type, first, refused.text),)


def _invalid(addresses: Iterable[str], description: str) -> tuple[IssueDraft, ...]:
    return tuple(IssueDraft(IssueType.INVALID_RECIPIENT, address, description) for address in addresses)

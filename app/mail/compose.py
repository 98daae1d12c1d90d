"""A mail as bytes, in two steps: what all copies share, then one copy.

`compile` does the costly part once per content; `assemble` joins bytes. May import `app.mail.headers`,
`app.mail.transfer` and the standard library.

Source: RFC 5322, RFC 2045, RFC 2046 section 5.1.4; docs/contract/dyn-email.md, section 7.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from app.mail.headers import header_line, header_lines
from app.mail.transfer import encode_part

OURS = frozenset({"mime-version", "content-type", "content-transfer-encoding", "bcc"})
"""Headers a content can not set: the first three are made here, the last never leaves."""

_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,./:=?-]{1,70}\Z")


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says, before it is bytes."""

    headers: tuple[tuple[str, str], ...]
    """Name and unencoded value, in order; address headers as header text (`"Doe, Jo" <b@x.org>, a@x.org`)."""
    text: str | None
    """The text part, any line ends; None: there is none."""
    html: str | None
    """The HTML part; None: there is none."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What all copies of a mail share."""

    head: bytes
    """All common header lines, each with CRLF."""
    body: bytes
    """The MIME body: CRLF, no line over 998 octets, no leading dot, CRLF at its end."""
    needs_smtputf8: bool
    """Whether a header holds raw UTF-8 (a local part outside ASCII, RFC 6531)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A body part."""

    encoding: str
    """Its transfer encoding."""
    head: bytes
    """Its header lines, each with CRLF."""
    body: bytes
    """Encoded; CRLF at its end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the last part of a mail."""

    mime: bytes
    """Content-Type and, of a single part, its encoding: header lines of the mail."""
    before: bytes
    after: bytes


def compile(content: Content, *, message_id: str, date: datetime, boundary: str) -> Compiled:  # noqa: A001 the verb
    """Turn a content into the bytes its copies share.

    Args:
        content: Headers and bodies; with neither body the mail has one empty text part.
        message_id: Message-ID for contents without one; angle brackets are added if missing.
        date: Date for contents without one; aware.
        boundary: Separates the parts, 1 to 70 characters of RFC 2046; replaced in the case that a part contains it.

    Raises:
        ValueError: A header's name or the boundary is not one.
    """
    if content.html is None:
        last = encoded("plain", content.text or "")
        frame = framed(None, last, boundary)
    else:
        last = encoded("html", content.html)
        frame = framed(content.text, last, boundary)
    head = head_of(content.headers, frame.mime, message_id=message_id, date=date)
    return Compiled(head, b"".join((frame.before, last.body, frame.after)), needs_smtputf8=not head.isascii())


def assemble(
    compiled: Compiled, extra_headers: Sequence[tuple[str, str]] | bytes = (), signature: bytes = b""
) -> bytes:
    """Return one copy, ready for DATA but for the final dot.

    Args:
        compiled: What the copies share.
        extra_headers: Headers of this copy alone, as pairs, or as bytes from `header_lines`.
        signature: Complete DKIM-Signature lines; they come first.

    Raises:
        ValueError: The name of an extra header is not one.
    """
    extra = extra_headers if isinstance(extra_headers, bytes) else header_lines(extra_headers)
    return b"".join((signature, extra, compiled.head, b"\r\n", compiled.body))


def head_of(headers: Iterable[tuple[str, str]], mime: bytes, *, message_id: str, date: datetime) -> bytes:
    """Return the header lines of a mail: those of its content in their order, then what is missing, then `mime`.

    Raises:
        ValueError: A header's name is not one.
    """
    given: set[str] = set()
    lines: list[bytes] = []
    for name, value in headers:
        if name.lower() not in OURS:
            given.add(name.lower())
            lines.append(header_line(name, value))
    if "date" not in given:
        lines.append(header_line("Date", format_datetime(date)))
    if "message-id" not in given:
        lines.append(header_line("Message-ID", message_id if message_id.startswith("<") else f"<{message_id}>"))
    return b"".join((*lines, b"MIME-Version: 1.0\r\n", mime))


def encoded(kind: str, text: str) -> Part:
    """Return a text as a part of the type `text/<kind>`."""
    encoding, body = encode_part(text)
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return Part(encoding, head.encode("ascii"), body)


def framed(text: str | None, last: Part, boundary: str) -> Frame:
    """Return what stands around the last part: with a text before it the mail is multipart/alternative.

    Args:
        text: The text part; None: there is only the last part.
        last: HTML, or the only part.
        boundary: As of `compile`.

    Raises:
        ValueError: The boundary is not one.
    """
    if text is None:
        return Frame(last.head, b"", b"")
    if not _BOUNDARY.match(boundary):
        raise ValueError("not a MIME boundary")
    first = encoded("plain", text)
    while any(boundary.encode() in part.body for part in (first, last)):
        boundary = hashlib.sha256(boundary.encode()).hexdigest()
    line = b"--" + boundary.encode()
    mime = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode()
    # A part's last CRLF is at the same time the one that belongs to the delimiter (RFC 2046, 5.1.1).
    before = b"".join((line, b"\r\n", first.head, b"\r\n", first.body, line, b"\r\n", last.head, b"\r\n"))
    return Frame(mime, before, line + b"--\r\n")

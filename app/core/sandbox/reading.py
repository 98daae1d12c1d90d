"""Reading a mail for display, whatever is in it. Pure; imports nothing of ours.

Nothing here raises on foreign bytes: what can't be decoded is shown with replacement characters.
"""

import binascii
import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message

PARTS_LIMIT = 200
"""Parts of one mail that are shown."""
HEADERS_LIMIT = 500
"""Header lines of one mail that are read."""


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a mail's MIME tree.

    Attributes:
        content_type: As declared, in lower case.
        filename: None when it has no name.
        size: Bytes after decoding.
        text: The decoded text of a text part, else None.
    """

    content_type: str
    filename: str | None
    size: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """A mail taken apart.

    Attributes:
        headers: Names and decoded values, in order.
        parts: Leaves of the MIME tree, in order.
    """

    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]


def header_lines(raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield names and unfolded, decoded values of a mail's own header, in order."""
    head = raw.partition(b"\r\n\r\n")[0] if not raw.startswith(b"\r\n") else b""
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    for line in unfolded.split(b"\r\n", HEADERS_LIMIT)[:HEADERS_LIMIT]:
        name, colon, value = line.partition(b":")
        if colon:
            yield clean(name.decode("utf-8", "replace").strip()), decoded(value.decode("utf-8", "replace").strip())


def decoded(value: str) -> str:
    """Return a header value with its encoded words (RFC 2047) decoded, without NUL."""
    if "=?" not in value:
        return clean(value)
    try:
        pieces = decode_header(value)
    except (ValueError, binascii.Error, email.errors.HeaderParseError):
        return clean(value)
    text = "".join(piece if isinstance(piece, str) else _text(piece, charset) for piece, charset in pieces)
    return clean(text or value)


def clean(text: str) -> str:
    """Return text that PostgreSQL can hold: without NUL and without lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def content_of(raw: bytes) -> Content:
    """Take a mail apart."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    parts: list[Part] = []
    for node in message.walk():
        if not node.is_multipart() and len(parts) < PARTS_LIMIT:
            parts.append(_part(node))
    return Content(headers=tuple(header_lines(raw)), parts=tuple(parts))


def _part(node: Message) -> Part:
    payload = node.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    is_text = node.get_content_maintype() == "text"
    charset = node.get_param("charset", "utf-8")
    filename = node.get_filename()
    return Part(
        content_type=node.get_content_type(),
        filename=None if filename is None else decoded(filename),
        size=len(body),
        text=_text(body, charset if isinstance(charset, str) else "utf-8") if is_text else None,
    )


def _text(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")

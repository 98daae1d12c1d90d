"""Tracked mails, and the reading of their copies."""

import email
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from app.mail import compose, tracking
from app.mail.campaign import Links
from app.mail.compose import Content
from app.mail.dkim import Signer, make_key
from app.mail.tracked import CompiledTracked, Tracking, Tracks, compile_tracked, find_links
from app.mail.tracking import Purpose

KEY = b"k" * 32
URL = "https://mail.example.com"
LINKS = Links(URL, "bounces.example.com", KEY)
DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = int(DATE.timestamp())
HEADERS = (("From", '"Doe, Jo" <jo@example.com>'), ("To", "a@example.org"), ("Subject", "Hi"))
ALL = Tracks.OPENS | Tracks.CLICKS | Tracks.UNSUBSCRIBING
PEM, RECORD = make_key()
SIGNER = Signer("example.com", "s1", PEM)
RECORDS = {"s1._domainkey.example.com": RECORD}
RETURN_TOKEN = "abcdefghijklmnopqrstuvwx"

PIXEL = re.compile(rf'<img src="{URL}/t/o/([a-z2-7]{{24}})\.gif" width="1" height="1" alt="" style="[^"]*">')
CLICK = re.compile(rf"{URL}/t/c/([a-z2-7]{{28}})")


def tracked(
    html: str | None,
    *,
    text: str | None = None,
    tracks: Tracks = ALL,
    headers: tuple[tuple[str, str], ...] = HEADERS,
    targets: tuple[str, ...] | None = None,
) -> CompiledTracked:
    targets = find_links(html or "", URL) if targets is None else targets
    content = Content(headers, text, html)
    return compile_tracked(content, Tracking(tracks, targets, LINKS), message_id="1@mail-1", date=DATE, boundary="=_b1")


def untracked(html: str | None, text: str | None = None) -> compose.Compiled:
    return compose.compile(Content(HEADERS, text, html), message_id="1@mail-1", date=DATE, boundary="=_b1")


def copy_of(one: CompiledTracked, message_id: int = 4711) -> bytes:
    return one.compose(message_id, DATE, RETURN_TOKEN, (SIGNER,))


def parsed(raw: bytes) -> EmailMessage:
    """Return the mail as read by the standard library, after what SMTP needs was looked at."""
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", raw)
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    assert b"\x00" not in raw
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def decoded(message: EmailMessage, kind: str) -> str:
    """Return the text of a part as it was encoded: the line break before a delimiter belongs to it as well."""
    part = next(part for part in message.walk() if part.get_content_type() == f"text/{kind}")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    cut = message.is_multipart() and part["Content-Transfer-Encoding"] != "base64"
    return payload.decode() + "\r\n" * cut


def wire(text: str) -> str:
    """Return a text as its part carries it: CRLF, one at the end, no lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (text if text.endswith("\n") else text + "\n").replace("\n", "\r\n").encode("utf-8", "replace").decode()


def opened(html: str) -> list[tuple[int, int]]:
    """Return (second, message id) of each pixel."""
    found = [tracking.read([KEY], token, Purpose.OPEN) for token in PIXEL.findall(html)]
    assert None not in found
    return [one for one in found if one]


def clicked(html: str) -> list[tuple[int, int, int]]:
    """Return (second, message id, link) of each click."""
    found = [tracking.read_click([KEY], token) for token in CLICK.findall(html)]
    assert None not in found
    return [one for one in found if one]

"""A content, a copy, and the reading of what was composed."""

import email
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from app.mail.campaign import CampaignContent, CompiledCampaign, CopyFacts, Links, compile_campaign

KEY = b"k" * 32
LINKS = Links("https://mail.example.com", "bounces.example.com", KEY)
ACCEPTED_AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
FIELDS = frozenset({"FIRST_NAME", "LAST_NAME", "CITY"})


def content(html: str | None = "<p>x</p>", **changes: Any) -> CampaignContent:
    given = {"subject": "Hello", "from_email": "team@example.com", "from_name": "Acme", "html": html, "known": FIELDS}
    return CampaignContent(**{**given, **changes})


def compiled(html: str | None = "<p>x</p>", **changes: Any) -> CompiledCampaign:
    return compile_campaign(content(html, **changes), LINKS)


def facts(values: Mapping[str, str] | None = None, **changes: Any) -> CopyFacts:
    given = {
        "message_id": 4711,
        "accepted_at": ACCEPTED_AT,
        "recipient": "bob@example.org",
        "email_id": "20260102030405.0000125a8749@mail-1",
        "return_token": "abcdefghijklmnopqrstuvwx",
        "contact_uid": "66008a0512fa1",
        "values": values or {},
    }
    return CopyFacts(**{**given, **changes})


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


def bodies(raw: bytes) -> tuple[str, str | None]:
    """Return text and HTML of a mail, with LF line ends."""
    message = parsed(raw)
    parts = [*message.iter_parts()] if message.is_multipart() else [message]
    found: list[str] = []
    for part in parts:
        assert isinstance(part, EmailMessage)
        assert not part.defects
        found.append(part.get_payload(decode=True).decode().replace("\r\n", "\n"))  # type: ignore[union-attr]
    if len(parts) == 1:
        return found[0], None
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    return found[0], found[1]

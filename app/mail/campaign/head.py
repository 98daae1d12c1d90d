"""The headers of a campaign: lines all copies share, and those of one copy in both forms, sent and canonical.

May import `app.mail.headers`, `app.mail.dkim` and the modules beside it.

Source: docs/contract/dynosend.md, section 15; docs/contract/dyn-email.md, section 13; RFC 2369, RFC 8058, RFC 6376.
"""

import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from app.mail import dkim
from app.mail.addresses import Mailbox
from app.mail.campaign.content import CampaignContent, CopyFacts, Links
from app.mail.compose import OURS
from app.mail.headers import clean, header_line

RESERVED = OURS | {
    *("from", "to", "subject", "date", "message-id", "reply-to", "precedence", "dkim-signature"),
    *("list-unsubscribe", "list-unsubscribe-post"),
    *("x-dynosend-contact-id", "x-dynosend-message-id", "x-trireme-message"),
}
"""Headers a content can not set."""

MAX_SUBJECT = 2_000
"""Longest subject of a copy, in characters; the rest is cut."""

ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
"""The header beside List-Unsubscribe that lets a mailbox provider unsubscribe by itself (RFC 8058)."""

_SIMPLE = re.compile(r"[!-~]{1,60}\Z")
_SHORT = re.compile(r"[!-~](?:[ -~]{0,66}[!-~])?\Z")
_LONG_RUN = re.compile(r" {2,}")
_CHUNK = 45
"""Octets of one encoded word."""


class Head:
    """Makes the header lines of copies."""

    def __init__(self, content: CampaignContent, links: Links, mime: bytes, subject: str | None) -> None:
        """Write what copies share.

        Args:
            content: Sender, replies, headers.
            links: Where unsubscribing leads.
            mime: Content-Type and, of a single part, its encoding.
            subject: When it is the same for all; else None.
        """
        self.static = b"".join((*_static(content, subject), b"MIME-Version: 1.0\r\n", mime))
        names, lines = dkim.select(dkim.relaxed(self.static))
        self._relaxed = b"".join(lines)
        own = ["to", "date", "message-id", "x-trireme-message"]
        own += ["subject"] * (subject is None) + ["list-unsubscribe"] * content.unsubscribe
        self.names = (*names, *own)
        """h= in the order of `Lines.relaxed`."""
        self._unsubscribe = content.unsubscribe
        self._links = links

    def lines(self, copy: CopyFacts, second: int, subject: str | None, token: str) -> tuple[bytes, bytes]:
        """Return the header lines of a copy that stand before `static`, and all signed lines in canonical form.

        Args:
            copy: Whose.
            second: Its acceptance in epoch seconds.
            subject: Its own, when it is not the same for all.
            token: For unsubscribing.
        """
        sent_to, to = _recipient(copy.recipient)
        date = _date(second)
        sent = (
            f"To: {sent_to}\r\nDate: {date}\r\nMessage-ID: <{copy.email_id}>\r\n"
            f"X-Dynosend-Message-Id: {copy.email_id}\r\nX-Trireme-Message: {copy.return_token}\r\n"
        )
        relaxed = f"to:{to}\r\ndate:{date}\r\nmessage-id:<{copy.email_id}>\r\nx-trireme-message:{copy.return_token}\r\n"
        if copy.contact_uid:
            sent += f"X-Dynosend-Contact-Id: {copy.contact_uid}\r\n"
        if subject is not None:
            sent_subject, canonical = _subject(subject)
            sent += sent_subject
            relaxed += canonical
        if self._unsubscribe:
            line, canonical = unsubscribe_lines(self._links, token)
            sent += line
            relaxed += canonical
        return sent.encode(), self._relaxed + relaxed.encode()


def unsubscribe_lines(links: Links, token: str) -> tuple[str, str]:
    """Return the List-Unsubscribe line of a copy as sent, and canonical.

    Args:
        links: Where unsubscribing leads.
        token: The copy's, for unsubscribing.
    """
    page, mailbox = f"<{links.public_url}/u/{token}>,", f"<mailto:unsubscribe+{token}@{links.bounce_domain}>"
    return f"List-Unsubscribe: {page}\r\n {mailbox}\r\n", f"list-unsubscribe:{page} {mailbox}\r\n"


def _static(content: CampaignContent, subject: str | None) -> Iterator[bytes]:
    yield header_line("From", Mailbox(clean(content.from_name), content.from_email).header_text())
    if content.reply_to:
        yield header_line("Reply-To", content.reply_to)
    if subject is not None:
        yield header_line("Subject", clean(subject)[:MAX_SUBJECT])
    for name, value in content.headers:
        if name.lower() not in RESERVED:
            yield header_line(name, value)
    if content.unsubscribe:
        yield header_line(*ONE_CLICK) + b"Precedence: bulk\r\n"


def _recipient(address: str) -> tuple[str, str]:
    """Return the value of To as sent, and canonical."""
    if _SIMPLE.match(address):
        return address, address
    line = header_line("To", address)
    return line[4:-2].decode(), _canonical(line)


def _subject(subject: str) -> tuple[str, str]:
    """Return the Subject line as sent, and canonical; encoded words when it is not short ASCII."""
    if _SHORT.match(subject) and "=?" not in subject:
        value = _LONG_RUN.sub(" ", subject) if "  " in subject else subject
        return f"Subject: {subject}\r\n", f"subject:{value}\r\n"
    subject = clean(subject)[:MAX_SUBJECT]
    if subject.isascii():
        line = header_line("Subject", subject)
        return line.decode("ascii"), f"subject:{_canonical(line)}\r\n"
    words = _encoded_words(subject)
    folded = "\r\n ".join(words)
    return f"Subject: {folded}\r\n", f"subject:{' '.join(words)}\r\n"


def _canonical(line: bytes) -> str:
    return dkim.relaxed(line)[0][1].partition(b":")[2][:-2].decode()


def _encoded_words(text: str) -> Sequence[str]:
    """Write a whole text as base64 words; a character is never cut (RFC 2047, section 5)."""
    raw = text.encode()
    words: list[str] = []
    start = 0
    while start < len(raw):
        end = min(start + _CHUNK, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # noqa: PLR2004 the mark of UTF-8's further octets
            end -= 1
        words.append(f"=?utf-8?b?{binascii.b2a_base64(raw[start:end], newline=False).decode('ascii')}?=")
        start = end
    return words


@lru_cache(maxsize=1024)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))

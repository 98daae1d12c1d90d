"""The envelope of one message: MAIL, RCPT and DATA with what the server offers. May import the standard library.

Source: RFC 5321 section 4.1.1, RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 2920 (PIPELINING).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]|[\ud800-\udfff]")
_UNSAFE_QUOTED = re.compile(r"[\x00-\x1f\x7f]|[\ud800-\udfff]")


class Withdrawn(Exception):
    """Raised by `SendJob.content`: the message is not to be sent any more."""


class SendJob(Protocol):
    """One message for one recipient. Jobs are told apart by identity."""

    @property
    def envelope_from(self) -> str:
        """Return path, without angle brackets; empty for the null sender."""
        ...

    @property
    def recipient(self) -> str:
        """Address, without angle brackets."""
        ...

    @property
    def size(self) -> int:
        """Octets of the mail, exact or a little more."""
        ...

    @property
    def smtputf8(self) -> bool:
        """Whether a header of the mail needs SMTPUTF8."""
        ...

    @property
    def eightbit(self) -> bool:
        """Whether the mail holds octets above 127.

        A server that does not offer 8BITMIME gets such a mail all the same, unannounced: every server of today is
        8-bit clean, converting would break the signature, and our composer encodes bodies as 7-bit text anyway.
        """
        ...

    def content(self) -> bytes:
        """Return the complete mail, composed now: CRLF line ends, no line that begins with a lone dot, CRLF at its end.

        Called when the server waits for it, perhaps again later on another session.

        Raises:
            Withdrawn: It is not to be sent any more.
        """
        ...

    def before_final_dot(self) -> None:
        """Note that the final dot may reach the wire from now on; if this raises, the dot is not sent."""
        ...


@dataclass(frozen=True, slots=True)
class Offers:
    """What a server offers in its answer to EHLO."""

    pipelining: bool = False
    eightbit: bool = False
    smtputf8: bool = False
    size: bool = False
    max_size: int = 0
    """Largest message in octets; 0: no limit is known."""


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Why a message can not be sent to this server at all."""

    enhanced: str
    reason: str


def read_offers(extensions: Mapping[str, str]) -> Offers:
    """Return the offers among EHLO keywords, given as lower-case keyword and parameters."""
    size = extensions.get("size", "").strip()
    return Offers(
        pipelining="pipelining" in extensions,
        eightbit="8bitmime" in extensions,
        smtputf8="smtputf8" in extensions,
        size="size" in extensions,
        max_size=int(size) if size.isascii() and size.isdigit() and len(size) < 20 else 0,  # noqa: PLR2004 RFC 1870
    )


def envelope(job: SendJob, offers: Offers) -> bytes | Unsendable:
    """Return the commands of a message as they travel, three lines: MAIL, RCPT, DATA; or why there are none."""
    sender, recipient = job.envelope_from, job.recipient
    both = sender + recipient
    is_plain = both.isascii()
    if is_plain and recipient and both.isprintable() and not (" " in both or "<" in both or ">" in both):
        pass  # nearly every address: told without a search
    elif not recipient or _is_unsafe(sender) or _is_unsafe(recipient):
        return Unsendable("5.1.3", "the address can not be written in an SMTP command")
    size = job.size
    if 0 < offers.max_size < size:
        return Unsendable("5.3.4", f"message of {size} octets, the server takes {offers.max_size}")
    options = f" SIZE={size}" if offers.size else ""
    if job.smtputf8 or not is_plain:
        if not offers.smtputf8:
            return Unsendable("5.6.7", "the server does not offer SMTPUTF8")
        options += " SMTPUTF8"
    if offers.eightbit and job.eightbit:
        options += " BODY=8BITMIME"
    return f"MAIL FROM:<{sender}>{options}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()


def _is_unsafe(address: str) -> bool:
    pattern = _UNSAFE_QUOTED if address.startswith('"') else _UNSAFE
    return pattern.search(address) is not None

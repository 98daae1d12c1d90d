"""The envelope of one message: MAIL and RCPT with what the server offers. May import the standard library.

Source: RFC 5321 section 4.1.1, RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 2920 (PIPELINING).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]|[\ud800-\udfff]")
_UNSAFE_QUOTED = re.compile(r"[\x00-\x1f\x7f]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class SendJob:
    """One message for one recipient. Two jobs are never equal, even with the same content."""

    envelope_from: str
    """Return path, without angle brackets; empty for the null sender."""
    recipient: str
    """Address, without angle brackets."""
    data: bytes
    """The complete mail: CRLF line ends, no line that begins with a lone dot, CRLF at its end. Sent as it is."""
    smtputf8: bool
    """Whether a header of the mail needs SMTPUTF8."""
    before_final_dot: Callable[[], None]
    """Called immediately before the final dot may reach the wire; if it raises, the dot is not sent."""


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


def envelope(job: SendJob, offers: Offers) -> tuple[bytes, bytes] | Unsendable:
    """Return the arguments of MAIL and RCPT (`FROM:<...> SIZE=...`, `TO:<...>`), or why there are none."""
    sender, recipient = job.envelope_from, job.recipient
    if not recipient or _is_unsafe(sender) or _is_unsafe(recipient):
        return Unsendable("5.1.3", "the address can not be written in an SMTP command")
    size = len(job.data)
    if 0 < offers.max_size < size:
        return Unsendable("5.3.4", f"message of {size} octets, the server takes {offers.max_size}")
    options = f" SIZE={size}" if offers.size else ""
    if job.smtputf8 or not (sender.isascii() and recipient.isascii()):
        if not offers.smtputf8:
            return Unsendable("5.6.7", "the server does not offer SMTPUTF8")
        options += " SMTPUTF8"
    if offers.eightbit and not job.data.isascii():
        options += " BODY=8BITMIME"
    return f"FROM:<{sender}>{options}".encode(), f"TO:<{recipient}>".encode()


def _is_unsafe(address: str) -> bool:
    pattern = _UNSAFE_QUOTED if address.startswith('"') else _UNSAFE
    return pattern.search(address) is not None

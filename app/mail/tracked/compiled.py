"""A tracked single mail: compiled once, then copies with tokens, headers and signatures of their own.

May import the rest of `app.mail`.

Source: docs/contract/dyn-email.md, sections 7 and 13; RFC 8058; RFC 6376.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.mail import compose, dkim
from app.mail.campaign import Links
from app.mail.campaign.head import ONE_CLICK, unsubscribe_lines
from app.mail.tracked.body import Body, body_of
from app.mail.tracked.tracks import Tracks, effective, tracked_pieces
from app.mail.tracking import CLICK_LENGTH, Purpose, Tokens
from app.mail.transfer import dot_stuff

_ROOM = 1_536
"""What the headers of a copy and a signature take at most in nearly all cases, in octets."""
_SAMPLE = b"x" * CLICK_LENGTH


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a mail reports, and where its links lead.

    Attributes:
        tracks: As it was stored.
        targets: Of `find_links`, as stored: the place of a target is its number.
        links: Where our own links lead, and what signs them.
    """

    tracks: Tracks
    targets: Sequence[str]
    links: Links


class CompiledTracked:
    """What all copies of a mail share. Immutable; may be used by several threads."""

    def __init__(
        self,
        head: bytes,
        body: Body,
        links: Links,
        *,
        targets: int,
        unsubscribes: bool,
        stuffs_dots: bool = False,
        eightbit: bool = False,
    ) -> None:
        """Take what the copies share; see `compile_tracked`.

        Args:
            head: Header lines, each with CRLF.
            body: The body with room for tokens.
            links: Where our own links lead, and what signs them.
            targets: How many links are tracked.
            unsubscribes: Whether each copy gets a List-Unsubscribe of its own; the other field is in `head`.
            stuffs_dots: Whether a line of the body may begin with a dot, to be doubled when it is sent.
            eightbit: Whether the body holds octets above 127.
        """
        self._head = head
        self._body = body
        self._links = links
        self._targets = targets
        self._unsubscribes = unsubscribes
        self._stuffs_dots = stuffs_dots
        self.eightbit = eightbit
        """Whether the body holds octets above 127."""
        self.needs_smtputf8: bool = not head.isascii()
        """Whether a header all copies share holds raw UTF-8; a recipient's address may need it too."""
        names, lines = dkim.select(dkim.relaxed(head))
        self._canonical = b"".join(lines)
        self._names = (*names, "x-trireme-message", *["list-unsubscribe"] * unsubscribes)
        self.size: int = len(head) + len(body.of([_SAMPLE] * (1 + targets))) + _ROOM
        """Octets of a copy, a little more than most have."""

    def compose(
        self, message_id: int, accepted_at: datetime, return_token: str, signers: Sequence[dkim.Signer] = ()
    ) -> bytes:
        """Return the whole mail of one copy: CRLF, no leading dots, CRLF at its end.

        Args:
            message_id: Of the copy.
            accepted_at: Aware; its second is part of the tokens.
            return_token: Of `verp.encode`: the token in the return path, for X-Trireme-Message.
            signers: Each adds a signature, the first one at the top.

        Raises:
            ValueError: An id is out of range.
        """
        second = int(accepted_at.timestamp())
        tokens = Tokens(self._links.key, accepted_at=second, message_id=message_id, links=self._targets)
        filled = [tokens.of(Purpose.OPEN), *map(tokens.click, range(self._targets))]
        body = self._body.of(filled)
        lines, canonical = f"X-Trireme-Message: {return_token}\r\n", f"x-trireme-message:{return_token}\r\n"
        if self._unsubscribes:
            more = unsubscribe_lines(self._links, tokens.of(Purpose.UNSUBSCRIBE).decode("ascii"))
            lines, canonical = lines + more[0], canonical + more[1]
        signed = self._canonical + canonical.encode()
        hashed = self._body.hash(body, filled) if signers else ""
        signatures = [signer.sign_relaxed(self._names, signed, hashed) for signer in signers]
        if self._stuffs_dots:
            body = dot_stuff(body)  # after it was hashed: signatures are of what is read
        return b"".join((*signatures, lines.encode(), self._head, b"\r\n", body))


def compile_tracked(
    content: compose.Content, tracking: Tracking, *, message_id: str, date: datetime, boundary: str
) -> CompiledTracked:
    """Compile a mail that is tracked; takes milliseconds, so it belongs into a thread.

    The headers of the content stay in their order. A mail that brings its own List-Unsubscribe keeps it, and gets
    none from us (section 7); to the others both headers of RFC 8058 are added, and a List-Unsubscribe-Post without
    the header it belongs to is left out: two of them would be invalid. Text alone has no pixel and no clicks.

    Args:
        content: Headers and bodies.
        tracking: What is tracked.
        message_id: As of `compose.compile`.
        date: As of `compose.compile`.
        boundary: As of `compose.compile`.

    Raises:
        ValueError: The name of a header or the boundary is not one.
    """
    tracks = effective(tracking.tracks, content.headers, content.html)
    targets = tracking.targets if Tracks.CLICKS in tracks else ()
    numbers = {target: number for number, target in enumerate(targets)}
    html = None if content.html is None else tracked_pieces(content.html, tracks, numbers, tracking.links.public_url)
    mime, body = body_of(content.text, html, boundary)
    headers = content.headers
    unsubscribes = Tracks.UNSUBSCRIBING in tracks
    if unsubscribes:
        headers = (*[line for line in headers if line[0].lower() != ONE_CLICK[0].lower()], ONE_CLICK)
    head = compose.head_of(headers, mime, message_id=message_id, date=date)
    return CompiledTracked(head, body, tracking.links, targets=len(targets), unsubscribes=unsubscribes)

"""The body of a tracked mail: what is sent, and the hash of its canonical form.

Only tokens differ between copies, so all else is brought into canonical form once, and what stands before the first
token is hashed once. May import `app.mail.compose`, `app.mail.dkim` and the module `slots`.

Source: RFC 6376, section 3.4.4; RFC 2046, section 5.1.4.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from app.mail import compose, dkim
from app.mail.personalise import Piece
from app.mail.tracked.slots import Item, Slot, with_slots


class Body:
    """The body of all copies. Immutable."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Take a whole body: CRLF, no leading dots, CRLF at its end."""
        self._sent = tuple(_merged(items))
        self._canonical = tuple(_canonical(self._sent))
        self._is_canonical = self._canonical == self._sent
        first = self._canonical[0] if self._canonical else b""
        self._fixed = first if isinstance(first, bytes) else b""
        self._state = hashlib.sha256(self._fixed)
        whole = self._sent[0] if len(self._sent) == 1 else None
        self._hash = dkim.body_hash(whole) if isinstance(whole, bytes) else None

    def of(self, tokens: Sequence[bytes]) -> bytes:
        """Return the body of a copy; `tokens` are the pixel's and those of its links."""
        return b"".join([_octets(item, tokens) for item in self._sent])

    def hash(self, body: bytes, tokens: Sequence[bytes]) -> str:
        """Return bh= of what `of` returned for these tokens."""
        if self._hash is not None:
            return self._hash
        if not self._is_canonical:
            body = b"".join([_octets(item, tokens) for item in self._canonical])
        state = self._state.copy()
        state.update(memoryview(body)[len(self._fixed) :])
        return base64.b64encode(state.digest()).decode("ascii")


def body_of(text: str | None, html: Sequence[Piece] | None, boundary: str) -> tuple[bytes, Body]:
    """Return the header lines that describe a body, and the body.

    Args:
        text: The text part.
        html: The HTML part with places for tokens; None: there is none.
        boundary: As of `compose.compile`.

    Raises:
        ValueError: The boundary is not one.
    """
    if html is None:
        only = compose.encoded("plain", text or "")
        return only.head, Body([only.body])
    part, items = with_slots(html)
    frame = compose.framed(text, part, boundary)
    return frame.mime, Body([frame.before, *items, frame.after])


def _octets(item: Item, tokens: Sequence[bytes]) -> bytes:
    if isinstance(item, bytes):
        return item
    return tokens[item.token][item.begin : item.end] if isinstance(item, Slot) else item.of(tokens)


def _merged(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items with neighbouring octets as one, without empty ones."""
    for is_ready, group in groupby(items, key=lambda item: isinstance(item, bytes)):
        if not is_ready:
            yield from group
        elif octets := b"".join(item for item in group if isinstance(item, bytes)):
            yield octets


def _canonical(items: Sequence[Item]) -> Iterator[Item]:
    """Yield items in relaxed form: between them there is a token, so no run of blanks goes from one to the next."""
    for item in items[:-1]:
        yield dkim.relaxed_text(item) if isinstance(item, bytes) else item
    for item in items[-1:]:
        yield dkim.relaxed_text(item).rstrip(b"\r\n") + b"\r\n" if isinstance(item, bytes) else item

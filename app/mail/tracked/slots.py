"""An encoded text with room for tokens.

All tokens of a kind are equally long, and every encoding treats their letters alike. So the text is encoded with
stand-ins by the encoding it would have anyway, and a copy replaces them: in 7bit and quoted-printable where they
stand (a soft line break may cut one in two), in base64 by encoding the lines anew that hold one.

May import `app.mail.compose`, `app.mail.transfer` and `app.mail.personalise`.

Source: RFC 2045, section 6.
"""

import binascii
import hashlib
import re
from base64 import b32encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.mail import compose
from app.mail.campaign.program import CLICK
from app.mail.personalise import Piece, Place
from app.mail.tracking import CLICK_LENGTH, LENGTH
from app.mail.transfer import base64_lines

_LINE = 57
"""Octets that make a line of base64."""
_SOFT = b"=\r\n"
_USUAL = "tokens5of5copies5have5place2"


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a token; `token` is 0 for the pixel's, a link's number plus one for a click's."""

    token: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Lines:
    """What is encoded in base64 for each copy: whole lines."""

    items: tuple["bytes | Slot", ...]

    def of(self, tokens: Sequence[bytes]) -> bytes:
        """Return the lines of a copy."""
        octets = [item if isinstance(item, bytes) else tokens[item.token][item.begin : item.end] for item in self.items]
        return base64_lines(b"".join(octets))


Item = bytes | Slot | Lines


def with_slots(pieces: Sequence[Piece]) -> tuple[compose.Part, list[Item]]:
    """Encode an HTML text.

    Args:
        pieces: Texts and places.

    Returns:
        The part with stand-ins in the place of tokens, and its body in items.
    """
    stand_in = _stand_in("".join([piece for piece in pieces if isinstance(piece, str)]))
    places = [piece for piece in pieces if isinstance(piece, Place)]
    text = "".join([stand_in[: _length(piece)] if isinstance(piece, Place) else str(piece) for piece in pieces])
    part = compose.encoded("html", text)
    items = (_in_lines if part.encoding == "base64" else _in_place)(part, stand_in, places)
    return part, [item for item in items if item != b""]


def _length(place: Place) -> int:
    return CLICK_LENGTH if place.kind == CLICK else LENGTH


def _number(place: Place) -> int:
    return place.number + 1 if place.kind == CLICK else 0


def _stand_in(text: str) -> str:
    """Return letters as of a click token, of which not even those of a shorter token occur in a text.

    Nearly always the same ones, so that their pattern is there already; no author can foresee the others.
    """
    made = _USUAL
    while made[:LENGTH] in text:
        digest = hashlib.sha256(made.encode("ascii") + text.encode("utf-8", "replace")).digest()
        made = b32encode(digest).decode("ascii").lower()[:CLICK_LENGTH]
    return made


@lru_cache(maxsize=4)
def _pattern(stand_in: str) -> re.Pattern[bytes]:
    """Return a pattern of a token in quoted-printable."""
    first, rest = stand_in[:LENGTH], stand_in[LENGTH:]
    soft = "(?:=\r\n)?"
    return re.compile(f"{soft.join(first)}(?:{soft}{soft.join(rest)})?".encode("ascii"))


def _in_place(part: compose.Part, stand_in: str, places: Sequence[Place]) -> Iterator[Item]:
    position = 0
    body = part.body
    for place, (start, end) in zip(places, _spans(part, stand_in, places), strict=True):
        yield body[position:start]
        begin = 0
        for number, piece in enumerate(body[start:end].split(_SOFT)):
            if number:
                yield _SOFT
            yield Slot(_number(place), begin, begin + len(piece))
            begin += len(piece)
        position = end
    yield body[position:]


def _spans(part: compose.Part, stand_in: str, places: Sequence[Place]) -> Iterator[tuple[int, int]]:
    """Yield where the stand-ins are in an encoded part, line breaks in them included."""
    if part.encoding == "quoted-printable":
        yield from (match.span() for match in _pattern(stand_in).finditer(part.body))
    else:
        yield from _found(part.body, stand_in, places)


def _found(text: bytes, stand_in: str, places: Sequence[Place]) -> Iterator[tuple[int, int]]:
    end = 0
    for place in places:
        start = text.index(stand_in[:LENGTH].encode("ascii"), end)
        end = start + _length(place)
        yield start, end


def _in_lines(part: compose.Part, stand_in: str, places: Sequence[Place]) -> Iterator[Item]:
    raw = binascii.a2b_base64(part.body)
    position = 0
    items: list[bytes | Slot] = []
    """Of the lines that hold the tokens before `position`; empty at the beginning of a line."""
    for place, (start, end) in zip(places, _found(raw, stand_in, places), strict=True):
        next_line = -(-position // _LINE) * _LINE
        if start >= next_line:
            if items:
                yield Lines((*items, raw[position:next_line]))
                items = []
            position = max(next_line, start // _LINE * _LINE)
            yield base64_lines(raw[next_line:position])
        items += (raw[position:start], Slot(_number(place), 0, end - start))
        position = end
    next_line = -(-position // _LINE) * _LINE
    yield Lines((*items, raw[position:next_line]))
    yield base64_lines(raw[next_line:])

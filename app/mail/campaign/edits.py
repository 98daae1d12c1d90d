"""What tracking changes in an HTML text: the spans of links, and the place of the pixel.

The same for campaigns and single mails; nothing else of the author's HTML is touched. May import
`app.mail.personalise` and the modules beside it.

Source: docs/contract/dyn-email.md, section 13.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from app.mail.campaign.links import is_own, target_of
from app.mail.campaign.markup import Tag
from app.mail.campaign.program import CLICK
from app.mail.personalise import Control, Piece, Place, Token
from app.mail.tracking import MAX_LINKS, Purpose

_PIXEL = ' width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'
_NOTHING_KNOWN: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Edit:
    """Pieces that take the place of a span of the source."""

    start: int
    end: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """An HTML text with its constructs, none for a text that is not personalised, and what is known of their values."""

    text: str
    tokens: Sequence[Token] = ()
    constants: Mapping[str, str] = field(default_factory=lambda: _NOTHING_KNOWN)


@dataclass(slots=True)
class Targets:
    """Link numbers by target: the same target is the same link."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, target: str) -> int | None:
        """Return the number of a target, a new one if need be; None when there are `MAX_LINKS` others."""
        if target not in self.numbers and len(self.numbers) >= MAX_LINKS:
            return None
        return self.numbers.setdefault(target, len(self.numbers))


def clicks(found: Iterable[Tag], source: Source, public_url: str, number: Callable[[str], int | None]) -> list[Edit]:
    """Return the edits that make clicks of links, in order.

    Args:
        found: The tags of the source.
        source: The HTML.
        public_url: Base of our links, without a slash at its end.
        number: Gives the number of a target; None leaves the link as it is.
    """
    starts = [token.start for token in source.tokens]
    base = escape(public_url) + "/t/c/"
    edits: list[Edit] = []
    for tag in found:
        span = tag.span("href")
        if span is None:
            continue
        inside = source.tokens[bisect_left(starts, span[0]) : bisect_left(starts, span[1])]
        target = target_of(source.text, tag, inside, source.constants)
        if target is None or is_own(target, public_url):
            continue
        link = number(target)
        if link is not None:
            edits.append(Edit(*span, (base, Place(CLICK, link))))
    return edits


def pixel(found: Sequence[Tag], source: Source, public_url: str) -> Edit:
    """Return the edit that puts the pixel in: before the last `</body>` that no `if` encloses, else at the end."""
    at = _body_end(found, source.tokens, len(source.text))
    return Edit(at, at, (f'<img src="{escape(public_url)}/t/o/', Place(Purpose.OPEN), f'.gif"{_PIXEL}'))


def weave(source: str, tokens: Sequence[Token], edits: Sequence[Edit] = ()) -> list[Piece]:
    """Return a source as pieces, with edits in the place of their spans; edits do not overlap."""
    pieces: list[Piece] = []
    position = 0
    constructs = [Edit(token.start, token.end, (token.what,)) for token in tokens]
    # What begins at one place keeps this order: what is put in, a link, the construct the link begins with.
    changes = sorted(edits, key=lambda one: one.end > one.start) + constructs
    for change in sorted(changes, key=lambda one: one.start):
        if change.start < position:
            continue  # a construct inside a link that was replaced
        pieces += (source[position : change.start], *change.pieces)
        position = change.end
    pieces.append(source[position:])
    return [piece for piece in pieces if piece != ""]


def _body_end(found: Sequence[Tag], tokens: Sequence[Token], length: int) -> int:
    ends = [tag.start for tag in found if tag.name == "body" and tag.closes]
    if not ends:
        return length
    depth = 0
    for token in tokens:
        if token.start > ends[-1]:
            break
        if isinstance(token.what, Control):
            depth += {"if": 1, "endif": -1}.get(token.what.word, 0)
    return length if depth else ends[-1]

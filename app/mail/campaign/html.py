"""The HTML part as pieces: links become clicks, the preheader and the pixel are put in.

Only the spans of href values change; all else of the author's HTML stays as it is. May import
`app.mail.personalise` and the modules beside it.

Source: docs/contract/dyn-email.md, section 13; docs/contract/dyno.md, section 8 (preview_message).
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from app.mail.campaign.content import CampaignContent, Links
from app.mail.campaign.links import is_own, target_of
from app.mail.campaign.markup import Tag, mask, tags
from app.mail.campaign.program import CLICK
from app.mail.personalise import Control, Piece, Place, Token, scan
from app.mail.tracking import MAX_LINKS, Purpose

_HIDDEN = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">'
_PIXEL = ' width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'


@dataclass(frozen=True, slots=True)
class Edit:
    """Pieces that take the place of a span of the source."""

    start: int
    end: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """An HTML text with its constructs, and what is known of their values."""

    text: str
    tokens: Sequence[Token]
    constants: Mapping[str, str]


@dataclass(slots=True)
class _Targets:
    """Link numbers by target: the same target is the same link."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, target: str) -> int | None:
        if target not in self.numbers and len(self.numbers) >= MAX_LINKS:
            return None
        return self.numbers.setdefault(target, len(self.numbers))


def html_pieces(content: CampaignContent, links: Links, known: frozenset[str]) -> tuple[list[Piece], tuple[str, ...]]:
    """Return the HTML part, its values not escaped yet, and the targets by link number.

    Raises:
        SyntaxProblem: HTML or preheader are malformed.
    """
    source = content.html or ""
    tokens = scan(source, known)
    found = list(tags(mask(source, tokens)))
    targets = _Targets()
    edits: list[Edit] = []
    if content.track_clicks:
        edits += _clicks(found, _Source(source, tokens, content.constants), links, targets)
    if content.preheader:
        edits.append(_preheader(found, content.preheader, known))
    if content.track_opens:
        at = _body_end(found, tokens, len(source))
        pixel = (f'<img src="{escape(links.public_url)}/t/o/', Place(Purpose.OPEN), f'.gif"{_PIXEL}')
        edits.append(Edit(at, at, pixel))
    return weave(source, tokens, edits), tuple(targets.numbers)


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


def _clicks(found: Sequence[Tag], source: _Source, links: Links, targets: _Targets) -> list[Edit]:
    starts = [token.start for token in source.tokens]
    base = escape(links.public_url) + "/t/c/"
    edits: list[Edit] = []
    for tag in found:
        span = tag.span("href")
        if span is None:
            continue
        inside = source.tokens[bisect_left(starts, span[0]) : bisect_left(starts, span[1])]
        target = target_of(source.text, tag, inside, source.constants)
        if target is None or is_own(target, links.public_url):
            continue
        number = targets.number(target)
        if number is not None:
            edits.append(Edit(*span, (base, Place(CLICK, number))))
    return edits


def _preheader(found: Sequence[Tag], text: str, known: frozenset[str]) -> Edit:
    """Put the preheader behind `<body>`; without one behind the head, else at the beginning."""
    at = 0
    for name, closes in (("body", False), ("head", True), ("html", False)):
        ends = [tag.end for tag in found if tag.name == name and tag.closes == closes]
        if ends:
            at = ends[0]
            break
    pieces = (escape(piece) if isinstance(piece, str) else piece for piece in weave(text, scan(text, known)))
    return Edit(at, at, (_HIDDEN, *pieces, "</div>"))


def _body_end(found: Sequence[Tag], tokens: Sequence[Token], length: int) -> int:
    """Return where the pixel goes: before the last `</body>` that no `if` encloses, else at the end."""
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

"""The HTML part as pieces: links become clicks, the preheader and the pixel are put in.

Only the spans of href values change; all else of the author's HTML stays as it is. May import
`app.mail.personalise` and the modules beside it.

Source: docs/contract/dyn-email.md, section 13; docs/contract/dyno.md, section 8 (preview_message).
"""

from collections.abc import Callable, Sequence
from html import escape

from app.mail.campaign.content import CampaignContent, Links
from app.mail.campaign.edits import Edit, Source, Targets, clicks, pixel, weave
from app.mail.campaign.markup import Tag, landmarks, mask
from app.mail.personalise import Piece, scan

_HIDDEN = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">'


def html_pieces(content: CampaignContent, links: Links, known: frozenset[str]) -> tuple[list[Piece], tuple[str, ...]]:
    """Return the HTML part, its values not escaped yet, and the targets by link number.

    Raises:
        SyntaxProblem: HTML or preheader are malformed.
    """
    text = content.html or ""
    source = Source(text, scan(text, known), content.constants)
    found = list(landmarks(mask(text, source.tokens)))
    targets = Targets()
    number: Callable[[str], int | None] = targets.number
    if content.targets is not None:  # what a click's number means was stored, wherever our links lead by now
        targets = Targets({target: place for place, target in enumerate(content.targets)})
        number = targets.numbers.get
    edits: list[Edit] = []
    if content.track_clicks:
        edits += clicks(found, source, links.public_url, number)
    if content.preheader:
        edits.append(_preheader(found, content.preheader, known))
    if content.track_opens:
        edits.append(pixel(found, source, links.public_url))
    return weave(text, source.tokens, edits), tuple(targets.numbers)


def with_preheader(html: str, preheader: str) -> str:
    """Return an HTML text with a hidden line at its top, for mail that is not compiled; constructs stay constructs.

    Raises:
        SyntaxProblem: HTML or preheader are malformed.
    """
    at = _top(list(landmarks(mask(html, scan(html, ())))))
    line, position = [], 0
    for token in scan(preheader, ()):
        line += [escape(preheader[position : token.start]), preheader[token.start : token.end]]
        position = token.end
    return "".join((html[:at], _HIDDEN, *line, escape(preheader[position:]), "</div>", html[at:]))


def _preheader(found: Sequence[Tag], text: str, known: frozenset[str]) -> Edit:
    at = _top(found)
    pieces = (escape(piece) if isinstance(piece, str) else piece for piece in weave(text, scan(text, known)))
    return Edit(at, at, (_HIDDEN, *pieces, "</div>"))


def _top(found: Sequence[Tag]) -> int:
    """Return where a hidden line goes: behind `<body>`; without one behind the head, else at the beginning."""
    for name, closes in (("body", False), ("head", True), ("html", False)):
        ends = [tag.end for tag in found if tag.name == name and tag.closes == closes]
        if ends:
            return ends[0]
    return 0

"""The HTML part as pieces: links become clicks, the preheader and the pixel are put in.

Only the spans of href values change; all else of the author's HTML stays as it is. May import
`app.mail.personalise` and the modules beside it.

Source: docs/contract/dyn-email.md, section 13; docs/contract/dyno.md, section 8 (preview_message).
"""

from collections.abc import Sequence
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
    edits: list[Edit] = []
    if content.track_clicks:
        edits += clicks(found, source, links.public_url, targets.number)
    if content.preheader:
        edits.append(_preheader(found, content.preheader, known))
    if content.track_opens:
        edits.append(pixel(found, source, links.public_url))
    return weave(text, source.tokens, edits), tuple(targets.numbers)


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

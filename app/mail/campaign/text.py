"""The text part that an HTML part stands for: readable lines, links as `text (url)`.

Slots keep their places, and conditions enclose what they enclosed. May import `app.mail.personalise` and the modules
beside it.

Source: docs/contract/dynosend.md, section 15.
"""

import re
from collections.abc import Iterator, Sequence
from html import unescape

from app.mail.campaign.markup import RAW, Tag, mask, tags
from app.mail.campaign.writer import Writer
from app.mail.personalise import Control, Piece, Token, Unbalanced, build, scan

_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BREAKS = dict.fromkeys(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "hr"), 2
) | dict.fromkeys(
    ("div", "tr", "li", "br", "section", "article", "header", "footer", "center", "dt", "dd", "body", "form"), 1
)
"""Elements that end a line, and the line breaks they make at most."""
_CELLS = frozenset({"td", "th"})
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "area", "col", "wbr", "source", "base"})


def text_pieces(html: str, known: frozenset[str]) -> list[Piece]:
    """Return a text part derived from HTML, as pieces.

    Args:
        html: The author's HTML with its constructs.
        known: Names that `{NAME}` stands for.

    Raises:
        SyntaxProblem: The HTML is malformed.
    """
    reader = _Reader(html, scan(html, known))
    return reader.read()


class _Reader:
    """Walks through the tags of one HTML."""

    def __init__(self, html: str, tokens: Sequence[Token]) -> None:
        self._html = html
        self._tokens = tokens
        self._next = 0
        self._out = Writer()
        self._link: tuple[list[Piece], int] = ([], 0)
        self._skipping = ""
        self._depth = 0

    def read(self) -> list[Piece]:
        position = 0
        for tag in tags(mask(self._html, self._tokens)):
            self._text(position, tag.start)
            self._tag(tag)
            position = tag.end
        self._text(position, len(self._html))
        return [*self._out.pieces, "\n"]

    def _text(self, start: int, end: int) -> None:
        pieces = self._span(start, end)
        if self._skipping:
            self._write([piece for piece in pieces if isinstance(piece, Control)])
        else:
            self._write([unescape(piece) if isinstance(piece, str) else piece for piece in pieces])

    def _span(self, start: int, end: int) -> Iterator[Piece]:
        """Yield the text and constructs of a span; constructs are yielded once."""
        position = start
        while self._next < len(self._tokens) and self._tokens[self._next].start < end:
            token = self._tokens[self._next]
            self._next += 1
            if token.start > position:
                yield self._html[position : token.start]
            yield token.what
            position = max(position, token.end)
        if position < end:
            yield self._html[position:end]

    def _tag(self, tag: Tag) -> None:
        value = self._attributes(tag)
        if self._skipping:
            self._skip(tag)
        elif not tag.closes and tag.name not in _VOID and self._is_hidden(tag):
            self._skipping, self._depth = tag.name, 1
        elif tag.name == "a":
            self._anchor(tag, _target(value))
        elif tag.name == "img":
            self._write(value)
        elif tag.name in _CELLS:
            self._out.text(" ")
        elif tag.name in _BREAKS:
            self._out.lines(_BREAKS[tag.name])
            if tag.name == "li" and not tag.closes:
                self._out.text("- ")

    def _skip(self, tag: Tag) -> None:
        if tag.name == self._skipping:
            self._depth += -1 if tag.closes else 1
            if not self._depth:
                self._skipping = ""

    def _write(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                self._out.text(piece)
            elif isinstance(piece, Control):
                self._out.control(piece)
            else:
                self._out.raw([piece])

    def _anchor(self, tag: Tag, link: list[Piece]) -> None:
        if not tag.closes:
            self._link = (link, len(self._out.pieces))  # links do not nest
            return
        target, begin = self._link
        self._link = ([], 0)
        if not target:
            return
        shown = [piece for piece in self._out.pieces[begin:] if piece not in {" ", "\n", "\n\n"}]
        if target == shown:
            return
        self._out.text(" (" if shown else "(")
        self._out.pieces += (*target, ")")

    def _attributes(self, tag: Tag) -> list[Piece]:
        """Return the href of an `<a>` or the alt of an `<img>`; write the conditions that stand elsewhere in a tag."""
        span = tag.span({"a": "href", "img": "alt"}.get(tag.name, "")) if not tag.closes else None
        begin, end = span or (tag.start, tag.start)
        before = [*self._span(tag.start, begin)] if begin > tag.start else []
        value = [*self._span(begin, end)] if end > begin else []
        after = [*self._span(end, tag.end)]
        is_whole = _is_whole(value)
        for piece in (*before, *(() if is_whole else value), *after):
            if isinstance(piece, Control):
                self._out.control(piece)
        return [unescape(piece) if isinstance(piece, str) else piece for piece in value] if is_whole else []

    def _is_hidden(self, tag: Tag) -> bool:
        if tag.name in RAW or tag.name == "head":
            return tag.name == "head"  # raw content is a span of its own, without a name
        span = tag.span("style")
        return span is not None and _HIDDEN.search(self._html, *span) is not None


def _is_whole(pieces: Sequence[Piece]) -> bool:
    """Say whether the conditions among some pieces pair."""
    try:
        build(pieces)
    except Unbalanced:
        return False
    return True


def _target(link: list[Piece]) -> list[Piece]:
    """Return what is shown of an href: nothing for a fragment or a script, the address alone for mailto."""
    pieces = link.copy()
    if pieces and isinstance(pieces[0], str):
        first = pieces[0].lstrip()
        if first.startswith("#") or first.lower().startswith(("javascript:", "data:")):
            return []
        pieces[0] = first[7:] if first.lower().startswith("mailto:") else first
    if pieces and isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip()
    return [piece for piece in pieces if piece != ""]

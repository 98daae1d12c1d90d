"""The parts of a message, without copying it. Imports the fields and the decoding of this package.

Not the standard library's parser: that one is asked to keep every part and every line of foreign input. Here a
boundary is looked for, in as many bytes, parts and levels as a report can have; the rest stays unread.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.mail.inbound.decoding import shown, text_of, transferred
from app.mail.inbound.fields import MAX_PART_HEAD, Fields, parameters, split_head

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of a message that are looked at; the rest is not read."""
MAX_DEPTH = 8
"""Multiparts within multiparts."""
MAX_PARTS = 100
"""Parts of a message."""
MAX_BOUNDARIES = 2_000
"""Places that may be a boundary, looked at in a message."""
MAX_SCANNED = 96 * 1024 * 1024
"""Bytes looked at for boundaries, over all levels."""
MAX_TEXT = 128 * 1024
"""Bytes of a part's decoded body that are read."""
_BLANKS = b" \t"
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf: a part that is not divided further."""

    fields: Fields
    kind: str
    """Content type such as `text/plain`, in lower case."""
    parameters: dict[str, str]
    depth: int
    raw: bytes
    start: int
    """Where its body starts in `raw`."""
    end: int

    def body(self) -> bytes:
        """Return the decoded body, cut at about `MAX_TEXT` bytes."""
        encoding = self.fields.get("content-transfer-encoding")
        room = MAX_TEXT * 3 // 2 if encoding else MAX_TEXT
        return transferred(self.raw[self.start : min(self.end, self.start + room)], encoding)[:MAX_TEXT]

    def text(self) -> str:
        """Return the body as text; of HTML, about what is seen."""
        text = text_of(self.body(), self.parameters.get("charset", ""))
        return shown(text) if self.kind == "text/html" else text


@dataclass(slots=True)
class _Budget:
    parts: int = MAX_PARTS
    boundaries: int = MAX_BOUNDARIES
    scanned: int = MAX_SCANNED


def parts_of(raw: bytes) -> tuple[Fields, list[Part]]:
    """Return the fields of a message and its leaves in their order; attached messages are leaves."""
    end = min(len(raw), MAX_MESSAGE)
    fields, start = split_head(raw, 0, end)
    return fields, list(_leaves(fields, raw, (start, end), 0, _Budget()))


def head_of(part: Part) -> Fields:
    """Return the fields of an attached message."""
    body = part.body().lstrip(b"\r\n")
    return split_head(body, 0, len(body))[0]


def _leaves(fields: Fields, raw: bytes, span: tuple[int, int], depth: int, budget: _Budget) -> Iterator[Part]:
    start, end = span
    kind, given = parameters(fields.get("content-type"))
    boundary = given.get("boundary", "")
    children: list[tuple[int, int]] = []
    if kind.startswith("multipart/") and boundary and depth < MAX_DEPTH:
        children = _divided(raw, start, end, b"--" + boundary.encode("utf-8", "replace"), budget)
    if not children:
        yield Part(fields, kind or "text/plain", given, depth, raw, start, end)
    for first, last in children:
        if budget.parts <= 0:
            return
        budget.parts -= 1
        inner, body = split_head(raw, first, last, MAX_PART_HEAD)
        yield from _leaves(inner, raw, (body, last), depth + 1, budget)


def _divided(raw: bytes, start: int, end: int, delimiter: bytes, budget: _Budget) -> list[tuple[int, int]]:
    """Return where the parts between delimiter lines are; the last may lack its end."""
    if budget.scanned < end - start:
        return []
    budget.scanned -= end - start
    found: list[tuple[int, int]] = []
    opened, at = -1, start
    while budget.boundaries > 0 and len(found) < MAX_PARTS and (at := raw.find(delimiter, at, end)) >= 0:
        budget.boundaries -= 1
        behind = at + len(delimiter)
        closes = raw[behind : behind + 2] == b"--"
        if not _is_line(raw, at, behind + 2 * closes, start):
            at = behind
            continue
        if opened >= 0:
            found.append((opened, max(opened, _before_line_end(raw, at))))
        opened = -1 if closes else _next_line(raw, behind, end)
        at = behind
        if closes:
            break
    if opened >= 0 and len(found) < MAX_PARTS:
        found.append((opened, end))
    return found


def _is_line(raw: bytes, at: int, behind: int, start: int) -> bool:
    if at > start and raw[at - 1] not in _LINE_ENDS:
        return False
    rest = raw[behind : behind + 1]
    return not rest or rest in _LINE_ENDS or rest in _BLANKS


def _before_line_end(raw: bytes, at: int) -> int:
    return at - 2 if raw[at - 2 : at] == b"\r\n" else at - 1


def _next_line(raw: bytes, at: int, end: int) -> int:
    stop = min(end, at + 200)
    while at < stop and raw[at] in _BLANKS:
        at += 1
    if raw[at : at + 2] == b"\r\n":
        return min(end, at + 2)
    return min(end, at + 1)

"""Header fields of a message, of a part, of a block of a report: bounded. Imports the decoding of this package."""

import re
from dataclasses import dataclass, field

from app.mail.inbound.decoding import words_of

MAX_HEAD = 256 * 1024
"""Bytes in which the end of a head is looked for; what follows in a longer head is not read."""
MAX_PART_HEAD = 16 * 1024
"""The same of a part."""
MAX_LINES = 4_000
"""Lines of a head that are read."""
MAX_VALUE = 8_000
"""Characters of one value that are kept."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_NAME = re.compile(r"[!-9;-~]{1,100}")
_PARAMETER = re.compile(r';\s{0,99}([A-Za-z0-9*_-]{1,40})\s{0,9}=\s{0,9}(?:"((?:[^"\\]|\\.){0,200})"|([^;\s"]{1,200}))')


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields in their order, names in lower case, values unfolded."""

    items: tuple[tuple[str, str], ...]
    _first: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first", dict(reversed(self.items)))

    def get(self, name: str) -> str:
        """Return the first value of a name, empty without one. Of doubled fields the first counts, everywhere."""
        return self._first.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def words(self, name: str) -> str:
        """Return the first value of a name with its encoded words read."""
        return words_of(self.get(name))


def split_head(raw: bytes, start: int, end: int, limit: int = MAX_HEAD) -> tuple[Fields, int]:
    """Read the head of `raw[start:end]`, of `limit` bytes at most; return its fields and where its body starts."""
    stop = min(end, start + limit)
    if raw[start : start + 1] == b"\n" or raw[start : start + 2] == b"\r\n":
        return Fields(()), start
    blank = _BLANK_LINE.search(raw, start, stop)
    if blank is None:
        return fields_of(_lines(raw[start:stop])), end if stop == end else stop
    return fields_of(_lines(raw[start : blank.start()])), blank.end()


def fields_of(lines: list[str]) -> Fields:
    """Read lines as fields: folded ones are joined, lines that are no fields are skipped."""
    items: list[tuple[str, list[str]]] = []
    for line in lines[:MAX_LINES]:
        if line[:1] in {" ", "\t"}:
            if items:
                items[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if colon and _NAME.fullmatch(name):
            items.append((name.lower(), [value.strip()]))
        elif items:
            items.append(("", []))  # so that what is folded below a broken line does not join the field above it
    return Fields(tuple((name, " ".join(value)[:MAX_VALUE]) for name, value in items if name))


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return the type and the parameters of a Content-Type, both in lower case but for the values."""
    kind = value.partition(";")[0].strip().lower()[:100]
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value[:MAX_VALUE]):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
    return kind, found


def _lines(head: bytes) -> list[str]:
    text = head.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = text.split(b"\n", MAX_LINES)[:MAX_LINES]
    return [_line(line[: MAX_VALUE + 200]) for line in lines]


def _line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")

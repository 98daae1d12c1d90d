"""Where the tags of an HTML text are, as a browser would find them; the text itself is never written anew.

Constructs of templates are masked first: each of their characters is `MASK`, which counts as a blank inside a tag.
Every pattern takes what it matches for good, so time grows with the length of the text. Imports the standard library
only.

Source: WHATWG HTML, section 13.2.5 (tokenization).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.mail.personalise import Token

MASK = "\ue000"
"""Stands for a character of a template construct."""
RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})
"""Elements whose content holds no tags."""
MAX_ATTRIBUTES = 200
"""Attributes of one tag that are looked at."""

_BLANK = rf" \t\n\r\f{MASK}"
_OPENING = re.compile(rf"<(?:(?P<close>/?)(?P<name>[A-Za-z][^/>{_BLANK}]*+)|(?P<comment>!--)|(?P<bogus>[!?/]))")
_ATTRIBUTE = re.compile(
    rf"""[{_BLANK}/]*+(?:
        (?P<end>>)
      | (?P<name>[^/>{_BLANK}][^/>={_BLANK}]*+)
        (?:[{_BLANK}]*+=[ \t\n\r\f]*+
          (?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^>"' \t\n\r\f][^> \t\n\r\f]*+)))?
    )""",
    re.VERBOSE,
)
_COMMENT_END = re.compile(r"--!?>")
_NOTHING = re.compile("")
_ENDS = "|".join(sorted(RAW | {"body", "head", "html"}))
_PLAIN = re.compile(
    rf"""(?:
        [^<]++
      | <(?![A-Za-z!?/])
      | <(?:/|(?!(?:a|area)[/>{_BLANK}]))(?!(?:{_ENDS})[/>{_BLANK}])[A-Za-z][^/>{_BLANK}]*+
        (?:[{_BLANK}]++[^/>={_BLANK}][^/>={_BLANK}]*+
          (?:=(?:"[^"]*+"|'[^']*+'|[^>"' \t\n\r\f][^> \t\n\r\f]*+))?+
        )*+
        [{_BLANK}]*+/?>
    )*+""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text and well-formed tags that are no landmarks: most of a mail, taken at one go."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, or a comment or raw content (with an empty name): the span `start` to `end` of the text."""

    start: int
    end: int
    name: str = ""
    """Lower case."""
    closes: bool = False
    attributes: tuple[tuple[str, int, int], ...] = ()
    """Lower-case name, and the span of the value without quotes; start and end are equal without one."""

    def span(self, attribute: str) -> tuple[int, int] | None:
        """Return the span of the first attribute of that name; None without one."""
        return next(((start, end) for name, start, end in self.attributes if name == attribute), None)


def mask(source: str, tokens: Iterable[Token]) -> str:
    """Return the source with every construct replaced by as many `MASK`."""
    parts: list[str] = []
    position = 0
    for token in tokens:
        parts += (source[position : token.start], MASK * (token.end - token.start))
        position = token.end
    return "".join((*parts, source[position:]))


def tags(masked: str) -> Iterator[Tag]:
    """Yield the tags, comments and raw contents of a masked text, in order; a tag that never ends is none."""
    return _tags(masked, _NOTHING)


def landmarks(masked: str) -> Iterator[Tag]:
    """Yield what `tags` yields but for most tags that tracking does not ask for; some times faster.

    Links begin with `a` and `area`; these and both tags of `body`, `head` and `html` are all there.
    """
    return _tags(masked, _PLAIN)


def _tags(masked: str, passed: re.Pattern[str]) -> Iterator[Tag]:
    position = 0
    while match := _OPENING.search(masked, _end_of(passed, masked, position)):
        start = match.start()
        if match["name"] is None:
            position = _comment_end(masked, match)
            yield Tag(start, position)
            continue
        found = _tag(masked, match)
        if found is None:
            return
        yield found
        position = found.end
        if found.name in RAW and not found.closes:
            position = _raw_end(masked, found)
            yield Tag(found.end, position)


def _end_of(passed: re.Pattern[str], masked: str, position: int) -> int:
    match = passed.match(masked, position)
    return match.end() if match else position


def _tag(masked: str, opening: re.Match[str]) -> Tag | None:
    position = opening.end()
    attributes: list[tuple[str, int, int]] = []
    while match := _ATTRIBUTE.match(masked, position):
        position = match.end()
        if match["end"]:
            closes = opening["close"] == "/"
            return Tag(opening.start(), position, opening["name"].lower(), closes, tuple(attributes))
        if len(attributes) < MAX_ATTRIBUTES:
            value = (
                match.span(match.lastindex) if match.lastgroup != "name" and match.lastindex else (position, position)
            )
            attributes.append((match["name"].lower(), *value))
    return None


def _comment_end(masked: str, opening: re.Match[str]) -> int:
    if opening["bogus"]:
        end = masked.find(">", opening.end())
        return end + 1 if end >= 0 else len(masked)
    begin = opening.end()
    for short in (">", "->"):
        if masked.startswith(short, begin):
            return begin + len(short)
    match = _COMMENT_END.search(masked, begin)
    return match.end() if match else len(masked)


def _raw_end(masked: str, tag: Tag) -> int:
    match = _RAW_ENDS[tag.name].search(masked, tag.end)
    return match.start() if match else len(masked)


_RAW_ENDS = {name: re.compile(rf"</{name}(?=[/>{_BLANK}])", re.IGNORECASE) for name in RAW}

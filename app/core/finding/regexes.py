"""Regular expressions of clients, which take time linear in the text. Imports RE2's binding and the core's errors.

RE2 has no back-references and does not backtrack; how much work a search may be is the size of the compiled expression
times the text, and both are bounded here.

Calling RE2 costs more than a search of a short text. Where nobody could tell the difference, many texts are searched as
the lines of one.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Protocol, cast

import re2  # type: ignore[import-untyped]  # it has no stubs

from app.core.errors import Fault, FieldFault, Invalid

MAX_PATTERN = 256
"""Characters of an expression (docs/contract/dyno.md, 3)."""
MAX_STEPS = 300_000_000
"""Most steps one search may take: some seconds."""
MAX_SECONDS = 10.0
"""How long all searches of one request may take together."""
_MEMORY = 1 << 20
"""Of a compiled expression and its automaton, in bytes."""
_FEED = ord("\n")
_BEYOND_LINES = re.compile(r"\\[AzCQ]|\(\?(?!i\)|:)")


class UnreadablePattern(ValueError):
    """Raised for what is no regular expression, or too large a one."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Many texts to be searched.

    Attributes:
        joined: All of them, in UTF-8, with a line feed between two; a blank one is none.
        lengths: How long each is, in bytes; None: none has a line feed.
    """

    joined: bytes
    lengths: list[int] | None


class _Match(Protocol):
    def start(self) -> int: ...


class _Expression(Protocol):
    programsize: int

    def search(self, text: bytes) -> object | None: ...

    def finditer(self, text: bytes) -> Iterator[_Match]: ...


def _read(pattern: str, *, never_nl: bool = False) -> _Expression:
    """Return the expression, ready.

    Raises:
        UnreadablePattern: It is none.
    """
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.never_nl = never_nl
    options.max_mem = _MEMORY
    try:
        return cast("_Expression", re2.compile(pattern, options))
    except (re2.error, UnicodeEncodeError) as error:
        raise UnreadablePattern(str(error)) from None


_compiled = lru_cache(maxsize=64)(_read)


@lru_cache(maxsize=64)
def _of_lines(pattern: str) -> _Expression | None:
    r"""Return an expression that finds once each line in which the pattern is found; None: there may be none.

    Where no text has a line feed, the ends of a line are to `^`, `$`, `\b` and `\B` what the ends of a text are. Only
    what names the ends of the text, takes single bytes or switches flags does not know lines.
    """
    if _BEYOND_LINES.search(pattern):
        return None
    try:
        return _read(f"(?m)(?:{pattern}).*", never_nl=True)
    except UnreadablePattern:
        return None


def check_pattern(pattern: str) -> None:
    """Accept a regular expression.

    Raises:
        UnreadablePattern: It is longer than `MAX_PATTERN`, or cannot be read.
    """
    if len(pattern) > MAX_PATTERN:
        raise UnreadablePattern("too long")
    _compiled(pattern)


class Searches:
    """The searches of one request, bounded in time together."""

    def __init__(self) -> None:
        """Start the clock."""
        self._until = time.monotonic() + MAX_SECONDS

    def found(self, field: str, pattern: str, texts: Texts) -> set[int]:
        """Return the places of the texts in which the expression is found anywhere.

        Args:
            field: Whose values the texts are, for the error.
            pattern: One that `check_pattern` accepted.
            texts: What is searched.

        Raises:
            Invalid: It would take too long, or all searches have.
        """
        expression, lines = _compiled(pattern), _of_lines(pattern)
        self._check(field, expression, 0)
        if texts.lengths is None and lines and lines.programsize * len(texts.joined) <= MAX_STEPS:
            return set(_places(lines, texts.joined))
        lengths = [len(text) for text in texts.joined.split(b"\n")] if texts.lengths is None else texts.lengths
        self._check(field, expression, max(lengths))
        found = set()
        for place, (start, after) in enumerate(pairwise(accumulate((length + 1 for length in lengths), initial=0))):
            if lengths[place]:
                self._check(field, expression, 0)
                if expression.search(texts.joined[start : after - 1]) is not None:
                    found.add(place)
        return found

    def _check(self, field: str, expression: _Expression, length: int) -> None:
        if expression.programsize * length > MAX_STEPS or time.monotonic() > self._until:
            raise Invalid([FieldFault(field, Fault.INVALID, "has a regular expression that takes too long")])


def _places(lines: _Expression, joined: bytes) -> Iterator[int]:
    """Yield the places of lines, none of them blank, that an expression is found in; one may come twice."""
    place = last = 0
    size = len(joined)
    for match in lines.finditer(joined):
        start = match.start()
        place += joined.count(b"\n", last, start)
        last = start
        if (start < size and joined[start] != _FEED) or (start and joined[start - 1] != _FEED):
            yield place

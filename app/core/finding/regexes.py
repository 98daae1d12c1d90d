"""Regular expressions of clients, which take time linear in the text. Imports RE2's binding and the core's errors.

RE2 has no back-references and does not backtrack; how much work a search may be is the size of the compiled expression
times the text, and both are bounded here.
"""

import time
from functools import lru_cache
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


class UnreadablePattern(ValueError):
    """Raised for what is no regular expression, or too large a one."""


class _Expression(Protocol):
    programsize: int

    def search(self, text: str) -> object | None: ...


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> _Expression:
    """Return the expression, ready.

    Raises:
        UnreadablePattern: It is none.
    """
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MEMORY
    try:
        return cast("_Expression", re2.compile(pattern, options))
    except (re2.error, UnicodeEncodeError) as error:
        raise UnreadablePattern(str(error)) from None


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

    def found(self, field: str, pattern: str, text: str) -> bool:
        """Tell whether the expression is found anywhere in the text.

        Args:
            field: Whose value the text is, for the error.
            pattern: One that `check_pattern` accepted.
            text: What is searched.

        Raises:
            Invalid: It would take too long, or all searches have.
        """
        expression = _compiled(pattern)
        if expression.programsize * len(text) > MAX_STEPS or time.monotonic() > self._until:
            raise Invalid([FieldFault(field, Fault.INVALID, "has a regular expression that takes too long")])
        return expression.search(text) is not None

"""The source of a template as plain text and tokens, in one linear pass.

Every pattern begins at a brace and never gives back what it took, so no text makes it slow. Imports the standard
library only.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from app.mail.personalise.expressions import Condition, Expression, Filter, FilterName, Operator
from app.mail.personalise.grammar import Control, Word

MAX_SOURCE = 1_048_576
"""Longest source, in characters."""
MAX_TOKENS = 20_000
"""Most tokens in a source."""
MAX_FILTERS = 10
"""Most filters on one name."""

_OPENING = re.compile(r"\{(?:\{|%|([A-Z][A-Z0-9_]{0,127}+)\})")
_LEXEME = re.compile(
    r"""\s*+(?:(?P<name>[A-Za-z_][A-Za-z0-9_]{0,127}+(?:\.[A-Za-z_][A-Za-z0-9_]{0,127}+)?)
      | (?P<text>"[^"]*+"|'[^']*+')
      | (?P<sign>\}\}|%\}|==|!=|\||:))""",
    re.VERBOSE,
)


class SyntaxProblem(ValueError):
    """Raised for a malformed template.

    Attributes:
        line: Where, counted from 1.
        message: What is wrong, for the author.
    """

    def __init__(self, line: int, message: str) -> None:
        """Keep both."""
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Token:
    """A construct and the span of the source it takes."""

    start: int
    end: int
    what: Expression | Control


def scan(source: str, known: Collection[str] = ()) -> list[Token]:
    """Return the tokens of a source in their order; whether `if` and `endif` pair is not looked at.

    Args:
        source: The text.
        known: Names `{NAME}` stands for; other words in single braces are text.

    Raises:
        SyntaxProblem: The source is too long, has too many tokens, or one of them is malformed.
    """
    if len(source) > MAX_SOURCE:
        raise SyntaxProblem(1, f"longer than {MAX_SOURCE} characters")
    tokens: list[Token] = []
    position = 0
    while match := _OPENING.search(source, position):
        tag = match[1]
        if tag is not None and tag not in known:
            position = match.end()
            continue
        if len(tokens) == MAX_TOKENS:
            raise SyntaxProblem(line_of(source, match.start()), f"more than {MAX_TOKENS} tags")
        if tag is not None:
            token = Token(match.start(), match.end(), Expression(tag))
        else:
            token = _Inside(source, match.start()).token()
        tokens.append(token)
        position = token.end
    return tokens


def line_of(source: str, position: int) -> int:
    """Return the number of the line a position is in, from 1."""
    return source.count("\n", 0, position) + 1


class _Inside:
    """Reads one `{{ }}` or `{% %}`."""

    def __init__(self, source: str, start: int) -> None:
        self._source = source
        self._start = start
        self._end = start + 2
        self._close = "}}" if source[start + 1] == "{" else "%}"
        self._words = self._read()
        self._kind, self._word = next(self._words)

    def token(self) -> Token:
        """Return the construct.

        Raises:
            SyntaxProblem: It is malformed.
        """
        what = self._expression() if self._close == "}}" else self._control()
        if self._word != self._close:
            raise self._problem(f"{self._word!r:.40} is not expected here")
        return Token(self._start, self._end, what)

    def _read(self) -> Iterator[tuple[str, str]]:
        while True:
            match = _LEXEME.match(self._source, self._end)
            if match is None or match.lastgroup is None:
                raise self._problem(f"{self._source[self._start : self._end + 20]!r:.60} is not understood")
            self._end = match.end()
            yield match.lastgroup, match[match.lastgroup]

    def _next(self) -> None:
        self._kind, self._word = next(self._words)

    def _take(self, kind: str, what: str) -> str:
        if self._kind != kind:
            raise self._problem(f"{what} is missing")
        word = self._word
        self._next()
        return word

    def _name(self) -> str:
        name = self._take("name", "a name").upper()
        before, dot, after = name.partition(".")
        if dot and before != "CONTACT":
            raise self._problem(f"{name!r:.60} is not a name")
        return after if dot else name

    def _text(self) -> str:
        return self._take("text", "a text in quotes")[1:-1]

    def _expression(self) -> Expression:
        name = self._name()
        filters: list[Filter] = []
        while self._word == "|" and len(filters) < MAX_FILTERS:
            self._next()
            word = self._take("name", "a filter")
            if word not in set(FilterName):
                raise self._problem(f"there is no filter {word!r:.60}")
            text = ""
            if word == FilterName.DEFAULT:
                if self._word != ":":
                    raise self._problem("default needs a text")
                self._next()
                text = self._text()
            filters.append(Filter(FilterName(word), text))
        return Expression(name, tuple(filters))

    def _control(self) -> Control:
        word = self._take("name", "a word")
        if word not in set(Word):
            raise self._problem(f"there is no tag {word!r:.60}")
        condition = None
        if word in {Word.IF, Word.ELSIF}:
            name = self._name()
            operator = None
            if self._kind != "text" and self._word in set(Operator):
                operator = Operator(self._word)
                self._next()
            condition = Condition(name, operator, self._text() if operator is not None else "")
        return Control(Word(word), condition, self._start)

    def _problem(self, message: str) -> SyntaxProblem:
        return SyntaxProblem(line_of(self._source, self._start), message)

"""A parsed text and its rendering as a whole: subjects, previews, web views, targets of personalised links.

Campaign mail does not render whole texts; see `app.mail.campaign`. Imports the standard library only.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html import escape as escape_html

from app.mail.personalise.expressions import Expression, Values
from app.mail.personalise.grammar import Choice, Node, Piece, Place, Unbalanced, build, expressions
from app.mail.personalise.lexer import SyntaxProblem, Token, line_of, scan

MAX_OUTPUT = 4_194_304
"""Longest result, in characters."""


class TooLarge(ValueError):
    """Raised when values make a result longer than allowed."""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text."""

    nodes: tuple[Node, ...]
    names: frozenset[str]
    """Names it uses, upper case."""

    def render(self, values: Values, *, escape: bool) -> str:
        """Return the text with its slots filled.

        Args:
            values: By upper-case name.
            escape: Whether values are escaped for HTML, in attributes too; never scanned again in any case.

        Raises:
            TooLarge: The result would exceed `MAX_OUTPUT`.
        """
        parts: list[str] = []
        size = 0
        for part in _parts(self.nodes, values, escape=escape):
            size += len(part)
            if size > MAX_OUTPUT:
                raise TooLarge(f"more than {MAX_OUTPUT} characters")
            parts.append(part)
        return "".join(parts)


def parse(text: str, known: Collection[str] = ()) -> Template:
    """Return a text as a template.

    Args:
        text: The source.
        known: Names that `{NAME}` stands for (see `known_names`); `{{ NAME }}` may name anything.

    Raises:
        SyntaxProblem: It is malformed, or too large.
    """
    try:
        nodes = build(pieces_of(text, scan(text, known)))
    except Unbalanced as error:
        raise SyntaxProblem(line_of(text, error.position or 0), str(error)) from None
    return Template(nodes, frozenset(one.name for one in expressions(nodes)))


def pieces_of(text: str, tokens: list[Token]) -> Iterator[Piece]:
    """Yield the tokens of a source and the text between them."""
    position = 0
    for token in tokens:
        yield text[position : token.start]
        yield token.what
        position = token.end
    yield text[position:]


def _parts(nodes: tuple[Node, ...], values: Values, *, escape: bool) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Expression):
            value = node.value(values)
            yield escape_html(value) if escape else value
        elif isinstance(node, Choice):
            for condition, branch in node.branches:
                if condition is None or condition.holds(values):
                    yield from _parts(branch, values, escape=escape)
                    break
        elif isinstance(node, Place):
            yield values.get(f"{node.kind}:{node.number}", "")

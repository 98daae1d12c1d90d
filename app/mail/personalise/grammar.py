"""The tree of a template: text, slots, and choices between branches.

A tree is built from pieces, so a caller may cut and insert between scanning and building, as rewritten links need it.
Imports the standard library only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from app.mail.personalise.expressions import Condition, Expression

MAX_DEPTH = 20
"""Deepest nesting of `if`."""


class Word(StrEnum):
    """The words of `{% %}`."""

    IF = "if"
    ELSIF = "elsif"
    ELSE = "else"
    ENDIF = "endif"


@dataclass(frozen=True, slots=True)
class Control:
    """One `{% %}`; `position` is where it stands in its source."""

    word: Word
    condition: Condition | None
    position: int


@dataclass(frozen=True, slots=True)
class Place:
    """Something a program fills, not an author: the click token of a link, the pixel's."""

    kind: str
    number: int = 0


Piece = str | Expression | Place | Control


@dataclass(frozen=True, slots=True)
class Choice:
    """The first branch whose condition holds is shown; None always holds."""

    branches: tuple[tuple[Condition | None, tuple["Node", ...]], ...]


Node = str | Expression | Place | Choice


class Unbalanced(ValueError):
    """Raised when `if` and `endif` do not pair; `position` is where in the source, None at its end."""

    def __init__(self, message: str, position: int | None) -> None:
        """Keep both."""
        super().__init__(message)
        self.position = position


def build(pieces: Iterable[Piece]) -> tuple[Node, ...]:
    """Return the tree of some pieces; neighbouring texts become one.

    Raises:
        Unbalanced: `if`, `elsif`, `else` and `endif` do not pair, or nest too deep.
    """
    top: list[Node] = []
    stack: list[_Open] = []
    for piece in _joined(pieces):
        if not isinstance(piece, Control):
            (stack[-1].nodes if stack else top).append(piece)
        elif piece.word is Word.IF:
            if len(stack) == MAX_DEPTH:
                raise Unbalanced(f"nested deeper than {MAX_DEPTH}", piece.position)
            stack.append(_Open(piece))
        elif not stack:
            raise Unbalanced(f"{piece.word} without if", piece.position)
        elif piece.word is Word.ENDIF:
            choice = stack.pop().close()
            (stack[-1].nodes if stack else top).append(choice)
        else:
            stack[-1].turn(piece)
    if stack:
        raise Unbalanced("if without endif", stack[-1].first.position)
    return tuple(top)


def expressions(nodes: Iterable[Node]) -> Iterator[Expression | Condition]:
    """Yield every slot and condition of a tree."""
    for node in nodes:
        if isinstance(node, Expression):
            yield node
        elif isinstance(node, Choice):
            for condition, branch in node.branches:
                if condition is not None:
                    yield condition
                yield from expressions(branch)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces with neighbouring texts as one, without empty ones."""
    for is_text, group in groupby(pieces, key=lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from group
        elif text := "".join(piece for piece in group if isinstance(piece, str)):
            yield text


class _Open:
    """An `if` whose `endif` has not come."""

    def __init__(self, first: Control) -> None:
        self.first = first
        self.nodes: list[Node] = []
        self._condition = first.condition
        self._branches: list[tuple[Condition | None, tuple[Node, ...]]] = []
        self._has_else = False

    def turn(self, control: Control) -> None:
        if self._has_else:
            raise Unbalanced(f"{control.word} after else", control.position)
        self._branches.append((self._condition, tuple(self.nodes)))
        self._condition = control.condition
        self._has_else = control.word is Word.ELSE
        self.nodes = []

    def close(self) -> Choice:
        return Choice((*self._branches, (self._condition, tuple(self.nodes))))

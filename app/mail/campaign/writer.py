"""Words and slots as readable lines: one blank between words, line breaks only between things.

May import `app.mail.personalise`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.mail.personalise import Control, Piece, Word

_BLANKS = re.compile(r"[ \t\n\r\f]+")


@dataclass(frozen=True, slots=True)
class _State:
    """What is written before the next word."""

    breaks: int = 0
    blank: bool = False
    begun: bool = False

    def joined(self, other: "_State") -> "_State":
        return _State(max(self.breaks, other.breaks), self.blank or other.blank, self.begun or other.begun)


class Writer:
    """Joins words and slots; blanks and line breaks are written when something follows, in each branch anew."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pieces: list[Piece] = []
        self._state = _State()
        self._branches: list[tuple[_State, _State]] = []
        """Of each open `if`: how it began, and how its branches ended."""

    def text(self, text: str) -> None:
        """Write a text whose blanks mean one blank each."""
        words = _BLANKS.sub(" ", text).replace("\xa0", " ")
        if words.startswith(" "):
            self._state = replace(self._state, blank=True)
        if words.strip(" "):
            self.raw([words.strip(" ")])
            self._state = replace(self._state, blank=words.endswith(" "))

    def raw(self, pieces: Sequence[Piece]) -> None:
        """Write pieces as they are."""
        if self._state.begun and self._state.breaks:
            self.pieces.append("\n" * self._state.breaks)
        elif self._state.begun and self._state.blank:
            self.pieces.append(" ")
        self.pieces += pieces
        self._state = _State(begun=True)

    def control(self, control: Control) -> None:
        """Write a condition."""
        self.pieces.append(control)
        if control.word is Word.IF:
            self._branches.append((self._state, _State()))
            return
        before, ended = self._branches.pop()
        ended = ended.joined(self._state)
        if control.word is Word.ENDIF:
            self._state = ended
        else:
            self._branches.append((before, ended))
            self._state = before

    def lines(self, count: int) -> None:
        """End the line, with `count - 1` empty ones; of several breaks at a place the greatest counts."""
        self._state = replace(self._state, breaks=max(self._state.breaks, count))

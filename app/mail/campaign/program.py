"""Parts of a mail as ready octets and places, and one table of octets that all parts draw from.

A copy fills the table once, what appears twice only once, and a part is then a selection from it. May import
`app.mail.personalise`, `app.mail.transfer` and the modules beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from app.mail.campaign.encode import SHORT, SOFT, Mode, plain_value, quoted_text, remembered, written
from app.mail.personalise import Choice, Condition, Expression, Node, Place, TooLarge, Values, lookup
from app.mail.tracking import Purpose, Tokens, link_chars
from app.mail.transfer import base64_lines

MAX_COPY = 16_777_216
"""Largest copy, in octets: static text and values, before values are encoded."""

CLICK = "click"
"""Kind of the place that is a click token; other places are named after their purpose."""
_PURPOSES = [purpose.value for purpose in Purpose]

Select = Callable[[Sequence[bytes]], Sequence[bytes]]


@dataclass(slots=True)
class Program:
    """A part: ready octets, and numbers of table entries."""

    items: list[bytes | int] = field(default_factory=list)

    def add(self, octets: bytes) -> None:
        """Append ready octets."""
        if self.items and isinstance(self.items[-1], bytes):
            self.items[-1] += octets
        elif octets:
            self.items.append(octets)

    def place(self, number: int) -> None:
        """Append an entry of the table."""
        self.items.append(number)

    def extend(self, other: "Program") -> None:
        """Append another program."""
        for item in other.items:
            if isinstance(item, bytes):
                self.add(item)
            else:
                self.place(item)

    def static(self) -> list[bytes]:
        """Return the ready octets."""
        return [item for item in self.items if isinstance(item, bytes)]


@dataclass(frozen=True, slots=True)
class _Chosen:
    entry: int
    branches: tuple[tuple[Condition | None, Select], ...]

    def fill(self, table: list[bytes], values: Values) -> None:
        for condition, select in self.branches:
            if condition is None or condition.holds(values):
                table[self.entry] = b"".join(select(table))
                return


@dataclass(frozen=True, slots=True)
class _Base64:
    entry: int
    select: Select

    def fill(self, table: list[bytes], values: Values) -> None:
        del values
        table[self.entry] = base64_lines(b"".join(self.select(table)))


class Sources:
    """The table; compiling adds entries, `fill` makes those of a copy."""

    def __init__(self, links: int) -> None:
        """Begin with the pieces of the tokens (see `Tokens.pieces`), which take the first entries.

        Args:
            links: Tracked links.
        """
        self._first = 1 + len(_PURPOSES) + links
        self._table: list[bytes] = [b""] * self._first
        self._choices: dict[tuple[Choice, Mode], int] = {}
        self._slots: dict[Expression, list[tuple[int, int]]] = {}
        """Where each value goes: pairs of an entry and the number of the mode in which it is written there."""
        self._steps: list[_Chosen | _Base64] = []
        self._modes: tuple[Mode, ...] = ()
        self._uses = 0
        self._short = SHORT
        """Longest value that makes no mail too large and is remembered, in characters."""

    def fill(self, tokens: Tokens, values: Values) -> list[bytes]:
        """Return the table of one copy.

        Raises:
            TooLarge: The values would make a mail larger than `MAX_COPY`.
        """
        table = self._table.copy()
        table[: self._first] = tokens.pieces()
        modes, short = self._modes, self._short
        for expression, places in self._slots.items():
            value = values.get(expression.name) or lookup(values, expression.name)
            if expression.filters:
                value = expression.value(values)
            if value:
                forms = remembered(value, modes) if len(value) <= short else self._written(value)
                for entry, mode in places:
                    table[entry] = forms[mode]
        for step in self._steps:
            step.fill(table, values)
        return table

    def program(self, nodes: Sequence[Node], mode: Mode, *, last: bool = False) -> Program:
        """Return a program for a tree.

        Args:
            nodes: The tree; its texts are as they are to be shown.
            mode: How it is written.
            last: Whether nothing follows in the part; it then ends with a line break.
        """
        program = Program()
        for index, node in enumerate(nodes):
            if isinstance(node, str):
                at_end = last and index == len(nodes) - 1
                program.add(quoted_text(node, last=at_end) if mode.quoted else plain_value(node))
                continue
            self._uses += 1
            self._short = min(SHORT, MAX_COPY // self._uses)
            if isinstance(node, Place):
                self._token(program, node)
                program.add(SOFT if mode.quoted else b"")
            elif isinstance(node, Choice):
                program.place(self._choice(node, mode))
            else:
                program.place(self._slot(node, mode))
        if last and (not nodes or not isinstance(nodes[-1], str)):
            program.add(b"\r\n")
        return program

    def select(self, program: Program) -> Select:
        """Return what picks a program's octets out of a filled table."""
        numbers = [self._entry(item) if isinstance(item, bytes) else item for item in program.items]
        while len(numbers) < 2:  # noqa: PLR2004 itemgetter returns a tuple from two on
            numbers.append(self._entry(b""))
        return itemgetter(*numbers)

    def base64(self, program: Program) -> int:
        """Return the entry that is a whole program in base64.

        Base64 can not be cut at a slot, so such a part is encoded for every copy.
        """
        entry = self._entry(b"")
        self._steps.append(_Base64(entry, self.select(program)))
        return entry

    def _written(self, value: str) -> tuple[bytes, ...]:
        # As if it stood at every place: values that make no mail too large in this way never do.
        if len(value) * self._uses > MAX_COPY:
            raise TooLarge(f"values make a mail larger than {MAX_COPY} octets")
        return written(value, self._modes)

    def _token(self, program: Program, place: Place) -> None:
        program.place(0)
        if place.kind == CLICK:
            program.add(link_chars(place.number))
            program.place(1 + len(_PURPOSES) + place.number)
        else:
            program.place(1 + _PURPOSES.index(place.kind))

    def _slot(self, expression: Expression, mode: Mode) -> int:
        if mode not in self._modes:
            self._modes += (mode,)
        number = self._modes.index(mode)
        places = self._slots.setdefault(expression, [])
        for entry, known in places:
            if known == number:
                return entry
        places.append((self._entry(b""), number))
        return places[-1][0]

    def _choice(self, choice: Choice, mode: Mode) -> int:
        key = (choice, mode)
        branches = [(condition, self.program(branch, mode)) for condition, branch in choice.branches]
        if key not in self._choices:
            selects = tuple((condition, self.select(program)) for condition, program in branches)
            self._choices[key] = self._entry(b"")
            self._steps.append(_Chosen(self._choices[key], selects))
        return self._choices[key]

    def _entry(self, octets: bytes) -> int:
        self._table.append(octets)
        return len(self._table) - 1

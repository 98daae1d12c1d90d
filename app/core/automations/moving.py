"""Where runs stand once the steps of their automation have changed. Pure.

A run goes on with the first step it has not done, wherever that is now. Steps put in where it stands it does, steps put
in before that it does not: nothing is done twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Move:
    """From the steps of one version to those of another.

    Attributes:
        positions: By the step a run does next: which one it does next now; one more than there were steps.
        done: By number of a step: its number now; None: it is gone.
    """

    positions: tuple[int, ...]
    done: tuple[int | None, ...]

    def stored(self) -> list[list[int | None]]:
        """Return it as JSON for `of_stored`."""
        return [list(self.positions), list(self.done)]

    @classmethod
    def of_stored(cls, members: Sequence[Sequence[Any]]) -> "Move":
        """Return what `stored` wrote."""
        return cls(tuple(members[0]), tuple(members[1]))

    def then(self, later: "Move") -> "Move":
        """Return this move and the later one as one."""
        return Move(
            tuple(later.positions[position] for position in self.positions),
            tuple(None if number is None else later.done[number] for number in self.done),
        )

    def sent(self, copies: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was sent by number of the step now."""
        moved = {}
        for number, copy in copies.items():
            now = self.done[int(number)] if int(number) < len(self.done) else None
            if now is not None:
                moved[str(now)] = copy
        return moved


def move(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Move:
    """Return where runs stand after a change.

    Args:
        old: Steps, as they are stored.
        new: What they are now.
    """
    before, after = ([orjson.dumps(step, option=orjson.OPT_SORT_KEYS) for step in steps] for steps in (old, new))
    positions: list[int | None] = [None] * (len(old) + 1)
    done: list[int | None] = [None] * len(old)
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for place in range(i1, i2 if i2 > i1 else i1 + 1):
            if positions[place] is None:
                positions[place] = min(j1 + place - i1, j2)
        for place in range(i1, min(i2, i1 + j2 - j1)):
            there = j1 + place - i1
            if kind == "equal" or old[place]["type"] == new[there]["type"]:
                done[place] = there
    return Move(tuple(len(new) if one is None else one for one in positions), tuple(done))

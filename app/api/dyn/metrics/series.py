"""Time series as they are sent: the text between the numbers is the same for every key, each number is written once.

A master's series by hour has hundreds of thousands of points; objects for each would take longer than the database.

May import the front door of metrics.

Source: docs/contract/dyn-metrics.md, section 4.
"""

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from app.core.metrics import Columns, Series

TIMESTAMP = "timestamp"
_WORD = 32
"""Bits of a number of a series."""


class _Texts(dict[int, str]):
    """What stands on one side of the times: points, each as one number, with its text, put together once."""

    def __init__(self, form: str, members: slice, *, total: bool) -> None:
        super().__init__()
        self._form, self._members, self._total = form, members, total

    def __missing__(self, point: int) -> str:
        text = self[point] = self._form % _members(point, total=self._total)[self._members]
        return text


@dataclass(frozen=True, slots=True)
class Points:
    """Series in the words of an answer.

    Attributes:
        names: Members of a point in order, `timestamp` among them.
        times: The start of each bucket, unix seconds.
        columns: By id: numbers for each bucket, in an array for each other name.
        total: Whether the first of those names is the sum of the others, which are two, and has no array.
    """

    names: Sequence[str]
    times: list[int]
    columns: Mapping[int, Columns]
    total: bool

    @property
    def size(self) -> int:
        """How many points there are."""
        return len(self.times) * len(self.columns)

    def json(self, before: bytes = b"", after: bytes = b"") -> bytes:
        """Return the object keyed by id, with something around it: to put that there later would copy all of it."""
        at = self.names.index(TIMESTAMP)
        forms = (
            "{" + "".join(f'"{name}":%d,' for name in self.names[:at]) + f'"{TIMESTAMP}":',
            "".join(f',"{name}":%d' for name in self.names[at + 1 :]) + "},",
        )
        # Three slots for each point; those with numbers are filled by whole columns, the fastest way that was found.
        slots = [text for time in self.times for text in (forms[0], str(time), forms[1])]
        sides = [
            (place, _Texts(form, members, total=self.total).__getitem__)
            for place, form, members in ((0, forms[0], slice(at)), (2, forms[1], slice(at, None)))
            if "%" in form
        ]
        # Memory that was not used before costs as much as the text in it, so there is no second copy of all.
        out = BytesIO()
        out.write(before)
        lead = "{"
        for key, columns in self.columns.items():
            numbers = _together(columns)
            for place, text in sides:
                slots[place::3] = map(text, numbers)
            slots[-1] = slots[-1].removesuffix(",")
            out.write(f'{lead}"{key}":[{"".join(slots)}]'.encode())
            lead = ","
        out.write((b"}" if self.columns else b"{}") + after)
        return out.getvalue()

    def objects(self) -> dict[str, list[dict[str, object]]]:
        """Return the same as objects, for markup."""
        at = self.names.index(TIMESTAMP)
        return {
            str(key): [
                dict(zip(self.names, (*row[:at], time, *row[at:]), strict=True))
                for time, point in zip(self.times, _together(columns), strict=True)
                for row in (_members(point, total=self.total),)
            ]
            for key, columns in self.columns.items()
        }


def points(series: Series, names: Sequence[str], *, total: bool = False) -> Points:
    """Return series in the words of an answer.

    Args:
        series: As the core gives them.
        names: Members of a point in order, `timestamp` among them.
        total: Whether the first number is the sum of the others, which are two.
    """
    return Points(names, [int(start.timestamp()) for start in series.starts], series.columns, total)


def _together(columns: Columns) -> "array[int]":
    """Return the numbers of each bucket as one: of two columns, the first is its lower half."""
    if len(columns) == 1:
        return columns[0]
    words = columns[0] * 2
    low = 0 if sys.byteorder == "little" else 1
    words[low::2], words[1 - low :: 2] = columns
    return array("q", words.tobytes())


def _members(point: int, *, total: bool) -> tuple[int, ...]:
    """Return the numbers of a bucket as they are shown."""
    if not total:
        return (point,)
    first, second = point & ((1 << _WORD) - 1), point >> _WORD
    return first + second, first, second

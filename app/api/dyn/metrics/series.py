"""Time series as they are sent: the text between the numbers is the same for every key, each number is written once.

A master's series by hour has hundreds of thousands of points; objects for each would take longer than the database.

May import the front door of metrics.

Source: docs/contract/dyn-metrics.md, section 4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add

from app.core.metrics import Series

TIMESTAMP = "timestamp"


class _Texts(dict[int, str]):
    """Numbers with the text around them; each is put together once."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, number: int) -> str:
        text = self[number] = self._form % number
        return text


@dataclass(frozen=True, slots=True)
class Points:
    """Series in the words of an answer.

    Attributes:
        names: Members of a point in order, `timestamp` among them.
        times: The start of each bucket, unix seconds.
        columns: By id: numbers for each bucket, in a list for each other name.
    """

    names: Sequence[str]
    times: list[int]
    columns: dict[int, Sequence[list[int]]]

    @property
    def size(self) -> int:
        """How many points there are."""
        return len(self.times) * len(self.columns)

    def json(self) -> list[bytes]:
        """Return the object keyed by id, in pieces that are to be joined."""
        width, last = len(self.names), len(self.names) - 1
        forms = [
            f'{"," if place else "{"}"{name}":%d{"}," if place == last else ""}'
            for place, name in enumerate(self.names)
        ]
        # A slot for each member of each point: filled by whole columns, which is the fastest that was found.
        slots = [""] * (width * len(self.times))
        at = self.names.index(TIMESTAMP)
        slots[at::width] = [forms[at] % time for time in self.times]
        others = [place for place in range(width) if place != at]
        texts = [_Texts(forms[place]).__getitem__ for place in others]
        pieces = []
        lead = "{"
        for key, lists in self.columns.items():
            for place, text, numbers in zip(others, texts, lists, strict=True):
                slots[place::width] = map(text, numbers)
            slots[-1] = slots[-1].removesuffix(",")
            pieces.append(f'{lead}"{key}":[{"".join(slots)}]'.encode())
            lead = ","
        return [*pieces, b"}"] if pieces else [b"{}"]

    def objects(self) -> dict[str, list[dict[str, object]]]:
        """Return the same as objects, for markup."""
        at = self.names.index(TIMESTAMP)
        return {
            str(key): [
                dict(zip(self.names, (*row[:at], time, *row[at:]), strict=True))
                for time, row in zip(self.times, _rows(lists), strict=True)
            ]
            for key, lists in self.columns.items()
        }


def points(series: Series, names: Sequence[str], *, total: bool = False) -> Points:
    """Return series in the words of an answer.

    Args:
        series: As the core gives them.
        names: Members of a point in order, `timestamp` among them.
        total: Whether the first number is the sum of the others, which are two.
    """
    columns: dict[int, Sequence[list[int]]] = {
        key: (list(map(add, *lists)), *lists) if total else lists for key, lists in series.columns.items()
    }
    return Points(names, [int(start.timestamp()) for start in series.starts], columns)


def _rows(lists: Sequence[list[int]]) -> Iterable[tuple[int, ...]]:
    return zip(*lists, strict=True)

"""Time series as they are sent: the same text for every key, into which the digits of its numbers are put.

A master's series by hour has hundreds of thousands of points; a step of Python for each would take longer than the
database.

May import the front door of metrics and the digits beside it.

Source: docs/contract/dyn-metrics.md, section 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO

from app.api.dyn.metrics.digits import BLANK, Numbers, digits, narrow, summed, together
from app.core.metrics import Columns, Series

TIMESTAMP = "timestamp"
TOGETHER = 1024
"""Points that are written at once, of as many keys as that is; those of one key at least."""
FORMS = 32
"""Most texts kept while an answer is written; there is one for each of the widths that numbers have together."""
_TIME = b"\0"
"""Stands where a time will be."""
_END = b"]"
"""Stands at the end of a key's points, and nowhere else."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The points of one key, with blanks for its numbers.

    Attributes:
        text: All of it.
        size: Octets of a point.
        places: For each number of a point, where in the point its digits are, ones first.
        is_padded: Whether blanks remain that don't belong there.
    """

    text: bytes
    size: int
    places: list[range]
    is_padded: bool

    def filled(self, keys: int, numbers: Sequence[Sequence[bytes]]) -> list[bytearray]:
        """Return the points of some keys with the digits of each number."""
        text = bytearray(self.text * keys)
        for places, columns in zip(self.places, numbers, strict=True):
            for place, column in zip(places, columns, strict=True):
                text[place :: self.size] = column
        if self.is_padded:
            text = text.replace(BLANK, b"")
        return [text] if keys == 1 else [part + _END for part in text.split(_END)[:-1]]


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
        form_for = lru_cache(FORMS)(partial(_form, self.names, self.times))
        keys = list(self.columns)
        step = max(TOGETHER // max(len(self.times), 1), 1)
        # Memory that was not used before costs as much as the text in it, so there is no second copy of all.
        out = BytesIO()
        out.write(before)
        lead = b"{"
        for at in range(0, len(keys), step):
            some = keys[at : at + step]
            found = [digits(numbers) for numbers in self._members(some)]
            texts = form_for(tuple(map(len, found))).filled(len(some), found)
            for key, text in zip(some, texts, strict=True):
                out.write(b'%b"%d":[' % (lead, key))
                out.write(text)
                lead = b","
        out.write((b"}" if keys else b"{}") + after)
        return out.getvalue()

    def objects(self) -> dict[str, list[dict[str, object]]]:
        """Return the same as objects, for markup."""
        at = self.names.index(TIMESTAMP)
        found: dict[str, list[dict[str, object]]] = {}
        for key in self.columns:
            members: list[Sequence[int]] = [*self._members([key])]
            members.insert(at, self.times)
            found[str(key)] = [dict(zip(self.names, point, strict=True)) for point in zip(*members, strict=True)]
        return found

    def _members(self, keys: Sequence[int]) -> list[Numbers]:
        """Return the numbers of each name but the time, of some keys behind each other."""
        columns = zip(*(self.columns[key] for key in keys), strict=True)
        shown = [narrow(together(column)) for column in columns]
        return [summed(*shown), *shown] if self.total else shown


def points(series: Series, names: Sequence[str], *, total: bool = False) -> Points:
    """Return series in the words of an answer.

    Args:
        series: As the core gives them.
        names: Members of a point in order, `timestamp` among them.
        total: Whether the first number is the sum of the others, which are two.
    """
    return Points(names, [int(start.timestamp()) for start in series.starts], series.columns, total)


def _form(names: Sequence[str], times: Sequence[int], widths: Sequence[int]) -> _Form:
    """Return the points of a key whose numbers have so many digits at most."""
    wide = len(str(times[-1]))
    rest = iter(widths)
    point, places = b"{", list[range]()
    for name in names:
        point += b'"%b":' % name.encode()
        if name == TIMESTAMP:
            point += _TIME * wide + b","
            continue
        width = next(rest)
        places.append(range(len(point) + width - 1, len(point) - 1, -1))
        point += BLANK * width + b","
    point = point[:-1] + b"},"
    text = b"".join(point.replace(_TIME * wide, b"%*d" % (wide, time)) for time in times)
    is_padded = sum(widths) > len(widths) or len(str(times[0])) < wide
    return _Form(text[:-1] + _END, len(point), places, is_padded)

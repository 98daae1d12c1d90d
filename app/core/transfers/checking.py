"""Rows of a file of contacts, checked and put into columns. Pure; imports audiences' and contacts' front doors.

It is done a million times: what nearly all rows are like is decided first, and everything else by the verbs that decide
it everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from app.core.audiences import MAX_VALUE, FieldSet, FieldType, check_value
from app.core.contacts import address_of
from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.core.transfers.chunks import Bad
from app.core.transfers.reading import Batch
from app.mail.addresses import plain_key

_FREE = frozenset({FieldType.TEXT, FieldType.TEXTAREA})


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a file are.

    Attributes:
        address: Place of the address.
        fields: Places and tags of values.
        width: How many columns there are.
    """

    address: int
    fields: Sequence[tuple[int, str]]
    width: int

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"address": self.address, "fields": [list(one) for one in self.fields], "width": self.width}

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "Layout":
        """Return what `stored` wrote."""
        return cls(stored["address"], [(at, tag) for at, tag in stored["fields"]], stored["width"])


@dataclass(slots=True)
class Checked:
    """A batch, checked.

    Attributes:
        addresses: Of good rows, each once.
        fields: Their values as JSON.
        repeated: Good rows whose address an earlier row of the batch has.
        bad: The others.
    """

    addresses: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    repeated: int = 0
    bad: list[Bad] = field(default_factory=list)


def check(batch: Batch, layout: Layout, fields: FieldSet, *, update: bool) -> Checked:
    """Check the rows of a batch.

    A later row for the same address is what it would be in a later batch: an update of the first, or left out.

    Args:
        batch: As read.
        layout: Of the file.
        fields: Of the audience; columns of fields that are gone are left out.
        update: Whether later rows are updates.
    """
    return _Check(layout, fields, update=update).run(batch)


class _Check:
    def __init__(self, layout: Layout, fields: FieldSet, *, update: bool) -> None:
        known = [(at, tag) for at, tag in layout.fields if tag in fields.types]
        self._at, self._width, self._update = layout.address, layout.width, update
        self._tags = tuple(tag for _, tag in known)
        # An itemgetter of one gives no tuple, so there are always two at least.
        self._values = itemgetter(layout.address, layout.address, *(at for at, _ in known))
        self._bound = [(tag, fields.types[tag]) for tag in self._tags if fields.types[tag] not in _FREE]
        self._found = Checked()
        self._places: dict[str, int] = {}

    def run(self, batch: Batch) -> Checked:
        found, places, width = self._found, self._places, self._width
        tags, bound = self._tags, bool(self._bound)
        put_address, put_fields, dumps, strict = found.addresses.append, found.fields.append, orjson.dumps, batch.clean
        for line, cells in batch.rows:
            try:
                if len(cells) != width:
                    self._fit(cells)
                email, _, *values = map(str.strip, self._values(cells))
                key = plain_key(email) or address_of(email)
                if key in places or bound or not strict:
                    self._put(key, values)
                    continue
                written = dumps({tag: text for tag, text in zip(tags, values, strict=True) if text}).decode()
                if len(written) > MAX_VALUE:  # one of the values may be
                    self._put(key, values)
                    continue
            except Invalid as error:
                self._fail(line, cells, error)
                continue
            places[key] = len(places)
            put_address(key)
            put_fields(written)
        found.bad += [(one.line, "", one.fault) for one in batch.bad]
        found.bad.sort()
        return found

    def _fit(self, cells: list[str]) -> None:
        """Make a row as wide as the file.

        Raises:
            Invalid: It has more values than there are columns.
        """
        if len(cells) > self._width and any(cells[self._width :]):
            raise Invalid(_fault("row", "has more values than there are columns"))
        cells += [""] * (self._width - len(cells))
        del cells[self._width :]

    def _put(self, key: str, values: list[str]) -> None:
        """Put a row that needs a closer look.

        Raises:
            Invalid: A value cannot be accepted.
        """
        texts = {tag: text for tag, text in zip(self._tags, values, strict=True) if text}
        for tag, text in texts.items():
            if len(text) > MAX_VALUE:
                raise Invalid(_fault(tag, f"must not be longer than {MAX_VALUE} characters"))
            if not is_storable(text):
                raise Invalid(_fault(tag, "is not UTF-8, or holds a NUL"))
        for tag, kind in self._bound:
            if tag in texts:
                check_value(tag, kind, texts[tag])
        found = self._found
        place = self._places.get(key)
        if place is None:
            self._places[key] = len(self._places)
            found.addresses.append(key)
            found.fields.append(orjson.dumps(texts).decode())
            return
        found.repeated += 1
        if self._update and texts:
            found.fields[place] = orjson.dumps(orjson.loads(found.fields[place]) | texts).decode()

    def _fail(self, line: int, cells: list[str], error: Invalid) -> None:
        fault = error.faults[0]
        given = cells[self._at] if self._at < len(cells) else ""
        self._found.bad.append((line, given, f"{fault.field} {fault.message}"))


def _fault(name: str, message: str) -> list[FieldFault]:
    return [FieldFault(name, Fault.INVALID, message)]

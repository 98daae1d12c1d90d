"""Rows of a bulk change: checked, put into columns, written. Imports audiences' front door and the core's errors."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import orjson

from app.core.audiences import MAX_VALUE, FieldSet, FieldType, check_value
from app.core.contacts.values import BadRow, ContactRow, address_of, checked_values, clean_tags, joined
from app.core.errors import Invalid
from app.db.sql import Connection, Sql

_sql = Sql(__package__)
_SLICE = 500
"""Rows checked before others of the event loop get their turn: some milliseconds."""
_ATTEMPTS = 5
"""How often a batch is tried whose addresses others add at the same time."""
_FREE = {FieldType.TEXT, FieldType.TEXTAREA}


class Rows:
    """The rows of one call, checked: which are good, the last of each address, and what is to be written of them."""

    def __init__(self, fields: FieldSet, rows: Sequence[ContactRow]) -> None:
        self.last: dict[str, int] = {}
        """Place of the row that counts, by address, in order of the first row of each address."""
        self.bad: list[BadRow] = []
        self.defaults = orjson.dumps(fields.defaults).decode()
        """For new contacts, as JSON."""
        self._fields = fields
        self._rows = rows
        self._tags: dict[tuple[str, ...], str] = {}

    async def read_addresses(self) -> None:
        """Find the last good row of each address, and the bad addresses."""
        last = self.last
        for index, row in enumerate(self._rows):
            if index % _SLICE == 0:
                await asyncio.sleep(0)
            try:
                last[address_of(row.email)] = index
            except Invalid as error:
                self.bad.append(BadRow(index, row.email, error.faults[0]))

    async def columns(self, addresses: Sequence[str]) -> list[list[str]]:
        """Return the columns for some addresses; a row with a bad value goes to the bad ones."""
        columns: list[list[str]] = [[], [], [], []]
        append = [column.append for column in columns]
        for place, address in enumerate(addresses):
            if place % _SLICE == 0:
                await asyncio.sleep(0)
            index = self.last[address]
            row = self._rows[index]
            try:
                values = self._values(row.fields)
                tags = self._joined(row.tags)
            except Invalid as error:
                self.bad.append(BadRow(index, row.email, error.faults[0]))
                continue
            for put, value in zip(append, (address, str(row.status), values, tags), strict=True):
                put(value)
        return columns

    def _values(self, given: Mapping[str, object]) -> str:
        """Return values as JSON.

        Raises:
            Invalid: One cannot be accepted.
        """
        plain: dict[str, str] = {}
        for tag, value in given.items():
            kind = self._fields.types.get(tag)
            if kind is None or not isinstance(value, str) or len(value) > MAX_VALUE:
                break
            if text := value.strip():
                if kind not in _FREE:
                    check_value(tag, kind, text)
                plain[tag] = text
        else:  # nearly all rows: texts for fields there are
            with contextlib.suppress(orjson.JSONEncodeError):
                text = orjson.dumps(plain).decode()
                if "\\u0000" not in text:
                    return text
        checked = checked_values(self._fields, given)
        return orjson.dumps({tag: text for tag, text in checked.items() if text is not None}).decode()

    def _joined(self, tags: Sequence[str]) -> str:
        """Return tags as one text; those of an import are mostly the same for all rows.

        Raises:
            Invalid: One cannot be accepted.
        """
        if not tags:
            return ""
        key = tuple(tags)
        known = self._tags.get(key)
        if known is None:
            known = joined(clean_tags(key))
            if len(self._tags) < _SLICE:
                self._tags[key] = known
        return known


@dataclass(frozen=True, slots=True)
class Batch:
    """Some thousand rows on their way to the table."""

    account_id: int
    audience_id: int
    columns: list[list[str]]
    """Addresses, statuses, fields as JSON, tags joined."""
    defaults: str
    source: str | None
    update: bool

    async def write(self, connection: Connection) -> tuple[int, int]:
        """Insert the rows that are new, update those that were there; return how many of each.

        Raises:
            asyncpg.UniqueViolationError: Others add the same addresses one by one all the time.
        """
        for attempt in range(_ATTEMPTS):
            known = {row[0] for row in await self._run(connection, "known", self.columns[0])}
            new, old = self._parted(known) if known else (self.columns, None)
            try:
                if new[0]:
                    async with connection.transaction():
                        await self._run(connection, "insert_many", *new, self.defaults, self.source)
                break
            except asyncpg.UniqueViolationError:  # one of them was added meanwhile, and is known now
                if attempt == _ATTEMPTS - 1:
                    raise
        if old is not None:
            addresses, _, fields, tags = old
            await self._run(connection, "update_many", addresses, fields, tags, self.update)
        return len(new[0]), len(old[0]) if old else 0

    def _parted(self, known: set[str]) -> tuple[list[list[str]], list[list[str]]]:
        """Return the columns of new rows and of known ones."""
        new: list[list[str]] = [[], [], [], []]
        old: list[list[str]] = [[], [], [], []]
        for row in zip(*self.columns, strict=True):
            for column, value in zip(old if row[0] in known else new, row, strict=True):
                column.append(value)
        return new, old

    async def _run(self, connection: Connection, name: str, *args: object) -> list[asyncpg.Record]:
        return await _sql.fetch(connection, name, self.account_id, self.audience_id, *args)

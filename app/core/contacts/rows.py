"""Rows of a bulk change: checked, put into columns, written. Imports audiences' front door and the core's errors."""

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import orjson

from app.core.audiences import MAX_VALUE, FieldSet, FieldType, check_value
from app.core.contacts.copying import copy_in
from app.core.contacts.values import BadRow, ContactRow, address_of, checked_values, clean_tags, joined
from app.core.errors import Invalid
from app.db.sql import Connection, Sql

_sql = Sql(__package__)
_SLICE = 500
"""Rows checked before others of the event loop get their turn: some milliseconds."""
_ATTEMPTS = 5
"""How often a batch is tried whose addresses others add at the same time."""
_BY_INDEX = (
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_hashjoin = off;"
    " SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
)
"""A plan that is kept from when the table was small would read all of it for every batch, when it is large."""
_AS_USUAL = re.sub(r"= \w+", "= DEFAULT", _BY_INDEX)
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
class Written:
    """What became of a batch.

    Attributes:
        created: Contacts that are new.
        existing: Contacts that were there, removed ones included.
        returned: Of these the removed ones, or all that changed where they were brought up to date.
    """

    created: int
    existing: int
    returned: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Some thousand rows on their way to the table."""

    account_id: int
    audience_id: int
    columns: list[list[str]]
    """Addresses, statuses, fields as JSON, tags joined."""
    defaults: str
    """For new contacts, as JSON."""
    source: str | None
    update: bool
    ordered: bool = True
    """Whether new contacts get their ids in the order given, also when some are on the suppression list."""

    async def write(self, connection: Connection) -> Written:
        """Insert the rows that are new, update those that were there.

        Nearly all rows of an import are new and on no list: they are copied, which costs half of an INSERT. Those with
        an entry of the suppression list go through the statement that knows its rules.

        Raises:
            asyncpg.UniqueViolationError: Others add the same addresses one by one all the time.
        """
        await connection.execute(_BY_INDEX)
        written = await self._write(connection)
        await connection.execute(_AS_USUAL)
        return written

    async def _write(self, connection: Connection) -> Written:
        for attempt in range(_ATTEMPTS):
            standing = {row[0]: row[1] for row in await self._run(connection, "standing", self.columns[0])}
            fresh, listed, old = self._parted(standing) if standing else (self.columns, None, None)
            try:
                async with connection.transaction():
                    if fresh[0]:
                        await copy_in(connection, self, fresh)
                    if listed and listed[0]:
                        await self._run(connection, "insert_many", *listed, self.defaults, self.source)
                break
            except asyncpg.UniqueViolationError:  # one of them was added meanwhile, and is known now
                if attempt == _ATTEMPTS - 1:
                    raise
        created = len(fresh[0]) + (len(listed[0]) if listed else 0)
        if not old or not old[0]:
            return Written(created, 0, 0)
        addresses, _, fields, tags = old
        ids = [standing[address] for address in addresses]
        status = await _sql.execute(connection, "update_many", ids, fields, tags, self.update)
        return Written(created, len(ids), int(status.rpartition(" ")[2]))

    def _parted(self, standing: Mapping[str, int | None]) -> tuple[list[list[str]], list[list[str]], list[list[str]]]:
        """Return the columns of rows that are new, of new ones on the suppression list, and of known ones."""
        fresh: list[list[str]] = [[], [], [], []]
        listed: list[list[str]] = [[], [], [], []]
        old: list[list[str]] = [[], [], [], []]
        # In order, all new ones go by the one statement that can write both kinds.
        new = listed if self.ordered and not all(standing.values()) else fresh
        for row in zip(*self.columns, strict=True):
            address = row[0]
            to = new if address not in standing else listed if standing[address] is None else old
            for column, value in zip(to, row, strict=True):
                column.append(value)
        return fresh, listed, old

    async def _run(self, connection: Connection, name: str, *args: object) -> list[asyncpg.Record]:
        return await _sql.fetch(connection, name, self.account_id, self.audience_id, *args)

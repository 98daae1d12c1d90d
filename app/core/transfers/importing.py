"""The import of contacts. Imports the front doors of audiences and contacts, and this package's siblings.

While PostgreSQL writes a batch, a thread reads and checks the next one.

Source: docs/contract/native.md, 7; docs/imports.md.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core import audiences, contacts
from app.core.audiences import EMAIL, RESERVED, FieldSet
from app.core.contacts import Columns
from app.core.errors import Invalid
from app.core.extra import is_storable
from app.core.transfers import chunks
from app.core.transfers.checking import Checked, Layout, check
from app.core.transfers.reading import Batch, CsvReader, Place
from app.core.transfers.running import Done, Lease, Refused
from app.core.transfers.values import MAX_NAME, ImportOptions
from app.db.unit_of_work import unit_of_work
from app.models.job_chunk import ChunkKind

BATCH = 10_000
"""Rows of one transaction."""
SOURCE = "imported"
_AHEAD = 2 << 20
"""Octets that are in memory before a batch is read."""
_ADDRESS_NAMES = frozenset({"email", "e-mail"})
_NO_TAG = re.compile(r"[^A-Z0-9]+")
_MAX_TAG = 64


@dataclass(frozen=True, slots=True)
class _Read:
    """A batch that was read and checked for these fields."""

    batch: Batch
    checked: Checked
    fields: FieldSet


class ContactImport:
    """A file on its way into an audience."""

    def __init__(self, lease: Lease) -> None:
        """Begin where the job stands; nothing is read before the first step."""
        self._lease = lease
        self._options = ImportOptions.read(lease.options)
        self._reader: CsvReader | None = None
        self._layout = Layout(0, (), 0)
        self._seq = self._skip = 0
        self._fields = FieldSet({}, {}, ())
        self._ahead: asyncio.Task[_Read] | None = None
        self._confirms = False

    async def step(self) -> bool:
        """Write the next batch.

        Raises:
            Lost: The job was cancelled, or another worker has it.
            Refused: The file cannot be imported.
            NotFound: The audience is gone.
        """
        reader = self._reader or await self._begin()
        read = await self._next(reader)
        if not read.batch.rows and not read.batch.bad:
            return False
        await self._feed(reader)
        # While this one is written.
        self._ahead = asyncio.create_task(asyncio.to_thread(self._read, reader, self._fields))
        await self._write(read)
        return True

    async def close(self) -> None:
        """Wait for the thread."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.gather(ahead, return_exceptions=True)

    async def _next(self, reader: CsvReader) -> _Read:
        """Return what comes next: nothing at the end of the file."""
        while True:
            if self._ahead is not None:
                ahead, self._ahead = self._ahead, None
                read = await ahead
            else:
                await self._feed(reader)
                read = await asyncio.to_thread(self._read, reader, self._fields)
            if read.batch.rows or read.batch.bad or reader.has_ended:
                return read
            await self._feed(reader, more=True)

    def _read(self, reader: CsvReader, fields: FieldSet) -> _Read:
        batch = reader.batch(BATCH)
        return _Read(batch, check(batch, self._layout, fields, update=self._options.update_existing), fields)

    async def _feed(self, reader: CsvReader, *, more: bool = False) -> None:
        """Give the reader what the next batch may need."""
        while more or (reader.waiting < _AHEAD and not reader.was_told_all):
            data = await chunks.piece(self._lease.connection, self._lease.job_id, ChunkKind.FILE, self._seq)
            skipped, self._skip = self._skip, 0
            self._seq += 1
            reader.feed(data[skipped:] if data else b"")
            more = False

    async def _begin(self) -> CsvReader:
        """Return a reader at the job's place; of a new job the first row is read."""
        lease = self._lease
        if not lease.position:
            await self._read_names()
        position = dict(lease.position)
        self._layout = Layout.read(position.pop("layout"))
        delimiter = position.pop("delimiter")
        place = Place(**position)
        self._seq, self._skip = divmod(place.offset, chunks.PIECE)
        self._reader = CsvReader(place, delimiter=delimiter)
        async with unit_of_work(lease.engine) as write:
            audience = await audiences.get(write, lease.account_id, lease.audience_id)
            self._confirms = bool(audience.settings.get("double_opt_in"))
            self._fields = await audiences.field_set(write, lease.account_id, lease.audience_id)
        return self._reader

    async def _read_names(self) -> None:
        """Read the first row, make fields, and note what the columns are.

        Raises:
            Refused: There is no such row, or none of its names is the address's.
        """
        lease, self._skip = self._lease, 0
        reader = CsvReader(Place(), delimiter=self._options.delimiter or ",")
        await self._feed(reader)
        if not self._options.delimiter:
            reader.find_delimiter()
        batch = reader.batch(1)
        if not batch.rows:
            why = batch.bad[0].fault if batch.bad else "the file is empty"
            raise Refused(f"the first row names the columns, and it cannot be read: {why}")
        names = [name.strip() for name in batch.rows[0][1]]
        if not batch.clean and not all(map(is_storable, names)):
            raise Refused("the names of the columns are not UTF-8")
        async with unit_of_work(lease.engine) as write:
            await lease.hold_by(write)
            known = {one.tag for one in await audiences.fields(write, lease.account_id, lease.audience_id)}
            layout, missing = _layout(names, known, self._options)
            for tag, label in missing.items():
                try:
                    await audiences.add_field(write, lease.account_id, lease.audience_id, tag=tag, label=label)
                except Invalid as error:
                    raise Refused(f"the field {tag} cannot be made: {error}") from None
            position = {**batch.place.stored(), "layout": layout.stored(), "delimiter": reader.delimiter}
            await lease.advance_by(write, position, Done())
        lease.position = position

    async def _write(self, read: _Read) -> None:
        lease, options, batch, checked = self._lease, self._options, read.batch, read.checked
        connection, update = lease.connection, options.update_existing
        async with connection.transaction():
            await lease.hold()
            fields = await audiences.hold(connection, lease.account_id, lease.audience_id)
            if fields.types != read.fields.types:  # changed while the batch was read
                self._fields = fields
                checked = check(batch, self._layout, fields, update=update)
            columns = Columns(checked.addresses, checked.fields, options.tags, options.status)
            written = await contacts.add_columns(
                connection,
                lease.account_id,
                lease.audience_id,
                columns,
                defaults=fields.defaults,
                source=SOURCE,
                update_existing=update,
                confirms=self._confirms,
            )
            lines, told = chunks.told(checked.bad, lease.told)
            await chunks.append(connection, lease.job_id, ChunkKind.ERRORS, lines)
            known = written.existing + checked.repeated
            updated = known if update else written.returned
            done = Done(written.created, updated, known - updated, len(checked.bad), told)
            position: Mapping[str, Any] = {**lease.position, **batch.place.stored()}
            await lease.advance(position, done)
        lease.told += told
        lease.position = position


def _layout(names: list[str], known: set[str], options: ImportOptions) -> tuple[Layout, dict[str, str]]:
    """Return what the columns are, and fields to be made: tags with labels.

    Raises:
        Refused: There is no column for the address, or one that a mapping names.
    """
    tags = _mapped(names, options.mapping) if options.mapping is not None else [_tag_of(name) for name in names]
    address = next((at for at, tag in enumerate(tags) if tag == EMAIL), None)
    if address is None:
        address = next((at for at, name in enumerate(names) if name.lower() in _ADDRESS_NAMES), None)
    if address is None:
        raise Refused("no column is named EMAIL, and none is mapped to it")
    fields: dict[str, int] = {}
    missing: dict[str, str] = {}
    for at, tag in enumerate(tags):
        if not tag or at == address or tag in fields or tag == EMAIL:
            continue
        if tag not in known:
            if not options.create_fields:
                if options.mapping is not None:
                    raise Refused(f"the audience has no field {tag}")
                continue
            if tag in RESERVED:
                continue
            missing[tag] = names[at][:255]
        fields[tag] = at
    return Layout(address, [(at, tag) for tag, at in fields.items()], len(names)), missing


def _mapped(names: list[str], mapping: Mapping[str, str]) -> list[str]:
    """Return the tag of each column, "" for those that are not mapped.

    Raises:
        Refused: The file has no column of a name.
    """
    wanted = {name.strip().lower(): tag for name, tag in mapping.items()}
    for name in mapping:
        if name.strip().lower() not in {one.lower() for one in names}:
            raise Refused(f"the file has no column {chunks.shown(name)}")
    return [wanted.get(name.lower(), "") for name in names]


def _tag_of(name: str) -> str:
    """Return the tag a column's name stands for, "" for none: upper case, anything but letters and digits as _."""
    upper = name[:MAX_NAME].upper()
    if upper in {EMAIL, "E-MAIL"}:
        return EMAIL
    tag = _NO_TAG.sub("_", upper).strip("_")[:_MAX_TAG]
    return tag if tag[:1].isalpha() else ""

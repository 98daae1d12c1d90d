"""Exports: pages of rows into pieces of a result. Imports audiences' front door and this package's siblings.

Texts are written as they are. A spreadsheet that takes a text beginning with = + - or @ for a formula is told so when
it opens the file (docs/imports.md); a changed text would come back changed.

Source: docs/contract/native.md, 7.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from app.core.audiences import EMAIL
from app.core.transfers import chunks, filters
from app.core.transfers.filters import Filtered
from app.core.transfers.running import Done, Lease, sql
from app.kit.uids import Noun, uid, uuid
from app.models.job_chunk import ChunkKind

PAGE = 5000
"""Rows of one transaction."""
CSV, JSONL = "csv", "jsonl"
FORMATS = (CSV, JSONL)
SUPPRESSION_COLUMNS = ("email", "reason", "created_at", "detail", "number")
"""Columns of an exported suppression list; without a choice the first three."""
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_MEMBERS: Mapping[str, Callable[[Any], object]] = {
    "email": lambda row: row["address"],
    "status": lambda row: row["status"],
    "tags": lambda row: row["tags"],
    "source": lambda row: row["source"],
    "ip_address": lambda row: row["ip_address"],
    "subscribed_at": lambda row: _time(row["subscribed_at"]),
    "unsubscribed_at": lambda row: _time(row["unsubscribed_at"]),
    "created_at": lambda row: _time(row["created_at"]),
    "updated_at": lambda row: _time(row["updated_at"]),
    "uid": lambda row: uid(Noun.CONTACT, row["id"]),
    "id": lambda row: str(uuid(Noun.CONTACT, row["id"])),
    "number": lambda row: row["id"],
}
_DEFAULT_BEHIND = ("status", "tags", "source", "ip_address", "subscribed_at", "unsubscribed_at", "created_at", "uid")


def contact_columns(asked: Sequence[str] | None, tags: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns of an export, and names among the asked that are none.

    Args:
        asked: Members of a contact, in lower case, and tags, in any case; None: all that matter.
        tags: Of the audience's fields.
    """
    if asked is None:
        return ["email", *tags, *_DEFAULT_BEHIND], []
    columns, unknown = [], []
    for name in dict.fromkeys(asked):
        plain = "email" if name.upper() == EMAIL else name
        if plain in _MEMBERS:
            columns.append(plain)
        elif name.upper() in tags:
            columns.append(name.upper())
        else:
            unknown.append(name)
    return list(dict.fromkeys(columns)), unknown


class ContactExport:
    """Members of an audience on their way into a file."""

    def __init__(self, lease: Lease) -> None:
        """Begin where the job stands."""
        self._lease = lease
        self._columns: list[str] = lease.options["columns"]
        self._format = lease.options["format"]
        self._filtered = Filtered(lease.account_id, lease.audience_id, filters.read(lease.options["filter"]))

    async def step(self) -> bool:
        """Write the next page.

        Raises:
            Lost: The job was cancelled, or another worker has it.
        """
        lease, connection = self._lease, self._lease.connection
        if not lease.position:
            await begin(lease, self._filtered, heading(self._format, self._columns))
        after, last = lease.position["after"], lease.position["last"]
        rows = await self._filtered.fetch(connection, "export_page", after, last, PAGE)
        if rows:
            data = written(self._format, self._columns, map(self._values, rows))
            await turn(lease, {"after": rows[-1]["id"], "last": last}, data, len(rows))
        return len(rows) == PAGE

    async def close(self) -> None:
        """Nothing is under way between pages."""

    def _values(self, row: Any) -> list[object]:
        fields = orjson.loads(row["fields"])
        return [_MEMBERS[name](row) if name in _MEMBERS else fields.get(name) for name in self._columns]


class SuppressionExport:
    """A suppression list on its way into a file."""

    def __init__(self, lease: Lease) -> None:
        """Begin where the job stands."""
        self._lease = lease
        self._columns: list[str] = lease.options["columns"]
        self._format = lease.options["format"]

    async def step(self) -> bool:
        """Write the next page.

        Raises:
            Lost: The job was cancelled, or another worker has it.
        """
        lease = self._lease
        since, after = lease.position.get("since"), lease.position.get("after", 0)
        begun = datetime.fromisoformat(since) if since else _EPOCH
        rows = await sql.fetch(lease.connection, "suppression_page", lease.account_id, begun, after, PAGE)
        data = b"" if lease.position else heading(self._format, self._columns)
        data += written(self._format, self._columns, map(self._values, rows))
        if rows or not lease.position:
            moment = rows[-1]["created_at"] if rows else begun
            position = {"since": moment.isoformat(), "after": rows[-1]["id"] if rows else after}
            await turn(lease, position, data, len(rows))
        return len(rows) == PAGE

    async def close(self) -> None:
        """Nothing is under way between pages."""

    def _values(self, row: Any) -> list[object]:
        moment = row["created_at"].astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        given = {"email": row["address"], "created_at": moment, "number": row["id"]}
        return [given[name] if name in given else row[name] for name in self._columns]


async def begin(lease: Lease, filtered: Filtered, data: bytes) -> None:
    """Note how many rows there are, and where they end: contacts that come later are not meant.

    Raises:
        Lost: The job was cancelled, or another worker has it.
    """
    [(count, last)] = await filtered.fetch(lease.connection, "count_filtered")
    async with lease.connection.transaction():
        await lease.hold()
        await sql.execute(lease.connection, "set_total", lease.job_id, count)
        await chunks.append(lease.connection, lease.job_id, ChunkKind.RESULT, data)
        lease_position = {"after": 0, "last": last}
        await lease.advance(lease_position, Done())
    lease.position = lease_position


async def turn(lease: Lease, position: Mapping[str, Any], data: bytes, count: int) -> None:
    """Append a page to the result and move on.

    Raises:
        Lost: The job was cancelled, or another worker has it.
    """
    async with lease.connection.transaction():
        await lease.hold()
        await chunks.append(lease.connection, lease.job_id, ChunkKind.RESULT, data)
        await lease.advance(position, Done(updated=count))
    lease.position = position


def heading(form: str, columns: Sequence[str]) -> bytes:
    """Return what a file begins with."""
    return chunks.csv_lines([columns]) if form == CSV else b""


def written(form: str, columns: Sequence[str], rows: Any) -> bytes:
    """Return rows in a format: in CSV tags are joined by commas, and what is not set is empty."""
    if form == JSONL:
        return b"".join(orjson.dumps(dict(zip(columns, row, strict=True))) + b"\n" for row in rows)
    return chunks.csv_lines([",".join(one) if isinstance(one, list) else one for one in row] for row in rows)

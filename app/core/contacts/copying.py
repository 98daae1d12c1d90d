"""New contacts into the table by COPY, the fastest way there is. Imports models.

For contacts that the suppression list does not know: `sql/insert_many.sql` writes the others, by the same columns.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import orjson

from app.db.sql import Connection
from app.models.contact import ContactStatus

_COLUMNS = (
    *("account_id", "audience_id", "source", "address", "status", "fields", "tags", "subscribed_at"),
    "unsubscribed_at",
)
_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_PIECE = 2000
"""Rows handed to the driver at once."""


class Place(Protocol):
    """Where the rows go, and what all of them have."""

    @property
    def account_id(self) -> int:
        """Whose."""
        ...

    @property
    def audience_id(self) -> int:
        """The audience."""
        ...

    @property
    def source(self) -> str | None:
        """Where they come from."""
        ...

    @property
    def defaults(self) -> str:
        """Values for what they leave out, as JSON."""
        ...


async def copy_in(connection: Connection, place: Place, columns: Sequence[Sequence[str]]) -> None:
    """Copy contacts that the audience does not have.

    Args:
        connection: Of the driver, in a transaction.
        place: Of a batch.
        columns: Addresses, statuses, fields as JSON, tags joined; parallel.

    Raises:
        asyncpg.UniqueViolationError: The audience has one of them; none is there.
    """
    now = (await connection.fetchval("SELECT now()")).isoformat()
    await connection.copy_to_table("contacts", source=_lines(place, columns, now), columns=_COLUMNS, format="text")


async def _lines(place: Place, columns: Sequence[Sequence[str]], now: str) -> AsyncIterator[bytes]:
    source = _NULL if place.source is None else place.source.translate(_ESCAPES)
    head = f"{place.account_id}\t{place.audience_id}\t{source}\t"
    defaults = orjson.loads(place.defaults)
    tails: dict[tuple[str, str], tuple[str, str]] = {}
    addresses, statuses, fields, tags = columns
    for start in range(0, len(addresses), _PIECE):
        end = start + _PIECE
        lines = []
        for row in zip(addresses[start:end], statuses[start:end], fields[start:end], tags[start:end], strict=True):
            address, status, values, given = row
            ends = tails.get((status, given))
            if ends is None:
                ends = tails[status, given] = _ends(status, given, now)
            if defaults:
                values = orjson.dumps(defaults | orjson.loads(values)).decode()
            if "\\" in values:
                values = values.replace("\\", "\\\\")
            if "\\" in address:
                address = address.replace("\\", "\\\\")
            lines.append(f"{head}{address}{ends[0]}{values}{ends[1]}")
        if len(tails) > _PIECE:
            tails.clear()
        yield "".join(lines).encode()


def _ends(status: str, tags: str, now: str) -> tuple[str, str]:
    """Return what stands between address and values of a contact, and behind them."""
    subscribed = now if status == ContactStatus.SUBSCRIBED else _NULL
    unsubscribed = now if status == ContactStatus.UNSUBSCRIBED else _NULL
    return f"\t{status}\t", f"\t{_array(tags)}\t{subscribed}\t{unsubscribed}\n"


def _array(tags: str) -> str:
    """Return joined tags as PostgreSQL reads an array, escaped for COPY."""
    if not tags:
        return "{}"
    quoted = (tag.replace("\\", "\\\\").replace('"', '\\"') for tag in tags.split("\x1f"))
    return ("{" + ",".join(f'"{tag}"' for tag in quoted) + "}").translate(_ESCAPES)

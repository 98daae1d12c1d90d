"""Many contacts at once, on the driver's connection. Imports audiences' front door and the core's errors."""

import asyncio
from collections.abc import Sequence
from operator import attrgetter

from app.core import audiences
from app.core.contacts.rows import Batch, Rows, Written
from app.core.contacts.values import Added, BadRow, ContactRow
from app.core.errors import Fault, FieldFault, Invalid
from app.db.sql import Connection, Sql

BATCH = 4000
"""Rows of one statement."""
MAX_REPLACED = 50_000
"""Most members of an audience that can be replaced, because one request cannot name more (docs/contract/dyno.md, 6)."""
MAX_FAULTS = 100
"""Most bad rows an error tells of."""

_sql = Sql(__package__)


async def add_many(
    connection: Connection,
    account_id: int,
    audience_id: int,
    rows: Sequence[ContactRow],
    *,
    source: str | None = None,
    update_existing: bool = True,
) -> Added:
    """Add contacts to an audience in one transaction, or as a part of the caller's.

    Contacts that are there keep their status; those that were removed come back with it. New ones with an entry of
    the suppression list come in as blacklisted, or as unsubscribed when that is the entry's reason. Default values
    are set on new ones; a required field may be missing, because a rule made later must not stop old data.

    No contact is told of by itself: to those who follow the events an import of a million contacts is one event, which
    its job writes. A welcome to each would be a flood, and most of them have been welcomed elsewhere.

    Args:
        connection: Of the driver.
        account_id: Whose.
        audience_id: The audience's id.
        rows: In the order in which new ones get their ids. Of several with one address the last counts. A bad one is
            left out and reported.
        source: Where new ones come from (docs/contract/dynosend.md, 7).
        update_existing: Whether contacts that are there get the values, over theirs, and the tags, after theirs.

    Raises:
        NotFound: The account has no such audience.
    """
    async with connection.transaction():
        fields = await audiences.hold(connection, account_id, audience_id)
        checked = Rows(fields, rows)
        await checked.read_addresses()
        repeated = len(rows) - len(checked.bad) - len(checked.last)
        created, existing = await _write(
            connection, account_id, audience_id, checked, source=source, update=update_existing
        )
    return Added(created, existing, repeated, bad=tuple(sorted(checked.bad, key=attrgetter("index"))))


async def replace_members(
    connection: Connection,
    account_id: int,
    audience_id: int,
    rows: Sequence[ContactRow],
    *,
    source: str | None = None,
) -> Added:
    """Make the rows the members of an audience: add them as `add_many` does, and remove who is not named.

    Removed contacts keep everything and come back with their status when they are added again. As with `add_many` no
    contact is told of by itself.

    Raises:
        Invalid: A row is bad, or the audience has more than 50,000 members; nothing is changed.
        NotFound: The account has no such audience.

    Source:
        docs/contract/dyno.md, 6.
    """
    async with connection.transaction():
        fields = await audiences.hold(connection, account_id, audience_id)
        [(members,)] = await _sql.fetch(connection, "count_members", audience_id, MAX_REPLACED + 1)
        if members > MAX_REPLACED:
            raise Invalid([FieldFault("members", Fault.TOO_LONG, "are too many to replace")])
        checked = Rows(fields, rows)
        await checked.read_addresses()
        created, existing = await _write(connection, account_id, audience_id, checked, source=source, update=True)
        if checked.bad:  # what is written so far is taken back
            raise Invalid([_naming(one) for one in checked.bad[:MAX_FAULTS]])
        [(removed,)] = await _sql.fetch(connection, "remove_others", audience_id, list(checked.last))
    return Added(created, existing, repeated=len(rows) - len(checked.last), removed=removed)


async def _write(
    connection: Connection, account_id: int, audience_id: int, rows: Rows, *, source: str | None, update: bool
) -> tuple[int, int]:
    """Write the good rows; return how many are new and how many were there.

    While PostgreSQL writes some thousand rows the next ones are checked.
    """
    created = existing = 0
    addresses = list(rows.last)
    writing: asyncio.Task[Written] | None = None
    try:
        for start in range(0, len(addresses) + BATCH, BATCH):
            columns = await rows.columns(addresses[start : start + BATCH])
            if writing is not None:
                written = await writing
                created, existing, writing = created + written.created, existing + written.existing, None
            if columns[0]:
                batch = Batch(account_id, audience_id, columns, rows.defaults, source, update)
                writing = asyncio.create_task(batch.write(connection))
    finally:
        if writing is not None:  # something went wrong meanwhile: the connection is not free before this has ended
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
    return created, existing


def _naming(row: BadRow) -> FieldFault:
    """Return the fault of a row so that it tells which row it is about."""
    if row.fault.field == "email":
        return FieldFault("members", row.fault.fault, f"contains an invalid address: {row.email}")
    return FieldFault("members", row.fault.fault, f"{row.email}: {row.fault.field} {row.fault.message}")

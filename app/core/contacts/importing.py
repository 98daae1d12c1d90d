"""Checked contacts by the thousand, column by column: what an import writes. Uses this package's rows and statements.

The rules are those of `add_many`, which reads rows one by one; here the caller has read and checked them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.core.contacts.rows import Batch, Written
from app.core.contacts.values import joined
from app.db.sql import Connection, Sql
from app.models.contact import ContactStatus

_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Columns:
    """Contacts that have all but address and values in common.

    Attributes:
        addresses: As `address_of` returns them, each once.
        fields: Values by tag as JSON objects, of texts that were checked for the audience's fields; parallel.
        tags: As `clean_tags` returns them.
        status: Of those that are new.
    """

    addresses: Sequence[str]
    fields: Sequence[str]
    tags: Sequence[str]
    status: ContactStatus


async def add_columns(
    connection: Connection,
    account_id: int,
    audience_id: int,
    columns: Columns,
    *,
    defaults: Mapping[str, str],
    source: str | None,
    update_existing: bool = True,
    confirms: bool = False,
) -> Written:
    """Add checked contacts to an audience that the caller holds (`audiences.hold`), in the caller's transaction.

    Contacts that are there keep their status; removed ones come back with it. New ones with an entry of the suppression
    list come in as blacklisted, or as unsubscribed when that is the entry's reason. No contact is told of by itself,
    but for those that are to confirm: their mail follows from an event each.

    Args:
        connection: Of the driver, in a transaction.
        account_id: Whose.
        audience_id: The audience's id.
        columns: The contacts.
        defaults: Values for new ones that leave a field out.
        source: Where new ones come from.
        update_existing: Whether contacts that are there get the values, over theirs, and the tags, after theirs.
        confirms: Whether new ones that are unconfirmed get the audience's confirmation mail.

    Raises:
        asyncpg.UniqueViolationError: Others add the same addresses all the time.
    """
    count = len(columns.addresses)
    batch = Batch(
        account_id,
        audience_id,
        [list(columns.addresses), [str(columns.status)] * count, list(columns.fields), [joined(columns.tags)] * count],
        orjson.dumps(dict(defaults)).decode(),
        source,
        update_existing,
        ordered=False,
    )
    written = await batch.write(connection)
    if confirms and columns.status is ContactStatus.UNCONFIRMED and written.created:
        await _sql.execute(connection, "tell_unconfirmed", account_id, audience_id, list(columns.addresses))
    return written

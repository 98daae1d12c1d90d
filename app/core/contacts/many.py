"""One change for many contacts that are named by id: a statement each, with what is told of it.

The rules are those of the verbs for one contact. Whoever follows the events is told of each contact that changed.
"""

from collections.abc import Sequence

from app.core.contacts.values import clean_tags
from app.db.sql import Connection, Sql

_sql = Sql(__package__)


async def tag_many(
    connection: Connection, account_id: int, audience_id: int, ids: Sequence[int], tags: Sequence[str]
) -> int:
    """Put tags at the end of the contacts'; return how many did not have all of them.

    Contacts that would have more than 1000 tags stay as they are.

    Args:
        connection: Of the driver, in a transaction.
        account_id: Whose.
        audience_id: The audience's id.
        ids: Members of it; others are passed over.
        tags: Clean ones or not.

    Raises:
        Invalid: A tag cannot be accepted.
    """
    return await _changed(connection, "tag_many", account_id, audience_id, list(ids), clean_tags(tags))


async def untag_many(
    connection: Connection, account_id: int, audience_id: int, ids: Sequence[int], tags: Sequence[str]
) -> int:
    """Take tags away from the contacts; return how many had one of them.

    Raises:
        Invalid: A tag cannot be one.
    """
    return await _changed(connection, "untag_many", account_id, audience_id, list(ids), clean_tags(tags))


async def unsubscribe_many(connection: Connection, account_id: int, audience_id: int, ids: Sequence[int]) -> int:
    """Make the contacts unsubscribed, as `unsubscribe` does each; return how many changed their status.

    Nobody is sent the notice of an unsubscription, which is for those who leave by themselves.
    """
    return await _changed(connection, "unsubscribe_many", account_id, audience_id, list(ids))


async def delete_many(connection: Connection, account_id: int, audience_id: int, ids: Sequence[int]) -> int:
    """Delete the contacts for good, as `delete` does each; return how many there were."""
    return await _changed(connection, "delete_many", account_id, audience_id, list(ids))


async def _changed(connection: Connection, name: str, *args: object) -> int:
    [(count,)] = await _sql.fetch(connection, name, *args)
    return int(count)

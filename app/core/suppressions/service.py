"""The verbs on the suppression list. Imports models and the transaction only."""

from collections.abc import Iterable

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.suppression import Reason

_sql = Sql(__package__)


def key_of(address: str) -> str:
    """Return the form in which addresses are compared: trimmed, lower case."""
    return address.strip().lower()


async def add(
    write: WriteSession,
    account_id: int,
    addresses: Iterable[str],
    reason: Reason,
    *,
    detail: str = "",
    source_message_id: int | None = None,
) -> int:
    """Put addresses on the account's list; the first reason stays, except that any other replaces `unsubscribe`.

    Returns:
        How many entries were made or replaced.

    Source:
        docs/contract/dyn-email.md, 16.
    """
    keys = sorted({key_of(address) for address in addresses})
    return len(await _sql.rows(write, "add", account_id, keys, str(reason), detail, source_message_id))


async def drop_unsubscribe(write: WriteSession, account_id: int, address: str) -> None:
    """Take an address off the account's list if its reason is `unsubscribe`: its owner wants mail again.

    Source:
        docs/contract/dyn-email.md, 16.
    """
    await _sql.rows(write, "drop_unsubscribe", account_id, key_of(address))


async def reasons(read: ReadSession, account_id: int, addresses: Iterable[str]) -> dict[str, Reason]:
    """Return which of the addresses are on the account's list and why, by trimmed lower-case address."""
    keys = sorted({key_of(address) for address in addresses})
    rows = await _sql.rows(read, "reasons", account_id, keys)
    return {row.address: Reason(row.reason) for row in rows}

"""The verbs that change the list and the marks. Imports models, the transaction and the core's `extra`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.extra import is_storable
from app.core.suppressions.keys import key_of, keys_of
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.models.suppression import Reason

MAX_DETAIL = 1000
"""Characters of a detail that are kept; replies of servers can be long."""

_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry that is to be made.

    Attributes:
        address: As `key_of` gives it.
        reason: Why.
        detail: What to show beside the reason; cut after 1000 characters.
        created_at: Since when; None is now.
    """

    address: str
    reason: Reason
    detail: str = ""
    created_at: datetime | None = None


async def enter(
    write: WriteSession,
    account_id: int,
    entries: Sequence[NewEntry],
    *,
    source: tuple[int, datetime] | None = None,
    tells: bool = True,
) -> list[str]:
    """Make entries and marks; the first reason stays, except that any other replaces `unsubscribe`. For contacts only.

    All the entries are held until the end of the transaction, those that stay as they are included.

    Args:
        write: The transaction.
        account_id: Whose list.
        entries: One for each address.
        source: Message id and acceptance of the copy that caused them.
        tells: Whether each entry is an event.

    Returns:
        The addresses whose entries were made or replaced.

    Source:
        docs/contract/dyn-email.md, 16.
    """
    columns = [
        [entry.address for entry in entries],
        [str(entry.reason) for entry in entries],
        [_kept(entry.detail) for entry in entries],
        [entry.created_at for entry in entries],
    ]
    rows = await _sql.rows(write, "enter", account_id, *columns, *(source or (None, None)), tells)
    return [row.address for row in rows]


async def leave(write: WriteSession, account_id: int, addresses: Iterable[str]) -> list[str]:
    """Take addresses off the list, and return those that were on it, sorted. For contacts only."""
    rows = await _sql.rows(write, "leave", account_id, keys_of(addresses))
    return sorted(row.address for row in rows)


async def hold(write: WriteSession, account_id: int, address: str) -> None:
    """Hold the entry of an address until the end of the transaction, if there is one. For contacts only."""
    await _sql.rows(write, "hold", account_id, key_of(address))


async def drop_unsubscribe(write: WriteSession, account_id: int, address: str) -> None:
    """Take an address off the list if its reason is `unsubscribe`: its owner wants mail again. For contacts only.

    Source:
        docs/contract/dyn-email.md, 16.
    """
    await _sql.rows(write, "drop_unsubscribe", account_id, key_of(address))


async def activate(write: WriteSession, account_id: int, addresses: Iterable[str]) -> None:
    """Clear the bounced and complained marks of addresses; the list stays as it is.

    Source:
        docs/contract/dyn-email.md, 9.2.
    """
    await _sql.rows(write, "activate", account_id, keys_of(addresses))


def _kept(detail: str) -> str:
    """Return as much of a foreign text as is stored."""
    cut = detail[:MAX_DETAIL]
    return cut if is_storable(cut) else cut.replace("\x00", "").encode(errors="replace").decode()

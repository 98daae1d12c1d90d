"""The list for people and programs who page through it: filtered, in either order, behind the last one shown.

Imports models, the transaction and the siblings.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, literal, select, tuple_

from app.core.suppressions.reading import COLUMNS, Entry, entry_of
from app.db.unit_of_work import ReadSession
from app.models.suppression import Reason, Suppression

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries. All given ones must match.

    Attributes:
        part: In the address, ignoring case.
        reason: Why.
        start: Made at this instant or later.
        end: Made before this instant.
    """

    part: str = ""
    reason: Reason | None = None
    start: datetime | None = None
    end: datetime | None = None


class Place(NamedTuple):
    """The place of an entry in the order of time, then of number."""

    created_at: datetime
    id: int


async def list_after(
    read: ReadSession,
    account_id: int,
    wanted: Wanted,
    *,
    after: Place | None = None,
    descending: bool = False,
    limit: int,
) -> list[Entry]:
    """List entries by time, then number: each once, whatever is added or taken away meanwhile.

    Args:
        read: The transaction.
        account_id: Whose list.
        wanted: Which.
        after: Place of the last one that was shown.
        descending: Whether the newest come first.
        limit: Most entries.

    Source:
        docs/contract/native.md, 13.
    """
    place = (Suppression.created_at, Suppression.id)
    query = select(*COLUMNS).where(*_conditions(account_id, wanted))
    if after is not None:
        here, there = tuple_(*place), tuple_(*map(literal, after))
        query = query.where(here < there if descending else here > there)
    order = [one.desc() if descending else one.asc() for one in place]
    return [entry_of(row) for row in await read.execute(query.order_by(*order).limit(limit))]


async def count_wanted(read: ReadSession, account_id: int, wanted: Wanted) -> int:
    """Count what `list_after` lists."""
    query = select(func.count()).select_from(Suppression).where(*_conditions(account_id, wanted))
    return (await read.execute(query)).scalar_one()


def _conditions(account_id: int, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [Suppression.account_id == account_id]
    if wanted.part:
        found.append(Suppression.address.contains(wanted.part.lower(), autoescape=True))
    if wanted.reason is not None:
        found.append(Suppression.reason == wanted.reason.value)
    if wanted.start is not None:
        found.append(Suppression.created_at >= min(max(wanted.start, _FIRST), _LAST))
    if wanted.end is not None:
        found.append(Suppression.created_at < min(max(wanted.end, _FIRST), _LAST))
    return found

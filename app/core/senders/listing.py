"""Senders listed: filtered, in either order, behind the last one shown. Imports models and db."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_

from app.db.unit_of_work import ReadSession
from app.models.sender import Sender, SenderStatus


@dataclass(frozen=True, slots=True)
class SenderFilter:
    """Which senders. All given ones must match.

    Attributes:
        part: In the address or the name, ignoring case.
        status: Whether it may be used.
        domain: Of the address, ignoring case.
    """

    part: str = ""
    status: SenderStatus | None = None
    domain: str | None = None


async def list_after(
    read: ReadSession,
    account_id: int,
    wanted: SenderFilter,
    *,
    by_email: bool = False,
    descending: bool = False,
    after: tuple[datetime | str, int] | None = None,
    limit: int,
) -> Sequence[Sender]:
    """List the account's senders by creation or address, then by id.

    Args:
        read: The transaction.
        account_id: Whose.
        wanted: Which.
        by_email: Whether they stand in the order of their addresses, in lower case.
        descending: Whether the last ones come first.
        after: Sort value and id of the last one that was shown.
        limit: Most senders.
    """
    first: Any = func.lower(Sender.email) if by_email else Sender.created_at
    query = select(Sender).where(*_conditions(account_id, wanted))
    if after is not None:
        here, there = tuple_(first, Sender.id), tuple_(*map(literal, after))
        query = query.where(here < there if descending else here > there)
    order = [one.desc() if descending else one.asc() for one in (first, Sender.id)]
    return (await read.execute(query.order_by(*order).limit(limit))).scalars().all()


async def count(read: ReadSession, account_id: int, wanted: SenderFilter) -> int:
    """Count what `list_after` lists."""
    query = select(func.count()).select_from(Sender).where(*_conditions(account_id, wanted))
    return (await read.execute(query)).scalar_one()


def _conditions(account_id: int, wanted: SenderFilter) -> list[ColumnElement[bool]]:
    found = [Sender.account_id == account_id, Sender.deleted_at.is_(None)]
    if wanted.part:
        part = wanted.part.lower()
        columns = (func.lower(Sender.email), func.lower(Sender.name))
        found.append(or_(*(column.contains(part, autoescape=True) for column in columns)))
    if wanted.status is not None:
        found.append(Sender.status == wanted.status.value)
    if wanted.domain is not None:
        found.append(func.lower(func.split_part(Sender.email, "@", -1)) == wanted.domain.lower())
    return found

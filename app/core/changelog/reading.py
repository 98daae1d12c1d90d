"""The verb that reads entries. Imports models and db."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from app.db.unit_of_work import ReadSession
from app.models.account import Account
from app.models.audit_entry import AuditEntry


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; what is None or "" does not narrow.

    Attributes:
        actor: A user name, ignoring case, or the name of a command.
        actor_id: UUID of an account or of a key that acted.
        object_type: Such as `audience`.
        object_id: As the entries name it.
        start: Not before this instant.
        end: Before this instant.
    """

    actor: str = ""
    actor_id: UUID | None = None
    object_type: str = ""
    object_id: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, with the public names of its accounts.

    Attributes:
        row: As it was written.
        account: Whose object it is.
        actor_account: Who acted.
    """

    row: AuditEntry
    account: UUID | None
    actor_account: UUID | None


async def entries(
    read: ReadSession, account_ids: Sequence[int] | None, search: Search, *, before_id: int | None = None, limit: int
) -> list[Entry]:
    """Return entries, the newest first.

    Args:
        read: The transaction.
        account_ids: Whose objects; None: all, also those of the installation.
        search: What is looked for.
        before_id: Only entries older than this one.
        limit: Most entries returned.
    """
    query = _narrowed(select(AuditEntry), account_ids, search)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    query = query.order_by(AuditEntry.id.desc()).limit(limit)
    rows: Sequence[AuditEntry] = (await read.execute(query)).scalars().all()
    wanted = {number for row in rows for number in (row.account_id, row.actor_account_id) if number is not None}
    names = select(Account.id, Account.public_id).where(Account.id.in_(wanted))
    public: dict[int | None, UUID] = (
        {found.id: found.public_id for found in await read.execute(names)} if wanted else {}
    )
    return [Entry(row, public.get(row.account_id), public.get(row.actor_account_id)) for row in rows]


def _narrowed(query: Select[Any], account_ids: Sequence[int] | None, search: Search) -> Select[Any]:
    if account_ids is not None:
        query = query.where(AuditEntry.account_id.in_(account_ids))
    if search.actor:
        query = query.where(func.lower(AuditEntry.actor) == func.lower(search.actor))
    if search.actor_id is not None:
        acting = select(Account.id).where(Account.public_id == search.actor_id).scalar_subquery()
        query = query.where(or_(AuditEntry.actor_key_id == search.actor_id, AuditEntry.actor_account_id == acting))
    if search.object_type:
        query = query.where(AuditEntry.object_type == search.object_type)
    if search.object_id:
        query = query.where(AuditEntry.object_id == search.object_id)
    if search.start is not None:
        query = query.where(AuditEntry.occurred_at >= search.start)
    if search.end is not None:
        query = query.where(AuditEntry.occurred_at < search.end)
    return query

"""Accounts by pages, for lists that a cursor goes through. Imports models; read only.

Source: docs/contract/native.md, 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from app.core.accounts.caller import Caller
from app.db.unit_of_work import ReadSession
from app.models.account import Account, Role


@dataclass(frozen=True, slots=True)
class AccountSearch:
    """Which accounts, in which order; what is None or "" does not narrow.

    Attributes:
        q: Part of user name, account name or company name, ignoring case.
        status: Only with this one.
        parent: Only sub-accounts of this one.
        by_username: Sorted by user name, ignoring case; else by the time of creation.
        descending: The largest first. The caller itself comes first in any case.
    """

    q: str = ""
    status: str = ""
    parent: UUID | None = None
    by_username: bool = False
    descending: bool = False


async def accounts_below(
    read: ReadSession,
    caller: Caller,
    search: AccountSearch,
    *,
    after: tuple[bool, str | datetime, int] | None = None,
    limit: int,
) -> Sequence[Account]:
    """Return accounts that the caller sees: itself first, then those below it.

    Args:
        read: The transaction.
        caller: An admin sees all, a master its sub-accounts, everybody itself.
        search: Which, in which order.
        after: Of the last account of the page before: whether it is another than the caller, its sort value, its id.
        limit: Most accounts returned.
    """
    other = Account.id != caller.account_id
    value = func.lower(Account.username) if search.by_username else Account.created_at
    query = _narrowed(select(Account), caller, search)
    if after is not None:
        later, last, last_id = after
        key = tuple_(value, Account.id)
        beyond = key < (last, last_id) if search.descending else key > (last, last_id)
        query = query.where(other if not later else and_(other, beyond))
    order = (value.desc(), Account.id.desc()) if search.descending else (value, Account.id)
    found: Sequence[Account] = (await read.execute(query.order_by(other, *order).limit(limit))).scalars().all()
    return found


async def count_below(read: ReadSession, caller: Caller, search: AccountSearch) -> int:
    """Return how many accounts `accounts_below` would find in all."""
    return int((await read.execute(_narrowed(select(func.count(Account.id)), caller, search))).scalar_one())


def _narrowed(query: Select[Any], caller: Caller, search: AccountSearch) -> Select[Any]:
    query = query.where(Account.deleted_at.is_(None))
    if caller.role is not Role.ADMIN:
        query = query.where(or_(Account.id == caller.account_id, Account.parent_id == caller.account_id))
    if search.q:
        columns = (Account.username, Account.account_name, Account.company_name)
        query = query.where(or_(*(column.icontains(search.q, autoescape=True) for column in columns)))
    if search.status:
        query = query.where(Account.status == search.status)
    if search.parent is not None:
        master = aliased(Account)
        query = query.where(
            Account.parent_id == select(master.id).where(master.public_id == search.parent).scalar_subquery()
        )
    return query

"""Rows of `contacts`. Only this package's verbs use it; every query takes the account."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import Select, select

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.audience import Audience
from app.models.contact import Contact

_sql = Sql(__package__)
_STREAMED = 1000
"""Rows fetched ahead of a reader."""


def _members(account_id: int, audience_id: int) -> Select[Contact]:
    return select(Contact).where(
        Contact.account_id == account_id, Contact.audience_id == audience_id, Contact.removed_at.is_(None)
    )


async def by_id(read: ReadSession, account_id: int, audience_id: int, contact_id: int) -> Contact | None:
    """Return the member of this id."""
    query = _members(account_id, audience_id).where(Contact.id == contact_id)
    return await _one(read, query)


async def by_number(read: ReadSession, account_id: int, contact_id: int) -> Contact | None:
    """Return the member of this id, in whatever audience the account has."""
    query = (
        select(Contact)
        .join(Audience, Audience.id == Contact.audience_id)
        .where(
            Contact.id == contact_id,
            Contact.account_id == account_id,
            Contact.removed_at.is_(None),
            Audience.deleted_at.is_(None),
        )
    )
    return await _one(read, query)


async def by_address(
    read: ReadSession, account_id: int, audience_id: int, address: str, *, removed_too: bool = False
) -> Contact | None:
    """Return the member of this address."""
    query = select(Contact).where(
        Contact.account_id == account_id, Contact.audience_id == audience_id, Contact.address == address
    )
    if not removed_too:
        query = query.where(Contact.removed_at.is_(None))
    return await _one(read, query)


async def lock(write: WriteSession, contact: Contact) -> bool:
    """Hold the row until the end of the transaction and read it anew; tell whether it is still a member."""
    query = select(Contact).where(Contact.id == contact.id).with_for_update()
    found = (await write.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    return found is not None


async def everywhere(read: ReadSession, account_id: int, address: str, *, limit: int) -> Sequence[Contact]:
    """Return the account's contacts of this address, by id."""
    query = (
        select(Contact)
        .join(Audience, Audience.id == Contact.audience_id)
        .where(
            Contact.account_id == account_id,
            Contact.address == address,
            Contact.removed_at.is_(None),
            Audience.deleted_at.is_(None),
        )
        .order_by(Contact.id)
        .limit(limit)
    )
    return (await read.execute(query)).scalars().all()


async def after(
    read: ReadSession, account_id: int, audience_id: int, *, after_id: int, limit: int, status: str | None
) -> Sequence[Contact]:
    """Return members by id, from the one after `after_id` on."""
    query = _members(account_id, audience_id).where(Contact.id > after_id)
    if status is not None:
        query = query.where(Contact.status == status)
    return (await read.execute(query.order_by(Contact.id).limit(limit))).scalars().all()


async def page(read: ReadSession, account_id: int, audience_id: int, *, offset: int, limit: int) -> Sequence[Contact]:
    """Return members by id."""
    ids = [row.id for row in await _sql.rows(read, "page", audience_id, offset, limit)]
    query = _members(account_id, audience_id).where(Contact.id.in_(ids)).order_by(Contact.id)
    return (await read.execute(query)).scalars().all() if ids else []


async def stream(read: ReadSession, account_id: int, audience_id: int) -> AsyncIterator[Contact]:
    """Yield all members by id through a cursor of the server."""
    query = _members(account_id, audience_id).order_by(Contact.id).execution_options(yield_per=_STREAMED)
    result = await read.stream_scalars(query)
    try:
        async for fetched in result.partitions(_STREAMED):  # one switch of greenlets for all of them
            for contact in fetched:
                yield contact
    finally:
        await result.close()


async def _one(read: ReadSession, query: Select[Contact]) -> Contact | None:
    """Return the row as it is now: statements of many rows change contacts a session may have read before."""
    return (await read.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()

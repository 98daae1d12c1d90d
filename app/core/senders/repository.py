"""Rows of `senders` and `dkim_keys`. Only this package's verbs use it; every query takes the account."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.engine import Row

from app.db.unit_of_work import ReadSession
from app.models.dkim_key import DkimKey
from app.models.sender import Sender, SenderStatus


async def by_email(
    read: ReadSession, account_id: int, email: str, *, deleted_too: bool = False, lock: bool = False
) -> Sender | None:
    """Return the sender of this address, ignoring case."""
    query = select(Sender).where(Sender.account_id == account_id, func.lower(Sender.email) == func.lower(email))
    if not deleted_too:
        query = query.where(Sender.deleted_at.is_(None))
    if lock:
        query = query.with_for_update()
    return (await read.execute(query)).scalar_one_or_none()


async def by_public_id(read: ReadSession, account_id: int, public_id: UUID) -> Sender | None:
    """Return the sender of this id."""
    query = select(Sender).where(
        Sender.account_id == account_id, Sender.public_id == public_id, Sender.deleted_at.is_(None)
    )
    return (await read.execute(query)).scalar_one_or_none()


async def ready_id(read: ReadSession, account_id: int, email: str) -> int | None:
    """Return the id of the sender of this address if mail may be sent from it."""
    query = select(Sender.id).where(
        Sender.account_id == account_id,
        func.lower(Sender.email) == func.lower(email),
        Sender.status == SenderStatus.READY,
        Sender.deleted_at.is_(None),
    )
    return (await read.execute(query)).scalar_one_or_none()


async def ids_of(read: ReadSession, account_ids: Sequence[int], email: str) -> Sequence[int]:
    """Return the ids of the senders of this address, ignoring case, in any of the accounts; deleted ones included."""
    query = select(Sender.id).where(Sender.account_id.in_(account_ids), func.lower(Sender.email) == func.lower(email))
    return (await read.execute(query)).scalars().all()


async def page(read: ReadSession, account_id: int, *, offset: int, limit: int) -> Sequence[Sender]:
    """Return senders by creation."""
    query = (
        select(Sender)
        .where(Sender.account_id == account_id, Sender.deleted_at.is_(None))
        .order_by(Sender.id)
        .offset(offset)
        .limit(limit)
    )
    return (await read.execute(query)).scalars().all()


async def dkim_key(read: ReadSession, account_id: int, domain: str, selector: str) -> DkimKey | None:
    """Return the key pair of a domain and selector."""
    query = select(DkimKey).where(
        DkimKey.account_id == account_id, DkimKey.domain == domain, DkimKey.selector == selector
    )
    return (await read.execute(query)).scalar_one_or_none()


async def signing(read: ReadSession, sender_id: int) -> Row[Sender, DkimKey | None] | None:
    """Return a sender, also a deleted one, with the key that signs for it, if any; by id alone, for delivery."""
    query = (
        select(Sender, DkimKey)
        .outerjoin(
            DkimKey,
            (DkimKey.account_id == Sender.account_id)
            & (DkimKey.selector == Sender.dkim_selector)
            & (DkimKey.domain == func.split_part(Sender.email, "@", -1))
            & (Sender.dkim_selector != ""),
        )
        .where(Sender.id == sender_id)
    )
    return (await read.execute(query)).one_or_none()

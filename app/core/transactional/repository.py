"""Rows of `transactional_messages` and what they refer to. Only this package uses it; each query takes the account."""

from collections.abc import Sequence

from sqlalchemy import func, select

from app.db.unit_of_work import ReadSession
from app.models.sender import Sender, SenderStatus
from app.models.transactional_message import TransactionalMessage


async def by_id(
    read: ReadSession, account_id: int, message_id: int, *, lock: bool = False
) -> TransactionalMessage | None:
    """Return the message, unless it is deleted."""
    query = select(TransactionalMessage).where(
        TransactionalMessage.id == message_id,
        TransactionalMessage.account_id == account_id,
        TransactionalMessage.deleted_at.is_(None),
    )
    if lock:
        query = query.with_for_update()
    return (await read.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def page(
    read: ReadSession, account_id: int, *, audience_id: int | None, text: str | None, after_id: int, limit: int
) -> Sequence[TransactionalMessage]:
    """Return messages by creation."""
    query = select(TransactionalMessage).where(
        TransactionalMessage.account_id == account_id,
        TransactionalMessage.deleted_at.is_(None),
        TransactionalMessage.id > after_id,
    )
    if audience_id is not None:
        query = query.where(TransactionalMessage.audience_id == audience_id)
    if text:
        query = query.where(TransactionalMessage.name.icontains(text, autoescape=True))
    return (await read.execute(query.order_by(TransactionalMessage.id).limit(limit))).scalars().all()


async def sender_id(read: ReadSession, account_id: int, email: str) -> int | None:
    """Return the account's approved sender of this address, ignoring case."""
    query = select(Sender.id).where(
        Sender.account_id == account_id,
        func.lower(Sender.email) == email.lower(),
        Sender.status == SenderStatus.READY,
        Sender.deleted_at.is_(None),
    )
    return (await read.execute(query)).scalar_one_or_none()

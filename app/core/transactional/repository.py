"""Rows of `transactional_messages` and what they refer to. Only this package uses it; each query takes the account."""

from collections.abc import Sequence
from typing import TypeVarTuple

from sqlalchemy import Select, func, select

from app.db.unit_of_work import ReadSession
from app.models.audience import Audience
from app.models.audience_field import AudienceField
from app.models.contact import Contact
from app.models.sender import Sender, SenderStatus
from app.models.transactional_message import TransactionalMessage

Chosen = TypeVarTuple("Chosen")


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
    read: ReadSession,
    account_id: int,
    *,
    audience_id: int | None,
    text: str | None,
    after_id: int,
    descending: bool,
    limit: int,
) -> Sequence[TransactionalMessage]:
    """Return messages by creation; no `after_id`: from the beginning."""
    query = _chosen(select(TransactionalMessage), account_id, audience_id=audience_id, text=text)
    if after_id:
        key = TransactionalMessage.id
        query = query.where(key < after_id if descending else key > after_id)
    order = TransactionalMessage.id.desc() if descending else TransactionalMessage.id
    return (await read.execute(query.order_by(order).limit(limit))).scalars().all()


async def count(read: ReadSession, account_id: int, *, audience_id: int | None, text: str | None) -> int:
    """Return how many messages there are."""
    query = _chosen(
        select(func.count()).select_from(TransactionalMessage), account_id, audience_id=audience_id, text=text
    )
    return (await read.execute(query)).scalar_one()


def _chosen(query: Select[*Chosen], account_id: int, *, audience_id: int | None, text: str | None) -> Select[*Chosen]:
    """Return a query of messages with what is asked for alone."""
    query = query.where(TransactionalMessage.account_id == account_id, TransactionalMessage.deleted_at.is_(None))
    if audience_id is not None:
        query = query.where(TransactionalMessage.audience_id == audience_id)
    if text:
        query = query.where(TransactionalMessage.name.icontains(text, autoescape=True))
    return query


async def sender_id(read: ReadSession, account_id: int, email: str) -> int | None:
    """Return the account's approved sender of this address, ignoring case."""
    query = select(Sender.id).where(
        Sender.account_id == account_id,
        func.lower(Sender.email) == email.lower(),
        Sender.status == SenderStatus.READY,
        Sender.deleted_at.is_(None),
    )
    return (await read.execute(query)).scalar_one_or_none()


async def audience(read: ReadSession, account_id: int, audience_id: int) -> Audience | None:
    """Return the account's audience, unless it is deleted."""
    query = select(Audience).where(
        Audience.id == audience_id, Audience.account_id == account_id, Audience.deleted_at.is_(None)
    )
    return (await read.execute(query)).scalar_one_or_none()


async def contact(read: ReadSession, account_id: int, contact_id: int) -> Contact | None:
    """Return the account's contact, unless it was removed."""
    query = select(Contact).where(
        Contact.id == contact_id, Contact.account_id == account_id, Contact.removed_at.is_(None)
    )
    return (await read.execute(query)).scalar_one_or_none()


async def field_tags(read: ReadSession, account_id: int, audience_id: int | None) -> frozenset[str]:
    """Return the tags of an audience's fields; without one, of all the account's audiences."""
    query = (
        select(AudienceField.tag)
        .join(Audience, Audience.id == AudienceField.audience_id)
        .where(Audience.account_id == account_id, Audience.deleted_at.is_(None))
        .distinct()
    )
    if audience_id is not None:
        query = query.where(Audience.id == audience_id)
    return frozenset((await read.execute(query)).scalars())

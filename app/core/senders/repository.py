"""Rows of `senders` and `dkim_keys`. Only this package's verbs use it; every query takes the account."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.engine import Row

from app.db.unit_of_work import ReadSession, WriteSession
from app.models.account import Account
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


async def by_number(read: ReadSession, account_id: int, sender_id: int) -> Sender | None:
    """Return the sender of this id."""
    query = select(Sender).where(Sender.account_id == account_id, Sender.id == sender_id, Sender.deleted_at.is_(None))
    return (await read.execute(query)).scalar_one_or_none()


async def to_prove(write: WriteSession, sender_id: int) -> Sender | None:
    """Return a sender of any account by id alone, held: for whoever has its token."""
    query = select(Sender).where(Sender.id == sender_id, Sender.deleted_at.is_(None)).with_for_update()
    return (await write.execute(query)).scalar_one_or_none()


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


async def signing(read: ReadSession, sender_id: int) -> Row[Sender, str | None, DkimKey | None] | None:
    """Return a sender, also a deleted one, with its account's host for links and the key that signs for it, if any.

    By id alone, for delivery.
    """
    query = (
        select(Sender, Account.tracking_domain, DkimKey)
        .join(Account, Account.id == Sender.account_id)
        .outerjoin(DkimKey, _signs())
        .where(Sender.id == sender_id)
    )
    return (await read.execute(query)).one_or_none()


def _signs() -> ColumnElement[bool]:
    """Return the condition that a key signs for a sender."""
    return (
        (DkimKey.account_id == Sender.account_id)
        & (DkimKey.selector == Sender.dkim_selector)
        & (DkimKey.domain == func.split_part(Sender.email, "@", -1))
        & (Sender.dkim_selector != "")
    )


def return_path_name(domain: str) -> str:
    """Return the DNS name below a sender's domain that may lead to where bounces go."""
    return f"dynrp.{domain}"


@dataclass(frozen=True, slots=True)
class Published:
    """A sender and what its domain should publish.

    Attributes:
        selector: Of the key that signs; empty: there is none.
        algorithm: Of that key.
        public_key: That key, as in p=; empty: there is none.
    """

    id: int
    account_id: int
    email: str
    domain: str
    selector: str
    algorithm: str
    public_key: str

    @property
    def dkim_name(self) -> str:
        """DNS name of the key record."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def return_path_name(self) -> str:
        """DNS name that may lead to where bounces go."""
        return return_path_name(self.domain)

    @property
    def tracking_name(self) -> str:
        """DNS name that may lead to where links lead."""
        return f"t.{self.domain}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What DNS says of a sender; None leaves what was known.

    Attributes:
        dkim_ok: Whether the key is published.
        spf_ok: Whether we may send.
        return_path_ok: Whether the return path leads to us.
        tracking_ok: Whether the tracking name leads to us.
        dmarc_ok: Whether there is a policy.
    """

    dkim_ok: bool | None = None
    spf_ok: bool | None = None
    return_path_ok: bool | None = None
    tracking_ok: bool | None = None
    dmarc_ok: bool | None = None


async def to_be_published(read: ReadSession, sender_ids: Sequence[int]) -> list[Published]:
    """Return the senders of these ids that are not deleted, in that order, by id alone: for the look at DNS."""
    query = (
        select(Sender, DkimKey)
        .outerjoin(DkimKey, _signs())
        .where(Sender.id.in_(list(sender_ids)), Sender.deleted_at.is_(None))
    )
    rows: dict[int, tuple[Sender, DkimKey | None]] = {row[0].id: (row[0], row[1]) for row in await read.execute(query)}
    return [
        Published(
            id=sender.id,
            account_id=sender.account_id,
            email=sender.email,
            domain=sender.email.rpartition("@")[2],
            selector=sender.dkim_selector,
            algorithm=key.algorithm if key else "",
            public_key=key.public if key else "",
        )
        for sender, key in (rows[one] for one in sender_ids if one in rows)
    ]


async def due_for_verification(read: ReadSession, limit: int) -> Sequence[int]:
    """Return the ids of senders that DNS is to be asked about again, those never asked about first."""
    verified = Sender.dkim_ok & Sender.spf_ok
    half = (Sender.checked_at - Sender.updated_at) / 2
    longest = case((Sender.status == SenderStatus.PENDING, timedelta(hours=1)), else_=timedelta(days=1))
    wait = case((verified, timedelta(days=1)), else_=func.greatest(timedelta(minutes=3), func.least(half, longest)))
    query = (
        select(Sender.id)
        .where(
            Sender.deleted_at.is_(None),
            or_(Sender.checked_at.is_(None), Sender.checked_at < func.now() - wait),
        )
        .order_by(Sender.checked_at.asc().nulls_first(), Sender.id)
        .limit(limit)
    )
    return (await read.execute(query)).scalars().all()


async def note_verified(write: WriteSession, found: Published, seen: Seen) -> bool:
    """Note what DNS says of a sender, unless it signs with another key by now or is gone.

    Args:
        write: The transaction.
        found: The sender as DNS was asked about it.
        seen: What DNS says.

    Returns:
        Whether the sender has become ready.
    """
    query = (
        select(Sender)
        .where(
            Sender.id == found.id,
            Sender.account_id == found.account_id,
            Sender.dkim_selector == found.selector,
            Sender.email == found.email,
            Sender.deleted_at.is_(None),
        )
        .with_for_update()
    )
    sender = (await write.execute(query)).scalar_one_or_none()
    if sender is None:
        return False
    for field in fields(seen):
        value = getattr(seen, field.name)
        if value is not None:
            setattr(sender, field.name, value)
    sender.checked_at = func.now()
    becomes_ready = sender.status == SenderStatus.PENDING and sender.dkim_ok and sender.spf_ok
    if becomes_ready:
        sender.status = SenderStatus.READY
    await write.flush()
    return becomes_ready

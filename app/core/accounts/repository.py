"""Rows of `accounts` and `api_keys`, and the month's counts. Only this package's verbs use it.

Every query takes the account it is for, but for the two that find out who is asking.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import aliased

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.account import Account, AccountStatus
from app.models.api_key import ApiKey

_sql = Sql(__package__)
_DECEMBER = 12


async def by_digest(read: ReadSession, digest: bytes) -> Row[Account, ApiKey] | None:
    """Return the key with this digest and its account, if both and the account's master are in force."""
    master = aliased(Account)
    query = (
        select(Account, ApiKey)
        .join(ApiKey, ApiKey.account_id == Account.id)
        .outerjoin(master, master.id == Account.parent_id)
        .where(
            ApiKey.digest == digest,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
            Account.deleted_at.is_(None),
            Account.status == AccountStatus.ACTIVE,
            or_(Account.parent_id.is_(None), and_(master.deleted_at.is_(None), master.status == AccountStatus.ACTIVE)),
        )
    )
    return (await read.execute(query)).one_or_none()


async def by_username(read: ReadSession, username: str) -> Account | None:
    """Return the account with this name, whoever it belongs to."""
    query = select(Account).where(func.lower(Account.username) == func.lower(username), Account.deleted_at.is_(None))
    return (await read.execute(query)).scalar_one_or_none()


async def by_id(read: ReadSession, account_id: int) -> Account | None:
    """Return the account, unless it is deleted."""
    query = select(Account).where(Account.id == account_id, Account.deleted_at.is_(None))
    return (await read.execute(query)).scalar_one_or_none()


async def by_public_id(read: ReadSession, public_id: UUID) -> Account | None:
    """Return the account, unless it is deleted."""
    query = select(Account).where(Account.public_id == public_id, Account.deleted_at.is_(None))
    return (await read.execute(query)).scalar_one_or_none()


async def lock(write: WriteSession, account_id: int) -> None:
    """Lock the account's row until the end of the transaction."""
    await write.execute(select(Account.id).where(Account.id == account_id).with_for_update())


async def lock_first(write: WriteSession) -> None:
    """Let only one transaction at a time make the first account."""
    await _sql.rows(write, "lock_first")


async def any_account(read: ReadSession) -> bool:
    """Tell whether there is an account at all, deleted ones included."""
    return (await read.execute(select(Account.id).limit(1))).first() is not None


async def name_taken(read: ReadSession, master_id: int, account_name: str, *, but: int | None = None) -> bool:
    """Tell whether an account of this master other than `but` has the name, ignoring case."""
    query = select(Account.id).where(
        or_(Account.id == master_id, Account.parent_id == master_id),
        Account.deleted_at.is_(None),
        func.lower(Account.account_name) == func.lower(account_name),
    )
    return any(row.id != but for row in await read.execute(query.limit(2)))


async def page_below(
    read: ReadSession, master_id: int, *, name: str | None, username: str | None, offset: int, limit: int
) -> Sequence[Account]:
    """Return the account and its sub-accounts, itself first, then by creation."""
    query = select(Account).where(
        or_(Account.id == master_id, Account.parent_id == master_id), Account.deleted_at.is_(None)
    )
    if name is not None:
        either = (func.lower(Account.account_name), func.lower(Account.username))
        query = query.where(or_(*(column == func.lower(name) for column in either)))
    if username is not None:
        query = query.where(func.lower(Account.username) == func.lower(username))
    query = query.order_by((Account.id != master_id), Account.id).offset(offset).limit(limit)
    return (await read.execute(query)).scalars().all()


async def ids_below(read: ReadSession, master_id: int) -> Sequence[int]:
    """Return the ids of the account and of all its sub-accounts, deleted ones included, ascending."""
    query = select(Account.id).where(or_(Account.id == master_id, Account.parent_id == master_id)).order_by(Account.id)
    return (await read.execute(query)).scalars().all()


async def public_ids(read: ReadSession, account_ids: Iterable[int]) -> dict[int, UUID]:
    """Return the UUIDs of accounts, deleted ones included."""
    query = select(Account.id, Account.public_id).where(Account.id.in_(list(account_ids)))
    return {row.id: row.public_id for row in await read.execute(query)}


async def x_header_names(read: ReadSession, account_ids: Iterable[int]) -> set[str]:
    """Return the X-header names any of the accounts has configured, in lower case."""
    query = select(Account.x_headers).where(Account.id.in_(list(account_ids)))
    return {name.lower() for names in (await read.execute(query)).scalars() for name in names if name}


async def raise_revision(write: WriteSession, account_id: int) -> None:
    """Make every cached copy of the account stale."""
    await write.execute(update(Account).where(Account.id == account_id).values(revision=Account.revision + 1))


async def primary_keys(read: ReadSession, account_ids: Iterable[int]) -> dict[int, ApiKey]:
    """Return the primary key of each account."""
    query = select(ApiKey).where(
        ApiKey.account_id.in_(list(account_ids)), ApiKey.is_primary.is_(True), ApiKey.revoked_at.is_(None)
    )
    return {key.account_id: key for key in (await read.execute(query)).scalars()}


async def keys_of(read: ReadSession, account_id: int) -> Sequence[ApiKey]:
    """Return the keys of an account that are not revoked, by creation."""
    query = select(ApiKey).where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
    return (await read.execute(query)).scalars().all()


async def key_of(read: ReadSession, account_id: int, key_id: UUID) -> ApiKey | None:
    """Return a key of an account that is not revoked."""
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
    return (await read.execute(query)).scalar_one_or_none()


async def note_use(write: WriteSession, key_id: UUID, every: timedelta) -> None:
    """Note that a key is in use, unless that was noted lately or somebody else holds the row."""
    free = (
        select(ApiKey.id)
        .where(ApiKey.id == key_id, or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - every))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    await write.execute(
        update(ApiKey)
        .where(ApiKey.id == free)
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def revoke(
    write: WriteSession, account_id: int, *, primary_only: bool = False, key_id: UUID | None = None
) -> int:
    """Revoke all keys of an account, its primary one, or a single one; return how many there were.

    As objects, not by one statement, so that the audit log sees them.
    """
    query = select(ApiKey).where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
    if primary_only:
        query = query.where(ApiKey.is_primary.is_(True))
    if key_id is not None:
        query = query.where(ApiKey.id == key_id, ApiKey.is_primary.is_(False))
    rows = (await write.execute(query.with_for_update())).scalars().all()
    for row in rows:
        row.revoked_at = func.now()
    await write.flush()
    return len(rows)


async def has_subs(read: ReadSession, account_id: int) -> bool:
    """Tell whether an account has sub-accounts that are not deleted."""
    query = select(Account.id).where(Account.parent_id == account_id, Account.deleted_at.is_(None)).limit(1)
    return (await read.execute(query)).first() is not None


async def sent_in_month(read: ReadSession, account_ids: Iterable[int], moment: datetime) -> dict[int, int]:
    """Return copies counted against the quota in the calendar month (UTC) of `moment`, by account."""
    first = moment.astimezone(UTC).date().replace(day=1)
    following = (
        first.replace(year=first.year + 1, month=1)
        if first.month == _DECEMBER
        else first.replace(month=first.month + 1)
    )
    rows = await _sql.rows(read, "sent_this_month", list(account_ids), first, following)
    return {row.account_id: row.sent for row in rows}

"""Rows of `audiences` and `audience_fields`. Only this package's verbs use it; every query takes the account."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from app.core.audiences.values import Statistics
from app.db.sql import Connection, Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.audience import Audience
from app.models.audience_field import AudienceField

_sql = Sql(__package__)


async def by_id(read: ReadSession, account_id: int, audience_id: int, *, lock: bool = False) -> Audience | None:
    """Return the audience, unless it is deleted."""
    query = select(Audience).where(
        Audience.id == audience_id, Audience.account_id == account_id, Audience.deleted_at.is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await read.execute(query)).scalar_one_or_none()


async def after(read: ReadSession, account_id: int, *, after_id: int, limit: int) -> Sequence[Audience]:
    """Return audiences by id."""
    query = (
        select(Audience)
        .where(Audience.account_id == account_id, Audience.id > after_id, Audience.deleted_at.is_(None))
        .order_by(Audience.id)
        .limit(limit)
    )
    return (await read.execute(query)).scalars().all()


async def page(
    read: ReadSession, account_id: int, *, text: str | None, after_id: int, descending: bool, limit: int
) -> Sequence[Audience]:
    """Return audiences by creation, in either direction; no `after_id`: from the beginning."""
    query = select(Audience).where(*_chosen(account_id, text))
    if after_id:
        query = query.where(Audience.id < after_id if descending else Audience.id > after_id)
    order = Audience.id.desc() if descending else Audience.id
    return (await read.execute(query.order_by(order).limit(limit))).scalars().all()


async def count(read: ReadSession, account_id: int, *, text: str | None) -> int:
    """Return how many audiences there are."""
    return (await read.execute(select(func.count()).where(*_chosen(account_id, text)))).scalar_one()


def _chosen(account_id: int, text: str | None) -> list[ColumnElement[bool]]:
    wanted = [Audience.account_id == account_id, Audience.deleted_at.is_(None)]
    return [*wanted, Audience.name.icontains(text, autoescape=True)] if text else wanted


async def fields(read: ReadSession, audience_id: int) -> Sequence[AudienceField]:
    """Return the fields of an audience that was found for its account, by creation."""
    query = select(AudienceField).where(AudienceField.audience_id == audience_id).order_by(AudienceField.id)
    return (await read.execute(query)).scalars().all()


async def field(write: WriteSession, audience_id: int, tag: str) -> AudienceField | None:
    """Return one field, locked."""
    query = (
        select(AudienceField)
        .where(AudienceField.audience_id == audience_id, AudienceField.tag == tag)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await write.execute(query)).scalar_one_or_none()


async def state_of_use(read: ReadSession, account_id: int, audience_id: int) -> str | None:
    """Return the state of a run that has not ended and is for the audience; None without one."""
    rows = await _sql.rows(read, "state_of_use", account_id, audience_id)
    return str(rows[0].state) if rows else None


async def counts(read: ReadSession, audience_ids: Sequence[int]) -> dict[int, Statistics]:
    """Return the contacts of audiences that were found for their account, by status."""
    found: dict[int, dict[str, int]] = {audience_id: {} for audience_id in audience_ids}
    for row in await _sql.rows(read, "counts", list(audience_ids)):
        found[row.audience_id][row.status.replace("-", "_")] = row.contacts
    return {audience_id: Statistics(**by_status) for audience_id, by_status in found.items()}


async def clear_values(write: WriteSession, audience_id: int, tag: str) -> None:
    """Take a field's values away from all contacts, some thousand in each statement."""
    after_id: int | None = 0
    while after_id is not None:
        after_id = (await _sql.rows(write, "clear_values", audience_id, tag, after_id))[0].last_id


async def lock_for_bulk(connection: Connection, account_id: int, audience_id: int) -> bool:
    """Let one bulk change of the audience's contacts at a time through; tell whether there is the audience."""
    return bool(await _sql.fetch(connection, "lock_for_bulk", account_id, audience_id))


async def fields_for_bulk(connection: Connection, audience_id: int) -> list[AudienceField]:
    """Return the fields of an audience, by creation, on the driver's connection."""
    rows = await _sql.fetch(connection, "fields", audience_id)
    return [AudienceField(**dict(row)) for row in rows]

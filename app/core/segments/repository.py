"""Rows of `segments`, and the statements a filter is put into. Only this package's verbs use it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select

from app.core.segments.compiling import compiled
from app.core.segments.values import ContactFilter
from app.db.sql import Sql, statement
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.contact import Contact
from app.models.segment import Segment

WORK_MEM = "64MB"
"""For the questions about many contacts: what they did fits in, some 500,000 contacts."""
_sql = Sql(__package__)
_FILTER = "/*filter*/ true"


async def by_id(
    read: ReadSession, account_id: int, audience_id: int, segment_id: int, *, lock: bool = False
) -> Segment | None:
    """Return the segment of an audience."""
    query = select(Segment).where(
        Segment.id == segment_id, Segment.account_id == account_id, Segment.audience_id == audience_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await read.execute(query)).scalar_one_or_none()


async def after(
    read: ReadSession, account_id: int, audience_id: int, *, after_id: int, limit: int
) -> Sequence[Segment]:
    """Return segments of an audience by id."""
    query = (
        select(Segment)
        .where(Segment.account_id == account_id, Segment.audience_id == audience_id, Segment.id > after_id)
        .order_by(Segment.id)
        .limit(limit)
    )
    return (await read.execute(query)).scalars().all()


async def how_many(read: ReadSession, audience_id: int) -> int:
    """Count the segments of an audience."""
    query = select(func.count()).select_from(Segment).where(Segment.audience_id == audience_id)
    return (await read.execute(query)).scalar_one()


async def delete(write: WriteSession, segment: Segment) -> None:
    """Delete a segment."""
    await write.delete(segment)
    await write.flush()


async def rows(
    read: ReadSession,
    name: str,
    account_id: int,
    audience_id: int,
    *args: object,
    wanted: ContactFilter,
    parts: dict[str, str] | None = None,
) -> Sequence[Row[Any]]:
    """Run a statement of this package with a filter in it.

    Args:
        read: The transaction.
        name: Of the statement.
        account_id: Its first parameter.
        audience_id: Its second.
        *args: Its further ones, those of the parts included.
        wanted: The filter; its parameters come last.
        parts: Other places of the statement with what stands there; of constants and numbered parameters alone.
    """
    expression = compiled(wanted, 3 + len(args), account_id=account_id)
    text = statement(__package__, name).replace(_FILTER, expression.sql)
    for place, part in (parts or {}).items():
        text = text.replace(place, part)
    await _sql.rows(read, "prepare", WORK_MEM)
    connection = await read.connection()
    result = await connection.exec_driver_sql(text, (account_id, audience_id, *args, *expression.args))
    return result.all()


async def counts(read: ReadSession, account_id: int, audience_id: int, wanted: Sequence[ContactFilter]) -> list[int]:
    """Count the members of an audience that each filter has."""
    args: list[object] = []
    columns = []
    for one in wanted:
        expression = compiled(one, 3 + len(args), account_id=account_id)
        args += expression.args
        columns.append(f"count(*) FILTER (WHERE {expression.sql})")
    text = statement(__package__, "count").replace("count(*) AS contacts", ", ".join(columns))
    await _sql.rows(read, "prepare", WORK_MEM)
    connection = await read.connection()
    result = await connection.exec_driver_sql(text, (account_id, audience_id, *args))
    return list(result.one())


async def contacts(read: ReadSession, ids: Sequence[int]) -> list[Contact]:
    """Return contacts that were found for their account, in the order of their ids in the list."""
    query = select(Contact).where(Contact.id.in_(ids)).execution_options(populate_existing=True)
    found = {contact.id: contact for contact in (await read.execute(query)).scalars()} if ids else {}
    return [found[contact_id] for contact_id in ids if contact_id in found]

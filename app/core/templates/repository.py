"""Rows of `templates`. Only this package's verbs use it; every query takes the account."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from app.db.unit_of_work import ReadSession
from app.models.template import Template


async def by_id(read: ReadSession, account_id: int, template_id: int, *, lock: bool = False) -> Template | None:
    """Return the template, unless it is deleted."""
    query = select(Template).where(
        Template.id == template_id, Template.account_id == account_id, Template.deleted_at.is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await read.execute(query)).scalar_one_or_none()


async def after(read: ReadSession, account_id: int, *, after_id: int, limit: int) -> Sequence[Template]:
    """Return templates by id."""
    query = (
        select(Template)
        .where(Template.account_id == account_id, Template.id > after_id, Template.deleted_at.is_(None))
        .order_by(Template.id)
        .limit(limit)
    )
    return (await read.execute(query)).scalars().all()


async def page(
    read: ReadSession, account_id: int, *, text: str | None, after_id: int, descending: bool, limit: int
) -> Sequence[Template]:
    """Return templates by creation, in either direction; no `after_id`: from the beginning."""
    query = select(Template).where(*_chosen(account_id, text))
    if after_id:
        query = query.where(Template.id < after_id if descending else Template.id > after_id)
    order = Template.id.desc() if descending else Template.id
    return (await read.execute(query.order_by(order).limit(limit))).scalars().all()


async def count(read: ReadSession, account_id: int, *, text: str | None) -> int:
    """Return how many templates there are."""
    return (await read.execute(select(func.count()).where(*_chosen(account_id, text)))).scalar_one()


def _chosen(account_id: int, text: str | None) -> list[ColumnElement[bool]]:
    wanted = [Template.account_id == account_id, Template.deleted_at.is_(None)]
    return [*wanted, Template.name.icontains(text, autoescape=True)] if text else wanted

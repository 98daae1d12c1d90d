"""Rows of `templates`. Only this package's verbs use it; every query takes the account."""

from collections.abc import Sequence

from sqlalchemy import select

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

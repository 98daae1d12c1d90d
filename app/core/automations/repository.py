"""Rows of `automations` and `automation_runs`, and what they refer to. Only this package uses it.

Every query takes the account.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.models.automation import Automation
from app.models.automation_run import AutomationRun
from app.models.contact import Contact
from app.models.sender import Sender, SenderStatus
from app.models.template import Template

PACKAGE = "app.core.automations"
sql = Sql(PACKAGE)


async def by_id(read: ReadSession, account_id: int, automation_id: int, *, lock: bool = False) -> Automation | None:
    """Return the automation, unless it is deleted."""
    query = select(Automation).where(
        Automation.id == automation_id, Automation.account_id == account_id, Automation.deleted_at.is_(None)
    )
    if lock:
        # Its steps are not being done while it is held.
        query = query.with_for_update(key_share=True)
    return (await read.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


def _chosen(account_id: int, audience_id: int | None, status: str | None) -> list[ColumnElement[bool]]:
    wanted = [Automation.account_id == account_id, Automation.deleted_at.is_(None)]
    if audience_id is not None:
        wanted.append(Automation.audience_id == audience_id)
    if status is not None:
        wanted.append(Automation.status == status)
    return wanted


async def page(
    read: ReadSession,
    account_id: int,
    *,
    audience_id: int | None,
    status: str | None,
    after_id: int,
    descending: bool,
    limit: int,
) -> Sequence[Automation]:
    """Return automations by creation; no `after_id`: from the beginning."""
    query = select(Automation).where(*_chosen(account_id, audience_id, status))
    if after_id:
        query = query.where(Automation.id < after_id if descending else Automation.id > after_id)
    order = Automation.id.desc() if descending else Automation.id
    return (await read.execute(query.order_by(order).limit(limit))).scalars().all()


async def count(read: ReadSession, account_id: int, *, audience_id: int | None, status: str | None) -> int:
    """Count automations."""
    query = select(func.count()).select_from(Automation).where(*_chosen(account_id, audience_id, status))
    return (await read.execute(query)).scalar_one()


async def run(read: ReadSession, account_id: int, automation_id: int, run_id: int) -> AutomationRun | None:
    """Return a run, held until the end of the transaction."""
    query = (
        select(AutomationRun)
        .where(
            AutomationRun.id == run_id,
            AutomationRun.automation_id == automation_id,
            AutomationRun.account_id == account_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await read.execute(query)).scalar_one_or_none()


async def runs(
    read: ReadSession, account_id: int, automation_id: int, *, after_id: int, descending: bool, limit: int, **only: Any
) -> Sequence[AutomationRun]:
    """Return runs by entry; `only` holds columns with what they must be."""
    key = AutomationRun.id
    query = _runs(select(AutomationRun), account_id, automation_id, only)
    if after_id:
        query = query.where(key < after_id if descending else key > after_id)
    return (await read.execute(query.order_by(key.desc() if descending else key).limit(limit))).scalars().all()


async def count_runs(read: ReadSession, account_id: int, automation_id: int, **only: Any) -> int:
    """Count runs."""
    query = _runs(select(func.count()).select_from(AutomationRun), account_id, automation_id, only)
    return int((await read.execute(query)).scalar_one())


def _runs(query: Any, account_id: int, automation_id: int, only: dict[str, Any]) -> Any:
    query = query.where(AutomationRun.account_id == account_id, AutomationRun.automation_id == automation_id)
    return query.filter_by(**only) if only else query


async def addresses(read: ReadSession, account_id: int, contact_ids: Collection[int]) -> dict[int, str]:
    """Return the addresses of contacts that are there."""
    query = select(Contact.id, Contact.address).where(Contact.account_id == account_id, Contact.id.in_(contact_ids))
    return {row.id: row.address for row in await read.execute(query)} if contact_ids else {}


async def templates(read: ReadSession, account_id: int, ids: Collection[int]) -> dict[int, Template]:
    """Return those of the templates that the account has."""
    if not ids:
        return {}
    query = select(Template).where(
        Template.account_id == account_id, Template.id.in_(ids), Template.deleted_at.is_(None)
    )
    found = (await read.execute(query.execution_options(populate_existing=True))).scalars()
    return {template.id: template for template in found}


async def senders(read: ReadSession, account_id: int, emails: Collection[str]) -> dict[str, int]:
    """Return the ids of the account's approved senders of these addresses, all in lower case."""
    if not emails:
        return {}
    query = select(func.lower(Sender.email).label("email"), Sender.id).where(
        Sender.account_id == account_id,
        func.lower(Sender.email).in_(emails),
        Sender.status == SenderStatus.READY,
        Sender.deleted_at.is_(None),
    )
    return {row.email: row.id for row in await read.execute(query)}

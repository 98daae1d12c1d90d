"""Rows of `campaigns`, `runs` and `run_contents`, and what they refer to. Only this package uses it.

Every query takes the account, but for those of the engine, which acts for all of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import Select, func, select
from sqlalchemy.engine import Row

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.account_pace import AccountPace
from app.models.audience import Audience
from app.models.audience_field import AudienceField
from app.models.campaign import Campaign
from app.models.run import Run, RunState
from app.models.run_content import RunContent
from app.models.segment import Segment
from app.models.sender import Sender, SenderStatus
from app.models.template import Template

sql = Sql(__package__)
Chosen = TypeVarTuple("Chosen")


async def campaign(read: ReadSession, account_id: int, campaign_id: int) -> Campaign | None:
    """Return the account's campaign, unless it is deleted."""
    query = select(Campaign).where(
        Campaign.id == campaign_id, Campaign.account_id == account_id, Campaign.deleted_at.is_(None)
    )
    return (await read.execute(query)).scalar_one_or_none()


async def account_of(read: ReadSession, campaign_id: int) -> int | None:
    """Return whose campaign that is, for operators."""
    query = select(Campaign.account_id).where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None))
    return (await read.execute(query)).scalar_one_or_none()


async def lock(write: WriteSession, account_id: int, campaign_id: int) -> Campaign | None:
    """Return the account's campaign, locked and fresh: every verb goes through here, one after the other."""
    query = (
        select(Campaign)
        .where(Campaign.id == campaign_id, Campaign.account_id == account_id, Campaign.deleted_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await write.execute(query)).scalar_one_or_none()


async def lock_run(write: WriteSession, run_id: int | None) -> Run | None:
    """Return the run, locked and fresh: claims and sweeps move it too."""
    if run_id is None:
        return None
    query = select(Run).where(Run.id == run_id).with_for_update().execution_options(populate_existing=True)
    return (await write.execute(query)).scalar_one_or_none()


async def now(read: ReadSession) -> datetime:
    """Return the database's clock: the one that schedules go by."""
    moment: datetime = (await read.execute(select(func.clock_timestamp()))).scalar_one()
    return moment


async def run(read: ReadSession, account_id: int, run_id: int) -> Run | None:
    """Return a run of the account."""
    return (await read.execute(select(Run).where(Run.id == run_id, Run.account_id == account_id))).scalar_one_or_none()


async def page(
    read: ReadSession,
    account_id: int,
    *,
    state: RunState | None,
    audience_id: int | None,
    text: str | None,
    after_id: int,
    descending: bool,
    limit: int,
) -> Sequence[Row[Campaign, Run]]:
    """Return campaigns by creation, each with its latest run; no `after_id`: from the beginning."""
    query = _chosen(select(Campaign, Run), account_id, state=state, audience_id=audience_id, text=text)
    if after_id:
        query = query.where(Campaign.id < after_id if descending else Campaign.id > after_id)
    order = Campaign.id.desc() if descending else Campaign.id
    return (await read.execute(query.order_by(order).limit(limit))).all()


async def count(
    read: ReadSession, account_id: int, *, state: RunState | None, audience_id: int | None, text: str | None
) -> int:
    """Return how many campaigns there are."""
    query = _chosen(select(func.count()), account_id, state=state, audience_id=audience_id, text=text)
    return (await read.execute(query)).scalar_one()


def _chosen(
    query: Select[*Chosen], account_id: int, *, state: RunState | None, audience_id: int | None, text: str | None
) -> Select[*Chosen]:
    """Return a query of campaigns and their latest runs with what is asked for alone."""
    query = (
        query.select_from(Campaign)
        .outerjoin(Run, Run.id == Campaign.latest_run_id)
        .where(Campaign.account_id == account_id, Campaign.deleted_at.is_(None))
    )
    if state is not None:
        query = query.where(func.coalesce(Run.state, RunState.DRAFT) == state)
    if audience_id is not None:
        query = query.where(Campaign.audience_ids.contains([audience_id]))
    if text:
        query = query.where(Campaign.name.icontains(text, autoescape=True))
    return query


async def audiences(read: ReadSession, account_id: int, ids: Sequence[int]) -> list[Audience]:
    """Return those of the audiences that exist, in the order of `ids`."""
    query = select(Audience).where(
        Audience.account_id == account_id, Audience.id.in_(ids), Audience.deleted_at.is_(None)
    )
    found = {audience.id: audience for audience in (await read.execute(query)).scalars()}
    return [found[id_] for id_ in ids if id_ in found]


async def field_tags(read: ReadSession, audience_ids: Sequence[int]) -> list[str]:
    """Return the tags of the audiences' fields, each once, sorted."""
    query = select(AudienceField.tag).where(AudienceField.audience_id.in_(audience_ids)).distinct()
    return sorted((await read.execute(query)).scalars())


async def segment(read: ReadSession, account_id: int, segment_id: int) -> Segment | None:
    """Return the account's segment."""
    query = select(Segment).where(Segment.id == segment_id, Segment.account_id == account_id)
    return (await read.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def template(read: ReadSession, account_id: int, template_id: int | None) -> Template | None:
    """Return the account's template, unless it is deleted."""
    query = select(Template).where(
        Template.id == template_id, Template.account_id == account_id, Template.deleted_at.is_(None)
    )
    return None if template_id is None else (await read.execute(query)).scalar_one_or_none()


async def sender(read: ReadSession, account_id: int, email: str) -> Sender | None:
    """Return the account's approved sender of this address, ignoring case; of an empty address the first one."""
    query = select(Sender).where(
        Sender.account_id == account_id, Sender.status == SenderStatus.READY, Sender.deleted_at.is_(None)
    )
    if email:
        query = query.where(func.lower(Sender.email) == email.lower())
    return (await read.execute(query.order_by(Sender.id).limit(1))).scalar_one_or_none()


async def content(read: ReadSession, run_id: int, version: int) -> RunContent | None:
    """Return a version of a run's content."""
    return await read.get(RunContent, (run_id, version))


async def pace(write: WriteSession, account_id: int) -> AccountPace | None:
    """Return the account's pace, locked."""
    query = select(AccountPace).where(AccountPace.account_id == account_id).with_for_update()
    return (await write.execute(query)).scalar_one_or_none()

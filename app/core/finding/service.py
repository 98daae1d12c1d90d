"""The verbs: find, count, load. Imports SQLAlchemy, this package's parts, campaigns' values and the core's errors.

Every verb takes the account first; what belongs to another account is not there.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, null, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import defer

from app.core.campaigns import View
from app.core.errors import Overloaded
from app.core.finding.compiling import compiled, ordered, preordered
from app.core.finding.fields import Noun, Table, source_of, table_of
from app.core.finding.searching import search
from app.core.finding.values import Condition, Operator, Order, Page
from app.db.unit_of_work import ReadSession
from app.models.audience import Audience
from app.models.campaign import Campaign
from app.models.run import Run
from app.models.template import Template

FEW = 1000
"""Rows that are kept from counting, so that the page is taken from them."""
SECONDS = 15
"""How long one statement may take."""
_CANCELED = "57014"

_NUMBERS = ARRAY(BigInteger)

Found = Template | Audience | View


@dataclass(frozen=True, slots=True)
class _Met:
    """What meets the conditions.

    Attributes:
        total: How many rows there are.
        ids: All of them, or not.
        where: What says so in SQL, but for regular expressions.
        is_ordered: Whether the rows are all, and by creation.
    """

    total: int
    ids: list[int]
    where: list[ColumnElement[bool]]
    is_ordered: bool = False


async def find(
    read: ReadSession,
    account_id: int,
    account: UUID,
    noun: Noun,
    conditions: Sequence[Condition],
    *,
    order: Order,
    limit: int,
    offset: int,
) -> Page:
    """Return which objects meet all conditions.

    Args:
        read: The transaction.
        account_id: Whose.
        account: The same by its UUID.
        noun: What is looked for.
        conditions: Deleted objects are left out unless one of them is about `deleted`.
        order: Of the page.
        limit: How many at most.
        offset: How many are skipped.

    Raises:
        Invalid: A regular expression takes too long.
        Overloaded: It takes too long otherwise.
    """
    table = table_of(noun, account_id, account)
    async with _in_time(read):
        met = await _met(read, account_id, table, conditions)
        if not limit or offset >= met.total:
            return Page((), met.total)
        if met.is_ordered and order == Order():
            return Page(tuple(met.ids[offset : offset + limit]), met.total)
        where = met.where if met.total > len(met.ids) else [table.model.id == any_(literal(met.ids, _NUMBERS))]
        source = source_of(table, [order.field, *(one.field for one in conditions)])
        query = select(table.model.id).select_from(source)
        if rough := preordered(table, order):  # the UUIDs of the rows up to this page, and what ties with them, do
            first = query.where(*where).order_by(*rough).fetch(offset + limit, with_ties=True)
            where = [table.model.id.in_(first)]
        query = query.where(*where).order_by(*ordered(table, order)).limit(limit).offset(offset)
        return Page(tuple((await read.execute(query)).scalars()), met.total)


async def count(read: ReadSession, account_id: int, account: UUID, noun: Noun, conditions: Sequence[Condition]) -> int:
    """Return how many objects meet all conditions.

    Raises:
        Invalid: A regular expression takes too long.
        Overloaded: It takes too long otherwise.
    """
    table = table_of(noun, account_id, account)
    async with _in_time(read):
        return (await _met(read, account_id, table, conditions)).total


async def load(
    read: ReadSession, account_id: int, noun: Noun, ids: Sequence[int], *, content: bool = True
) -> list[Found]:
    """Return objects by their rows, deleted ones too, in that order; those that are gone are left out.

    Args:
        read: The transaction.
        account_id: Whose.
        noun: What they are.
        ids: Of a `Page`.
        content: Whether their HTML and text are wanted; else they must not be touched.
    """
    found: dict[int, Found]
    if noun is Noun.CAMPAIGN:
        options = [] if content else [defer(Campaign.html, raiseload=True), defer(Campaign.text, raiseload=True)]
        query = select(Campaign, Run).outerjoin(Run, Run.id == Campaign.latest_run_id).options(*options)
        rows = (await read.execute(query.where(Campaign.account_id == account_id, Campaign.id.in_(ids)))).all()
        found = {campaign.id: View(campaign, run) for campaign, run in rows}
    elif noun is Noun.TEMPLATE:
        options = [] if content else [defer(Template.html, raiseload=True), defer(Template.text, raiseload=True)]
        query_ = select(Template).options(*options).where(Template.account_id == account_id, Template.id.in_(ids))
        found = {one.id: one for one in (await read.execute(query_)).scalars()}
    else:
        lists = select(Audience).where(Audience.account_id == account_id, Audience.id.in_(ids))
        found = {one.id: one for one in (await read.execute(lists)).scalars()}
    return [found[id_] for id_ in ids if id_ in found]


@asynccontextmanager
async def _in_time(read: ReadSession) -> AsyncIterator[None]:
    """Bound the time of each statement until the end of the transaction, and keep it to one process.

    Raises:
        Overloaded: One took too long.
        DBAPIError: Whatever else the database refuses.
    """
    limits = {
        "statement_timeout": f"{SECONDS}s",
        "max_parallel_workers_per_gather": "0",
        "plan_cache_mode": "force_custom_plan",
    }
    await read.execute(select(*(func.set_config(name, value, True) for name, value in limits.items())))
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        raise Overloaded("the search takes too long", retry_after_seconds=5) from None


async def _met(read: ReadSession, account_id: int, table: Table, conditions: Sequence[Condition]) -> _Met:
    """Return how many rows meet the conditions, with the rows when they are few or had to be looked at one by one.

    Raises:
        Invalid: A regular expression takes too long.
    """
    where: list[ColumnElement[bool]] = [table.model.account_id == account_id]
    if all(condition.field != "deleted" for condition in conditions):
        where.append(table.model.deleted_at.is_(None))
    regexes = [condition for condition in conditions if condition.operator is Operator.REGEX]
    where += [compiled(table, condition) for condition in conditions if condition not in regexes]
    source = source_of(table, (condition.field for condition in conditions))
    if regexes:
        is_covered = table.covered.issuperset(condition.field for condition in conditions)
        ids = await search(read, table, source, where, regexes, by_creation=is_covered)
        return _Met(len(ids), ids, where, is_ordered=is_covered)
    kept = func.array_agg(table.model.id, type_=_NUMBERS)[:FEW] if conditions else null()
    total, few = (await read.execute(select(func.count(), kept).select_from(source).where(*where))).one()
    return _Met(total, few or [], where)

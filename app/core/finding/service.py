"""The verbs: find, count, load. Imports SQLAlchemy, this package's parts, campaigns' values and the core's errors.

Every verb takes the account first; what belongs to another account is not there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import defer

from app.core.campaigns import View
from app.core.errors import Overloaded
from app.core.finding.compiling import compiled, ordered, preordered, searched
from app.core.finding.fields import Noun, Table, table_of
from app.core.finding.regexes import Searches
from app.core.finding.values import Condition, Operator, Order, Page
from app.db.unit_of_work import ReadSession
from app.models.audience import Audience
from app.models.campaign import Campaign
from app.models.run import Run
from app.models.template import Template

SEARCHED_AT_ONCE = 5000
"""Rows whose texts are read at once for regular expressions."""
LONG_SEARCHED_AT_ONCE = 20
"""The same of texts that may be megabytes."""
LONG = frozenset({"content", "email_content"})
SECONDS = 15
"""How long one statement may take."""
_CANCELED = "57014"

Found = Template | Audience | View


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
        where = await _where(read, account_id, table, conditions)
        total = await _total(read, table, where)
        if not limit or offset >= total:
            return Page((), total)
        query = select(table.model.id).select_from(table.source)
        if rough := preordered(table, order):  # the UUIDs of the rows up to this page, and what ties with them, do
            first = query.where(*where).order_by(*rough).fetch(offset + limit, with_ties=True)
            where = [table.model.id.in_(first)]
        query = query.where(*where).order_by(*ordered(table, order)).limit(limit).offset(offset)
        return Page(tuple((await read.execute(query)).scalars()), total)


async def count(read: ReadSession, account_id: int, account: UUID, noun: Noun, conditions: Sequence[Condition]) -> int:
    """Return how many objects meet all conditions.

    Raises:
        Invalid: A regular expression takes too long.
        Overloaded: It takes too long otherwise.
    """
    table = table_of(noun, account_id, account)
    async with _in_time(read):
        return await _total(read, table, await _where(read, account_id, table, conditions))


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
    """Bound the time of each statement until the end of the transaction.

    Raises:
        Overloaded: One took too long.
        DBAPIError: Whatever else the database refuses.
    """
    await read.execute(select(func.set_config("statement_timeout", f"{SECONDS}s", True)))
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        raise Overloaded("the search takes too long", retry_after_seconds=5) from None


async def _where(
    read: ReadSession, account_id: int, table: Table, conditions: Sequence[Condition]
) -> list[ColumnElement[bool]]:
    """Return the conditions as SQL; those of regular expressions as the rows that meet them.

    Raises:
        Invalid: A regular expression takes too long.
    """
    where: list[ColumnElement[bool]] = [table.model.account_id == account_id]
    if all(condition.field != "deleted" for condition in conditions):
        where.append(table.model.deleted_at.is_(None))
    regexes = [condition for condition in conditions if condition.operator is Operator.REGEX]
    where += [compiled(table, condition) for condition in conditions if condition not in regexes]
    if regexes:
        ids = await _searched(read, table, where, regexes)
        where = [table.model.id == any_(literal(ids, ARRAY(BigInteger)))]
    return where


async def _searched(
    read: ReadSession, table: Table, where: Sequence[ColumnElement[bool]], regexes: Sequence[Condition]
) -> list[int]:
    """Return the rows that meet conditions and regular expressions.

    Raises:
        Invalid: It takes too long.
    """
    searches, found, last = Searches(), list[int](), 0
    texts = [searched(table, condition.field) for condition in regexes]
    at_once = LONG_SEARCHED_AT_ONCE if any(one.field in LONG for one in regexes) else SEARCHED_AT_ONCE
    query = select(table.model.id, *texts).select_from(table.source).order_by(table.model.id).limit(at_once)

    def meet(rows: Sequence[Sequence[object]]) -> list[int]:
        return [
            int(str(id_))
            for id_, *values in rows
            if all(
                (isinstance(value, str) and searches.found(one.field, str(one.operands[0]), value)) != one.negated
                for one, value in zip(regexes, values, strict=True)
            )
        ]

    while True:
        rows = [tuple(row) for row in await read.execute(query.where(*where, table.model.id > last))]
        found += await asyncio.to_thread(meet, rows)
        if len(rows) < at_once:
            return found
        last = rows[-1][0]


async def _total(read: ReadSession, table: Table, where: Sequence[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(table.source).where(*where)
    return int((await read.execute(query)).scalar_one())

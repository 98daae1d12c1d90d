"""Rows whose texts regular expressions are found in. Imports SQLAlchemy and this package's parts.

Texts are read by the thousand, as one value each time, and searched in a thread.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    func,
    literal,
    null,
    select,
    tuple_,
)

from app.core.finding.compiling import ordered, searched
from app.core.finding.fields import Table
from app.core.finding.regexes import Searches, Texts
from app.core.finding.values import Condition, Order
from app.db.unit_of_work import ReadSession
from app.kit import uids

AT_ONCE = 30_000
"""Rows whose texts are read at once."""
LONG_AT_ONCE = 20
"""The same of texts that may be megabytes."""
LONG = frozenset({"content", "email_content"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some rows.

    Attributes:
        ids: Their numbers.
        texts: For each expression; nothing where there are no rows.
    """

    ids: list[int]
    texts: list[Texts]


async def search(
    read: ReadSession,
    table: Table,
    source: FromClause,
    where: Sequence[ColumnElement[bool]],
    regexes: Sequence[Condition],
    *,
    by_creation: bool,
) -> list[int]:
    """Return the rows that meet conditions and regular expressions, by creation or by number.

    Args:
        read: The transaction.
        table: Of the noun.
        source: What is selected from.
        where: The other conditions.
        regexes: Those of regular expressions.
        by_creation: Quicker where one index has all that is asked for; otherwise it would compute the UUID of each row.

    Raises:
        Invalid: It takes too long.
    """
    is_long = any(one.field in LONG for one in regexes)
    at_once = LONG_AT_ONCE if is_long else AT_ONCE
    order = ordered(table, Order()) if by_creation else [table.model.id]
    query = _rows(table, source, regexes).where(*where).order_by(*order).limit(at_once)
    searches, found, last = Searches(), list[int](), list[ColumnElement[bool]]()
    while True:
        piece = await _piece(read, query.where(*last), len(regexes), measured=is_long)
        found += await asyncio.to_thread(_met, searches, regexes, piece)
        if len(piece.ids) < at_once:
            return found
        last = [_is_after(table, piece.ids[-1]) if by_creation else table.model.id > piece.ids[-1]]


def _rows(table: Table, source: FromClause, regexes: Sequence[Condition]) -> Select[Any]:
    """Return a question for rows with their texts."""
    texts = (
        func.coalesce(searched(table, condition.field), "", type_=Text).label(f"text_{place}")
        for place, condition in enumerate(regexes)
    )
    return select(table.model.id, *texts).select_from(source)


def _is_after(table: Table, last: int) -> ColumnElement[bool]:
    key = tuple_(table.fields["created"].value, table.uuid)
    model = table.model.__table__.alias()
    moment = select(func.unix_seconds(model.c.created_at, type_=BigInteger)).where(model.c.id == last)
    return key > tuple_(moment.scalar_subquery(), literal(uids.uuid(table.noun, last), Uuid()))


async def _piece(read: ReadSession, query: Select[Any], count: int, *, measured: bool) -> _Piece:
    """Return rows with their texts; how long these are is asked for when it is wanted, or one has a line feed."""
    rows = query.subquery()
    columns: list[ColumnElement[Any]] = []
    for place in range(count):
        text = rows.c[f"text_{place}"]
        lengths = func.array_agg(func.octet_length(text)) if measured else null()
        columns += [lengths, func.string_agg(text, literal("\n", Text), type_=Text)]
    ids, *found = (await read.execute(select(func.array_agg(rows.c.id), *columns))).one()
    if ids is None:
        return _Piece([], [])
    texts = [Texts(joined.encode(), lengths) for lengths, joined in zip(found[::2], found[1::2], strict=True)]
    if not measured and any(one.joined.count(b"\n") >= len(ids) for one in texts):
        return await _piece(read, query, count, measured=True)
    return _Piece(ids, texts)


def _met(searches: Searches, regexes: Sequence[Condition], piece: _Piece) -> list[int]:
    """Return the numbers of those that meet all expressions.

    Raises:
        Invalid: It takes too long.
    """
    places: Sequence[int] = range(len(piece.ids))
    for condition, texts in zip(regexes, piece.texts, strict=bool(piece.ids)):
        found = searches.found(condition.field, str(condition.operands[0]), texts)
        places = [place for place in places if (place in found) != condition.negated]
    return [piece.ids[place] for place in places]

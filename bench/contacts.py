"""`contacts`: how fast an audience of a million contacts answers, and what counting them costs whoever writes.

Statistics, pages by number and by cursor, previews of segments. The limits beside the figures are those of
docs/contacts.md. Every question is asked some times in this process, in a transaction of its own, after one that is
not counted.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts, segments
from app.core.audiences import FieldSet
from app.core.segments import ContactFilter, Sort
from app.db.engine import driver_connection
from app.db.unit_of_work import ReadSession, reading
from bench import mailing
from bench.options import Options
from bench.sheet import Sheet, percentile
from bench.stand import Stand

SINGLE = "INSERT INTO contacts (account_id, audience_id, address, status) VALUES ($1, $2, $3, 'subscribed')"
REPEATED = 10
"""Times each question is asked, after one that is not counted."""
WRITTEN = 100_000
"""Contacts written with and without the tallies."""
SINGLES = 500
LIMITS = {"statistics": 20, "page": 100, "list": 100, "preview": 1000}
"""Milliseconds."""
FIELDS = FieldSet(types={"CITY": "text", "AGE": "number", "BORN": "date"}, defaults={}, required=())
DEFINITIONS: dict[str, list[dict[str, Any]]] = {
    "status": [{"type": "status", "op": "is", "value": "subscribed"}],
    "a rare tag": [{"type": "tag", "op": "has", "value": "rare"}],
    "text equals": [{"type": "field", "field": "CITY", "op": "equals", "value": "hue"}],
    "text contains": [{"type": "field", "field": "CITY", "op": "contains", "value": "on"}],
    "number": [{"type": "field", "field": "AGE", "op": "gt", "value": 40}],
    "date": [{"type": "field", "field": "BORN", "op": "gte", "value": "1990-01-01"}],
    "created": [{"type": "created_at", "op": "within_days", "value": 30}],
    "not opened": [{"type": "opened", "op": "none_within_days", "value": 30}],
    "six numbers, any": [
        {"type": "field", "field": "AGE", "op": "equals", "value": age} for age in (71, 72, 73, 74, 75, 76)
    ],
    "six, any": [
        {"type": "field", "field": "AGE", "op": "gt", "value": 70},
        {"type": "field", "field": "AGE", "op": "lt", "value": 5},
        {"type": "field", "field": "BORN", "op": "gte", "value": "2000-01-01"},
        {"type": "field", "field": "CITY", "op": "equals", "value": "hue"},
        {"type": "field", "field": "CITY", "op": "contains", "value": "xyz"},
        {"type": "tag", "op": "has", "value": "rare"},
    ],
    "three": [
        {"type": "status", "op": "is", "value": "subscribed"},
        {"type": "tag", "op": "has", "value": "newcustomer"},
        {"type": "field", "field": "CITY", "op": "equals", "value": "Hue"},
    ],
}
FILL = """
UPDATE contacts
   SET status = CASE WHEN id % 10 < 7 THEN 'subscribed' ELSE 'unsubscribed' END,
       tags = CASE WHEN id % 1000 = 3 THEN '{rare}'::text[] WHEN id % 7 = 0 THEN '{newcustomer}' ELSE '{}' END,
       created_at = now() - make_interval(mins => (id % 500000)::int),
       fields = jsonb_build_object('CITY', (ARRAY['Hue', 'Hanoi', 'Paris', 'London', 'New York'])[1 + id % 5],
                                   'AGE', (id % 80)::text, 'BORN', to_char(date '1950-01-01' + (id % 20000)::int,
                                                                          'YYYY-MM-DD'))
 WHERE audience_id = $1 AND id > $2 AND id <= $3
"""
Ask = Callable[[ReadSession], Awaitable[Any]]


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"contacts: an audience of {options.targets:,}")
    with Stand() as stand:
        account_id, audience_id = mailing.audience(stand, "reader", options.targets)
        stand.run(partial(_fill, audience_id, options.targets))
        for _ in range(options.runs):
            stand.run(partial(_measure, sheet, account_id, audience_id, options.targets))
            stand.run(partial(_write, sheet, account_id, audience_id))
        sheet.note(f"PostgreSQL {stand.postgres_version()}; one connection; no HTTP and no JSON")
    for name, figure in sheet.figures.items():
        limit = LIMITS.get(name.partition(":")[0])
        if limit is not None:
            sheet.note(f"{'within' if figure.median <= limit else 'BEYOND'} {limit} ms: {name}")
    return sheet


async def _fill(audience_id: int, count: int, engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        first = await connection.fetchval("SELECT min(id) FROM contacts WHERE audience_id = $1", audience_id)
        for start in range(first - 1, first + count, WRITTEN):
            await connection.execute(FILL, audience_id, start, start + WRITTEN, timeout=300)
        await connection.execute("VACUUM ANALYZE contacts", timeout=600)
        await connection.execute("CHECKPOINT", timeout=300)


async def _measure(sheet: Sheet, account_id: int, audience_id: int, count: int, engine: AsyncEngine) -> None:
    for name, ask in _questions(account_id, audience_id, count):
        taken: list[float] = []
        for _ in range(REPEATED + 1):
            async with reading(engine) as read:
                began = time.perf_counter()
                await ask(read)
                taken.append((time.perf_counter() - began) * 1000)
        sheet.add(name, "ms", percentile(sorted(taken[1:]), 0.5))


def _questions(account_id: int, audience_id: int, count: int) -> Iterator[tuple[str, Ask]]:
    where = (account_id, audience_id)
    yield "statistics", lambda read: audiences.statistics(read, *where)
    for name, page in {"first": 1, "middle": count // 2000, "last": count // 1000}.items():
        yield f"page: {name} of 1000", partial(_page, where, page)
    for sort in Sort:
        for descending in (False, True):
            yield f"list: by {sort}{', descending' if descending else ''}", partial(_list, where, sort, descending)
    for name, conditions in DEFINITIONS.items():
        definition = segments.definition_of(FIELDS, "any" if name.endswith("any") else "all", conditions)
        yield f"preview: {name}", partial(_preview, where, definition)


async def _page(where: tuple[int, int], page: int, read: ReadSession) -> Any:
    return await contacts.list_page(read, *where, page=page, per_page=1000)


async def _list(where: tuple[int, int], sort: Sort, descending: bool, read: ReadSession) -> Any:
    return await segments.select_page(read, *where, ContactFilter(), sort=sort, descending=descending)


async def _preview(where: tuple[int, int], definition: segments.Definition, read: ReadSession) -> Any:
    return await segments.preview(read, *where, definition)


async def _write(sheet: Sheet, account_id: int, audience_id: int, engine: AsyncEngine) -> None:
    """Write contacts with and without the triggers that count them; nothing of it stays."""
    async with driver_connection(engine) as connection:
        for name, state in {"with tallies": "ENABLE", "without": "DISABLE"}.items():
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(f"ALTER TABLE contacts {state} TRIGGER USER")
                rows = [contacts.ContactRow(f"bulk{number}@written.example") for number in range(WRITTEN)]
                began = time.perf_counter()
                await contacts.add_many(connection, account_id, audience_id, rows)
                sheet.add(f"adding many: {name}", "contacts/s", WRITTEN / (time.perf_counter() - began))
                began = time.perf_counter()
                for number in range(SINGLES):
                    await connection.execute(SINGLE, account_id, audience_id, f"single{number}@written.example")
                sheet.add(f"adding one: {name}", "ms", (time.perf_counter() - began) * 1000 / SINGLES)
            finally:
                await transaction.rollback()

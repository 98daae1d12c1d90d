"""`finding`: Dyno's find among 100,000 objects of one account, each with its exact total.

Objects are laid down by one statement a table, beside as many of another account, with content of some kilobytes and a
run for four campaigns of five. A case is one question, asked some times in a row by the core's verbs: the rows and the
total, and the twenty objects of the page. No HTTP and no JSON.

Beside the time there is the CPU time of the verbs and of their backend together: about what the time is when nothing
else runs on the machine.
"""

import time
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import finding
from app.core.accounts import KeyRing
from app.core.audiences import fold_tallies
from app.core.finding import Condition, Noun, Operator, Order
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.kit import uids
from bench.options import Options
from bench.sheet import Sheet, percentile
from bench.stand import Stand

OBJECTS = 100_000
PAGE = 20
REPEATED = 15
FIRST = 1_700_000_000
LAY = (
    (
        "INSERT INTO templates (account_id, name, subject, html, created_at)"
        " SELECT $1, 'Template ' || n, 'Subject ' || n, repeat(md5(n::text), 100),"
        " to_timestamp({first} + n * 7) FROM generate_series(1, {count}) AS numbers (n)"
    ),
    (
        "INSERT INTO audiences (account_id, name, created_at) SELECT $1, 'List ' || n, to_timestamp({first} + n * 7)"
        " FROM generate_series(1, {count}) AS numbers (n)"
    ),
    (
        "INSERT INTO audience_tallies (audience_id, status, delta) SELECT id, 'subscribed', id % 1000 FROM audiences"
        " WHERE account_id = $1"
    ),
    (
        "INSERT INTO campaigns (account_id, name, subject, html, created_at)"
        " SELECT $1, 'Campaign ' || n, 'Subject ' || n, repeat(md5(n::text), 100),"
        " to_timestamp({first} + n * 7) FROM generate_series(1, {count}) AS numbers (n)"
    ),
    (
        "INSERT INTO runs (campaign_id, account_id, sender_id, state) SELECT id, $1, 1,"
        " CASE WHEN id % 100 = 1 THEN 'paused' WHEN id % 100 = 2 THEN 'scheduled' ELSE 'done' END"
        " FROM campaigns WHERE account_id = $1 AND id % 5 > 0"
    ),
    (
        "UPDATE campaigns SET latest_run_id = runs.id FROM runs WHERE runs.campaign_id = campaigns.id"
        " AND campaigns.account_id = $1"
    ),
)
NOUNS = {Noun.TEMPLATE: uids.Noun.TEMPLATE, Noun.LIST: uids.Noun.AUDIENCE, Noun.CAMPAIGN: uids.Noun.CAMPAIGN}


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"finding: {PAGE} objects and the total among {OBJECTS:,} of the account")
    with Stand() as stand:
        account_id, public_id = stand.run(partial(_lay, stand.key))
        for _ in range(options.runs):
            stand.run(partial(_measure, sheet, account_id, public_id))
    sheet.note("one connection, everything in memory; no HTTP and no JSON")
    return sheet


async def _lay(key: str, engine: AsyncEngine) -> tuple[int, UUID]:
    caller = await KeyRing(engine).caller(key)
    async with driver_connection(engine) as connection:
        other = await connection.fetchval(
            "INSERT INTO accounts (public_id, role, username, account_name, password_hash)"
            " VALUES (gen_random_uuid(), 'master', 'other', 'Other', 'x') RETURNING id"
        )
        for account_id in (caller.account_id, other):
            for statement in LAY:
                await connection.execute(statement.format(first=FIRST, count=OBJECTS), account_id, timeout=600)
    await fold_tallies(engine)
    async with driver_connection(engine) as connection:
        await connection.execute("VACUUM ANALYZE templates, audiences, campaigns, runs, audience_tallies", timeout=600)
    return caller.account_id, caller.public_id


def _cases(noun: Noun, ids: list[str]) -> dict[str, tuple[list[Condition], Order]]:
    first = Order()
    is_after = Condition("created", Operator.GREATER_OR_EQUAL, (finding.as_number(str(FIRST + 350_000)),))
    is_before = Condition("created", Operator.LESS, (finding.as_number(str(FIRST + 360_000)),))
    cases = {
        "all": ([], first),
        "all, newest first": ([], Order("created", descending=True)),
        "created between": ([is_after, is_before], first),
        "name equal": ([Condition("name", Operator.EQUAL, (f"{noun.capitalize()} 777",))], first),
        "name like": ([Condition("name", Operator.LIKE, ("777",))], first),
        "name like, ignoring case": ([Condition("name", Operator.LIKE_IGNORING_CASE, ("T 777%",))], first),
        "id equal": ([Condition("id", Operator.EQUAL, (ids[0],))], first),
        "id in 100": ([Condition("id", Operator.EQUAL, tuple(ids))], first),
        "name like, most": ([Condition("name", Operator.LIKE, ("a%",), negated=True)], first),
        "name, a regular expression": ([Condition("name", Operator.REGEX, ("7[78]+$",))], first),
        "name, a regular expression of all": ([Condition("name", Operator.REGEX, ("t.*[0-9]",))], first),
        "all by name": ([], Order("name")),
        "all by id": ([], Order("id")),
    }
    if noun is Noun.CAMPAIGN:
        for status in ("draft", "paused", "finished"):
            cases[f"status {status}"] = ([Condition("status", Operator.EQUAL, (status,))], first)
    if noun is Noun.LIST:
        for bound in (990, 10):
            condition = Condition("subscriber_count", Operator.GREATER, (finding.as_number(str(bound)),))
            cases[f"more than {bound} subscribers"] = ([condition], first)
        cases["all by subscribers"] = ([], Order("subscriber_count"))
    return cases


async def _measure(sheet: Sheet, account_id: int, public_id: UUID, engine: AsyncEngine) -> None:
    for noun, named in NOUNS.items():
        async with reading(engine) as read:
            some = await finding.find(read, account_id, public_id, noun, [], order=Order(), limit=100, offset=500)
        ids = [str(uids.uuid(named, number)) for number in some.ids]
        for case, (conditions, order) in _cases(noun, ids).items():
            wall: list[float] = []
            cpu: list[float] = []
            for _ in range(REPEATED + 1):
                async with reading(engine) as read:
                    connection = await read.connection()
                    pid = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
                    used, began = _cpu(pid), time.perf_counter()
                    page = await finding.find(
                        read, account_id, public_id, noun, conditions, order=order, limit=PAGE, offset=0
                    )
                    await finding.load(read, account_id, noun, page.ids)
                    wall.append((time.perf_counter() - began) * 1000)
                    cpu.append(_cpu(pid) - used)
            sheet.add(f"{noun}s, {case}: p50", "ms", percentile(sorted(wall[1:]), 0.5))
            sheet.add(f"{noun}s, {case}: CPU", "ms", percentile(sorted(cpu[1:]), 0.5))
            sheet.add(f"{noun}s, {case}: least CPU", "ms", min(cpu[1:]))


def _cpu(pid: int) -> float:
    """Return the CPU time of this process and of a backend, in milliseconds."""
    return time.process_time() * 1000 + int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6

"""The history that `metrics` asks about: a master with 299 sub-accounts, 1,000 senders, 30 days of copies.

Written by statements on the server, an hour at a time over two connections, indexes made afterwards, counters counted
from the rows and closed by the product: what is measured is reading. Of the copies, 2 % bounced and 1 % were blocked; a
quarter of all was accepted in ten bursts of an hour, by one sender each. A third of the senders belongs to the ten
largest accounts, and the first senders are busier than the last.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages, retention
from app.core.accounts import Caller, KeyRing
from app.db.engine import driver_connection
from app.db.sql import Connection
from bench.bulk import analyse, without_indexes

DAYS = 30
SUBS = 299
SENDERS = 1000
BURSTS = 10
WRITERS = 2
LONG = 3600
"""Seconds one statement may take."""

_SUBS = """INSERT INTO accounts (parent_id, role, username, password_hash, account_name, public_id)
    SELECT $1, 'sub', format('sub%s@localhost.test', n), '', format('Sub %s', n), gen_random_uuid()
    FROM generate_series(1, $2::int) AS n"""
_SLOTS = "UPDATE accounts SET x_headers = ARRAY['X-Campaign', 'X-Region', '', '']"
_SENDERS = """INSERT INTO senders (account_id, email, status, public_id)
    SELECT (
            SELECT id FROM accounts ORDER BY id
            OFFSET 1 + CASE WHEN n % 3 = 0 THEN n % 10 ELSE n * 2 / 3 % $2::int END LIMIT 1
        ),
        format('bulk%s@localhost.test', n), 'ready', gen_random_uuid()
    FROM generate_series(0, $1::int - 1) AS n"""
_HOUR = """WITH moments AS (
        SELECT floor(random() * 3600)::int AS second,
            CASE WHEN n <= $3::int THEN 1 + floor(cardinality($6::bigint[]) * random() ^ 2)::int ELSE $5::int END
                AS which
        FROM generate_series(1, $3::int + $4::int) AS n
    ), drawn AS (
        SELECT $2::bigint + row_number() OVER (ORDER BY second) AS id,
            $1::timestamptz + make_interval(secs => second) AS accepted_at,
            floor(random() * 100)::int AS fate, make_interval(secs => 1 + random() * 600) AS wait,
            ($6::bigint[])[which] AS sender_id, ($7::bigint[])[which] AS account_id
        FROM moments
    ), copies AS (
        INSERT INTO messages (
            id, accepted_at, accepted_ms, account_id, sender_id, attempts, kind, state, recipient, x_headers,
            delivered_at, bounced_at, finished_at, blocked_reason
        )
        SELECT id, accepted_at, id % 1000, account_id, sender_id, 1, 'send',
            CASE fate WHEN 0 THEN 'blocked' WHEN 1 THEN 'bounced' WHEN 2 THEN 'bounced' ELSE 'delivered' END,
            'r' || id % $8::int || CASE WHEN id % 10 < 4 THEN '@gmail.example' WHEN id % 10 < 7 THEN '@web.example'
                WHEN id % 10007 = 0 THEN '@rare.example' ELSE '@d' || id % 500 || '.example' END,
            CASE WHEN id % 2 = 0 THEN jsonb_strip_nulls(jsonb_build_object(
                'X-Campaign', CASE WHEN id % 10007 = 1 THEN 'rare' ELSE 'c' || id % 20 END,
                'X-Region', CASE WHEN id % 4 = 0 THEN 'r' || id % 7 END)) END,
            CASE WHEN fate > 2 THEN accepted_at + interval '1.5 s' END,
            CASE WHEN fate IN (1, 2) THEN accepted_at + wait END,
            CASE WHEN fate = 0 THEN accepted_at ELSE accepted_at + wait END,
            CASE WHEN fate = 0 THEN
                (ARRAY['complaint', 'hardbounce', 'manual', 'softbounce', 'unsubscribe'])[1 + id % 5] END
        FROM drawn
        ORDER BY id
        RETURNING id, accepted_at, account_id, sender_id, bounced_at, recipient, x_headers
    )
    INSERT INTO bounces (
        message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code, regex_name, recipient,
        diagnostic, full_content, x_headers
    )
    SELECT id, accepted_at, account_id, sender_id, bounced_at, CASE WHEN id % 3 = 0 THEN 'soft' ELSE 'hard' END,
        CASE WHEN id % 4 = 0 THEN 'quota-issues' ELSE 'bad-mailbox' END, '5.1.1', 'badmailbox03', recipient,
        'smtp;550 5.1.1 User unknown', repeat('550 5.1.1 User unknown ', 20), x_headers
    FROM copies
    WHERE bounced_at IS NOT NULL"""
_HOURS = """INSERT INTO hourly_counts (
        account_id, sender_id, hour, accepted, delivered, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    )
    SELECT account_id, sender_id, date_trunc('hour', at, 'UTC'),
        sum(accepted), sum(delivered), sum(hard), sum(soft),
        count(*) FILTER (WHERE reason = 'complaint'), count(*) FILTER (WHERE reason = 'hardbounce'),
        count(*) FILTER (WHERE reason = 'manual'), count(*) FILTER (WHERE reason = 'softbounce'),
        count(*) FILTER (WHERE reason = 'unsubscribe')
    FROM (
        SELECT account_id, sender_id, accepted_at AS at, 1 AS accepted, (delivered_at IS NOT NULL)::int AS delivered,
            0 AS hard, 0 AS soft, blocked_reason AS reason
        FROM messages
        UNION ALL
        SELECT account_id, sender_id, bounced_at, 0, 0, (bounce_type = 'hard')::int, (bounce_type = 'soft')::int, NULL
        FROM bounces
    ) AS events
    GROUP BY 1, 2, 3"""
_DAYS = """INSERT INTO daily_counts (
        account_id, sender_id, day, accepted, delivered, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    )
    SELECT account_id, sender_id, (hour AT TIME ZONE 'UTC')::date, sum(accepted), sum(delivered), sum(hard_bounces),
        sum(soft_bounces), sum(blocked_complaint), sum(blocked_hardbounce), sum(blocked_manual),
        sum(blocked_softbounce), sum(blocked_unsubscribe)
    FROM hourly_counts
    GROUP BY 1, 2, 3"""


@dataclass(frozen=True, slots=True)
class History:
    """What was laid down.

    Attributes:
        master: The caller who sees everything.
        largest: The account with most copies.
        sender: Address of its busiest sender.
        quiet: Address of its sender with fewest copies.
        start: Where the 30 days begin: in the middle of an hour, like their end.
        end: Where they end.
        burst: A range whose ends both lie in the middle of a burst of the largest account.
        seconds: How long laying it down took.
    """

    master: Caller
    largest: int
    sender: str
    quiet: str
    start: datetime
    end: datetime
    burst: tuple[datetime, datetime]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Hour:
    """Copies of one hour: those that are spread over the senders, and those of a burst of one sender."""

    start: datetime
    first_id: int
    spread: int
    burst: int
    sender: int


async def lay(key: str, rows: int, engine: AsyncEngine) -> History:
    """Lay the history down."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    start = end - timedelta(days=DAYS)
    began = time.perf_counter()
    await messages.make_partitions(engine, {moment.date().replace(day=1) for moment in (start, end)})
    async with driver_connection(engine) as connection:
        master = await KeyRing(engine).fresh(key)
        await connection.execute(_SUBS, master.account_id, SUBS)
        await connection.execute(_SLOTS)
        await connection.execute(_SENDERS, SENDERS, SUBS)
        async with without_indexes(connection, "messages", "bounces", "hourly_counts", "daily_counts"):
            await _write(engine, list(_hours(start, rows)), rows)
            await connection.execute("SET work_mem = '512MB'")
            await connection.execute(_HOURS, timeout=LONG)
            await connection.execute(_DAYS, timeout=LONG)
    await _close(engine)
    async with driver_connection(engine) as connection:
        await analyse(connection)
    return await known(key, start, end, engine, seconds=time.perf_counter() - began)


async def known(key: str, start: datetime, end: datetime, engine: AsyncEngine, *, seconds: float = 0.0) -> History:
    """Return what lies there."""
    master = await KeyRing(engine).fresh(key)
    async with driver_connection(engine) as connection:
        largest = await connection.fetchval(
            "SELECT account_id FROM daily_counts GROUP BY 1 ORDER BY sum(accepted) DESC LIMIT 1"
        )
        senders = await connection.fetch(
            "SELECT email FROM daily_counts JOIN senders ON senders.id = sender_id "
            "WHERE daily_counts.account_id = $1 GROUP BY email ORDER BY sum(accepted) DESC",
            largest,
        )
    half = timedelta(minutes=29, seconds=30)
    bursts = [start + timedelta(days=DAYS) * (2 * number + 1) / (2 * BURSTS) for number in range(BURSTS)]
    cut = bursts[0] + half, bursts[BURSTS - 1] + half
    return History(master, largest, senders[0]["email"], senders[-1]["email"], start + half, end - half, cut, seconds)


async def _close(engine: AsyncEngine) -> None:
    """Let retention do what it would have done hour by hour."""
    nothing = retention.Limits(detail_days=0, count_days=0)
    async with driver_connection(engine) as connection:
        open_hours = -1
        while (left := await connection.fetchval("SELECT count(*) FROM hourly_counts")) != open_hours:
            open_hours = left
            await retention.forget(engine, now=datetime.now(UTC), limits=nothing)


def _hours(start: datetime, rows: int) -> Iterator[_Hour]:
    """Yield what each hour gets."""
    count = DAYS * 24
    spread = rows * 3 // 4
    burst = (rows - spread) // BURSTS
    period = count // BURSTS
    first_id = 1_000_000
    for number in range(count):
        here = spread * (number + 1) // count - spread * number // count
        bursting = burst if number % period == period // 2 else 0
        # The first and the last burst are of the same account.
        sender = 1 + (3 * (number // period) if number < count - period else 30)
        yield _Hour(start + timedelta(hours=number), first_id, here, bursting, sender)
        first_id += here + bursting


async def _write(engine: AsyncEngine, hours: list[_Hour], rows: int) -> None:
    """Write the copies and bounces of all hours, neighbours at the same time."""

    async def writer(connection: Connection) -> None:
        await connection.execute("SET synchronous_commit = off")
        found = await connection.fetch("SELECT id, account_id FROM senders WHERE email LIKE 'bulk%' ORDER BY id")
        whose = [row["id"] for row in found], [row["account_id"] for row in found]
        while hours:
            hour = hours.pop(0)
            given = (hour.start, hour.first_id, hour.spread, hour.burst, hour.sender)
            await connection.execute(_HOUR, *given, *whose, max(rows // 100, 10), timeout=LONG)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(writer(await stack.enter_async_context(driver_connection(engine))))

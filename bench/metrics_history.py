"""The history that `metrics` asks about: a master with 299 sub-accounts, 1,000 senders, 30 days of copies.

Written by statements on the server, the counters counted from the rows: what is measured is reading. Of the copies, 2 %
bounced and 1 % were blocked; a quarter of all was accepted in ten bursts of an hour, by one sender each. A third of
the senders belongs to the ten largest accounts, and the first senders are busier than the last.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Caller, KeyRing
from app.db.engine import driver_connection

DAYS = 30
SUBS = 299
SENDERS = 1000
BURSTS = 10
LONG = 3600
"""Seconds one statement may take."""

_SUBS = """INSERT INTO accounts (parent_id, role, username, password_hash, account_name, public_id)
    SELECT $1, 'sub', format('sub%s@localhost.test', n), '', format('Sub %s', n), gen_random_uuid()
    FROM generate_series(1, $2::int) AS n"""
_SLOTS = "UPDATE accounts SET x_headers = ARRAY['X-Campaign', 'X-Region', '', '']"
_SENDERS = """INSERT INTO senders (account_id, email, status, public_id)
    SELECT (
            SELECT id FROM accounts ORDER BY id
            OFFSET CASE WHEN n % 3 = 0 THEN n % 10 ELSE n * 2 / 3 % $2::int END LIMIT 1
        ),
        format('bulk%s@localhost.test', n), 'ready', gen_random_uuid()
    FROM generate_series(0, $1::int - 1) AS n"""
_COPIES = """INSERT INTO messages (
        id, accepted_at, accepted_ms, account_id, sender_id, attempts, kind, state, recipient, x_headers,
        delivered_at, bounced_at, finished_at, blocked_reason
    )
    SELECT id, accepted_at, id % 1000, account_id, sender_id, 1, 'send',
        CASE fate WHEN 0 THEN 'blocked' WHEN 1 THEN 'bounced' WHEN 2 THEN 'bounced' ELSE 'delivered' END,
        format('r%s@%s', id % 200000, CASE WHEN id % 10 < 4 THEN 'gmail.example' WHEN id % 10 < 7 THEN 'web.example'
            WHEN id % 10007 = 0 THEN 'rare.example' ELSE format('d%s.example', id % 500) END),
        CASE WHEN id % 2 = 0 THEN jsonb_build_object(
            'X-Campaign', CASE WHEN id % 10007 = 1 THEN 'rare' ELSE 'c' || id % 20 END) END,
        CASE WHEN fate > 2 THEN accepted_at + interval '1.5 s' END,
        CASE WHEN fate IN (1, 2) THEN accepted_at + make_interval(secs => 1 + wait) END,
        CASE WHEN fate = 0 THEN accepted_at ELSE accepted_at + make_interval(secs => 1 + wait) END,
        CASE WHEN fate = 0 THEN
            (ARRAY['complaint', 'hardbounce', 'manual', 'softbounce', 'unsubscribe'])[1 + id % 5] END
    FROM (
        SELECT row_number() OVER (ORDER BY at) AS id, date_trunc('second', at) AS accepted_at,
            floor(random() * 100)::int AS fate, random() * 600 AS wait, ($5::bigint[])[which] AS sender_id,
            ($6::bigint[])[which] AS account_id
        FROM (
            SELECT $1::timestamptz + make_interval(secs => $2::float8 * n / $3::float8) AS at,
                1 + floor(array_length($5::bigint[], 1) * random() ^ 2)::int AS which
            FROM generate_series(0, $3::int - 1) AS n
            UNION ALL
            SELECT $1::timestamptz + make_interval(secs => $2::float8 * (burst + 0.5) / $4::int)
                    + make_interval(secs => 3600 * random()), 1 + burst
            FROM generate_series(0, $4::int - 1) AS burst, generate_series(1, $3::int / (3 * $4::int))
        ) AS moments
    ) AS drawn"""
_BOUNCES = """INSERT INTO bounces (
        message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code, regex_name, recipient,
        diagnostic, full_content, x_headers
    )
    SELECT id, accepted_at, account_id, sender_id, bounced_at, CASE WHEN id % 3 = 0 THEN 'soft' ELSE 'hard' END,
        CASE WHEN id % 4 = 0 THEN 'quota-issues' ELSE 'bad-mailbox' END, '5.1.1', 'badmailbox03', recipient,
        'smtp;550 5.1.1 User unknown', repeat('550 5.1.1 User unknown ', 20), x_headers
    FROM messages WHERE bounced_at IS NOT NULL"""
_COUNTS = """INSERT INTO {table} (
        account_id, sender_id, {bucket}, accepted, delivered, hard_bounces, soft_bounces,
        blocked_complaint, blocked_hardbounce, blocked_manual, blocked_softbounce, blocked_unsubscribe
    )
    SELECT account_id, sender_id, date_trunc('{bucket}', at, 'UTC'),
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


@dataclass(frozen=True, slots=True)
class History:
    """What was laid down.

    Attributes:
        master: The caller who sees everything.
        largest: The account with most copies.
        sender: Address of its busiest sender.
        start: Where the 30 days begin: in the middle of an hour, like their end.
        end: Where they end.
        burst: A range of half an hour in the middle of the burst of the largest account's sender.
        seconds: How long laying it down took.
    """

    master: Caller
    largest: int
    sender: str
    start: datetime
    end: datetime
    burst: tuple[datetime, datetime]
    seconds: float


async def lay(key: str, rows: int, engine: AsyncEngine) -> History:
    """Lay the history down."""
    master = await KeyRing(engine).fresh(key)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    start = end - timedelta(days=DAYS)
    async with driver_connection(engine) as connection:
        began = time.perf_counter()
        await connection.execute(_SUBS, master.account_id, SUBS)
        await connection.execute(_SLOTS)
        await connection.execute(_SENDERS, SENDERS, SUBS + 1)
        senders = await connection.fetch("SELECT id, account_id FROM senders WHERE email LIKE 'bulk%' ORDER BY id")
        whose = [row["id"] for row in senders], [row["account_id"] for row in senders]
        spread = rows * 3 // 4
        await connection.execute(_COPIES, start, DAYS * 86400.0, spread, BURSTS, *whose, timeout=LONG)
        await connection.execute(_BOUNCES, timeout=LONG)
        for table, bucket in (("hourly_counts", "hour"), ("daily_counts", "day")):
            await connection.execute(_COUNTS.format(table=table, bucket=bucket), timeout=LONG)
        await connection.execute("VACUUM ANALYZE", timeout=LONG)
        largest = await connection.fetchval(
            "SELECT account_id FROM daily_counts GROUP BY 1 ORDER BY sum(accepted) DESC LIMIT 1"
        )
        busiest = await connection.fetchrow(
            "SELECT sender_id, hour, email FROM hourly_counts JOIN senders ON senders.id = sender_id "
            "WHERE hourly_counts.account_id = $1 ORDER BY accepted DESC LIMIT 1",
            largest,
        )
        seconds = time.perf_counter() - began
    assert busiest is not None
    quarter = timedelta(minutes=15)
    burst = busiest["hour"] + quarter, busiest["hour"] + 3 * quarter
    cut = timedelta(minutes=29, seconds=30)
    return History(master, largest, busiest["email"], start + cut, end - cut, burst, seconds)

"""The table of postbacks: put in by events, claimed for a while, recorded in groups. Source: dyn-email.md, 17.

The clock is the database's, so that processes agree; `now` sets another one in tests. Uses its siblings and
`app.core.events`.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from app.core.events import Event, EventType
from app.core.postbacks.rendering import blocked, bounced, render
from app.core.postbacks.values import Due, Result
from app.db.sql import Connection, Sql
from app.models.postback import PostbackKind
from app.outbound import Endpoints, endpoint_of

RETRY_SECONDS = (60.0, 300.0, 1800.0)
"""Waits after the first, second and third failed try."""
WALK = 1000
"""Endpoints looked at in one claim."""
TIDY_ROWS = 1000
"""Rows changed by one statement of `tidy`."""
TIDY_STATEMENTS = 100
_KINDS = {
    EventType.EMAIL_BOUNCED: PostbackKind.BOUNCE,
    EventType.EMAIL_BLOCKED: PostbackKind.BOUNCE,
    EventType.EMAIL_COMPLAINED: PostbackKind.SPAM,
    EventType.EMAIL_UNSUBSCRIBED: PostbackKind.UNSUBSCRIBE,
}
_SQL = Sql(__package__ or "")
logger = logging.getLogger(__name__)


async def enqueue(connection: Connection, events: Sequence[Event], *, now: datetime | None = None) -> int:
    """Put in what the accounts of these events want to be told, in the caller's transaction.

    Events of other types are passed over, and so are those of accounts whose URL is off, that are disabled or deleted.

    Args:
        connection: The driver's, in a transaction.
        events: Committed ones.
        now: Instead of the database's clock.

    Returns:
        How many calls were put in.
    """
    told = [event for event in events if event.type in _KINDS and event.message_id is not None]
    if not told:
        return 0
    rows = await _SQL.fetch(
        connection,
        "wanted",
        [event.id for event in told],
        [event.account_id for event in told],
        [event.type for event in told],
        [_KINDS[EventType(event.type)].value for event in told],
        [event.message_id for event in told],
        [event.accepted_at for event in told],
        [event.address or "" for event in told],
    )
    calls = [(row, _url(row)) for row in rows]
    if calls:
        columns = [[row[name] for row, _ in calls] for name in ("account_id", "kind", "event_id", "message_id")]
        accepted = [row["accepted_at"] for row, _ in calls]
        urls = [url for _, url in calls]
        endpoints = [endpoint_of(url) for url in urls]
        await _SQL.execute(connection, "put_in", *columns, accepted, urls, endpoints, now)
    return len(calls)


async def claim(
    connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float, now: datetime | None = None
) -> list[Due]:
    """Take calls that are due, from each endpoint no more than it has room for; begun ones are noted by the caller.

    What was claimed is claimed again by somebody when nothing is recorded before its lease has ended. What the account
    does not want any more is thrown away.

    Args:
        connection: The driver's, in no transaction.
        endpoints: What this process knows of them; remembers where the next claim goes on.
        limit: Calls, at most.
        lease_seconds: How long they are ours.
        now: Instead of the database's clock.
    """
    seen = await _SQL.fetch(connection, "endpoints", endpoints.after, WALK, now)
    plan = endpoints.choose([(row["endpoint"], row["due"]) for row in seen], walk=WALK, limit=limit)
    if not plan:
        return []
    rows = await _SQL.fetch(connection, "claim", list(plan), list(plan.values()), lease_seconds, now)
    if unwanted := [row["id"] for row in rows if not row["wanted"]]:
        await _SQL.execute(connection, "drop", unwanted)
    return [
        Due(
            id=row["id"],
            account_id=row["account_id"],
            kind=row["kind"],
            event_id=row["event_id"],
            url=row["url"],
            endpoint=row["endpoint"],
            attempts=row["attempts"],
        )
        for row in rows
        if row["wanted"]
    ]


async def record(
    connection: Connection, results: Sequence[Result], *, retries: int, now: datetime | None = None
) -> list[Result]:
    """Record how calls ended: each statement for all of its kind.

    Success leaves its time with the event and removes the call. A failure is tried again after 1, 5 and 30 minutes.

    Args:
        connection: The driver's.
        results: In any order.
        retries: Further tries after the first.
        now: Instead of the database's clock.

    Returns:
        Those that were given up.
    """
    succeeded = [result.due.id for result in results if not result.error]
    failed = [result for result in results if result.error]
    if succeeded:
        await _SQL.execute(connection, "succeeded", succeeded, now)
    if not failed:
        return []
    waits = [_wait(result.due.attempts, retries) for result in failed]
    await _SQL.execute(
        connection,
        "failed",
        [result.due.id for result in failed],
        [result.due.attempts + 1 for result in failed],
        waits,
        [result.error for result in failed],
        now,
    )
    return [result for result, wait in zip(failed, waits, strict=True) if wait is None]


async def tidy(connection: Connection, endpoints: Endpoints, *, now: datetime | None = None) -> None:
    """Give up what has waited for a day because its endpoint does not answer; forget what was given up 30 days ago.

    Args:
        connection: The driver's, in no transaction.
        endpoints: What this process knows of them.
        now: Instead of the database's clock.
    """
    failing = endpoints.failing()
    given_up = 0
    for _ in range(TIDY_STATEMENTS if failing else 0):
        rows = await _SQL.fetch(connection, "give_up", failing, TIDY_ROWS, now)
        given_up += len(rows)
        if len(rows) < TIDY_ROWS:
            break
    if given_up:
        logger.warning("postbacks given up, their endpoints have not answered for a day: %s", given_up)
    for _ in range(TIDY_STATEMENTS):
        if len(await _SQL.fetch(connection, "forget", TIDY_ROWS, now)) < TIDY_ROWS:
            break


def _url(row: asyncpg.Record) -> str:
    facts = None
    if row["type"] == EventType.EMAIL_BOUNCED:
        facts = bounced(row["bounce_type"], row["category"], row["code"], row["diagnostic"])
    elif row["type"] == EventType.EMAIL_BLOCKED:
        facts = blocked(row["blocked_reason"])
    x_headers = row["x_headers"] or {}
    if isinstance(x_headers, str):  # a bare connection of the driver gives jsonb as text
        x_headers = orjson.loads(x_headers)
    return render(row["url"], email=row["email"], names=row["names"], x_headers=x_headers, facts=facts)


def _wait(attempts: int, retries: int) -> float | None:
    """Return the seconds until the next try of a call that failed after so many others; None: there is none."""
    return RETRY_SECONDS[attempts] if attempts < min(retries, len(RETRY_SECONDS)) else None

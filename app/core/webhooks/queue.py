"""The table of deliveries: put in by events, claimed for a while, recorded in groups. Source: native.md, 15.

The clock is the database's, so that processes agree; `now` sets another one in tests. Uses its siblings and
`app.core.events`.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from app.core import events
from app.core.events import TYPES, Event
from app.core.webhooks.telling import disable
from app.core.webhooks.values import Due, Result, event_of, id_shown
from app.db.sql import Connection, Sql
from app.outbound import Endpoints

RETRY_SECONDS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Waits after the first failed try, the second, and so on; behind the last there is none."""
WALK = 1000
"""Webhooks looked at in one claim."""
GIVE_UP_ROWS = 1000
"""Deliveries of disabled webhooks that one claim gives up."""
TIDY_ROWS = 1000
"""Rows removed by one statement of `tidy`."""
TIDY_STATEMENTS = 1000
_KNOWN = frozenset(TYPES)
_SQL = Sql(__package__ or "")
logger = logging.getLogger(__name__)


async def enqueue(connection: Connection, happened: Sequence[Event], *, now: datetime | None = None) -> int:
    """Put in what the webhooks of these events' accounts ask for, in the caller's transaction.

    Args:
        connection: The driver's, in a transaction.
        happened: Committed ones.
        now: Instead of the database's clock.

    Returns:
        How many deliveries were put in.
    """
    told = [event for event in happened if event.type in _KNOWN]
    if not told:
        return 0
    ids = [events.id_of(event) for event in told]
    done = await _SQL.execute(
        connection,
        "put_in",
        [event.account_id for event in told],
        [event.type for event in told],
        [int(one.source) for one in ids],
        [one.copy for one in ids],
        [one.row for one in ids],
        [
            event.accepted_at if one.copy and event.accepted_at else event.occurred_at
            for event, one in zip(told, ids, strict=True)
        ],
        now,
    )
    return int(done.rpartition(" ")[2])


async def claim(
    connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float, now: datetime | None = None
) -> list[Due]:
    """Take deliveries that are due, from each webhook no more than it has room for; begun ones are noted by the caller.

    What was claimed is claimed again by somebody when nothing is recorded before its lease has ended. What waits for
    a webhook that is disabled or gone is given up.

    Args:
        connection: The driver's, in no transaction.
        endpoints: What this process knows of webhooks, by `endpoint_of`; remembers where the next claim goes on.
        limit: Deliveries, at most.
        lease_seconds: How long they are ours.
        now: Instead of the database's clock.
    """
    seen = await _SQL.fetch(connection, "waiting", int(endpoints.after or 0), WALK, now)
    if unwanted := [row["webhook_id"] for row in seen if not row["wanted"]]:
        await _SQL.execute(connection, "give_up", unwanted, GIVE_UP_ROWS)
    there = [(endpoint_of(row["webhook_id"]), row["due"] and row["wanted"]) for row in seen]
    plan = endpoints.choose(there, walk=WALK, limit=limit)
    if not plan:
        return []
    rows = await _SQL.fetch(connection, "claim", [int(one) for one in plan], list(plan.values()), lease_seconds, now)
    return [_due(row) for row in rows]


def endpoint_of(webhook_id: int) -> str:
    """Return the name of a webhook among `Endpoints`: each has room of its own, whatever server it is on."""
    return str(webhook_id)


async def record(connection: Connection, results: Sequence[Result], *, now: datetime | None = None) -> list[Result]:
    """Record how tries ended: each statement for all of its kind.

    A webhook that answers 410, or has failed for five days without a success, is disabled first.

    Args:
        connection: The driver's, in no transaction.
        results: In the order in which they ended.
        now: Instead of the database's clock.

    Returns:
        Those that were given up.
    """
    await _note(connection, results, now)
    waits = [_wait(result) if result.error else None for result in results]
    await _SQL.execute(
        connection,
        "record",
        [result.due.id for result in results],
        [result.due.attempts + 1 for result in results],
        waits,
        [result.status for result in results],
        [result.error for result in results],
        now,
    )
    return [result for result, wait in zip(results, waits, strict=True) if result.error and wait is None]


async def tidy(connection: Connection, *, now: datetime | None = None) -> None:
    """Forget deliveries of 30 days ago.

    Args:
        connection: The driver's, in no transaction.
        now: Instead of the database's clock.
    """
    for _ in range(TIDY_STATEMENTS):
        if len(await _SQL.fetch(connection, "forget", TIDY_ROWS, now)) < TIDY_ROWS:
            break


async def _note(connection: Connection, results: Sequence[Result], now: datetime | None) -> None:
    """Write down which webhooks fail since when, and disable those that are to be."""
    last = {result.due.webhook_id: result for result in results}
    succeeded = {result.due.webhook_id for result in results if not result.error}
    failing = {number: bool(result.error) for number, result in sorted(last.items())}
    gone = {result.due.webhook_id: result.due.account_id for result in results if result.gone}
    rows = await _SQL.fetch(
        connection, "note", list(failing), [one in succeeded for one in failing], list(failing.values()), now
    )
    lost = gone | {row["id"]: row["account_id"] for row in rows if row["spent"]}
    for account_id in sorted(set(lost.values())):
        numbers = sorted(number for number, owner in lost.items() if owner == account_id)
        await disable(connection, account_id, numbers)
        logger.warning("webhooks of account %s were disabled: %s", account_id, numbers)


def _wait(result: Result) -> float | None:
    """Return the seconds until the next try after a failure; None: there is none."""
    attempts = result.due.attempts
    return None if result.final or attempts >= len(RETRY_SECONDS) else RETRY_SECONDS[attempts]


def _due(row: asyncpg.Record) -> Due:
    event = event_of(row["event_source"], row["event_copy"], row["event_row"])
    sample = row["sample"]
    return Due(
        id=row["id"],
        webhook_id=row["webhook_id"],
        account_id=row["account_id"],
        url=row["url"],
        secrets=tuple(row["secrets"]),
        event=event,
        event_at=row["event_at"],
        event_id=id_shown(event, row["event_id"]),
        attempts=row["attempts"],
        sample=orjson.loads(sample) if isinstance(sample, str) else sample,
    )

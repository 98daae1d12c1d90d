"""Runs moved on: each step and what it does are written in one transaction, so a kill loses and doubles nothing.

A turn does one step of each run it takes, after the waits and conditions before it. The order in which rows are held is
that of the whole platform: runs, counters, contacts, new events.

Source: docs/contract/native.md, 14; docs/contract/dynosend.md, 14.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from app.core.automations import repository
from app.core.automations.acting import act
from app.core.automations.deciding import decide
from app.core.automations.going import Going, Plan, Traveller
from app.core.automations.runs import Reason
from app.core.automations.sending import send
from app.core.automations.values import Send
from app.core.jobs import DrainQueue
from app.core.transactional import Site
from app.db.engine import driver_of
from app.db.sql import Connection
from app.db.unit_of_work import WriteSession

LIMIT = 100
"""Runs of one turn."""
AUTOMATIONS = 20
"""From how many automations."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """What one turn did.

    Attributes:
        runs: How many were moved on.
        mails: How many were sent.
    """

    runs: int = 0
    mails: int = 0


async def advance(
    write: WriteSession, *, site: Site, default_cap: int = 0, limit: int = LIMIT, now: datetime | None = None
) -> Advanced:
    """Move runs on whose time has come, in the caller's transaction, which does nothing else.

    Several processes may do this at once: none sees what another holds.

    Args:
        write: The transaction.
        site: Of the installation.
        default_cap: Monthly limit of masters without one of their own.
        limit: Runs.
        now: The time; None: the database's.

    Returns:
        How many there were; less than could be taken also while another process holds some.
    """
    rows = await repository.sql.rows(write, "claim", now, limit, AUTOMATIONS)
    if not rows:
        return Advanced()
    connection = await driver_of(await write.connection())
    claimed = [dict(row._mapping) for row in rows]  # noqa: SLF001 SQLAlchemy's documented name
    runs = await _going(connection, claimed)
    for run in runs:
        if run.who is None:
            run.stop(Reason.DELETED)
    await decide(connection, [run for run in runs if not run.is_done])
    left = sorted((run for run in runs if not run.is_done), key=lambda run: run.id)
    mailing = [run for run in left if isinstance(run.step, Send)]
    mails = await send(write, mailing, site=site, now=now, default_cap=default_cap)
    await act(write, [run for run in left if not run.is_done])
    await _save(connection, runs)
    if mails:
        write.enqueue(DrainQueue())
    return Advanced(len(runs), mails)


async def _going(connection: Connection, claimed: Sequence[dict[str, object]]) -> list[Going]:
    """Return the claimed runs of automations that are still active; others wait."""
    sql = repository.sql
    plans = {
        row["id"]: Plan.of_row(dict(row))
        for row in await sql.fetch(connection, "plans", list({row["automation_id"] for row in claimed}))
    }
    people = {
        row["id"]: Traveller.of_row(dict(row))
        for row in await sql.fetch(connection, "people", list({row["contact_id"] for row in claimed}))
    }
    return [
        Going.of_row(row, plan, people.get(row["contact_id"]))
        for row in claimed
        if (plan := plans.get(row["automation_id"])) is not None
    ]


async def _save(connection: Connection, runs: Sequence[Going]) -> None:
    if not runs:
        return
    columns = zip(
        *(
            (
                run.id, run.position, run.plan.version, run.due_at, str(run.status), str(run.reason), run.has_left,
                run.failures, run.error, orjson.dumps(run.sent).decode(),
            )
            for run in runs
        ),
        strict=True,
    )  # fmt: skip
    await repository.sql.execute(connection, "save", *map(list, columns), runs[0].now)

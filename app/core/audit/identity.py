"""The ledger identity: each target of a run is one copy or still ahead, each unfinished copy is in one place.

Counted, never subtracted. Imports models (words alone), db, kit.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import asyncpg

from app.core.audit.values import MOST_SHOWN, Difference, Kind, Report, Scope
from app.db.sql import Connection, Sql
from app.kit.uids import Noun, uid
from app.models.message import State
from app.models.run import RunState

PAGE = 100
"""Runs looked at in one statement."""
sql = Sql(__package__)


async def runs(connection: Connection, scope: Scope) -> AsyncIterator[list[asyncpg.Record]]:
    """Yield the runs of a scope with what was counted for them, in pages."""
    after = 0
    while page := await sql.fetch(connection, "runs", after, scope.since, scope.account_id, scope.run_id, PAGE):
        yield page
        after = page[-1]["id"]


def of_runs(page: list[asyncpg.Record]) -> list[Difference]:
    """Compare the total of each run with its copies by state and the targets that are still ahead."""
    return [difference for run in page for difference in _judge(run)]


def name_of(run_id: int) -> str:
    """Return what a run is called in a report."""
    return f"run {uid(Noun.RUN, run_id)}"


def _judge(run: asyncpg.Record) -> Iterator[Difference]:
    by_state = {state: run[state.value] for state in State}
    # The targets of a stopped run go some time after its end; how many were never reached is noted before.
    ended = run["state"] == RunState.STOPPED or run["settled"]
    ahead = run["unreached"] if ended else run["ahead"]
    where = name_of(run["id"])
    if sum(by_state.values()) + ahead != run["total"]:
        parts = [f"{count} {state}" for state, count in by_state.items() if count]
        parts.append(f"{ahead} {'unreached' if ended else 'ahead'}")
        yield Difference(Kind.TOTAL, where, " + ".join(parts), str(run["total"]))
    if run["copies"] != run["next_seq"] - 1:
        yield Difference(Kind.REACHED, where, f"{run['copies']} copies", f"{run['next_seq'] - 1} claimed")
    whole = run["targets"] == run["total"]
    if not whole and not (ended or run["state"] == RunState.DONE):
        yield Difference(Kind.TARGETS, where, f"{run['targets']} targets", str(run["total"]))
    elif run["settled"] and run["targets"]:
        yield Difference(Kind.TARGETS, where, f"{run['targets']} targets", "settled")
    elif whole and ended and run["ahead"] != run["unreached"] and not run["settled"]:
        yield Difference(Kind.TARGETS, where, f"{run['ahead']} ahead", f"{run['unreached']} unreached")


async def of_waiting(connection: Connection, scope: Scope) -> Report:
    """Find unfinished copies that are in neither queue nor lease or in both, and entries that belong to none."""
    rows = await sql.fetch(connection, "waiting", scope.since, scope.account_id, scope.run_id, scope.holds, MOST_SHOWN)
    shown = tuple(
        Difference(Kind(row["kind"]), _copy(row), row["places"] or "nowhere", row["state"] or "no copy") for row in rows
    )
    return Report(rows[0]["found"] if rows else 0, shown)


def _copy(row: asyncpg.Record) -> str:
    accepted_at: datetime = row["accepted_at"]
    return f"copy {row['message_id']} of {accepted_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

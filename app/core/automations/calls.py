"""Calls that webhook steps ask for: put in with the step, made at least once. Uses this package's statements.

The calls themselves are made by `workers.automation_calls`, through `app.outbound`. The clock is the database's; `now`
sets another one in tests.

Source: docs/contract/native.md, 14 and 15.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from app.core.automations import repository
from app.core.automations.going import Going
from app.db.sql import Connection
from app.kit.uids import Noun, uid, uuid
from app.outbound import Endpoints, endpoint_of

RETRY_SECONDS = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Waits after each failed try; after the last one a call is given up."""
WALK = 1000
"""Endpoints looked at in one claim."""
MAX_ERROR = 300
"""Characters of what was wrong."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is ours for a while."""

    id: int
    account_id: int
    run_id: int
    name: str
    url: str
    endpoint: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Called:
    """How a call ended; no error: well."""

    call: Call
    error: str = ""


async def put_in(connection: Connection, runs: Sequence[Going], url: str) -> None:
    """Put in a call for each run, as a part of the transaction that moves the runs on."""
    rows = [
        (
            run.plan.account_id, run.plan.id, run.id, run.who.id,
            f"run_{uuid(Noun.AUTOMATION_RUN, run.id).hex}_{run.position}", url, _body(run),
        )
        for run in runs
        if run.who is not None
    ]  # fmt: skip
    columns = map(list, zip(*rows, strict=True))
    await repository.sql.execute(connection, "put_calls", *columns, endpoint_of(url), runs[0].now)


async def claim_calls(
    connection: Connection, endpoints: Endpoints, *, limit: int, lease_seconds: float, now: datetime | None = None
) -> list[Call]:
    """Take calls that are due, from each endpoint no more than it has room for; begun ones are noted by the caller.

    What was claimed is claimed again by somebody when nothing is recorded before its lease has ended.

    Args:
        connection: The driver's, in no transaction.
        endpoints: What this process knows of them; remembers where the next claim goes on.
        limit: Calls, at most.
        lease_seconds: How long they are ours.
        now: Instead of the database's clock.
    """
    seen = await repository.sql.fetch(connection, "call_endpoints", endpoints.after, WALK, now)
    plan = endpoints.choose([(row["endpoint"], row["due"]) for row in seen], walk=WALK, limit=limit)
    if not plan:
        return []
    rows = await repository.sql.fetch(connection, "claim_calls", list(plan), list(plan.values()), lease_seconds, now)
    return [Call(**row) for row in rows]


async def record_calls(connection: Connection, ended: Sequence[Called], *, now: datetime | None = None) -> list[Called]:
    """Record how calls ended, and return those that are given up: ten tries in some three days have failed."""
    failed = [one for one in ended if one.error]
    given_up = [one for one in failed if one.call.attempts >= len(RETRY_SECONDS)]
    again = [one for one in failed if one.call.attempts < len(RETRY_SECONDS)]
    if over := [one.call.id for one in ended if not one.error] + [one.call.id for one in given_up]:
        await repository.sql.execute(connection, "drop_calls", over)
    if again:
        waits = [RETRY_SECONDS[one.call.attempts] for one in again]
        errors = [one.error[:MAX_ERROR] for one in again]
        await repository.sql.execute(connection, "delay_calls", [one.call.id for one in again], waits, errors, now)
    return given_up


def _body(run: Going) -> str:
    who, plan = run.who, run.plan
    if who is None:
        return "{}"
    moment = run.now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {
        "automation_id": str(uuid(Noun.AUTOMATION, plan.id)),
        "automation_name": plan.name,
        "run_id": str(uuid(Noun.AUTOMATION_RUN, run.id)),
        "step": run.position,
        "contact": {
            "id": str(uuid(Noun.CONTACT, who.id)),
            "uid": uid(Noun.CONTACT, who.id),
            "audience_id": str(uuid(Noun.AUDIENCE, who.audience_id)),
            "email": who.address,
            "status": who.status,
            "tags": list(who.tags),
            "fields": dict(who.fields),
        },
    }
    return orjson.dumps({"type": "automation.webhook", "timestamp": moment, "data": data}).decode()

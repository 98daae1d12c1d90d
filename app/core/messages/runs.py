"""Claiming copies of campaign runs, pausing and ending them.

Claiming a chunk of targets is what makes their copies. A run's epoch rises with each pause, stop and resume; what was
claimed under an older one must not begin any more, and a lease tells how far its owner has come in obeying.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.messages.claims import Copy, Owner
from app.core.messages.quota import left_this_month
from app.db.sql import Connection, Sql
from app.models.message import Kind

sql = Sql(__package__)

CHANNEL = "runs"
"""What a change of epoch is notified on, as `<run id>:<epoch>`."""
CANCELLED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has something to send now.

    Attributes:
        id: Of the run.
        account_id: Owner.
        is_fresh: Whether there are targets nobody has claimed.
        is_due: Whether copies of it wait in the queue.
    """

    id: int
    account_id: int
    is_fresh: bool
    is_due: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Targets that were claimed.

    Attributes:
        reached: How many, blocked ones included; 0: none, because the run does not send now, is through or must wait.
        copies: Those to be sent.
        out_of_quota: Whether it is the account's monthly limit that stands in the way.
    """

    reached: int
    copies: list[Copy]
    out_of_quota: bool = False


async def open_runs(connection: Connection) -> list[OpenRun]:
    """Return the runs that have something to send now, by account."""
    return [OpenRun(**row) for row in await sql.fetch(connection, "open_runs")]


async def claim_run(
    connection: Connection, owner: Owner, run_id: int, *, limit: int, lease_seconds: float
) -> list[Copy]:
    """Take due copies of a run from the queue; durable when it returns.

    Args:
        connection: Outside of a transaction: the statement is one.
        owner: Who claims.
        run_id: Of the run; one that does not send gives nothing.
        limit: Most copies to take.
        lease_seconds: How long the claim is good without being renewed.
    """
    rows = await sql.fetch(connection, "claim_run", run_id, owner.host, owner.incarnation, limit, lease_seconds)
    return [Copy(**row, kind=Kind.CAMPAIGN, run_id=run_id) for row in rows]


async def claim_chunk(
    connection: Connection, owner: Owner, run: OpenRun, *, limit: int, lease_seconds: float, default_cap: int
) -> Chunk:
    """Take the next targets of a run and make their copies; durable when it returns.

    Args:
        connection: Outside of a transaction.
        owner: Who claims.
        run: Of `open_runs`.
        limit: Most targets to take.
        lease_seconds: How long the claim is good without being renewed.
        default_cap: Monthly limit of masters without one of their own; 0 = none.

    Raises:
        Forbidden: Its account may not act.
    """
    async with connection.transaction():
        left = await left_this_month(connection, run.account_id, datetime.now(UTC), default_cap=default_cap)
        if left is not None:
            limit = min(limit, left)
        # Asked for none, it tells whether there is anything to claim now.
        rows = await sql.fetch(connection, "claim_chunk", run.id, owner.host, owner.incarnation, limit, lease_seconds)
    if not rows:
        return Chunk(0, [])
    if left == 0:
        return Chunk(0, [], out_of_quota=True)
    accepted_at = rows[0]["accepted_at"]  # of all: they are claimed in one moment, and one value is hashed once
    copies = [
        Copy(
            lease_id, message_id, accepted_at, accepted_ms, 2, 1, account_id, sender_id, size, Kind.CAMPAIGN, recipient,
            False, None, 0, run.id, epoch, content_version, contact_id, fields, test_mode,
        )
        for (
            _, lease_id, message_id, _, accepted_ms, account_id, sender_id, size, recipient, epoch,
            content_version, contact_id, fields, test_mode,
        ) in rows
        if message_id is not None
    ]  # fmt: skip
    return Chunk(rows[0]["reached"], copies)


async def obey(connection: Connection, owner: Owner, run_id: int, epoch: int) -> None:
    """Note that this process begins nothing of a run any more that was claimed before an epoch."""
    await sql.execute(connection, "obey", owner.incarnation, run_id, epoch)


async def is_obeyed(connection: Connection, run_id: int, epoch: int) -> bool:
    """Tell whether no process begins anything of a run any more that was claimed before an epoch."""
    rows = await sql.fetch(connection, "is_obeyed", run_id, epoch)
    return bool(rows[0]["obeyed"])


async def epochs(connection: Connection, run_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return id and newest epoch of runs."""
    return [(row["id"], row["epoch"]) for row in await sql.fetch(connection, "epochs", list(run_ids))]


async def cancel_waiting(connection: Connection, run_id: int) -> int:
    """Cancel the copies of a stopped run that wait in the queue; return how many there were.

    What is under way is not touched: when it is given back, the next call finds it.

    Args:
        connection: Outside of a transaction: each of its steps is one.
        run_id: Of the run; one that is not stopped loses nothing.
    """
    cancelled = 0
    while True:
        rows = await sql.fetch(connection, "cancel_waiting", run_id, CANCELLED_AT_ONCE)
        step = int(rows[0]["cancelled"])
        cancelled += step
        if step < CANCELLED_AT_ONCE:
            return cancelled


async def cancel_of_accounts(connection: Connection, account_ids: Sequence[int]) -> int:
    """Cancel single mails of deleted accounts that wait in the queue; return how many there were.

    Args:
        connection: Outside of a transaction: each of its steps is one.
        account_ids: The accounts.
    """
    cancelled, step = 0, CANCELLED_AT_ONCE
    while account_ids and step == CANCELLED_AT_ONCE:
        rows = await sql.fetch(connection, "cancel_of_accounts", list(account_ids), CANCELLED_AT_ONCE)
        step = int(rows[0]["cancelled"])
        cancelled += step
    return cancelled

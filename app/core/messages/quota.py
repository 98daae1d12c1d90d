"""Monthly limits: a mail is accepted whole or not at all.

Source: docs/contract/dyn-email.md, section 18. The unit is a copy that is accepted and not blocked; the period the
calendar month, UTC; a master's limit covers it and its sub-accounts together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.core.errors import Forbidden
from app.core.messages.draft import Draft
from app.db.sql import Connection, Sql
from app.models.message import Kind

sql = Sql(__package__)

_LOCK_SPACE = 0x7175_6F74  # "quot"


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as it is inside the transaction that accepts its mail.

    Attributes:
        revision: Number of its state.
        root_id: Its master, or itself.
        caps: (account, copies per month) for each limit that holds for it.
        told: Whether its webhooks want to know what is accepted or blocked.
    """

    revision: int
    root_id: int
    caps: tuple[tuple[int, int], ...]
    told: bool = False


async def standings(connection: Connection, account_ids: Sequence[int], *, default_cap: int) -> dict[int, Standing]:
    """Return the accounts that may act now, by id.

    Args:
        connection: With a transaction begun.
        account_ids: Whom to look up.
        default_cap: Limit of masters without one of their own; 0 = none.
    """
    rows = await sql.fetch(connection, "current_accounts", account_ids)
    found = {}
    for row in rows:
        root_cap = row["root_cap"] if row["root_cap"] is not None else default_cap or None
        caps = {row["id"]: row["monthly_cap"], row["root_id"]: root_cap}
        limits = tuple((account_id, cap) for account_id, cap in caps.items() if cap is not None)
        found[row["id"]] = Standing(row["revision"], row["root_id"], limits, row["told"])
    return found


async def over_quota(connection: Connection, drafts: Mapping[int, Draft], accounts: Mapping[int, Standing]) -> set[int]:
    """Return which drafts would pass a limit, in order of arrival.

    The advisory lock makes counting and writing one step for all processes. It is taken in the order of masters and
    before any row is locked, so that no two groups wait for each other in a circle.

    Args:
        connection: With a transaction begun; the lock goes with it.
        drafts: Position in the group -> draft, in order of arrival.
        accounts: Of `standings`.
    """
    capped = {
        position: accounts[draft.caller.account_id]
        for position, draft in drafts.items()
        if accounts[draft.caller.account_id].caps
    }
    for root_id in sorted({standing.root_id for standing in capped.values()}):
        await connection.execute("SELECT pg_advisory_xact_lock($1, hashint8($2))", _LOCK_SPACE, root_id)
    used: dict[int, int] = {}
    return {
        position
        for position, standing in capped.items()
        if not await _fits(connection, drafts[position], standing, used)
    }


async def left_this_month(
    connection: Connection, account_id: int, now: datetime, *, default_cap: int, lock: bool = True
) -> int | None:
    """Return how many more copies an account may send this month, None without a limit.

    Args:
        connection: With a transaction begun; with a limit, it holds the lock that makes counting and writing one step.
        account_id: Whose.
        now: An instant of the month.
        default_cap: Limit of masters without one of their own; 0 = none.
        lock: False for who writes nothing by it: others hold the lock while they wait for rows.

    Raises:
        Forbidden: The account may not act.
    """
    standing = (await standings(connection, [account_id], default_cap=default_cap)).get(account_id)
    if standing is None:
        raise Forbidden("the account is not active")
    if not standing.caps:
        return None
    if lock:
        await connection.execute("SELECT pg_advisory_xact_lock($1, hashint8($2))", _LOCK_SPACE, standing.root_id)
    month = date(now.year, now.month, 1)
    left = [
        cap - int((await sql.fetch(connection, "accepted_this_month", owner, month))[0]["copies"])
        for owner, cap in standing.caps
    ]
    return max(min(left), 0)


async def _fits(connection: Connection, draft: Draft, standing: Standing, used: dict[int, int]) -> bool:
    keys = [recipient.lower() for recipient in draft.recipients]
    unsubscribed_too = draft.kind is Kind.TRANSACTIONAL
    rows = await sql.fetch(connection, "count_unsuppressed", draft.caller.account_id, keys, unsubscribed_too)
    wanted: int = rows[0]["copies"]
    month = date(draft.received_at.year, draft.received_at.month, 1)
    for account_id, cap in standing.caps:
        if account_id not in used:
            used[account_id] = (await sql.fetch(connection, "accepted_this_month", account_id, month))[0]["copies"]
        if used[account_id] + wanted > cap:
            return False
    for account_id, _cap in standing.caps:
        used[account_id] += wanted
    return True

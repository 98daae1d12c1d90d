"""What a question is about: a scope and filters as the caller words them, looked up for the statements.

Imports the front doors of accounts and senders, this package's values, db.
"""

import json
from dataclasses import dataclass

import asyncpg

from app.core import accounts, senders
from app.core.accounts import Caller
from app.core.metrics.values import ListFilters, Scope
from app.core.metrics.windows import Cuts, Window
from app.db.engine import driver_of
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

PAGE = 500
"""Rows per page."""
X_HEADERS = 4
"""Most filters by X-header; an account has no more names."""
X_VALUE_LENGTH = 500
"""Longest value of a remembered X-header, in characters."""
sql = Sql(__package__)
"""The statements of this package."""
_ANGLES = str.maketrans("", "", "<>")


@dataclass(frozen=True, slots=True)
class Target:
    """A scope, looked up: accounts, and senders if only some are meant."""

    account_ids: list[int]
    sender_ids: list[int] | None


async def look_up(read: ReadSession, caller: Caller, scope: Scope, *, counting: bool = False) -> Target | None:
    """Return the accounts and senders that are meant; None when there can't be any record.

    From here on statements of the transaction are planned as suits lists or counting.
    """
    account_ids = await accounts.scope_ids(read, caller)
    if scope.user_id is not None:
        account_ids = [scope.user_id] if scope.user_id in account_ids else []
    sender_ids = None if scope.sender_id is None else [scope.sender_id]
    if scope.sender is not None:
        known = await senders.ids_of(read, account_ids, scope.sender)
        sender_ids = [one for one in known if scope.sender_id in {None, one}]
    if sender_ids is not None:
        account_ids = [row.account_id for row in await sql.rows(read, "owners", sender_ids, account_ids)]
    if not account_ids:
        return None
    once = counting and sender_ids is None
    mode = "force_generic_plan" if once else "force_custom_plan"
    await sql.rows(read, "planning", mode, "off" if counting else "on")
    return Target(account_ids, sender_ids)


async def rows(read: ReadSession, name: str, *args: object) -> "list[asyncpg.Record]":
    """Run a statement of this package after `look_up`, which has begun the transaction; return what the driver does.

    For statements with many rows or many to a question: a session takes as long as the driver, for a row as for a call.
    """
    return await sql.fetch(await driver_of(await read.connection()), name, *args)


def instants(target: Target, cuts: Cuts) -> tuple[object, ...]:
    """Return the parameters that all counts begin with."""
    pieces = (cuts.start, cuts.hours_start, cuts.days_start, cuts.days_end, cuts.hours_end, cuts.end)
    return (target.account_ids, target.sender_ids, *pieces)


async def conditions(
    read: ReadSession, target: Target, window: Window, filters: ListFilters
) -> tuple[tuple[object, ...], bool]:
    """Return the parameters that all lists begin with, and whether they narrow by more than the counters know."""
    headers: list[tuple[str, str]] = []
    if filters.x_headers:
        configured = await accounts.x_header_names(read, target.account_ids)
        counting = [(name, value) for name, value in filters.x_headers if name.lower() in configured]
        # The form of the stored ones.
        headers = [(name, value.translate(_ANGLES)[:X_VALUE_LENGTH]) for name, value in counting[:X_HEADERS]]
    names, values = [name for name, _ in headers], [value for _, value in headers]
    domain = filters.domain
    if domain is not None and "@" in domain:
        domain = "@"  # of nobody, and nothing that might be the end of a local part
    whom = (filters.recipient, domain, filters.local)
    together = dict(headers)
    possible = all(together[name] == value for name, value in headers)  # not two values under one name
    whose = (target.account_ids, window.start, window.end, target.sender_ids)
    return (*whose, *whom, names, values, json.dumps(together if possible else None)), bool(names) or whom != (
        None,
        None,
        None,
    )

"""Accounts as lists show them, and what their callers see of others. Uses the repository; read only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from app.core.accounts import keys, repository
from app.core.accounts.caller import Caller
from app.core.accounts.values import Listed
from app.db.unit_of_work import ReadSession
from app.kit.secrets import Vault
from app.models.account import Account

PAGE = 25
"""Accounts per page."""


async def list_below(
    read: ReadSession,
    vault: Vault,
    caller: Caller,
    *,
    now: datetime,
    name: str | None = None,
    username: str | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> list[Listed]:
    """List the caller's account and its sub-accounts: itself first, then by creation.

    Args:
        read: The transaction.
        vault: Opens the primary keys.
        caller: Whose list.
        now: The instant whose calendar month `sent_this_month` is about.
        name: Only accounts whose account name or user name is this, ignoring case.
        username: Only the account of this user name, ignoring case.
        offset: Accounts left out at the beginning.
        limit: Most accounts returned.
    """
    accounts = await repository.page_below(
        read, caller.account_id, name=name, username=username, offset=offset, limit=limit
    )
    return await listed(read, vault, accounts, now=now)


async def listed(read: ReadSession, vault: Vault, accounts: Sequence[Account], *, now: datetime) -> list[Listed]:
    """Return the accounts with their primary keys and what they sent in the calendar month of `now`."""
    ids = [account.id for account in accounts]
    primary = await repository.primary_keys(read, ids)
    sent = await repository.sent_in_month(read, ids, now)
    return [
        Listed(account, keys.unsealed(vault, primary.get(account.id)), sent.get(account.id, 0)) for account in accounts
    ]


async def public_ids(read: ReadSession, account_ids: Iterable[int]) -> dict[int, UUID]:
    """Return the UUIDs of accounts, whoever they belong to."""
    return await repository.public_ids(read, account_ids)


async def scope_ids(read: ReadSession, caller: Caller) -> list[int]:
    """Return the ids of all accounts whose records the caller sees: itself and its sub-accounts, also deleted ones."""
    return list(await repository.ids_below(read, caller.account_id)) if caller.is_master else [caller.account_id]


async def emails_sent_this_month(read: ReadSession, account_id: int, *, now: datetime) -> int:
    """Return the copies of one account counted against the quota in the calendar month (UTC) of `now`."""
    return (await repository.sent_in_month(read, [account_id], now)).get(account_id, 0)

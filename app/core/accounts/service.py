"""The verbs on accounts. Uses the repository; imports models and kit.

Whatever changes an account raises its revision in the same transaction, so that no cached copy is used to accept mail.
"""

from collections.abc import Mapping
from typing import Unpack
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from app.core.accounts import keys, repository
from app.core.accounts.caller import Caller
from app.core.accounts.passwords import PasswordHash, password_fits
from app.core.accounts.values import Alterations, Changes, Opened
from app.core.accounts.x_headers import SLOTS
from app.core.errors import Conflict, Fault, FieldFault, Forbidden, Invalid, NotFound, Unauthenticated
from app.core.jobs import WindUpAccounts
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.secrets import Vault
from app.models.account import Account, AccountStatus, Role

MAX_LENGTH = 2000
"""Longest text field of an account, in characters."""


async def touch(write: WriteSession, account_id: int) -> None:
    """Raise the account's revision: every cached copy of it is stale once this transaction has committed."""
    await repository.raise_revision(write, account_id)


async def create_first(
    write: WriteSession, vault: Vault, *, username: str, password_hash: PasswordHash, **fields: Unpack[Changes]
) -> Opened:
    """Make the first account, an admin.

    Raises:
        Conflict: There is an account already.
    """
    await repository.lock_first(write)
    if await repository.any_account(write):
        raise Conflict("there is an account already")
    return await open_account(write, vault, seed(Role.ADMIN, None, username, password_hash), fields)


async def create_master(
    write: WriteSession,
    vault: Vault,
    caller: Caller,
    *,
    username: str,
    password_hash: PasswordHash,
    role: Role = Role.MASTER,
    **fields: Unpack[Changes],
) -> Opened:
    """Make a master account, or another admin.

    Raises:
        Forbidden: The caller is not an admin.
        Conflict: The user name is taken.
    """
    if caller.role is not Role.ADMIN or role is Role.SUB:
        raise Forbidden("only an admin makes masters")
    return await open_account(write, vault, seed(role, None, username, password_hash), fields)


async def create_sub(
    write: WriteSession,
    vault: Vault,
    caller: Caller,
    *,
    username: str,
    password_hash: PasswordHash,
    **fields: Unpack[Changes],
) -> Opened:
    """Make a sub-account of the caller: its own senders, suppression list, X-headers and keys.

    Its account name is the user name unless `fields` say otherwise.

    Raises:
        Forbidden: The caller is a sub-account.
        Conflict: The user name is taken, or the account name is that of another account of the caller.
        Invalid: A text is too long.

    Source:
        docs/contract/dyn-email.md, 6.2.
    """
    if not caller.is_master:
        raise Forbidden("a sub-account has no accounts below it")
    await repository.lock(write, caller.account_id)
    return await open_account(write, vault, seed(Role.SUB, caller.account_id, username, password_hash), fields)


def seed(role: Role, parent_id: int | None, username: str, password_hash: PasswordHash) -> Account:
    """Return an account to be made by `open_account`."""
    return Account(
        role=role,
        parent_id=parent_id,
        username=username,
        password_hash=password_hash,
        account_name=username,
        x_headers=[""] * SLOTS,
    )


async def open_account(write: WriteSession, vault: Vault, account: Account, fields: Changes) -> Opened:
    """Make the account, with these fields and a primary key.

    Raises:
        Conflict: The user name is taken, or the account name is that of another account of its master.
        Invalid: A text is too long.
    """
    _check_lengths({"username": account.username, **fields})
    name = fields.get("account_name", account.account_name)
    if account.parent_id is not None and await repository.name_taken(write, account.parent_id, name):
        raise Conflict("the account name is taken")
    for name, value in fields.items():
        setattr(account, name, value)
    try:
        async with write.begin_nested():
            write.add(account)
    except IntegrityError:
        raise Conflict("the user name is taken") from None
    await write.refresh(account)
    return Opened(account, await keys.new_primary_key(write, vault, account))


async def change(write: WriteSession, account: Account, **changes: Unpack[Alterations]) -> None:
    """Change what is given of an account that `get` or `find_below` returned, and nothing else.

    Raises:
        Conflict: The account name is that of another account of the same master, or the user name is taken.
        Invalid: A text is too long.
    """
    _check_lengths(changes)
    if "utc_offset_minutes" in changes:
        changes.setdefault("time_zone", None)
    master_id = account.parent_id or account.id
    if "account_name" in changes:
        await repository.lock(write, master_id)
        if await repository.name_taken(write, master_id, changes["account_name"], but=account.id):
            raise Conflict("the account name is taken")
    for name, value in changes.items():
        setattr(account, name, value)
    if write.is_modified(account):
        account.updated_at = func.now()
        try:
            async with write.begin_nested():
                await write.flush()
        except IntegrityError:
            raise Conflict("the user name is taken") from None
        await touch(write, account.id)
        await write.refresh(account)


def _check_lengths(values: Mapping[str, object]) -> None:
    faults = [
        FieldFault(name, Fault.TOO_LONG, f"is longer than {MAX_LENGTH} characters")
        for name, value in values.items()
        if isinstance(value, str) and len(value) > MAX_LENGTH
    ]
    if faults:
        raise Invalid(faults)


async def get(read: ReadSession, caller: Caller, account: int | UUID) -> Account:
    """Return the caller's account or one below it, by either of its ids; an admin sees all.

    Raises:
        NotFound: There is none, or it is out of the caller's sight.
    """
    row = await (
        repository.by_id(read, account) if isinstance(account, int) else repository.by_public_id(read, account)
    )
    if row is None or not _sees(caller, row):
        raise NotFound("no such account")
    return row


def _sees(caller: Caller, account: Account) -> bool:
    return caller.account_id in {account.id, account.parent_id} or caller.role is Role.ADMIN


async def find_by_username(read: ReadSession, username: str) -> Account | None:
    """Return the account of this name, ignoring case, whoever it belongs to."""
    return await repository.by_username(read, username)


async def find_below(read: ReadSession, caller: Caller, username: str) -> Account | None:
    """Return the caller's own account or its sub-account of this name, ignoring case."""
    account = await repository.by_username(read, username)
    return account if account and caller.account_id in {account.id, account.parent_id} else None


async def delete_sub(write: WriteSession, caller: Caller, username: str) -> int:
    """Delete a sub-account of the caller: its keys end, its name is free again, its records stay.

    Returns:
        The id of the deleted account.

    Raises:
        Forbidden: The caller is a sub-account.
        NotFound: The caller has no such sub-account; its own name is none.

    Source:
        docs/contract/dyn-email.md, 6.3.
    """
    if not caller.is_master:
        raise Forbidden("a sub-account has no accounts below it")
    account = await repository.by_username(write, username)
    if account is None or account.parent_id != caller.account_id:
        raise NotFound("no such sub-account")
    await _end(write, account)
    return account.id


async def delete(write: WriteSession, caller: Caller, account: Account) -> None:
    """Delete an account that `get` returned: its keys end, its name is free again, its records stay.

    Raises:
        Conflict: It is the caller's own, or it has sub-accounts.

    Source:
        docs/contract/native.md, 2; docs/contract/dyn-email.md, 6.3.
    """
    if account.id == caller.account_id:
        raise Conflict("an account cannot delete itself")
    await repository.lock(write, account.id)
    if await repository.has_subs(write, account.id):
        raise Conflict("the account has sub-accounts")
    await _end(write, account)


async def _end(write: WriteSession, account: Account) -> None:
    account.deleted_at = func.now()
    account.status = AccountStatus.DISABLED
    await write.flush()
    await repository.revoke(write, account.id)
    await touch(write, account.id)
    write.enqueue(WindUpAccounts())


async def set_role(write: WriteSession, caller: Caller, account: Account, role: Role) -> None:
    """Make a master an admin, or an admin a master; its primary key opens what the new role has.

    Raises:
        Forbidden: The caller is not an admin, it is about its own account, or a sub-account is in it.
    """
    if role == account.role:
        return
    if caller.role is not Role.ADMIN or caller.account_id == account.id or Role.SUB in {role, account.role}:
        raise Forbidden("only an admin changes roles, between master and admin, and not its own")
    account.role = role
    account.updated_at = func.now()
    await write.flush()
    await keys.fit_scopes(write, account)
    await touch(write, account.id)
    await write.refresh(account)


async def log_in(read: ReadSession, username: str, password: str) -> Account:
    """Return the account whose user name and password these are.

    Raises:
        Unauthenticated: There is none, or it is disabled.
    """
    account = await repository.by_username(read, username)
    if (
        account is None
        or account.status != AccountStatus.ACTIVE
        or not await password_fits(PasswordHash(account.password_hash), password)
    ):
        raise Unauthenticated("unknown user name or password")
    return account

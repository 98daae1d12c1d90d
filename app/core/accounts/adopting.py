"""Accounts that come from another system, with the keys that its clients hold. Uses the repository.

For an operator, who needs no key: whoever calls these verbs decides whose accounts they are.
"""

from datetime import datetime
from typing import Unpack

from sqlalchemy import func, select

from app.core.accounts import keys, repository
from app.core.accounts.caller import SCOPES_OF_ROLE
from app.core.accounts.passwords import PasswordHash
from app.core.accounts.service import open_account, seed
from app.core.accounts.values import Changes
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.db.unit_of_work import WriteSession
from app.kit.secrets import Vault, digest
from app.models.account import Account, Role
from app.models.api_key import ApiKey, Scope

SHORTEST_KEY, LONGEST_KEY = 8, 512
"""Characters of a key that comes from elsewhere: letters, digits and other visible ASCII."""


async def adopt(
    write: WriteSession,
    vault: Vault,
    *,
    username: str,
    master_id: int | None,
    password_hash: PasswordHash,
    created_at: datetime | None = None,
    **fields: Unpack[Changes],
) -> Account:
    """Make an account that another system had, as old as it is there.

    Args:
        write: The transaction.
        vault: Seals the primary key it begins with; `adopt_key` gives it the one it had.
        username: An e-mail address.
        master_id: The account it belongs to; None makes a master.
        password_hash: Of its password.
        created_at: When it was made there; now if that is not known.
        fields: What else is known of it.

    Raises:
        Conflict: The user name is taken, or the account name is that of another account of this master.
        Invalid: A text is too long.
    """
    if master_id is not None:
        await repository.lock(write, master_id)
    role = Role.SUB if master_id is not None else Role.MASTER
    opened = await open_account(write, vault, seed(role, master_id, username, password_hash), fields)
    if created_at is not None:
        opened.account.created_at = created_at
        await write.flush()
    return opened.account


async def adopt_key(write: WriteSession, vault: Vault, account_id: int, key: str, *, keep_old: bool) -> bool:
    """Make a key that another system gave out the account's primary key, so that its clients go on working.

    Args:
        write: The transaction.
        vault: Seals the key.
        account_id: Whose key it becomes.
        key: In clear text.
        keep_old: Whether the primary key it had goes on working, as a further key; otherwise it is revoked.

    Returns:
        Whether anything has changed: False when the key is the account's primary key already.

    Raises:
        NotFound: There is no such account.
        Invalid: It can be no key: shorter than 8 or longer than 512 characters, or with a blank in it.
        Conflict: It is, or was, a key of another account, or one that was revoked.
    """
    if not (SHORTEST_KEY <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() and " " not in key):
        raise Invalid([FieldFault("apikey", Fault.INVALID, "is no key")])
    await repository.lock(write, account_id)
    account = await repository.by_id(write, account_id)
    if account is None:
        raise NotFound("no such account")
    known = (await write.execute(select(ApiKey).where(ApiKey.digest == digest(key)))).scalar_one_or_none()
    if known is not None:
        if known.account_id != account_id or known.revoked_at is not None:
            raise Conflict("the key is taken, or was revoked")
        if known.is_primary:
            return False
    await _make_room(write, account_id, keep_old=keep_old)
    row = known or ApiKey(account_id=account_id, digest=digest(key))
    row.prefix, row.sealed, row.is_primary = key[: keys.PREFIX_LENGTH], vault.seal(key), True
    row.scopes = [str(Scope(scope)) for scope in SCOPES_OF_ROLE[Role(account.role)]]
    write.add(row)
    await write.flush()
    await repository.raise_revision(write, account_id)
    return True


async def _make_room(write: WriteSession, account_id: int, *, keep_old: bool) -> None:
    """Take the place of the primary key from the one that has it."""
    old = (await repository.primary_keys(write, [account_id])).get(account_id)
    if old is None:
        return
    if keep_old:
        old.is_primary, old.sealed, old.name = False, None, old.name or "primary key before the import"
    else:
        old.revoked_at = func.now()
    await write.flush()

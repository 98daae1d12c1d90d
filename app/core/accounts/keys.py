"""The verbs on API keys. Uses the repository; imports models and kit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from app.core.accounts import repository
from app.core.accounts.caller import SCOPES_OF_ROLE
from app.core.errors import NotFound
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.ids import new_api_key
from app.kit.secrets import SecretUnreadable, Vault, digest
from app.models.account import Account, Role
from app.models.api_key import ApiKey, Scope

PREFIX_LENGTH = 6


def _key(account_id: int, key: str, scopes: Iterable[Scope]) -> ApiKey:
    return ApiKey(
        account_id=account_id, digest=digest(key), prefix=key[:PREFIX_LENGTH], scopes=[str(scope) for scope in scopes]
    )


async def new_primary_key(write: WriteSession, vault: Vault, account: Account) -> str:
    """Give the account a fresh primary key, revoking the one it had, and return it in clear text."""
    await repository.revoke(write, account.id, primary_only=True)
    key = new_api_key()
    row = _key(account.id, key, SCOPES_OF_ROLE[Role(account.role)])
    row.is_primary = True
    row.sealed = vault.seal(key)
    write.add(row)
    await write.flush()
    return key


async def rotate_key(write: WriteSession, vault: Vault, account: Account) -> str:
    """Replace the account's primary key; the old one is invalid everywhere within a second.

    Returns:
        The new key in clear text.
    """
    await repository.lock(write, account.id)
    key = await new_primary_key(write, vault, account)
    await repository.raise_revision(write, account.id)
    return key


async def primary_key(read: ReadSession, vault: Vault, account_id: int) -> str:
    """Return the account's primary key in clear text; "" when it was sealed under a secret key that is gone."""
    return unsealed(vault, (await repository.primary_keys(read, [account_id])).get(account_id))


def unsealed(vault: Vault, key: ApiKey | None) -> str:
    """Return a stored key in clear text; "" when there is none or it can't be read any more."""
    if key is None or key.sealed is None:
        return ""
    try:
        return vault.open(key.sealed)
    except SecretUnreadable:
        return ""


async def add_key(
    write: WriteSession, account_id: int, *, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a further key. Only its digest is kept.

    Returns:
        The row, and the key in clear text for the only time.
    """
    key = new_api_key()
    row = _key(account_id, key, scopes)
    row.name = name
    row.expires_at = expires_at
    write.add(row)
    await write.flush()
    await repository.raise_revision(write, account_id)
    return row, key


async def list_keys(read: ReadSession, account_id: int) -> Sequence[ApiKey]:
    """Return the account's keys that are not revoked, by creation."""
    return await repository.keys_of(read, account_id)


async def fit_scopes(write: WriteSession, account: Account) -> None:
    """Let the keys of an account open no more than its role has, and the primary one all of it."""
    allowed = SCOPES_OF_ROLE[Role(account.role)]
    for key in await repository.keys_of(write, account.id):
        held = [str(scope) for scope in allowed if key.is_primary or scope in key.scopes]
        key.scopes = held or [str(Scope.READ)]
    await write.flush()


async def get_key(read: ReadSession, account_id: int, key_id: UUID) -> ApiKey:
    """Return a key of the account that is not revoked.

    Raises:
        NotFound: The account has no such key.
    """
    row = await repository.key_of(read, account_id, key_id)
    if row is None:
        raise NotFound("no such key")
    return row


async def rename_key(write: WriteSession, key: ApiKey, name: str) -> None:
    """Give a key that `get_key` returned another name."""
    key.name = name
    await write.flush()


async def revoke_key(write: WriteSession, account_id: int, key_id: UUID) -> None:
    """Revoke a further key of the account; it is invalid everywhere within a second.

    Raises:
        NotFound: The account has no such key, or it is the primary one.
    """
    if not await repository.revoke(write, account_id, key_id=key_id):
        raise NotFound("no such key")
    await repository.raise_revision(write, account_id)

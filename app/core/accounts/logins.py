"""From a user name and a password or key to an account, for protocols whose clients log in once for each connection.

An account that logs in with its password acts through its primary key from then on, so that everything that is true of
keys holds: a change of the account is seen within a second.
"""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from hashlib import blake2b

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import keys, repository
from app.core.accounts.caller import Caller
from app.core.accounts.keyring import MAX_KEY_LENGTH, KeyRing
from app.core.accounts.passwords import PasswordHash, hash_password, password_fits
from app.core.errors import Forbidden, Unauthenticated
from app.db.unit_of_work import reading
from app.kit.secrets import Vault
from app.models.account import AccountStatus
from app.models.api_key import Scope

MAX_USERNAME = 320
"""Characters of a user name that is looked up."""
REMEMBERED = 1_000
"""Passwords that were found right and need not be hashed again; hashing one takes some 50 ms."""


class LogIns:
    """The accounts that one process has let in."""

    def __init__(self, engine: AsyncEngine, vault: Vault, ring: KeyRing) -> None:
        """Remember nothing yet.

        Args:
            engine: Where accounts are looked up.
            vault: Opens primary keys.
            ring: Where keys are looked up.
        """
        self._engine = engine
        self._vault = vault
        self._ring = ring
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        """By user name: a digest of the password under a key of this process, and the stored hash it fits."""
        self._nobody: asyncio.Task[PasswordHash] | None = None

    async def key_of(self, username: str, secret: str, scope: Scope) -> str:
        """Return the key through which a client acts from now on.

        Args:
            username: Of the account, in any case.
            secret: Its password, or one of its keys with the scope.
            scope: What the client wants to do.

        Raises:
            Unauthenticated: There is no such account, the secret is wrong, or the account is not in force.
            Forbidden: The key is one of the account's and lacks the scope.
            DatabaseAway: PostgreSQL is away.
        """
        if not username or not secret or len(username) > MAX_USERNAME:
            raise Unauthenticated("unknown user name or password")
        caller = await self._by_key(username, secret)
        if caller is not None:
            if not caller.may(scope):
                raise Forbidden("the key lacks the scope")
            return secret
        key = await self._by_password(username, secret)
        if not (await self._ring.caller(key)).may(scope):
            raise Forbidden("the account lacks the scope")
        return key

    async def _by_key(self, username: str, secret: str) -> Caller | None:
        if len(secret) > MAX_KEY_LENGTH:
            return None
        try:
            caller = await self._ring.caller(secret)
        except Unauthenticated:
            return None
        return caller if caller.username.lower() == username.lower() else None

    async def _by_password(self, username: str, password: str) -> str:
        """Return the primary key of the account whose password this is.

        Raises:
            Unauthenticated: There is none.
        """
        async with reading(self._engine) as read:
            account = await repository.by_username(read, username)
            key = await keys.primary_key(read, self._vault, account.id) if account is not None else ""
            stored = account.password_hash if account is not None else ""
            active = account is not None and account.status == AccountStatus.ACTIVE
        # No connection is held while it is hashed, and who does not exist takes as long as who does.
        fits = await self._fits(username.lower(), password, stored)
        if not (fits and active and key):
            raise Unauthenticated("unknown user name or password")
        return key

    async def _fits(self, username: str, password: str, stored: str) -> bool:
        digest = blake2b(password.encode("utf-8", "replace"), key=self._secret).digest()
        right = self._right.get(username)
        if stored and right is not None and right[1] == stored and hmac.compare_digest(right[0], digest):
            self._right.move_to_end(username)
            return True
        if not stored:
            await password_fits(await self._nobodys(), password)
            return False
        if not await password_fits(PasswordHash(stored), password):
            return False
        self._right[username] = (digest, stored)
        if len(self._right) > REMEMBERED:
            self._right.popitem(last=False)
        return True

    async def _nobodys(self) -> PasswordHash:
        """Return a hash that no password fits, made once."""
        if self._nobody is None:
            self._nobody = asyncio.create_task(hash_password(secrets.token_urlsafe()))
        return await asyncio.shield(self._nobody)

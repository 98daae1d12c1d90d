"""Accounts with keys, X-headers and senders; entries of suppression lists."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Unpack
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts, contacts, senders
from app.core.accounts import Caller, Changes, KeyRing, PasswordHash, Scope
from app.core.suppressions import Reason
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from app.settings import Settings
from tests.fixtures.passwords import CHEAP

PASSWORD = "the password of every account"
PASSWORD_HASH = PasswordHash(CHEAP.hash(PASSWORD))


@dataclass(frozen=True)
class MadeAccount:
    """An account that exists."""

    id: int
    key: str
    """Its primary key."""
    user_id: int
    """The same as `id`, by the name the foreign families use."""
    public_id: UUID
    username: str
    senders: dict[str, int]
    """Address to `sender_id`."""
    caller: Caller


class AccountFactory:
    """Makes accounts."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self.engine = engine
        self.vault = Vault(settings.secret_keys)
        self._numbers = itertools.count(1)
        self._operator: Caller | None = None

    async def account(
        self,
        username: str | None = None,
        parent: MadeAccount | None = None,
        role: str = "master",
        x_headers: Sequence[str] = (),
        senders: Iterable[str] = (),
        **fields: Unpack[Changes],
    ) -> MadeAccount:
        """Make an account; with a `parent` it is a sub-account.

        There is one admin per database, which makes the masters: asking for it twice gives a Conflict.
        """
        role = "sub" if parent else role
        username = username or f"{role}{next(self._numbers)}@accounts.example"
        maker = parent.caller if parent else await self._maker(role)
        async with unit_of_work(self.engine) as write:
            if maker is None:
                opened = await accounts.create_first(
                    write, self.vault, username=username, password_hash=PASSWORD_HASH, **fields
                )
            else:
                create = accounts.create_sub if parent else accounts.create_master
                opened = await create(
                    write, self.vault, maker, username=username, password_hash=PASSWORD_HASH, **fields
                )
            await accounts.set_x_headers(write, opened.account.id, x_headers)
        account_id = opened.account.id
        caller = await self.caller(opened.key)
        if maker is None:
            self._operator = caller
        ids = {email: await self.sender(account_id, email) for email in senders}
        return MadeAccount(
            id=account_id,
            key=opened.key,
            user_id=account_id,
            public_id=opened.account.public_id,
            username=username,
            senders=ids,
            caller=await self.caller(opened.key) if ids else caller,
        )

    async def _maker(self, role: str) -> Caller | None:
        """Return the admin that makes accounts of the role; None for the first account."""
        if role == "admin":
            return None
        if self._operator is None:
            await self.account("operator@accounts.example", role="admin")
        return self._operator

    async def caller(self, key: str) -> Caller:
        """Return who the key belongs to now."""
        ring = KeyRing(self.engine)
        try:
            return await ring.fresh(key)
        finally:
            await ring.close()

    async def sender(self, account_id: int, email: str, *, ready: bool = True) -> int:
        """Make a sender; return its id."""
        async with unit_of_work(self.engine) as write:
            sender = await senders.add(write, account_id, email=email, require_verification=not ready)
        return sender.id

    async def api_key(self, account_id: int, *scopes: Scope | str) -> str:
        """Make a further key with these scopes; return it."""
        async with unit_of_work(self.engine) as write:
            _, key = await accounts.add_key(write, account_id, name="test", scopes=[Scope(scope) for scope in scopes])
        return key

    async def suppression(self, account_id: int, *addresses: str, reason: Reason | str = Reason.MANUAL) -> None:
        """Put addresses on the account's suppression list."""
        async with unit_of_work(self.engine) as write:
            await contacts.suppress(write, account_id, addresses, Reason(reason))

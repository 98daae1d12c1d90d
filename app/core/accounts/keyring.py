"""From a key to its caller, fast enough for the hot path: one dictionary look-up when the key was seen lately.

A cached caller is a hint of at most one second: reads may be that late, and mail is accepted only when the batcher has
found the revision still current (`app.core.messages`). Unknown keys are never remembered.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import changelog
from app.core.accounts import repository
from app.core.accounts.caller import Caller, caller_as
from app.core.accounts.key_use import KeyUse
from app.core.errors import Overloaded, StaleCaller, Unauthenticated
from app.db.engine import DatabaseAway
from app.db.unit_of_work import reading
from app.kit.secrets import digest
from app.models.api_key import Scope

Result = TypeVar("Result")
MAX_KEY_LENGTH = 512
"""Longest text that is looked up at all, in characters."""
ATTEMPTS = 3
"""How often something is tried for an account that keeps changing meanwhile."""
OUTAGE_SECONDS = 30.0
"""How long a caller is remembered while PostgreSQL can't be asked."""


class KeyRing:
    """The keys one process has seen lately."""

    def __init__(self, engine: AsyncEngine, *, ttl_seconds: float = 1.0, max_size: int = 10_000) -> None:
        """Remember nothing yet.

        Args:
            engine: Where keys are looked up.
            ttl_seconds: How long a caller is believed without asking again.
            max_size: Keys remembered; the ones not used for the longest time go first.
        """
        self._engine = engine
        self._ttl = ttl_seconds
        self._max_size = max_size
        self._cache: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._flights: dict[str, asyncio.Task[Caller]] = {}
        self._forgotten = 0
        self._use = KeyUse(engine)

    async def caller(self, key: str) -> Caller:
        """Return who this key belongs to, as known at most `ttl_seconds` ago, and note that it acts from here on.

        Raises:
            Unauthenticated: Unknown, revoked or expired key; disabled or deleted account.
            DatabaseAway: PostgreSQL is away, and the key was not seen lately.
        """
        entry = self._cache.get(key)
        if entry is not None and entry[0] > time.monotonic():
            self._cache.move_to_end(key)
            changelog.note(entry[1])
            return entry[1]
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._look_up(key))
            flight.add_done_callback(lambda landed: self._land(key, landed))
        # Who gives up waiting must not take the answer away from the others.
        caller = await asyncio.shield(flight)
        changelog.note(caller)
        return caller

    async def fresh(self, key: str) -> Caller:
        """Return who this key belongs to now.

        Raises:
            Unauthenticated: Unknown, revoked or expired key; disabled or deleted account.
        """
        return await self._look_up(key)

    async def acting(
        self, key: str, caller: Caller, scope: Scope, act: Callable[[Caller], Awaitable[Result]]
    ) -> Result:
        """Do something for a caller, and begin again when the account has changed since it was read.

        Args:
            key: Whose caller it is.
            caller: As last read.
            scope: What the key must open, still.
            act: Has done nothing when it raises `StaleCaller`.

        Raises:
            Unauthenticated: The key opens nothing any more.
            Forbidden: It does not open this any more.
            Overloaded: The account keeps changing.
        """
        for _ in range(ATTEMPTS):
            try:
                return await act(caller)
            except StaleCaller:
                caller = await self.fresh(key)
                caller.require(scope)
        raise Overloaded("the account keeps changing")

    def forget(self, account_id: int) -> None:
        """Drop what is remembered of an account, because this process has just changed it."""
        self._forgotten += 1
        for key in [key for key, (_, caller) in self._cache.items() if caller.account_id == account_id]:
            del self._cache[key]

    async def close(self) -> None:
        """Wait for what is still being written."""
        await self._use.close()

    def _land(self, key: str, flight: "asyncio.Task[Caller]") -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # looked at here, because everyone who waited for it may have given up

    async def _look_up(self, key: str) -> Caller:
        started = self._forgotten
        good_until = time.monotonic() + self._ttl
        try:
            caller = await self._read(key)
        except Unauthenticated:
            self._cache.pop(key, None)
            raise
        except DatabaseAway:
            return self._remembered(key)
        known = self._cache.get(key)
        newest = known is None or known[1].revision <= caller.revision
        if started == self._forgotten and newest:
            self._cache[key] = (good_until, caller)
            self._cache.move_to_end(key)
            if len(self._cache) > self._max_size:
                self._cache.popitem(last=False)
        return caller

    def _remembered(self, key: str) -> Caller:
        """Return the caller as last known while PostgreSQL is away: nothing is accepted without asking it again.

        Raises:
            DatabaseAway: The key was not seen lately.
        """
        known = self._cache.get(key)
        if known is None or time.monotonic() - known[0] > OUTAGE_SECONDS:
            raise DatabaseAway("the database is away")
        return known[1]

    async def _read(self, key: str) -> Caller:
        if not key or len(key) > MAX_KEY_LENGTH:
            raise Unauthenticated("no such key")
        async with reading(self._engine) as read:
            row = await repository.by_digest(read, digest(key))
        if row is None:
            raise Unauthenticated("no such key")
        account, api_key = row
        self._use.note(api_key)
        return caller_as(account, key_id=api_key.id, scopes=api_key.scopes)

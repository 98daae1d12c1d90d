"""Dyno Email Marketing: `User-Api-Key`, else `Authorization: Bearer`; requests per second; a request with its caller.

Order of checks: route, key, rate, then what the endpoint does: type and JSON, parameters, object, right
(`Call.require`), state, quota. Imports `app.dependencies`, the front door of accounts.

Source: docs/contract/dyno.md, 1 and 2.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.dyno.bodies import MAX_BODY, json_body
from app.core.accounts import Caller, Scope
from app.core.errors import Conflict, QuotaExceeded, Unauthenticated
from app.db.unit_of_work import ReadSession, WriteSession, reading, unit_of_work
from app.dependencies import Runtime, RuntimeDep
from app.telemetry import context

_KEY_LIMIT = 200
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is allowed in: what an endpoint gets.

    Attributes:
        request: As it came.
        runtime: Of the process.
        caller: Whose key it carries.
    """

    request: Request
    runtime: Runtime
    caller: Caller

    @property
    def account_id(self) -> int:
        """The account everything is confined to."""
        return self.caller.account_id

    @property
    def user_id(self) -> str:
        """The account as the family shows it: its UUID."""
        return str(self.caller.public_id)

    async def body(self, *, optional: bool = False, limit: int = MAX_BODY) -> dict[str, Any]:
        """Return the members of the body; see `json_body`."""
        return await json_body(self.request, optional=optional, limit=limit)

    def writing(self) -> AbstractAsyncContextManager[WriteSession]:
        """Open a transaction; leaving it commits and publishes its jobs."""
        return unit_of_work(self.runtime.engine, self.runtime.queue)

    def reading(self) -> AbstractAsyncContextManager[ReadSession]:
        """Open a session for reading."""
        return reading(self.runtime.engine)

    @asynccontextmanager
    async def changing(self, scope: Scope) -> AsyncIterator[WriteSession]:
        """Open a transaction as `writing` does, for a verb that looks at object and state in one step.

        The right comes between the two: without it nothing is changed, and a refusal for the state is not told.

        Raises:
            Forbidden: The key does not open this.
            Conflict: As the verb does.
            QuotaExceeded: As the verb does.
        """
        async with self.writing() as write:
            try:
                yield write
            except (Conflict, QuotaExceeded):
                self.require(scope)
                raise
            self.require(scope)

    def require(self, scope: Scope) -> None:
        """Go on only when the key opens this; to be asked once parameters and object are known to be good.

        Raises:
            Forbidden: It does not.
        """
        self.caller.require(scope)


def key_of(request: Request) -> str:
    """Return the key of the request.

    Raises:
        Unauthenticated: There is none, or in another form.
    """
    key = request.headers.get("user-api-key")
    if key is None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("no key")
    key = key.strip()
    if not key or len(key) > _KEY_LIMIT:
        raise Unauthenticated("no key")
    return key


async def caller_of(request: Request, runtime: RuntimeDep) -> Caller:
    """Return whose key the request carries, counted against the account's requests per second.

    Raises:
        Unauthenticated: The key is not valid.
        HTTPException: 429, the account has asked too often.
    """
    caller = await runtime.keys.caller(key_of(request))
    context.note_account(caller.account_id)
    limit = runtime.settings.limits.dyno_per_second
    # The account goes by its UUID, because several installations may share a Valkey.
    if limit and not (await runtime.rates.take(f"dyno:account:{caller.public_id}", limit)).allowed:
        raise HTTPException(_TOO_MANY)
    return caller


DynoCaller = Annotated[Caller, Depends(caller_of)]
"""The account that calls."""


async def _call_of(request: Request, runtime: RuntimeDep, caller: DynoCaller) -> Call:
    return Call(request, runtime, caller)


Calling = Annotated[Call, Depends(_call_of)]
"""The request with its caller."""

"""The credential of a request and the account behind it, for endpoints of the classic API and of the metrics.

May import FastAPI, `app.dependencies` and the front door of accounts.

Source: docs/contract/dyn-email.md, sections 2 and 5; docs/contract/dyn-metrics.md, section 1.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.api.dyn.envelope import format_of
from app.api.dyn.params import Params, read_params
from app.core.accounts import Caller, Scope
from app.core.errors import NotFound, Overloaded, Unauthenticated
from app.dependencies import Runtime, RuntimeDep
from app.telemetry import context


def body_limit(runtime: Runtime) -> int:
    """Return the largest request body, in bytes."""
    return 2 * runtime.settings.send.max_message_bytes


def header_key(request: Request) -> str | None:
    """Return the key in the header: `Authorization: apikey=KEY`, else `Authorization: Bearer KEY`, else None."""
    values = request.headers.getlist("authorization")
    for mark in ("apikey=", "bearer "):
        for value in values:
            start, key = value[: len(mark)], value[len(mark) :].strip()
            if start.lower() == mark and key:
                return key
    return None


def classic_key(request: Request, params: Params) -> str | None:
    """Return the key of a request to the classic API: the parameter `apikey`, else the header."""
    return params.text("apikey") or header_key(request)


async def caller_of(runtime: Runtime, key: str | None, scope: Scope) -> Caller:
    """Return the account that a key opens.

    Args:
        runtime: Of the process.
        key: As the request gives it; None when there is none.
        scope: What is about to be done.

    Raises:
        Unauthenticated: No key, an unknown one, a deleted or disabled account.
        Forbidden: The key lacks the scope.
        Overloaded: The account has asked more often than `limits.dyn_per_second`.
    """
    if key is None:
        raise Unauthenticated("no key")
    caller = await runtime.keys.caller(key)
    context.note_account(caller.account_id)
    if limit := runtime.settings.limits.dyn_per_second:
        await _take(runtime, caller, limit)
    caller.require(scope)
    return caller


async def _take(runtime: Runtime, caller: Caller, limit: int) -> None:
    """Count a request of an account, through whichever of its keys.

    Raises:
        Overloaded: It is beyond the limit.

    Source:
        docs/contract/dyn-email.md, section 20.
    """
    taken = await runtime.rates.take(f"dyn:account:{caller.public_id}", limit)
    if not taken.allowed:
        raise Overloaded("too many requests", retry_after_seconds=1)


async def _params(request: Request, runtime: RuntimeDep) -> Params:
    if format_of(request) is None:
        raise NotFound("no such type")
    return await read_params(request, limit=body_limit(runtime))


ParamsDep = Annotated[Params, Depends(_params)]
"""The parameters of a request to the classic API; a path with an unknown type ends here."""


async def _reader(request: Request, runtime: RuntimeDep, params: ParamsDep) -> Caller:
    return await caller_of(runtime, classic_key(request, params), Scope.READ)


async def _writer(request: Request, runtime: RuntimeDep, params: ParamsDep) -> Caller:
    return await caller_of(runtime, classic_key(request, params), Scope.WRITE)


Reader = Annotated[Caller, Depends(_reader)]
"""The account that asks, with a key that may read."""

Writer = Annotated[Caller, Depends(_writer)]
"""The account that asks, with a key that may write."""

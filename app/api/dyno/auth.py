"""Dyno Email Marketing: `User-Api-Key`, else `Authorization: Bearer`. Source: docs/contract/dyno.md, 1."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.core.accounts import Caller
from app.core.errors import Unauthenticated
from app.dependencies import RuntimeDep
from app.telemetry import context

_KEY_LIMIT = 200


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
    """Return whose key the request carries.

    Raises:
        Unauthenticated: The key is not valid.
    """
    caller = await runtime.keys.caller(key_of(request))
    context.note_account(caller.account_id)
    return caller


DynoCaller = Annotated[Caller, Depends(caller_of)]
"""The account that calls."""

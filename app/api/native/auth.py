"""`Authorization: Bearer KEY` and scopes. Source: docs/contract/native.md, 1."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPBearer
from starlette.requests import Request

from app.core.accounts import Caller
from app.core.errors import Forbidden, Unauthenticated
from app.dependencies import RuntimeDep
from app.models.account import Role
from app.models.api_key import Scope
from app.telemetry import context

_KEY_LIMIT = 200
_BEARER = HTTPBearer(auto_error=False, description="An API key of any family.")


def bearer_key(request: Request) -> str:
    """Return the key of the Authorization header.

    Raises:
        Unauthenticated: There is none, or in another form.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > _KEY_LIMIT:
        raise Unauthenticated("a Bearer key is required")
    return key


async def caller_of(request: Request, runtime: RuntimeDep) -> Caller:
    """Return whose key the request carries.

    Raises:
        Unauthenticated: The key is not valid.
    """
    caller = await runtime.keys.caller(bearer_key(request))
    context.note_account(caller.account_id)
    return caller


def _with(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    async def check(
        caller: Annotated[Caller, Depends(caller_of)], _: Annotated[object, Depends(_BEARER)] = None
    ) -> Caller:
        if not caller.may(scope) or (scope is Scope.ADMIN and caller.role != Role.ADMIN):
            raise Forbidden(f"the key needs the scope {scope.value}")
        return caller

    return check


Reader = Annotated[Caller, Depends(_with(Scope.READ))]
"""The caller, whose key has the scope `read`."""

Writer = Annotated[Caller, Depends(_with(Scope.WRITE))]
"""The caller, whose key has the scope `write`."""

Admin = Annotated[Caller, Depends(_with(Scope.ADMIN))]
"""The caller, an administrator whose key has the scope `admin`."""

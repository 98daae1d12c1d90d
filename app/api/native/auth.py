"""`Authorization: Bearer KEY`, scopes, and `Trireme-Account`. Source: docs/contract/native.md, 1.

    Reader, SendCaller, Writer, Admin   what an endpoint asks for: the account it is to work for

The credentials of a request are read once and noted on it; the rate limit counts then. Where the scope of the key has
been checked the `Idempotency-Key` is taken, so that no key learns an answer it could not have got itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from fastapi.security import HTTPBearer
from starlette.requests import Request

from app.api.native import once, rate
from app.api.native.refusals import ScopeMissing
from app.core import accounts
from app.core.accounts import Caller
from app.core.errors import NotFound, Unauthenticated
from app.db.unit_of_work import reading
from app.dependencies import Runtime, RuntimeDep, Write
from app.models.account import Role
from app.models.api_key import Scope
from app.telemetry import context

ACTING_FOR = "trireme-account"
_KEY_LIMIT = 200
_UUID_LENGTH = 36
_BEARER = HTTPBearer(auto_error=False, description="An API key of any family.")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the headers of a request say.

    Attributes:
        own: Whose key it is: its scopes, role and rate count.
        caller: For whom it acts; the same account without `Trireme-Account`.
    """

    own: Caller
    caller: Caller


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


async def credentials_of(request: Request, runtime: Runtime) -> Credentials:
    """Return whose key the request carries and for whom it acts; read and counted once a request.

    Raises:
        Unauthenticated: The key is not valid.
        HTTPException: 429, the account has asked too often.
        NotFound: The account of `Trireme-Account` is not there, or not below the key's.
        Forbidden: That account is disabled.
    """
    known: Credentials | None = getattr(request.state, "credentials", None)
    if known is not None:
        return known
    own = await runtime.keys.caller(bearer_key(request))
    context.note_account(own.account_id)
    await rate.take(request, runtime, own)
    found = Credentials(own, await _acted_for(request, runtime, own))
    request.state.credentials = found
    return found


async def _acted_for(request: Request, runtime: Runtime, own: Caller) -> Caller:
    given = request.headers.get(ACTING_FOR)
    if given is None:
        return own
    try:
        account = UUID(given)
    except ValueError:
        raise NotFound("no such account") from None
    if len(given) != _UUID_LENGTH:
        raise NotFound("no such account")
    async with reading(runtime.engine) as read:
        return await accounts.act_for(read, own, account)


async def caller_of(request: Request, runtime: RuntimeDep) -> Caller:
    """Return the account that a request acts for.

    Raises:
        Unauthenticated: The key is not valid.
        NotFound: The account of `Trireme-Account` is not there, or not below the key's.
    """
    return (await credentials_of(request, runtime)).caller


def _with(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    async def check(
        request: Request,
        runtime: RuntimeDep,
        session: Write,
        _: Annotated[object, Depends(_BEARER)] = None,
        __: Annotated[
            str | None,
            Header(alias="Trireme-Account", description="UUID of the account to act for, one below the key's own."),
        ] = None,
    ) -> Caller:
        found = await credentials_of(request, runtime)
        if not found.own.may(scope) or (scope is Scope.ADMIN and found.own.role is not Role.ADMIN):
            raise ScopeMissing(f"the key needs the scope {scope.value}")
        await once.begin(request, runtime, session, found.caller)
        return found.caller

    return check


administrator = _with(Scope.ADMIN)
"""The dependency of endpoints that are for administrators and for no account in particular."""

Reader = Annotated[Caller, Depends(_with(Scope.READ))]
"""The account to work for; the key has the scope `read`."""

SendCaller = Annotated[Caller, Depends(_with(Scope.SEND))]
"""The account to work for; the key has the scope `send`."""

Writer = Annotated[Caller, Depends(_with(Scope.WRITE))]
"""The account to work for; the key has the scope `write`."""

Admin = Annotated[Caller, Depends(administrator)]
"""The account to work for; the key has the scope `admin` and is an administrator's."""

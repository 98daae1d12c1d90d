"""Dynosend: credentials, and a request with its caller. Imports `app.dependencies`, the front door of accounts.

Source: docs/contract/dynosend.md, 1.
"""

import base64
import binascii
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request

from app.api.dynosend.params import Checks, Input
from app.core.accounts import Caller, Scope
from app.core.errors import Unauthenticated
from app.db.unit_of_work import ReadSession, WriteSession, reading, unit_of_work
from app.dependencies import Runtime
from app.telemetry import context

_KEY_LIMIT = 200
_BASIC_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is allowed in: what an endpoint gets.

    Attributes:
        request: As it came.
        runtime: Of the process.
        caller: Whose key it carries.
        input: Its parameters.
    """

    request: Request
    runtime: Runtime
    caller: Caller
    input: Input

    @property
    def account_id(self) -> int:
        """The account everything is confined to."""
        return self.caller.account_id

    def checks(self) -> Checks:
        """Return checks over the parameters, with no faults yet."""
        return Checks(self.input)

    def writing(self) -> AbstractAsyncContextManager[WriteSession]:
        """Open a transaction; leaving it commits and publishes its jobs."""
        return unit_of_work(self.runtime.engine, self.runtime.queue)

    def reading(self) -> AbstractAsyncContextManager[ReadSession]:
        """Open a session for reading."""
        return reading(self.runtime.engine)

    def require(self, scope: Scope) -> None:
        """Go on only when the key opens this; to be asked once the audience, contact or campaign is known.

        Raises:
            Forbidden: It does not.
        """
        self.caller.require(scope)


def key_of(request: Request, input_: Input) -> str | None:
    """Return the key a request carries: the first of the places it may stand at that has one; None without any."""
    for members in (input_.query, input_.body):
        given = members.get("api_token")
        if isinstance(given, str) and given.strip():
            return given.strip()
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip() or None
        case "basic":
            return _password(rest.strip())
        case _:
            return None


async def caller_of(request: Request, runtime: Runtime, input_: Input) -> Caller | None:
    """Return whose key the request carries; None when it carries none that is good."""
    key = key_of(request, input_)
    if not key or len(key) > _KEY_LIMIT:
        return None
    try:
        caller = await runtime.keys.caller(key)
    except Unauthenticated:
        return None
    context.note_account(caller.account_id)
    return caller


def address_of_client(request: Request) -> str | None:
    """Return the IP address a request came from (the server has looked behind trusted proxies); None if unknown."""
    client = request.scope.get("client")
    try:
        return str(ip_address(client[0].partition("%")[0])) if client else None
    except ValueError:
        return None


def _password(credentials: str) -> str | None:
    if len(credentials) > _BASIC_LIMIT:
        return None
    try:
        text = base64.b64decode(credentials, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[2] or None

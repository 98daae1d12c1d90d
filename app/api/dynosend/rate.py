"""Dynosend: requests per second and account, and the headers that tell of it. Imports `app.dependencies`.

Source: docs/contract/dynosend.md, 4.
"""

from starlette.requests import Request

from app.api.dynosend.auth import address_of_client
from app.api.dynosend.errors import Refused
from app.core.accounts import Caller
from app.dependencies import Runtime
from app.valkey.rate_limit import Taken

RETRY_SECONDS = 1


async def take(request: Request, runtime: Runtime, caller: Caller | None) -> Taken | None:
    """Count a request and note its headers for the answer; None when there is no limit.

    All keys of an account count together, requests without a good key by their address. The account goes by its
    UUID, because several installations may share a Valkey.
    """
    limit = runtime.settings.limits.dynosend_per_second
    if not limit:
        return None
    who = f"account:{caller.public_id}" if caller else f"address:{address_of_client(request) or 'unknown'}"
    taken = await runtime.rates.take(f"dynosend:{who}", limit)
    request.state.dynosend_headers = {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(taken.remaining),
    }
    return taken


def check(taken: Taken | None) -> None:
    """Go on only within the limit.

    Raises:
        Refused: The request is beyond it.
    """
    if taken is not None and not taken.allowed:
        headers = {"Retry-After": str(RETRY_SECONDS), "X-RateLimit-Reset": str(taken.reset_at)}
        raise Refused(429, "Too Many Attempts.", headers)

"""Requests per second and account, and the headers that tell of it. Imports `app.dependencies`.

Source: docs/contract/native.md, 1, "Rate".
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.native.refusals import RETRY_SECONDS
from app.core.accounts import Caller
from app.dependencies import Runtime

_WINDOW_SECONDS = 1


async def take(request: Request, runtime: Runtime, own: Caller) -> None:
    """Count a request and note its headers for the answer, whatever that will be.

    Args:
        request: As it came.
        runtime: Of the process.
        own: Whose key it carries: acting for another account counts for one's own.

    Raises:
        HTTPException: 429, the request is beyond the limit.
    """
    limit = runtime.settings.limits.native_per_second
    if not limit:
        return
    taken = await runtime.rates.take(f"native:account:{own.public_id}", limit)
    left = taken.reset_at - runtime.clock.now().timestamp()
    request.state.native_headers = {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(taken.remaining),
        "RateLimit-Reset": str(min(max(round(left), 0), _WINDOW_SECONDS)),
    }
    if not taken.allowed:
        raise HTTPException(429, headers={"Retry-After": str(RETRY_SECONDS)})


def headers_of(request: Request) -> Mapping[str, str]:
    """Return the headers noted for the answer to a request; none when nothing was counted."""
    noted: Mapping[str, str] = getattr(request.state, "native_headers", {})
    return noted

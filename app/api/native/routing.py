"""The routers of the native API: every module makes its own with `native_router`.

Its endpoints are ordinary FastAPI functions. What comes with them:

- a body is JSON of at most 10 MB, or the answer is 415 or 413; what takes uploads has no JSON and a limit of its own;
- `POST` with `Idempotency-Key` has its effect once (`app.api.native.once`). That holds for what the endpoint writes in
  the request's session (`app.dependencies.Write`); one that commits elsewhere must bear being repeated itself;
- a NUL in the query is a 400: no text that is stored has one, and PostgreSQL takes none;
- without a good key the answer is 401, whatever else is wrong;
- the answer tells of the rate limit.

Source: docs/contract/native.md, 1.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from fastapi import APIRouter, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.native import once, rate
from app.api.native.auth import credentials_of
from app.api.receiving import bounded
from app.dependencies import runtime_of

BODY_BYTES = 10 * 1024 * 1024
"""Largest body that is JSON."""
_MALFORMED = 400
_NUL = b"%00"


class NativeRoute(APIRoute):
    """An endpoint of the native API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint with the rules of this API around it."""
        endpoint = super().get_route_handler()
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def handle(request: Request) -> Response:
            try:
                _check_query(request)
                if takes_json or once.is_json(request.headers.get("content-type", "")):
                    request = _limited(request)
                if takes_json:
                    await _check_media_type(request)
                if request.method == "POST" and once.HEADER in request.headers:
                    response = await once.run(request, endpoint)
                else:
                    response = await endpoint(request)
            except (RequestValidationError, HTTPException) as error:
                if getattr(error, "status_code", _MALFORMED) == _MALFORMED:
                    # A body that is no JSON is found before the key was looked at.
                    await credentials_of(request, runtime_of(request))
                raise
            response.headers.update(rate.headers_of(request))
            return response

        return handle


def native_router(prefix: str, tag: str) -> APIRouter:
    """Return a router whose endpoints keep the rules of the native API.

    Args:
        prefix: Of their paths, below `/api/trireme/v1`.
        tag: Their heading in the description.
    """
    return APIRouter(prefix=prefix, tags=[tag], route_class=NativeRoute, redirect_slashes=False)


def _check_query(request: Request) -> None:
    """See that no text of the query has a NUL.

    Raises:
        HTTPException: 400, one has.
    """
    if _NUL in request.scope["query_string"]:
        raise HTTPException(_MALFORMED)


async def _check_media_type(request: Request) -> None:
    """See that a body is JSON.

    Raises:
        HTTPException: 415, it is something else, and the key is good.
    """
    if _has_body(request) and not once.is_json(request.headers.get("content-type", "")):
        await credentials_of(request, runtime_of(request))
        raise HTTPException(415)


def _limited(request: Request) -> Request:
    """Return the request with a body that can be read up to the limit, and within a time.

    Raises:
        HTTPException: 413, it says itself that it is larger.
    """
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > BODY_BYTES:
        raise HTTPException(413)
    receive = bounded(
        request.receive,
        limit=BODY_BYTES,
        too_large=partial(HTTPException, 413),
        too_slow=partial(HTTPException, 408),
    )
    return Request(request.scope, receive)


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers

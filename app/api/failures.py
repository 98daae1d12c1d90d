"""Errors on their way out: each is rendered by the family that owns the URL.

Handlers of the application, not of routes, because the transaction of a request must see the error first and roll
back (`app.dependencies`).
"""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from app.api.families import Family, family_of
from app.core.errors import CoreError, Overloaded
from app.db.engine import DatabaseAway

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_METHOD_NOT_ALLOWED = 405
_HUNG_UP = 499
"""Nobody reads this answer; the log line does."""


def install(app: FastAPI) -> None:
    """Let the families render every error of an application.

    A crash is answered and then raised again by Starlette, so that the server logs it.
    """
    for kind in (CoreError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _render)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(DatabaseAway, _database_away)


async def respond(request: Request, error: Exception) -> Response:
    """Return the answer to any error, as the handlers of `install` would."""
    if isinstance(error, ClientDisconnect):
        return await _hung_up(request, error)
    if isinstance(error, DatabaseAway):
        return await _database_away(request, error)
    return await _render(request, error)


async def _render(request: Request, error: Exception) -> Response:
    family: Family = getattr(request.app.state, "family", None) or family_of(request.scope["path"])
    if isinstance(error, HTTPException) and error.status_code == _METHOD_NOT_ALLOWED:
        error = _with_allow(request, error)
    return family.render(request, error)


async def _database_away(request: Request, error: Exception) -> Response:
    del error
    return await _render(request, Overloaded("the database is away", retry_after_seconds=5))


async def _hung_up(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=_HUNG_UP)


def _with_allow(request: Request, error: HTTPException) -> HTTPException:
    """Return the error with all methods of the URL in `Allow`: the router names those of one route only."""
    allowed = allowed_methods(request, request.app.routes)
    if not allowed:
        return error
    return HTTPException(error.status_code, error.detail, {**(error.headers or {}), "Allow": ", ".join(allowed)})


def allowed_methods(request: Request, routes: Sequence[BaseRoute]) -> list[str]:
    """Return the methods that some route of this URL takes, sorted."""
    asked = [(method, {**request.scope, "method": method}) for method in _METHODS]
    return [method for method, scope in asked if any(route.matches(scope)[0] is Match.FULL for route in routes)]

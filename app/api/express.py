"""The way of the hottest requests: exact paths go straight to their function, past the layers of the frameworks.

Those layers (two of Starlette, three of FastAPI, the router and its patterns) cost a sixth of a whole send; what they
do for an error, `app.api.failures` does here as well. May import `app.api.failures` and Starlette.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import failures

Endpoint = Callable[[Request], Awaitable[Response]]
Routes = Mapping[tuple[str, str], tuple[Endpoint, dict[str, Any]]]
"""(method, path) -> the function and its path parameters."""

_CRASH = 500


class Express:
    """An application in front of the whole one, which gets everything that is not on the list."""

    def __init__(self, app: ASGIApp, routes: Routes) -> None:
        """Take what it works with.

        Args:
            app: The whole application; the functions see it as `request.app`.
            routes: What goes straight through.
        """
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a crash is answered and then raised, as Starlette does."""
        found = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        endpoint, path_params = found
        request = Request({**scope, "app": self._app, "path_params": path_params}, receive)
        try:
            response = await endpoint(request)
        except Exception as error:
            response = await failures.respond(request, error)
            await response(scope, receive, send)
            if response.status_code == _CRASH:
                raise
            return
        await response(scope, receive, send)

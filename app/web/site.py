"""All links and pages of recipients as one ASGI application. Imports the modules that serve them.

The hot two, pixels and clicks, go straight to their function; what the framework's layers would do for an error is
done here as well. The rest goes through Starlette's router.

Source: docs/contract/dyn-email.md, section 13.
"""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.core.errors import CoreError
from app.db.engine import DatabaseAway
from app.web import confirm, errors, profile, sender, tracking, unsubscribe, web_view

FAMILY = "web"
"""In log lines and figures."""
ROUTES = [
    Route("/t/o/{token}.gif", tracking.opened, methods=["GET"]),
    Route("/t/c/{token}", tracking.clicked, methods=["GET"]),
    Route("/u/{token}", unsubscribe.show, methods=["GET"]),
    Route("/u/{token}", unsubscribe.act, methods=["POST"]),
    Route("/w/{token}", web_view.show, methods=["GET"]),
    Route("/p/{token}", profile.show, methods=["GET"]),
    Route("/p/{token}", profile.save, methods=["POST"]),
    Route("/c/{token}", confirm.confirm, methods=["GET"]),
    Route("/s/{token}", sender.confirm, methods=["GET"]),
]
_FIRST_PARTS = frozenset(route.path.split("/")[1] for route in ROUTES)
_HANDLED = (CoreError, HTTPException, DatabaseAway, ClientDisconnect, Exception)
_CRASH = 500
_NOT_ALLOWED = 405

Endpoint = Callable[[Request], Awaitable[Response]]


class Site:
    """The application.

    Attributes:
        pages: What goes through the router; its state holds the runtime.
    """

    def __init__(self) -> None:
        """Assemble; nothing starts."""
        self.pages = Starlette(routes=ROUTES, exception_handlers=dict.fromkeys(_HANDLED, _handle))
        self.pages.router.redirect_slashes = False

    @staticmethod
    def owns(path: str) -> bool:
        """Tell whether a URL is of this family, whether or not there is anything at it."""
        return path[1:].partition("/")[0] in _FIRST_PARTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a crash is answered and then raised, as Starlette does."""
        endpoint, token = _hot(scope["path"]) if scope["method"] in {"GET", "HEAD"} else (None, "")
        if endpoint is None:
            await self.pages(scope, receive, send)
            return
        request = Request({**scope, "app": self.pages, "path_params": {"token": token}}, receive)
        try:
            response = await endpoint(request)
        except Exception as error:
            response = await _handle(request, error)
            await response(scope, receive, send)
            if response.status_code == _CRASH:
                raise
            return
        await response(scope, receive, send)


def _hot(path: str) -> tuple[Endpoint | None, str]:
    """Return the function and the token of a pixel's or a click's URL; None for another."""
    if path.startswith("/t/"):
        token = path[5:]
        if path.startswith("o/", 3) and token.endswith(".gif"):
            token = token[:-4]
            return (tracking.opened, token) if token and "/" not in token else (None, "")
        if path.startswith("c/", 3) and token and "/" not in token:
            return tracking.clicked, token
    return None, ""


async def _handle(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == _NOT_ALLOWED:
        # The router names the methods of one route; a URL has those of all its routes.
        path = request.scope["path"]
        found = {method for route in ROUTES if route.path_regex.match(path) for method in route.methods or ()}
        error = HTTPException(_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(found))})
    return await errors.handle(request, error)

"""The outermost layer of the HTTP listener: a request's id, its log line and its figures.

A line is written for each request: at `debug` when all went well, at `info` for a 4xx or when it took a second, at
`error` for a 5xx. So a server at the default level logs what somebody should look at, and pays nothing for the
thousands of good requests a second of the send path, which the counters show.
"""

import logging
import re
from collections.abc import Callable
from random import getrandbits
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry import context, counters
from app.telemetry.logger import Logger

SLOW_SECONDS = 1.0
"""A request that takes this long is logged at `info`."""
_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_TOKEN = re.compile(r"(/(?:t/[oc]|[uwpc])/[^/]{0,17})[^/]*")
"""A link of a recipient: up to here its token names the copy, the rest is what makes it good."""
_LOG = Logger("app.http")
_LEVELS = logging.getLogger("app.http")


class Observed:
    """Wraps the application; pure ASGI, some ten microseconds a request."""

    def __init__(self, app: ASGIApp, family_of: Callable[[Scope], str]) -> None:
        """Take what it works with.

        Args:
            app: What serves the request.
            family_of: Names the family a request belongs to.
        """
        self._app = app
        self._family_of = family_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an exception that already was answered ends here, with a log line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        path = scope["path"]
        request_id = _wanted_id(scope) or f"{getrandbits(128):032x}"
        context.begin_request(request_id)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        crash: Exception | None = None
        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            crash = error
            if not status:
                status = 500
                raise
        finally:
            seconds = perf_counter() - began
            counters.count_request(self._family_of(scope), status or 499, seconds)
            _log(scope["method"], path, status or 499, seconds, crash)


def _wanted_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode("ascii") if _SANE_ID.fullmatch(value) else ""
    return ""


def _log(method: str, path: str, status: int, seconds: float, crash: Exception | None) -> None:
    failed = status >= 500  # noqa: PLR2004 HTTP
    noticed = failed or status >= 400 or seconds >= SLOW_SECONDS  # noqa: PLR2004 HTTP
    if not noticed and not _LEVELS.isEnabledFor(logging.DEBUG):
        return  # before anything is built: this is the way of every good request
    shown = _TOKEN.sub(r"\1...", path[:500], count=1) if _TOKEN.match(path) else path[:500]
    facts: dict[str, Any] = {"method": method, "path": shown, "status": status, "ms": round(seconds * 1000, 1)}
    if crash is not None:
        _LOG.error("http.crash", **facts, exc_info=crash)
    elif failed:
        _LOG.error("http.request", **facts)
    elif noticed:
        _LOG.info("http.request", **facts)
    else:
        _LOG.debug("http.request", **facts)

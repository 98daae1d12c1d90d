"""Errors as pages. Imports the core's errors; the table has a row for each of them.

A page tells nothing of what exists: an altered link and one whose mail is gone look alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core.errors import (
    Conflict,
    CoreError,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    QuotaExceeded,
    StaleCaller,
    Unauthenticated,
)
from app.db.engine import DatabaseAway
from app.web.pages import page

_HUNG_UP = 499
"""Nobody reads this answer; the log line does."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the table.

    Attributes:
        status: HTTP status.
        key: What the page says, in `texts.toml`.
    """

    status: int
    key: str


_AWAY = Shown(503, "away")
_CRASH = Shown(500, "crash")
_NOT_FOUND = Shown(404, "not_found")
_UNREADABLE = Shown(400, "unreadable")

TABLE: Mapping[type[CoreError], Shown] = {
    NotFound: _NOT_FOUND,
    Conflict: Shown(409, "unreadable"),
    Invalid: Shown(422, "unreadable"),
    Forbidden: _NOT_FOUND,
    Unauthenticated: _NOT_FOUND,
    StaleCaller: _AWAY,
    QuotaExceeded: _AWAY,
    Overloaded: _AWAY,
}
"""Each error of the core."""
_BY_STATUS: Mapping[int, Shown] = {
    404: _NOT_FOUND,
    405: Shown(405, "method"),
    408: Shown(408, "unreadable"),
    413: Shown(413, "too_large"),
}


async def handle(request: Request, error: Exception) -> Response:
    """Return the page for an error, whatever it is; one that is not known is our fault and tells nothing."""
    headers: Mapping[str, str] | None = None
    match error:
        case ClientDisconnect():
            return Response(status_code=_HUNG_UP)
        case DatabaseAway():
            shown, headers = _AWAY, {"Retry-After": "5"}
        case Overloaded(retry_after_seconds=seconds):
            shown, headers = _AWAY, {"Retry-After": str(seconds)}
        case CoreError():
            shown = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), _CRASH)
        case HTTPException():
            shown, headers = _BY_STATUS.get(error.status_code, _UNREADABLE), error.headers
        case _:
            shown = _CRASH
    return page(request, "error", status=shown.status, headers=headers, key=shown.key)

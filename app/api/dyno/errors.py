"""Dyno Email Marketing: every error in its words. Source: docs/contract/dyno.md, 2.

`render` is what `app.api.failures` calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.dyno.envelope import failed
from app.core.errors import (
    Conflict,
    CoreError,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    QuotaExceeded,
    StaleCaller,
    Unauthenticated,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        status: HTTP status.
        code: `error_code`.
        text: `error_message`; "" takes the error's own.
    """

    status: int
    code: str
    text: str


CRASH = Row(500, "500", "We had a problem with our server")
OFFLINE = Row(503, "503", "We're temporarily offline for maintenance")
UNKNOWN_ROUTE = Row(404, "404", "The specified api could not be found")
BAD_REQUEST = Row(400, "400", "")

TABLE: Mapping[type[CoreError], Row] = {
    NotFound: Row(500, "123", "RESOURCE NOT FOUND"),
    Conflict: Row(500, "124", ""),
    Invalid: BAD_REQUEST,
    Forbidden: Row(403, "403", "The requested is hidden for administrators only"),
    Unauthenticated: Row(401, "401", "Your API key is wrong"),
    StaleCaller: OFFLINE,
    QuotaExceeded: Row(500, "125", "SENDING LIMIT REACHED"),
    Overloaded: OFFLINE,
}
"""Each error of the core."""

_BY_STATUS: Mapping[int, Row] = {
    401: TABLE[Unauthenticated],
    403: TABLE[Forbidden],
    404: UNKNOWN_ROUTE,
    405: UNKNOWN_ROUTE,
    429: Row(429, "429", "You're requesting too many"),
    503: OFFLINE,
}


def render(request: Request, error: Exception) -> Response:
    """Return the answer to an error, whatever it is; one that is not known is our fault and tells nothing."""
    del request
    match error:
        case CoreError():
            return _core(error)
        case RequestValidationError():
            return failed(BAD_REQUEST.status, BAD_REQUEST.code, _first(error))
        case HTTPException(status_code=status):
            row = _BY_STATUS.get(status, CRASH if status >= 500 else BAD_REQUEST)  # noqa: PLR2004 HTTP
            headers = {"Retry-After": "1"} if status == 429 else None  # noqa: PLR2004 HTTP
            return failed(row.status, row.code, row.text or str(error.detail), headers)
        case _:
            return failed(CRASH.status, CRASH.code, CRASH.text)


def _core(error: CoreError) -> Response:
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), CRASH)
    if isinstance(error, Invalid):
        fault = error.faults[0]
        message = "is required" if fault.fault is Fault.REQUIRED else fault.message
        return failed(row.status, row.code, f"{fault.field} {message}")
    retry = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Overloaded) else None
    return failed(row.status, row.code, row.text or str(error), retry)


def _first(error: RequestValidationError) -> str:
    found = error.errors()[0]
    if found["type"] == "json_invalid":
        return "body is not valid JSON"
    name = str(found["loc"][-1]) if found["loc"] else "body"
    return f"{name} is required" if found["type"] == "missing" else f"{name} is not valid"

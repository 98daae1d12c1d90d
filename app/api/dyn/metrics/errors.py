"""Errors of Dyn Metrics: one row for each error of the core; always in the five fields.

`render` is what `app.api.failures` calls. May import Starlette, FastAPI's errors and `app.core.errors`.

Source: docs/contract/dyn-metrics.md, section 3.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.metrics.envelope import five_fields, format_of, write
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

Row = tuple[int, str]

INVALID_FIELDS: Row = (452, "Missing or Invalid Required Fields")
UNAVAILABLE: Row = (503, "Service Unavailable")
INTERNAL: Row = (500, "Internal Server Error")

TABLE: Mapping[type[CoreError], Row] = {
    NotFound: (404, "Not Found"),
    Conflict: (453, "Object Already Exists"),
    Invalid: INVALID_FIELDS,
    Forbidden: (454, "Feature Not Enabled"),
    Unauthenticated: (451, "Missing or Invalid API Key"),
    StaleCaller: UNAVAILABLE,
    QuotaExceeded: (454, "Feature Not Enabled"),
    Overloaded: UNAVAILABLE,
}
"""Status and message of each error of the core. Nothing here writes, so the second, sixth and seventh do not occur."""


class ParametersRefused(HTTPException):
    """Raised when required parameters are missing or values are not valid.

    Attributes:
        details: Sentences in the order of the parameter table.
    """

    def __init__(self, details: Sequence[str]) -> None:
        super().__init__(*INVALID_FIELDS)
        self.details = list(details)


def blank(name: str) -> str:
    """Return the sentence about a parameter that is missing."""
    return f"The {name} can not be blank."


def not_valid(name: str) -> str:
    """Return the sentence about a parameter whose value is not valid."""
    return f"The {name} is not valid."


def render(request: Request, error: Exception) -> Response:
    """Return the answer to an error, whatever it is; one that is not known is our fault and tells nothing."""
    match error:
        case ParametersRefused(details=details):
            return _answer(request, INVALID_FIELDS, details)
        case Invalid(faults=faults):
            sentences = [(blank if fault.fault is Fault.REQUIRED else not_valid)(fault.field) for fault in faults]
            return _answer(request, INVALID_FIELDS, sentences)
        case CoreError():
            row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), INTERNAL)
            return _answer(request, row, headers=_retry_after(error, row))
        case RequestValidationError():
            return _answer(request, INVALID_FIELDS)
        case HTTPException(status_code=status):
            return _answer(request, (status, _phrase(status)), headers=error.headers)
        case _:
            return _answer(request, INTERNAL)


def _answer(
    request: Request, row: Row, details: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> Response:
    code, message = row
    tree = five_fields(request, "error", {"code": code, "message": message, "details": list(details)})
    return write(format_of(request), tree, items={"details": "detail"}, status=code, title=message, headers=headers)


def _retry_after(error: CoreError, row: Row) -> dict[str, str] | None:
    if isinstance(error, Overloaded):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {"Retry-After": "1"} if row is UNAVAILABLE else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return INTERNAL[1]

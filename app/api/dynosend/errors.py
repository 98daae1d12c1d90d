"""Dynosend: every error in its words. `render` is what `app.api.failures` calls.

Source: docs/contract/dynosend.md, 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.dynosend.envelope import failed
from app.core.errors import (
    Conflict,
    CoreError,
    Fault,
    FieldFault,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    QuotaExceeded,
    StaleCaller,
    Unauthenticated,
)


class Refused(Exception):
    """Raised when a request ends with a sentence of this family's own.

    Attributes:
        status: HTTP status.
        message: The sentence.
        headers: More headers.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class BodyTooLarge(Refused):
    """Raised for a body beyond the limit, or with more fields than any request may have."""

    def __init__(self) -> None:
        super().__init__(413, "Payload Too Large")


class BodyTooSlow(Refused):
    """Raised for a body that takes too long to arrive."""

    def __init__(self) -> None:
        super().__init__(408, "Request Timeout")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        status: HTTP status.
        message: "" takes the error's own.
    """

    status: int
    message: str


CONTACT_EXISTS = "A contact with this email already exists in this audience"
BLACKLISTED = "The email address is blacklisted"
CRASH = Row(500, "Server Error")
BUSY = Row(503, "Service Unavailable")
UNKNOWN_ROUTE = Row(404, "Not Found")
BAD_REQUEST = Row(400, "Bad Request")

TABLE: Mapping[type[CoreError], Row] = {
    NotFound: Row(404, ""),
    Conflict: Row(400, ""),
    Invalid: Row(400, ""),
    Forbidden: Row(401, "You are not authorized to access this resource"),
    Unauthenticated: Row(401, "Unauthenticated."),
    StaleCaller: BUSY,
    QuotaExceeded: Row(401, "You have reached your monthly quota"),
    Overloaded: BUSY,
}
"""Each error of the core."""

_MISSING: Mapping[str, str] = {
    "no such audience": "Audience not found",
    "no such contact": "Contact not found",
    "no such campaign": "Campaign not found",
    "no such transactional message": "Transactional message not found",
}
"""What a `NotFound` of the core says, and what this family says."""
_TAKEN: Mapping[str, str] = {"the contact exists": CONTACT_EXISTS, "the field exists": "Field tag exists"}
_NO_VALIDATION: Mapping[Fault, str] = {Fault.TAKEN: CONTACT_EXISTS, Fault.SUPPRESSED: BLACKLISTED}


def render(request: Request, error: Exception) -> Response:
    """Return the answer to an error, whatever it is; one that is not known is our fault and tells nothing."""
    headers = getattr(request.state, "dynosend_headers", {})
    response = _answer(error)
    response.headers.update(headers)
    return response


def sentence(fault: FieldFault) -> str:
    """Return the sentence about a value; a message that begins with "The " is one already."""
    if fault.message.startswith("The "):
        return fault.message
    if fault.fault is Fault.REQUIRED:
        return f"The {fault.field} field is required."
    return f"The {fault.field} {fault.message}."


def _answer(error: Exception) -> Response:
    match error:
        case Refused():
            return failed(error.status, error.message, headers=error.headers)
        case CoreError():
            return _core(error)
        case RequestValidationError():
            return failed(BAD_REQUEST.status, BAD_REQUEST.message)
        case HTTPException(status_code=status):
            rows = {404: UNKNOWN_ROUTE, 503: BUSY}
            row = rows.get(status) or (CRASH if status >= 500 else Row(status, str(error.detail)))  # noqa: PLR2004 HTTP
            return failed(row.status, row.message, headers=error.headers)
        case _:
            return failed(CRASH.status, CRASH.message)


def _core(error: CoreError) -> Response:
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), CRASH)
    match error:
        case Invalid():
            return _invalid(row, error)
        case Unauthenticated():
            return failed(row.status, row.message, error=row.message)
        case NotFound():
            return failed(row.status, _MISSING.get(str(error), UNKNOWN_ROUTE.message))
        case Conflict():
            return failed(row.status, _TAKEN.get(str(error), str(error) or BAD_REQUEST.message))
        case Overloaded():
            return failed(row.status, row.message, headers={"Retry-After": str(error.retry_after_seconds)})
        case _:
            return failed(row.status, row.message)


def _invalid(row: Row, error: Invalid) -> Response:
    plain = _NO_VALIDATION.get(error.faults[0].fault)
    if plain is not None:
        return failed(row.status, plain)
    errors: dict[str, list[str]] = {}
    for fault in error.faults:
        errors.setdefault(fault.field, []).append(sentence(fault))
    return failed(row.status, sentence(error.faults[0]), errors=errors)

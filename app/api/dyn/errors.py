"""Errors of the classic API: one row for each error of the core, and the sentences of a 452.

`render` is what `app.api.failures` calls. May import Starlette, FastAPI's errors and `app.core.errors`.

Source: docs/contract/dyn-email.md, section 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.envelope import answer, format_of
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
    """An answer to one error.

    Attributes:
        status: Of HTTP and of the body.
        message: Of the body.
        data: Of the body; None stands for the empty object.
    """

    status: int
    message: str
    data: str | None = None


INVALID_FIELDS = Row(452, "Missing or Invalid Required Fields")
UNAVAILABLE = Row(503, "Service Unavailable")
INTERNAL = Row(500, "Internal Server Error")
TOO_LARGE = Row(413, "Request Too Large")

TABLE: Mapping[type[CoreError], Row] = {
    NotFound: Row(404, "Not Found"),
    Conflict: Row(453, "Object Already Exists"),
    Invalid: INVALID_FIELDS,
    Forbidden: Row(454, "Feature Not Enabled"),
    Unauthenticated: Row(451, "Missing or Invalid API Key"),
    StaleCaller: UNAVAILABLE,
    QuotaExceeded: Row(200, "OK", "452 4.3.1 Error: sending limit reached"),
    Overloaded: UNAVAILABLE,
}
"""Each error of the core."""

THINGS: Mapping[str, str] = {
    "companyname": "company name",
    "phone": "phone number",
    "bounce_url": "bounce url",
    "spam_url": "spam url",
    "unsub_url": "unsubscribe url",
    "emailaddress": "email address",
    "dkim": "dkim selector",
    "starttime": "start time",
    "endtime": "end time",
    "startindex": "start index",
}
"""Parameters whose sentences call them by another name."""


class BodyTooLarge(HTTPException):
    """Raised when a request is larger than any that is read."""

    def __init__(self) -> None:
        super().__init__(TOO_LARGE.status, TOO_LARGE.message)


class BodyTooSlow(HTTPException):
    """Raised when a body does not arrive in time."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_TIMEOUT)


class FieldsRefused(HTTPException):
    """Raised when required fields are missing or values are not valid.

    Attributes:
        data: Sentences in the order of the parameter table; for `send` one text.
    """

    def __init__(self, data: Sequence[str] | str) -> None:
        super().__init__(INVALID_FIELDS.status, INVALID_FIELDS.message)
        self.data = data if isinstance(data, str) else list(data)


def blank(name: str) -> str:
    """Return the sentence about a parameter that is missing."""
    return f"The {THINGS.get(name, name)} can not be blank."


def not_valid(name: str) -> str:
    """Return the sentence about a parameter whose value is not valid."""
    return f"The {THINGS.get(name, name)} is not valid."


class Problems:
    """What is wrong with the parameters of a request; all of it is reported together."""

    __slots__ = ("sentences",)

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def blank(self, name: str) -> None:
        """Note that a parameter is missing."""
        self.sentences.append(blank(name))

    def not_valid(self, name: str) -> None:
        """Note that a parameter's value is not valid."""
        self.sentences.append(not_valid(name))

    def check(self) -> None:
        """Go on only when nothing was noted.

        Raises:
            FieldsRefused: Something was.
        """
        if self.sentences:
            raise FieldsRefused(self.sentences)


def render(request: Request, error: Exception) -> Response:
    """Return the answer to an error, whatever it is; one that is not known is our fault and tells nothing."""
    match error:
        case FieldsRefused(data=data):
            return answer(request, INVALID_FIELDS.status, INVALID_FIELDS.message, data)
        case Invalid(faults=faults):
            sentences = [
                (blank if fault.fault is Fault.REQUIRED else not_valid)(_wire(fault.field)) for fault in faults
            ]
            return answer(request, INVALID_FIELDS.status, INVALID_FIELDS.message, sentences)
        case CoreError():
            row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), INTERNAL)
            return _row(request, row, _retry_after(error))
        case RequestValidationError():
            return answer(request, INVALID_FIELDS.status, INVALID_FIELDS.message, [])
        case HTTPException():
            return _http(request, error)
        case _:
            return _row(request, INTERNAL)


def _http(request: Request, error: HTTPException) -> Response:
    if format_of(request) is None:  # a type that does not exist: whatever else is wrong, nothing is there
        return _row(request, TABLE[NotFound])
    headers = dict(error.headers or {})
    match error.status_code:
        case TOO_LARGE.status:
            return _row(request, TOO_LARGE, headers)
        case UNAVAILABLE.status:
            return _row(request, UNAVAILABLE, {"Retry-After": "1", **headers})
        case status:
            return _row(request, Row(status, _phrase(status)), headers)


def _row(request: Request, row: Row, headers: Mapping[str, str] | None = None) -> Response:
    return answer(request, row.status, row.message, {} if row.data is None else row.data, headers)


def _retry_after(error: CoreError) -> dict[str, str] | None:
    match error:
        case Overloaded(retry_after_seconds=seconds):
            return {"Retry-After": str(seconds)}
        case StaleCaller():
            return {"Retry-After": "1"}
        case _:
            return None


def _wire(field: str) -> str:
    """Return a name of the core as the parameter is spelled: `company_name` is `companyname`."""
    return field if field in THINGS else field.replace("_", "")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return INTERNAL.message

"""Problems (RFC 9457): every error in the words of the native API, and of every URL that no family owns.

Source: docs/contract/native.md, 1, "Errors". `render` is what `app.api.failures` calls.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.native import rate
from app.api.native.refusals import RETRY_SECONDS, KeyInProgress, KeyUsed
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
from app.telemetry import context

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table.

    Attributes:
        status: HTTP status.
        type: Last part of the problem's type.
        title: What it is called, the same every time.
    """

    status: int
    type: str
    title: str


UNAUTHENTICATED = Problem(401, "unauthenticated", "Credentials are missing or not valid")
FORBIDDEN = Problem(403, "forbidden", "Not allowed")
NOT_FOUND = Problem(404, "not-found", "Not found")
VALIDATION = Problem(422, "validation", "Validation failed")
MALFORMED = Problem(400, "malformed", "The request is malformed")
INTERNAL = Problem(500, "internal", "Internal error")
NOT_THERE_YET = Problem(501, "not-implemented", "Not there yet")
WRONG_STATE = Problem(409, "wrong-state", "The state does not allow it")
UNAVAILABLE = Problem(503, "unavailable", "Not available at the moment")

TABLE: Mapping[type[CoreError], Problem] = {
    NotFound: NOT_FOUND,
    Conflict: Problem(409, "conflict", "In conflict with what is there"),
    KeyInProgress: Problem(409, "idempotency-in-progress", "The first request is not finished"),
    KeyUsed: Problem(409, "idempotency-conflict", "The key was used for another request"),
    Invalid: VALIDATION,
    Forbidden: FORBIDDEN,
    Unauthenticated: UNAUTHENTICATED,
    StaleCaller: UNAVAILABLE,
    QuotaExceeded: Problem(403, "quota-exceeded", "The monthly quota is spent"),
    Overloaded: UNAVAILABLE,
}
"""Each error of the core."""

_BY_STATUS: Mapping[int, Problem] = {
    400: MALFORMED,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: Problem(405, "method-not-allowed", "The method is not allowed here"),
    408: Problem(408, "malformed", "The request did not arrive in time"),
    413: Problem(413, "too-large", "The body is too large"),
    415: Problem(415, "unsupported-media-type", "The media type is not supported"),
    422: VALIDATION,
    429: Problem(429, "too-many-requests", "Too many requests"),
    501: NOT_THERE_YET,
    503: UNAVAILABLE,
}
_CODES: Mapping[Fault, str] = {
    Fault.REQUIRED: "required",
    Fault.INVALID: "invalid",
    Fault.TOO_LONG: "too_long",
    Fault.TOO_SHORT: "too_short",
    Fault.OUT_OF_RANGE: "out_of_range",
    Fault.UNKNOWN: "unknown",
    Fault.NOT_FOUND: "not_found",
    Fault.TAKEN: "taken",
    Fault.NOT_APPROVED: "not_approved",
    Fault.SUPPRESSED: "suppressed",
    Fault.SYNTAX: "syntax",
}
_PYDANTIC_CODES: Mapping[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "too_short": "too_short",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "finite_number": "out_of_range",
    "int_parsing_size": "out_of_range",
}

_PYDANTIC_MESSAGES: Mapping[str, str] = {"missing": "is required", "extra_forbidden": "is not known"}
"""Instead of pydantic's, as the contract has them."""


def answer(
    problem: Problem,
    detail: str = "",
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Return a problem as a response.

    Args:
        problem: What it is.
        detail: What is the matter this time; nothing that the caller may not know.
        errors: The fields that can't be accepted: field, code, message.
        headers: More headers.
        members: More members.
    """
    body: dict[str, Any] = {"type": f"/problems/{problem.type}", "title": problem.title, "status": problem.status}
    if detail:
        body["detail"] = detail
    body["request_id"] = context.request_id()
    if errors is not None:
        body["errors"] = errors
    sent = dict(headers or {})
    if problem.status == UNAUTHENTICATED.status:
        sent.setdefault("WWW-Authenticate", "Bearer")
    return Response(orjson.dumps(body | members), problem.status, sent, MEDIA_TYPE)


def render(request: Request, error: Exception) -> Response:
    """Return the answer to an error, whatever it is; one that is not known is our fault and tells nothing."""
    response = _rendered(error)
    response.headers.update(rate.headers_of(request))
    return response


def _rendered(error: Exception) -> Response:
    match error:
        case CoreError():
            return _core(error)
        case RequestValidationError():
            return _request(error)
        case HTTPException():
            problem = _BY_STATUS.get(error.status_code, INTERNAL if error.status_code >= 500 else MALFORMED)  # noqa: PLR2004 HTTP
            return answer(problem, _told(error), headers=error.headers)
        case _:
            return answer(INTERNAL)


def _told(error: HTTPException) -> str:
    """Return what an endpoint said of its 400; other errors of HTTP have words of their own."""
    usual = {HTTPException(error.status_code).detail, "Error parsing body", ""}
    return str(error.detail) if error.status_code == MALFORMED.status and error.detail not in usual else ""


def _core(error: CoreError) -> Response:
    problem = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), INTERNAL)
    match error:
        case Invalid(faults=faults):
            return answer(problem, _counted(len(faults)), errors=[fault_out(fault) for fault in faults])
        case Overloaded(retry_after_seconds=seconds):
            return answer(problem, headers={"Retry-After": str(seconds)})
        case StaleCaller():
            return answer(problem, headers={"Retry-After": str(RETRY_SECONDS)})
        case KeyInProgress():
            return answer(problem, str(error), headers={"Retry-After": str(RETRY_SECONDS)})
        case Conflict(state=str(state)):
            return answer(WRONG_STATE, str(error), state=state)
        case _:
            return answer(problem, "" if problem is INTERNAL else str(error))


def fault_out(fault: FieldFault) -> dict[str, str]:
    """Return a value that can't be accepted as a member of `errors`."""
    return {"field": fault.field, "code": _CODES[fault.fault], "message": fault.message}


def _request(error: RequestValidationError) -> Response:
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return answer(MALFORMED, "the body is not valid JSON")
    if any(item["loc"] and item["loc"][0] != "body" for item in found):
        names = ", ".join(str(item["loc"][-1]) for item in found if item["loc"])
        return answer(MALFORMED, f"not valid: {names}")
    errors = errors_of_body(found, skipped=1)
    return answer(VALIDATION, _counted(len(errors)), errors=errors)


def errors_of_body(found: Iterable[Mapping[str, Any]], *, skipped: int = 0) -> list[dict[str, str]]:
    """Return what pydantic found as members of `errors`.

    Args:
        found: Of its `errors()`.
        skipped: Parts of each place that do not name a member, such as `body`.
    """
    return [
        {
            "field": _place(item, skipped),
            "code": _PYDANTIC_CODES.get(item["type"], "invalid"),
            "message": _PYDANTIC_MESSAGES.get(item["type"]) or _sentence(item["msg"]),
        }
        for item in found
    ]


def _place(item: Mapping[str, Any], skipped: int) -> str:
    path = ".".join(str(part) for part in item["loc"][skipped:])
    if item["type"] != "characters":
        return path
    inner = str((item.get("ctx") or {}).get("field", ""))  # found for the whole object (app.api.native.bodies)
    return ".".join(part for part in (path, inner) if part)


def _counted(count: int) -> str:
    return "1 field is not valid" if count == 1 else f"{count} fields are not valid"


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:]

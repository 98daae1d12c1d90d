"""Errors in the family's words, rates and dates (docs/contract/dynosend.md, 3 and 5)."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.dynosend.auth import address_of_client
from app.api.dynosend.envelope import moment, rate
from app.api.dynosend.errors import BodyTooLarge, BodyTooSlow, Refused, render
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


def request(**scope: object) -> Request:
    return Request({"type": "http", "headers": [], "method": "GET", "path": "/", "query_string": b"", **scope})


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (NotFound("no such audience"), 404, "Audience not found"),
        (NotFound("no such contact"), 404, "Contact not found"),
        (NotFound("no such campaign"), 404, "Campaign not found"),
        (NotFound("no such transactional message"), 404, "Transactional message not found"),
        (NotFound("x"), 404, "Not Found"),
        (Conflict("the contact exists"), 400, "A contact with this email already exists in this audience"),
        (Conflict("the field exists"), 400, "Field tag exists"),
        (Conflict("another"), 400, "another"),
        (Conflict(state="sending"), 400, "Bad Request"),
        (Invalid([FieldFault("email", Fault.TAKEN)]), 400, "A contact with this email already exists in this audience"),
        (Invalid([FieldFault("email", Fault.SUPPRESSED)]), 400, "The email address is blacklisted"),
        (Invalid([FieldFault("AGE", Fault.REQUIRED, "is required")]), 400, "The AGE field is required."),
        (Invalid([FieldFault("AGE", Fault.INVALID, "must be a number")]), 400, "The AGE must be a number."),
        (Invalid([FieldFault("type", Fault.INVALID, "The selected type is invalid.")]), 400, "The selected type is invalid."),
        (Forbidden("x"), 401, "You are not authorized to access this resource"),
        (Unauthenticated("x"), 401, "Unauthenticated."),
        (QuotaExceeded("x"), 401, "You have reached your monthly quota"),
        (StaleCaller("x"), 503, "Service Unavailable"),
        (Overloaded("x", retry_after_seconds=7), 503, "Service Unavailable"),
        (CoreError("secret"), 500, "Server Error"),
        (RuntimeError("secret"), 500, "Server Error"),
        (RequestValidationError([]), 400, "Bad Request"),
        (HTTPException(404), 404, "Not Found"),
        (HTTPException(405, "Method Not Allowed", {"Allow": "GET"}), 405, "Method Not Allowed"),
        (HTTPException(503, "secret"), 503, "Service Unavailable"),
        (HTTPException(502, "secret"), 500, "Server Error"),
        (Refused(400, "Only a ready campaign can be started"), 400, "Only a ready campaign can be started"),
        (BodyTooLarge(), 413, "Payload Too Large"),
        (BodyTooSlow(), 408, "Request Timeout"),
    ],
)  # fmt: skip
def test_each_error_has_its_words(error: Exception, status: int, message: str) -> None:
    asked = request()
    asked.state.dynosend_headers = {"X-RateLimit-Limit": "10"}
    answer = render(asked, error)
    body = json.loads(bytes(answer.body))
    assert (answer.status_code, body["status"], body["message"]) == (status, "error", message)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-ratelimit-limit"] == "10"
    assert ("error" in body) is isinstance(error, Unauthenticated)
    assert (answer.headers.get("retry-after") == "7") is isinstance(error, Overloaded)
    assert render(request(), error).body == answer.body


def test_several_faults_are_listed_by_parameter() -> None:
    faults = [FieldFault("a", Fault.REQUIRED), FieldFault("b", Fault.INVALID, "is bad"), FieldFault("a", Fault.INVALID)]
    body = json.loads(bytes(render(request(), Invalid(faults)).body))
    assert body == {
        "status": "error",
        "message": "The a field is required.",
        "errors": {"a": ["The a field is required.", "The a is not valid."], "b": ["The b is bad."]},
    }


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [(0, 0, "0"), (5, 0, "0"), (0, 7, "0"), (7, 7, "1"), (1, 3, "0.33"), (2, 3, "0.67"), (1, 8, "0.13"), (38, 114, "0.33"),
     (1, 200, "0.01"), (1, 201, "0"), (3, 2, "1.5"), (999, 1000, "1")],
)  # fmt: skip
def test_rates_are_rounded_half_up(count: int, total: int, expected: str) -> None:
    assert json.dumps(rate(count, total)) == expected


def test_dates_have_six_digits_and_z() -> None:
    assert moment(datetime(2021, 12, 4, 7, 29, 24, tzinfo=UTC)) == "2021-12-04T07:29:24.000000Z"
    assert (
        moment(datetime(2021, 12, 4, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))) == "2021-12-04T07:00:00.000005Z"
    )
    assert moment(None) is None


def test_the_clients_address_is_one_or_unknown() -> None:
    assert address_of_client(request(client=("192.0.2.1", 1))) == "192.0.2.1"
    assert address_of_client(request(client=("fe80::1%eth0", 1))) == "fe80::1"
    assert address_of_client(request(client=("/run/socket", 0))) is None
    assert address_of_client(request(client=None)) is None

"""Dynosend: answers, dates and rates. Imports Starlette and `orjson`. Source: docs/contract/dynosend.md, 3 and 5."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import orjson
from starlette.responses import Response

CORS = {"Access-Control-Allow-Origin": "*"}
"""On every answer."""
_HUNDREDTH = Decimal("0.01")


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, {**CORS, **(headers or {})}, "application/json")


def done(message: str, **more: object) -> Response:
    """Return the answer to a change: `status`, `message`, and what else is named, in that order."""
    return json_answer({"status": "success", "message": message, **more})


def nothing() -> Response:
    """Return 204 with an empty body."""
    return Response(status_code=204, headers=CORS)


def failed(
    status: int,
    message: str,
    *,
    errors: Mapping[str, list[str]] | None = None,
    error: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a failure.

    Args:
        status: HTTP status.
        message: A sentence.
        errors: Sentences by parameter, for validation alone.
        error: The third key of the 401 for credentials.
        headers: More headers.
    """
    body: dict[str, object] = {"status": "error", "message": message}
    if errors is not None:
        body["errors"] = errors
    if error is not None:
        body["error"] = error
    return json_answer(body, status, headers)


def moment(at: datetime | None) -> str | None:
    """Return an instant as it is written: UTC, always six digits and Z; None stays."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at is not None else None


def rate(count: int, total: int) -> float:
    """Return a fraction rounded half up to 2 decimals; an integer where it is whole, 0 when there is nothing."""
    if not total:
        return 0
    rounded = (Decimal(count) / Decimal(total)).quantize(_HUNDREDTH, ROUND_HALF_UP)
    return int(rounded) if rounded == int(rounded) else float(rounded)

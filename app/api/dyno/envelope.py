"""Dyno Email Marketing: the envelope around every answer. Source: docs/contract/dyno.md, 2."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

JSON = "application/json"


def ok(data: Mapping[str, object]) -> dict[str, object]:
    """Return the body of a success."""
    return {"has_error": False, "error_code": "", "data": data}


def answered(data: Mapping[str, object]) -> Response:
    """Return a success."""
    return Response(orjson.dumps(ok(data)), media_type=JSON)


def failed(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a failure; its text stands under both spellings of its key.

    Args:
        status: HTTP status.
        code: `error_code`.
        text: `error_message`.
        headers: More headers.
    """
    body = {"has_error": True, "error_code": code, "error_message": text, "error message": text, "data": {}}
    return Response(orjson.dumps(body), status, headers, JSON)

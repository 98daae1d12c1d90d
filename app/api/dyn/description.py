"""How the classic API appears in `/openapi.json`: parameters may come in the query or the body, unknown to FastAPI.

Imports the standard library only.
"""

from collections.abc import Sequence
from typing import Any

LISTS = frozenset({"to", "cc", "bcc"})
"""Parameters that take several values."""

_TYPE = {
    "name": "type",
    "in": "path",
    "required": True,
    "description": "What the answer is written in.",
    "schema": {"type": "string", "enum": ["json", "xml", "html"]},
}
_ENVELOPE = {
    "type": "object",
    "properties": {
        "response": {
            "type": "object",
            "properties": {"status": {"type": "integer"}, "message": {"type": "string"}, "data": {}},
            "required": ["status", "message", "data"],
        }
    },
    "required": ["response"],
}
_ANSWER = {"content": {"application/json": {"schema": _ENVELOPE}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Done", **_ANSWER},
    451: {"description": "Missing or Invalid API Key", **_ANSWER},
    452: {"description": "Missing or Invalid Required Fields", **_ANSWER},
}
"""Answers of every call."""


def operation(method: str, required: Sequence[str], optional: Sequence[str]) -> dict[str, Any]:
    """Return the parts of an operation that say what it takes.

    Args:
        method: `GET` takes its parameters in the query, others in the body; each also takes them in the other place.
        required: Names of parameters.
        optional: Names of parameters.
    """
    names = ["apikey", *required, *optional]
    if method == "GET":
        query = [{"name": name, "in": "query", "required": name in required, "schema": _schema(name)} for name in names]
        return {"parameters": [_TYPE, *query]}
    form = {
        "type": "object",
        "properties": {name: _schema(name) for name in names},
        "required": list(required),
        "additionalProperties": True,
    }
    media = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
    return {
        "parameters": [_TYPE],
        "requestBody": {"required": True, "content": {kind: {"schema": form} for kind in media}},
    }


def path_item(method: str, summary: str, description: str, details: dict[str, Any]) -> dict[str, Any]:
    """Return the path item of a route that FastAPI does not describe.

    Args:
        method: In upper case.
        summary: One line.
        description: What else there is to say.
        details: Of `operation`.
    """
    responses = {str(status): response for status, response in RESPONSES.items()}
    operation_id = f"dyn_{summary.lower().replace(' ', '_')}"
    said = {"tags": ["Dyn Email"], "summary": summary, "description": description, "operationId": operation_id}
    return {method.lower(): {**said, **details, "responses": responses}}


def _schema(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}} if name in LISTS else {"type": "string"}

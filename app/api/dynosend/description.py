"""How Dynosend appears in `/openapi.json`. Imports the standard library only."""

from collections.abc import Iterable, Sequence
from typing import Any

_MEDIA = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
_ERROR = {
    "type": "object",
    "properties": {"status": {"const": "error"}, "message": {"type": "string"}, "errors": {"type": "object"}},
    "required": ["status", "message"],
}
_REFUSED = {"content": {"application/json": {"schema": _ERROR}}}
_RESPONSES: dict[str, dict[str, Any]] = {
    "200": {"description": "Done", "content": {"application/json": {"schema": {}}}},
    "204": {"description": "Done; no body"},
    "400": {"description": "A parameter is missing or bad, or the state does not allow it", **_REFUSED},
    "401": {"description": "No good key, no right, or the monthly quota is spent", **_REFUSED},
    "404": {"description": "Not found", **_REFUSED},
    "429": {"description": "Too many requests", **_REFUSED},
}
_LISTS = frozenset({"customHeaders", "customTags"})


def path_items(
    prefix: str, lines: Iterable[tuple[str, str, Sequence[str], Sequence[str]]]
) -> dict[str, dict[str, Any]]:
    """Return the path items of lines: verb, path, required and optional parameters."""
    items: dict[str, dict[str, Any]] = {}
    for method, path, required, optional in lines:
        items.setdefault(f"{prefix}{path}", {})[method.lower()] = _operation(method, path, required, optional)
    return items


def _operation(method: str, path: str, required: Sequence[str], optional: Sequence[str]) -> dict[str, Any]:
    names = [*required, *optional]
    # Of contact_uid and email one is enough, which a list of required names cannot say.
    needed = [name for name in required if name not in {"contact_uid", "email"} or "contact_uid" not in required]
    words = [word for part in path.split("/") for word in part.split("-") if word]
    said: dict[str, Any] = {
        "tags": ["Dynosend"],
        "summary": f"{method} {' '.join(words)}",
        "description": "Every parameter may also stand in the query string, a form or a JSON object.",
        "operationId": "_".join(["dynosend", method.lower(), *words]),
        "responses": _RESPONSES,
    }
    if method == "GET":
        said["parameters"] = [
            {"name": name, "in": "query", "required": name in needed, "schema": _schema(name)} for name in names
        ]
        return said
    schema = {
        "type": "object",
        "properties": {name: _schema(name) for name in names},
        "required": needed,
        "additionalProperties": True,
    }
    said["requestBody"] = {"required": True, "content": {kind: {"schema": schema} for kind in _MEDIA}}
    return said


def _schema(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object"}} if name in _LISTS else {"type": "string"}

"""Dyno Email Marketing: bodies, and values out of them. Imports Starlette, `orjson` and the core's errors.

Source: docs/contract/dyno.md, 1, 2 and 4.
"""

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from starlette.requests import Request

from app.api.receiving import read_body
from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable

MAX_BODY = 16 * 1024 * 1024
"""Largest body in bytes, unless an endpoint says otherwise: content twice over, as JSON may escape it."""
MAX_VALUES = 5_000_000
"""Most commas and brackets of a body; each may become a value, and a value is some fifty times as large in memory."""
CONTROL_PREFIX = "application_"
"""How names begin that are never stored."""

Members = dict[str, Any]
"""Names to JSON values."""


def about(name: str, message: str = "is not valid", fault: Fault = Fault.INVALID) -> list[FieldFault]:
    """Return what is wrong with one parameter, for `Invalid`."""
    return [FieldFault(name, fault, message)]


def described(*parameters: str) -> Members:
    """Return what the description of the API says of a body with these parameters, which FastAPI does not see."""
    schema = {"type": "object", "properties": {name: {} for name in parameters}, "additionalProperties": True}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


async def json_body(request: Request, *, optional: bool = False, limit: int = MAX_BODY) -> Members:
    """Return the members of the JSON object in the body.

    Args:
        request: Its body must not have been read yet.
        optional: Whether an empty body, of any type, is an object without members.
        limit: Largest body, in bytes.

    Raises:
        Invalid: It is not of type application/json, not a JSON object, too large, or took too long to arrive.
        ClientDisconnect: The client hung up before the body was complete.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not optional:
        raise Invalid(about("Content-Type", "must be application/json"))
    raw = await read_body(
        request.receive,
        limit=limit,
        too_large=lambda: Invalid(about("body", f"is larger than {limit} bytes")),
        too_slow=lambda: Invalid(about("body", "took too long to arrive")),
    )
    if optional and not raw.strip():
        return {}
    if media != "application/json":
        raise Invalid(about("Content-Type", "must be application/json"))
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Invalid(about("body", "has too many values"))
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Invalid(about("body", "is not valid JSON")) from None
    if not isinstance(parsed, dict):
        raise Invalid(about("body", "must be a JSON object"))
    return parsed


def sent(body: Mapping[str, Any], name: str, *aliases: str) -> str | None:
    """Return the first of the names that was sent, even if null; None when none was."""
    return next((one for one in (name, *aliases) if one in body), None)


def text_of(body: Mapping[str, Any], name: str, *aliases: str) -> str | None:
    """Return a text as it was sent; "" for null, None when it was not sent under any of its names.

    Raises:
        Invalid: It is no text, or one that cannot be stored.
    """
    used = sent(body, name, *aliases)
    if used is None:
        return None
    value = body[used]
    if value is None:
        return ""
    if not isinstance(value, str) or not is_storable(value):
        raise Invalid(about(used))
    return value


def name_of(body: Mapping[str, Any], *, needed: bool) -> str | None:
    """Return the trimmed `name`; None when it was not sent and need not be.

    Raises:
        Invalid: It is no text, blank, or missing though needed.
    """
    name = text_of(body, "name")
    if (name is None and needed) or (name is not None and not name.strip()):
        raise Invalid(about("name", "is required", Fault.REQUIRED))
    return name.strip() if name else None


def texts_of(body: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts that may also be one comma-separated text; parts trimmed, blank ones left out.

    Raises:
        Invalid: It is neither, or something in the list is no text.
    """
    value = body.get(name)
    if value is None:
        return []
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Invalid(about(name))
    return [trimmed for part in parts if (trimmed := part.strip())]


def extra_of(body: Mapping[str, Any], known: Collection[str]) -> Members:
    """Return the members that the contract does not name, to be stored beside the object."""
    return {name: value for name, value in body.items() if name not in known and not name.startswith(CONTROL_PREFIX)}

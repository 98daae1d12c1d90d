"""The classic envelope: status, message and data, as JSON, XML or HTML.

May import Starlette and the markup of this family.

Source: docs/contract/dyn-email.md, sections 4 and 19.
"""

import json
from collections.abc import Mapping
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.markup import Element, html_page, xml_document


class Format(StrEnum):
    """What an answer is written in; the second part of the path."""

    JSON = "json"
    XML = "xml"
    HTML = "html"


ITEMS: Mapping[str, str] = {
    "accounts": "account",
    "senders": "sender",
    "recipients": "recipient",
    "suppressions": "suppression",
    "bounces": "bounce",
    "complaints": "complaint",
    "opens": "open",
    "clicks": "click",
    "sent": "email",
    "delivered": "email",
    "issue": "item",
    "data": "error",
}
"""Key of a list to the name of its members in XML; a list that is the data itself holds sentences."""

JSON_TYPE = "application/json"
XML_TYPE = "text/xml"
HTML_TYPE = "text/html"

_to_json = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


def format_of(request: Request) -> Format | None:
    """Return the format that the path asks for, None when it names one we do not have."""
    parts: list[str] = request.scope["path"].split("/", 3)
    name = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 "", "rest", format
    return Format(name) if name in _FORMATS else None


_FORMATS = frozenset(Format)


def ok(request: Request, data: object) -> Response:
    """Return a success: status 200, message OK.

    Args:
        request: Its path names the format.
        data: A tree (see `app.api.dyn.markup`); `[]` for a write without a result.
    """
    return answer(request, 200, "OK", data)


def answer(
    request: Request, status: int, message: str, data: object, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer in the format of the path, JSON for an unknown one; the HTTP status equals the body's."""
    match format_of(request):
        case Format.XML:
            content = xml_document(_tree(status, message, data), ITEMS)
            return Response(content, status, headers, XML_TYPE)
        case Format.HTML:
            content = html_page(f"{status} {message}", _tree(status, message, data), ITEMS)
            return Response(content, status, headers, HTML_TYPE)
        case _:
            return Response(json_body(status, message, data), status, headers, JSON_TYPE)


def json_body(status: int, message: str, data: object) -> bytes:
    """Return the bytes of an answer in JSON: compact, non-ASCII characters escaped."""
    return _to_json({"response": {"status": status, "message": message, "data": data}}).encode("ascii")


def _tree(status: int, message: str, data: object) -> Element:
    return Element("response", {"status": status, "message": message, "data": data})

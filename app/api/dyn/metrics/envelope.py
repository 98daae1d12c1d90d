"""The five fields around every answer of Dyn Metrics, as JSON, XML or HTML.

May import Starlette, orjson, `app.dependencies` and the markup of this family.

Source: docs/contract/dyn-metrics.md, sections 1, 2 and 8.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.markup import Element, html_page, xml_document
from app.api.dyn.metrics.series import Points
from app.dependencies import runtime_of

BIG = 20_000
"""Answers with more rows than this are written in a thread, so that other requests do not wait."""


class Format(StrEnum):
    """What an answer is written in."""

    JSON = "json"
    XML = "xml"
    HTML = "html"


_TYPES: Mapping[str, Format] = {
    "application/json": Format.JSON,
    "*/*": Format.JSON,
    "application/xml": Format.XML,
    "text/xml": Format.XML,
    "text/html": Format.HTML,
}


def x_headers_out(x_headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return the X-headers of a copy by name, null without any. In alphabetical order: the database keeps none."""
    return dict(sorted(x_headers.items())) if x_headers else None


async def arrived(request: Request) -> None:
    """Note when the request came in; a dependency of the whole router."""
    request.state.received_at = runtime_of(request).clock.now()


def format_of(request: Request) -> Format:
    """Return the format with the highest quality in `Accept`: JSON on a tie and when nothing we have is asked for."""
    best, best_quality = Format.JSON, 0.0
    for part in ",".join(request.headers.getlist("accept")).split(","):
        kind, *parameters = part.lower().split(";")
        found = _TYPES.get(kind.strip())
        quality = _quality(parameters)
        if found and (quality > best_quality or (quality == best_quality > 0 and found is Format.JSON)):
            best, best_quality = found, quality
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def five_fields(request: Request, name: str, content: object) -> dict[str, object]:
    """Return the whole answer.

    Args:
        request: Tells when it came in.
        name: `data`, or `error` in place of it.
        content: What stands there.
    """
    runtime = runtime_of(request)
    now = runtime.clock.now()
    received: datetime = getattr(request.state, "received_at", now)
    came, ready = round(received.timestamp(), 4), round(now.timestamp(), 4)
    return {
        "processing_time": round(ready - came, 4),
        "resp_time": ready,
        name: content,
        "api_host": urlsplit(runtime.settings.public_url).hostname,
        "recv_time": came,
    }


async def ok(
    request: Request,
    data: Sequence[object] | Mapping[str, object],
    *,
    item: str = "item",
    enveloped: bool = True,
) -> Response:
    """Return a success.

    Args:
        request: Tells the format and when it came in.
        data: Rows, words, or one object.
        item: Name of a row in XML.
        enveloped: Off: the data alone, where the format and the server's setting `metrics.envelope` allow it.
    """
    return await _answer(request, data, {"data": item}, len(data), enveloped)


async def ok_series(request: Request, points: Points, *, enveloped: bool = True) -> Response:
    """Return a success with time series by id; for `enveloped` see `ok`."""
    if format_of(request) is Format.JSON:
        around = five_fields(request, "data", []) if _is_enveloped(request, Format.JSON, enveloped) else []
        before, _, after = orjson.dumps(around).partition(b"[]")
        big = points.size > BIG
        written = await asyncio.to_thread(points.json, before, after) if big else points.json(before, after)
        return Response(written, headers={"Vary": "Accept"}, media_type="application/json")
    data = await asyncio.to_thread(points.objects)
    series = [Element("series", shown, (("id", key),)) for key, shown in data.items()]
    return await _answer(request, series, {"series": "point"}, points.size, enveloped)


async def _answer(request: Request, data: object, items: Mapping[str, str], size: int, enveloped: bool) -> Response:
    chosen = format_of(request)
    tree = five_fields(request, "data", data) if _is_enveloped(request, chosen, enveloped) else data
    if size > BIG:
        return await asyncio.to_thread(write, chosen, tree, items=items)
    return write(chosen, tree, items=items)


def _is_enveloped(request: Request, chosen: Format, asked: bool) -> bool:
    return asked or chosen is not Format.JSON or runtime_of(request).settings.metrics.envelope == "always"


def write(
    chosen: Format,
    tree: object,
    *,
    items: Mapping[str, str],
    status: int = 200,
    title: str = "OK",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer in the chosen format."""
    headers = {"Vary": "Accept", **(headers or {})}
    match chosen:
        case Format.JSON:
            return Response(orjson.dumps(tree), status, headers, "application/json")
        case Format.XML:
            return Response(xml_document(Element("response", tree), items), status, headers, "text/xml")
        case Format.HTML:
            page = html_page(f"{status} {title}", Element("response", tree), items)
            return Response(page, status, headers, "text/html")

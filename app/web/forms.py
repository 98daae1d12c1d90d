"""What a form sent: bounded in size, time and number of fields. Imports `multipart`."""

import asyncio
from io import BytesIO
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_FIELDS = 1000
"""Most fields of one form."""
BODY_SECONDS = 20.0
"""How long a body may take to arrive."""
_MAX_PART_HEADERS = 2048
_MAX_LENGTH_DIGITS = 9


async def form_of(request: Request, limit: int) -> dict[str, str]:
    """Return the fields of a form, urlencoded or multipart (RFC 8058, 3.1, allows both); of equal names the first.

    Args:
        request: Its body is read.
        limit: Largest body, in bytes.

    Raises:
        HTTPException: 413, the body is larger; 408, it takes too long; 400, it is malformed or has too many fields.
    """
    raw = await _body(request, limit)
    content_type = request.headers.get("content-type", "")
    try:
        media, options = parse_options_header(content_type)
        pairs = _multipart(raw, options.get("boundary", "")) if media == "multipart/form-data" else _urlencoded(raw)
    except (MultipartError, ValueError):
        raise HTTPException(400) from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


async def _body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        HTTPException: It is too large or too slow; the rest of it is not read.
    """
    too_large = HTTPException(413, headers={"Connection": "close"})
    declared = request.headers.get("content-length", "")
    if len(declared) > _MAX_LENGTH_DIGITS or (declared.isdecimal() and int(declared) > limit):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None
    return bytes(body)


def _urlencoded(raw: bytes) -> list[tuple[str, str]]:
    text = raw.decode("utf-8", "replace")
    return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS)


def _multipart(raw: bytes, boundary: str) -> list[tuple[str, str]]:
    parser = MultipartParser(
        BytesIO(raw),
        boundary.encode("latin-1"),
        content_length=len(raw),
        part_limit=MAX_FIELDS,
        headersize_limit=_MAX_PART_HEADERS,
        spool_limit=len(raw) + 1,
        memory_limit=len(raw) + 1,
    )
    named = [part for part in parser.parts() if part.name and not part.filename]
    return [(part.name, part.raw.decode("utf-8", "replace")) for part in named]

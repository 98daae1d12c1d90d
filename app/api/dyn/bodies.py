"""Request bodies as fields: form, multipart and JSON bytes become (name, value) pairs of text.

Nothing here raises for bytes that make no sense: a body that does not parse has no fields. Every text is cleaned:
UTF-8, else Latin-1; NUL removed; lone surrogates replaced. May import `multipart` and `orjson`.

Source: docs/contract/dyn-email.md, section 3.1.
"""

import binascii
import json
import re
from collections.abc import Iterable, Iterator

import orjson
from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

MAX_FIELDS = 100_000
"""Most fields of one request; far above any list that is accepted."""
MAX_PART_HEADER = 8192
"""Longest header line of a part of multipart/form-data, in bytes."""

MAX_DAMAGED_ESCAPES = 2_000_000
"""A value with more percent signs, of which some begin no escape, was not written as a form: it stays as it is."""

Field = tuple[str, str]
"""Name and value."""

_LOOKS_LIKE_FORM = re.compile(rb"[A-Za-z0-9_.\-\[\]%+]{1,200}=")
_NO_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SURROGATE = re.compile("[\ud800-\udfff]")


class TooManyFields(ValueError):
    """Raised for a body or a query with more than `MAX_FIELDS` fields."""


def body_fields(raw: bytes, content_type: str) -> list[Field]:
    """Return the fields of a body in their order.

    Args:
        raw: The body.
        content_type: The header of this name, "" when there is none.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS`.
    """
    media, _, options = content_type.partition(";")
    match media.strip().lower():
        case "application/x-www-form-urlencoded":
            return form_fields(raw)
        case "application/json":
            return json_fields(raw)
        case "multipart/form-data":
            return multipart_fields(raw, content_type) if options else []
        case "":
            return form_fields(raw) if _LOOKS_LIKE_FORM.match(raw) else []
        case _:
            return []


def form_fields(raw: bytes) -> list[Field]:
    """Return the fields of a query string or an urlencoded form; a name without `=` has a blank value.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS`.
    """
    if raw.count(b"&") >= MAX_FIELDS:
        raise TooManyFields
    fields = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            fields.append((_unquote(name), _unquote(value)))
    return fields


def json_fields(raw: bytes) -> list[Field]:
    """Return the members of a JSON object: a list gives a field per item, an object inside becomes its JSON text.

    Numbers become their text, true and false `1` and `0`, null is blank. Anything deeper is left out.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS`.
    """
    try:
        members = orjson.loads(raw)
    except orjson.JSONDecodeError:
        members = _lenient_json(raw)
    if not isinstance(members, dict):
        return []
    fields: list[Field] = []
    for raw_name, value in members.items():
        name = clean(raw_name)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                fields.append((name, clean(json.dumps(item, ensure_ascii=False))))
            elif not isinstance(item, list):
                fields.append((name, _scalar(item)))
        if len(fields) > MAX_FIELDS:
            raise TooManyFields
    return fields


def multipart_fields(raw: bytes, content_type: str) -> list[Field]:
    """Return the fields of multipart/form-data, file parts left out; nothing at all when it is malformed.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS` parts.
    """
    if raw.count(b"\n--") > MAX_FIELDS:
        raise TooManyFields
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    try:
        return [(name, text_of(value)) for name, value in _parts(raw, boundary.encode("latin-1"))]
    except (MultipartError, UnicodeEncodeError):
        return []


def text_of(raw: bytes) -> str:
    """Return bytes as text: UTF-8, else Latin-1; NUL removed."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", "") if "\0" in text else text


def clean(text: str) -> str:
    """Return the text without NUL, lone surrogates replaced: what PostgreSQL and UTF-8 can hold."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii() and _SURROGATE.search(text):
        text = _SURROGATE.sub("\ufffd", text)
    return text


def _parts(raw: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    # Part headers are read as Latin-1, because invalid UTF-8 in a name must not cost the whole body.
    parser = PushMultipartParser(
        boundary, content_length=len(raw), max_header_size=MAX_PART_HEADER, header_charset="latin-1"
    )
    name: str | None = None
    chunks: list[bytes] = []
    with parser:
        for event in _events(parser, raw):
            if isinstance(event, MultipartSegment):
                name = None if event.filename is not None else _part_name(event.name or "")
                chunks = []
            elif event:
                chunks.append(bytes(event))
            elif name is not None:
                yield name, b"".join(chunks)


def _events(parser: PushMultipartParser, raw: bytes) -> Iterable[MultipartSegment | bytes | None]:
    yield from parser.parse(raw)
    if not parser.closed:
        yield from parser.parse(b"")


def _part_name(name: str) -> str:
    try:
        return text_of(name.encode("latin-1"))
    except UnicodeEncodeError:
        return clean(name)


def _unquote(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return text_of(_percent_decode(raw) if b"%" in raw else raw)


def _percent_decode(raw: bytes) -> bytes:
    """Resolve percent escapes; those that are none stay as they are.

    `%41` is quoted-printable with another sign, for which the standard library has a decoder in C: some 20 times faster
    on a large body than the loop of `urllib`. What else that decoder would touch is escaped first. When every escape
    was one, the result is shorter by two bytes for each.
    """
    escaped = raw.replace(b"=", b"%3D").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    decoded = binascii.a2b_qp(escaped.replace(b"%", b"="))
    count = escaped.count(b"%")
    if len(decoded) == len(escaped) - 2 * count:
        return decoded
    if count > MAX_DAMAGED_ESCAPES:
        return raw
    return binascii.a2b_qp(_NO_ESCAPE.sub(b"%25", escaped).replace(b"%", b"="))


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _lenient_json(raw: bytes) -> object:
    """Read what the strict parser refuses: bytes that are not UTF-8, escaped lone surrogates, a byte order mark."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

"""Bodies and query strings as one object: JSON, forms with nested names, multipart. Imports `multipart` and `orjson`.

Nothing here fails for bytes that make no sense: what does not parse is an empty object. Texts are cleaned of what the
database cannot hold.

Source: docs/contract/dynosend.md, 2.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

MAX_FIELDS = 20_000
"""Most fields of a form."""
MAX_PART_HEADER = 8192
"""Longest header line of a part of multipart/form-data, in bytes."""
MAX_DEPTH = 16
"""Deepest nesting that is kept of an object; what lies deeper is null."""

Members = dict[str, Any]
"""Names to JSON values."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]{0,100}\]){0,8})\Z")
_PART = re.compile(r"\[([^\[\]]*)\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_INDEX_DIGITS = 9


class TooManyFields(ValueError):
    """Raised for a form with more than `MAX_FIELDS` fields."""


def body_members(raw: bytes, content_type: str) -> Members:
    """Return the members of a body; none when it is of no known kind, or malformed.

    Args:
        raw: The body.
        content_type: The header of this name, "" when there is none.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS`.
    """
    media = content_type.partition(";")[0].strip().lower()
    if "/json" in media or "+json" in media:
        return json_members(raw)
    if media == "application/x-www-form-urlencoded":
        return form_members(raw)
    if media == "multipart/form-data":
        return nested(_multipart_fields(raw, content_type))
    return json_members(raw) if raw[:1024].lstrip()[:1] == b"{" else {}


def json_members(raw: bytes) -> Members:
    """Return the members of a JSON object; none when it is anything else."""
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return _clean(parsed) if isinstance(parsed, dict) else {}


def form_members(raw: bytes) -> Members:
    """Return the members of a query string or an urlencoded form; names such as `a[0][b]` are nested.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS`.
    """
    try:
        pairs = parse_qsl(
            raw.decode(errors="replace"), keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise TooManyFields from None
    return nested(pairs)


def nested(pairs: Iterable[tuple[str, str]]) -> Members:
    """Return fields as an object: `a[]` and `a[0]` make lists, `a[b]` objects; of two with one name the last counts."""
    tree: Members = {}
    for name, value in pairs:
        found = _NAME.match(name)
        if found:
            parts = _PART.findall(found[2])
            _put(tree, [clean_text(found[1]), *map(clean_text, parts)], clean_text(value))
    return {name: _listed(value) for name, value in tree.items()}


def clean_text(text: str) -> str:
    """Return the text without NUL, lone surrogates replaced: what PostgreSQL and UTF-8 can hold."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii() and _SURROGATE.search(text):
        text = _SURROGATE.sub("\ufffd", text)
    return text


def _clean(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with clean texts, cut at `MAX_DEPTH`."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {clean_text(name): _clean(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_clean(member, depth + 1) for member in value]
    return value


def _put(tree: Members, path: list[str], value: str) -> None:
    """Set a value at a path of names; a blank name is the next number."""
    node = tree
    for name in path[:-1]:
        key = name or str(len(node))
        below = node.get(key)
        if not isinstance(below, dict):
            below = node[key] = {}
        node = below
    node[path[-1] or str(len(node))] = value


def _listed(value: Any) -> Any:
    """Return a node whose names are all numbers as a list in their order, and so below."""
    if not isinstance(value, dict):
        return value
    members = {name: _listed(member) for name, member in value.items()}
    if all(name.isascii() and name.isdigit() and len(name) <= _MAX_INDEX_DIGITS for name in members):
        return [members[name] for name in sorted(members, key=int)]
    return members


def _multipart_fields(raw: bytes, content_type: str) -> list[tuple[str, str]]:
    """Return the fields of multipart/form-data, file parts left out; nothing at all when it is malformed.

    Raises:
        TooManyFields: There are more than `MAX_FIELDS` parts.
    """
    if raw.count(b"\n--") > MAX_FIELDS:
        raise TooManyFields
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    try:
        return list(_parts(raw, boundary.encode("latin-1")))
    except (MultipartError, UnicodeEncodeError):
        return []


def _parts(raw: bytes, boundary: bytes) -> Iterator[tuple[str, str]]:
    # Part headers are read as Latin-1, because invalid UTF-8 in a name must not cost the whole body.
    parser = PushMultipartParser(
        boundary, content_length=len(raw), max_header_size=MAX_PART_HEADER, header_charset="latin-1"
    )
    name: str | None = None
    chunks: list[bytes] = []
    with parser:
        for event in (*parser.parse(raw), *(() if parser.closed else parser.parse(b""))):
            if isinstance(event, MultipartSegment):
                name = None if event.filename is not None else _part_name(event.name or "")
                chunks = []
            elif event:
                chunks.append(bytes(event))
            elif name is not None:
                yield name, b"".join(chunks).decode(errors="replace")


def _part_name(name: str) -> str:
    try:
        return name.encode("latin-1").decode(errors="replace")
    except UnicodeEncodeError:
        return name

"""Lists and maps that come as text: JSON, or what Python's `str()` makes of a list or dict.

Python text is read by a scanner of one level, without recursion and without evaluating anything, because it comes from
anyone. Imports the standard library only.

Source: docs/contract/dyn-email.md, sections 3.2 and 7 (`xheaders`), 21 (the reference client writes Python text).
"""

import json
import re
from collections.abc import Iterator

_WORDS = {"None": "", "True": "1", "False": "0"}
# A string, a word or a number, then what separates it. Possessive quantifiers keep the pattern linear.
_ITEM = re.compile(
    r"""\s*+ (?: (?P<prefix>[uUbB]?) (?P<string>'(?:[^'\\]++|\\.)*+' | "(?:[^"\\]++|\\.)*+")
               | (?P<word>None|True|False|-?[0-9]{1,40}+(?:\.[0-9]{1,40}+)?) )
        \s*+ (?P<next>[,:\]}])""",
    re.VERBOSE | re.DOTALL,
)
_END = re.compile(r"\s*+[\]}]\s*+\Z")
_BLANK_END = re.compile(r"\s*+\Z")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U00[0-9A-Fa-f]{6}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"', "\n": ""}


def read_list(text: str) -> list[str] | None:
    """Return the items of a list given as text, None when it is not a list of strings and numbers.

    Args:
        text: Such as `['a@x.org', 'b@x.org']` or `["a@x.org"]`.
    """
    text = text.strip()
    if not text.startswith("[") or not text.endswith("]"):
        return None
    items = _json(text)
    if isinstance(items, list):
        return [_text(item) for item in items] if all(_is_scalar(item) for item in items) else None
    found: list[str] = []
    for item, following in _items(text):
        if item is None or following not in {",", "]"}:
            return None
        found.append(item)
    return found


def read_map(text: str) -> dict[str, str]:
    """Return the members of an object given as text, in their order; empty when the text is anything else.

    Args:
        text: Such as `{"X-A": "b"}` or `{'X-A': 'b'}`. Members of JSON that hold more than a text or number are left
            out.
    """
    text = text.strip()
    if not text.startswith("{") or not text.endswith("}"):
        return {}
    members = _json(text)
    if isinstance(members, dict):
        return {name: _text(value) for name, value in members.items() if _is_scalar(value)}
    found: dict[str, str] = {}
    name: str | None = None
    for item, following in _items(text):
        if item is None or (following == ":") != (name is None) or following == "]":
            return {}
        if name is None:
            name = item
        else:
            found[name] = item
            name = None
    return found if name is None else {}


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _items(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield each item with the sign behind it; (None, "") where the text stops making sense."""
    position = 1
    while not _END.match(text, position):
        match = _ITEM.match(text, position)
        if match is None:
            yield None, ""
            return
        if match["string"] is None:
            yield _WORDS.get(match["word"], match["word"]), match["next"]
        else:
            yield _unquote(match["string"], is_bytes=match["prefix"] in {"b", "B"}), match["next"]
        position = match.end()
        if match["next"] in "]}":
            if not _BLANK_END.match(text, position):
                yield None, ""
            return


def _unquote(quoted: str, *, is_bytes: bool) -> str:
    content = quoted[1:-1]
    if "\\" in content:
        content = _ESCAPE.sub(_resolve, content)
    if is_bytes and not content.isascii():
        try:
            return content.encode("latin-1").decode()
        except UnicodeError:
            return content
    return content


def _resolve(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 1:
        return _ESCAPES.get(code, "\\" + code)
    number = int(code[1:], 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"  # noqa: PLR2004 the last code point

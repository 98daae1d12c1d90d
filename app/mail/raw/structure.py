"""Where the body parts of a foreign mail are: offsets into its octets, nothing is copied or decoded.

Every scan is linear in the mail for each level of nesting, levels and parts are bounded. Imports `head` of this
package and the standard library.

Source: RFC 2045; RFC 2046, section 5.1; RFC 1847.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from app.mail.raw.head import Malformed

MAX_PARTS = 1_000
"""Most body parts of a mail."""
MAX_DEPTH = 20
"""Deepest nesting of multiparts."""
MAX_DELIMITERS = 20_000
"""Places that are looked at because they may separate parts; nobody but an attacker comes near."""
MAX_PART_HEAD = 16_384
"""Octets of a part's header section that are looked at."""

_MIME_FIELD = re.compile(
    rb"(?:\A|\r\n)content-(type|transfer-encoding|disposition)[ \t]*:((?:[^\r\n]++|\r\n[ \t])*+)", re.IGNORECASE
)
_TYPE = re.compile(r"\s*([!#$&^_.+a-z0-9-]{1,127}/[!#$&^_.+a-z0-9-]{1,127})", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([!#$&^_.+*a-z0-9-]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))', re.IGNORECASE)
_ENCODING = re.compile(r"\s*([a-z0-9-]{1,40})", re.IGNORECASE)
_AFTER = re.compile(rb"(--)?[ \t]{0,70}(?=\r\n|\Z)")


class Part(NamedTuple):
    """A part that has no parts of its own.

    Attributes:
        head: Where its header section begins; of the mail itself 0.
        body: Where its body begins.
        end: Where it ends, before the CRLF that belongs to the delimiter.
        type: As in `text/html`, in lower case; `text/plain` when nothing is said.
        charset: In lower case, "" when nothing is said.
        encoding: Transfer encoding in lower case, "" when nothing is said.
        is_shown: Whether it is part of what is shown: neither an attachment nor inside an attached mail.
        is_sealed: Whether a signature or encryption covers it, so that nothing in it may change.
    """

    head: int
    body: int
    end: int
    type: str
    charset: str
    encoding: str
    is_shown: bool
    is_sealed: bool


class _Place(NamedTuple):
    head: int
    end: int
    depth: int
    is_shown: bool
    is_sealed: bool
    default: str


def find_parts(raw: bytes) -> tuple[Part, ...]:
    """Return the parts of a mail, in order.

    Raises:
        Malformed: There are too many, or they are nested too deeply.
    """
    found: list[Part] = []
    looked = count(1)

    def look() -> None:
        if next(looked) > MAX_DELIMITERS:
            raise Malformed("too many body parts")

    waiting = [_Place(0, len(raw), 0, is_shown=True, is_sealed=False, default="text/plain")]
    while waiting:
        place = waiting.pop()
        body = _body_of(raw, place)
        type_, parameters, encoding, is_attached = _described(raw[place.head : min(body, place.head + _limit(place))])
        type_ = type_ or place.default
        shown = place.is_shown and not is_attached
        inner: list[_Place] = []
        if type_.startswith(("multipart/", "message/")):
            within = place._replace(is_shown=shown)
            inner = list(_inside(raw, within, body, type_, parameters.get("boundary", ""), look=look))
        if inner:
            if place.depth >= MAX_DEPTH:
                raise Malformed("body parts nested too deeply")
            waiting.extend(reversed(inner))
        else:
            charset = parameters.get("charset", "").lower()
            found.append(Part(place.head, body, place.end, type_, charset, encoding, shown, place.is_sealed))
        if len(found) + len(waiting) > MAX_PARTS:
            raise Malformed("too many body parts")
    return tuple(found)


def _limit(place: _Place) -> int:
    return MAX_PART_HEAD if place.depth else 1 << 20


def _body_of(raw: bytes, place: _Place) -> int:
    if raw.startswith(b"\r\n", place.head, place.end):
        return place.head + 2
    blank = raw.find(b"\r\n\r\n", place.head, place.end)
    return blank + 4 if blank >= 0 else place.end


def _described(head: bytes) -> tuple[str, dict[str, str], str, bool]:
    """Return type, parameters of the type, transfer encoding, and whether it is an attachment."""
    values: dict[str, str] = {}
    for match in _MIME_FIELD.finditer(head):
        values.setdefault(match[1].decode().lower(), match[2].decode("latin-1"))
    type_ = _TYPE.match(values.get("type", ""))
    parameters: dict[str, str] = {}
    if type_:
        for found in _PARAMETER.finditer(values["type"], type_.end()):
            value = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
            parameters.setdefault(found[1].lower(), value)
    encoding = _ENCODING.match(values.get("transfer-encoding", ""))
    is_attached = values.get("disposition", "").strip().lower().startswith("attachment")
    return (type_[1].lower() if type_ else ""), parameters, (encoding[1].lower() if encoding else ""), is_attached


def _inside(
    raw: bytes, place: _Place, body: int, type_: str, boundary: str, *, look: Callable[[], None]
) -> Iterator[_Place]:
    """Yield what a part consists of; nothing for one without parts."""
    depth = place.depth + 1
    if type_ == "message/rfc822" and body < place.end:
        yield _Place(body, place.end, depth, is_shown=False, is_sealed=place.is_sealed, default="text/plain")
    if type_.startswith("multipart/") and boundary and len(boundary) <= 200:  # noqa: PLR2004 RFC 2046 allows 70
        sealed = place.is_sealed or type_ in {"multipart/signed", "multipart/encrypted"}
        default = "message/rfc822" if type_ == "multipart/digest" else "text/plain"
        for start, end in _between(raw, body, place.end, b"\r\n--" + boundary.encode("latin-1"), look):
            yield _Place(start, end, depth, is_shown=place.is_shown, is_sealed=sealed, default=default)


def _between(raw: bytes, body: int, end: int, delimiter: bytes, look: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """Yield the spans between delimiter lines; what is not closed ends with the part around it."""
    start = -1
    at = raw.find(delimiter, max(body - 2, 0), end)
    while at >= 0:
        look()
        after = _AFTER.match(raw, at + len(delimiter), end)
        if after is not None:
            if start >= 0:
                yield start, max(at, start)
            if after[1]:
                return
            start = min(after.end() + 2, end)
        at = raw.find(delimiter, at + len(delimiter), end)
    if start >= 0:
        yield start, end

"""A body part of a foreign mail: its text, and the same content in another transfer encoding.

May import `app.mail.transfer`, `structure` of this package and the standard library.

Source: RFC 2045, section 6; RFC 6376, section 5.3; RFC 5321, section 4.5.3.1.6.
"""

import binascii
import quopri
import re

from app.mail.raw.structure import Part
from app.mail.transfer import LONGEST_LINE, base64_lines, quoted_printable

_SHORT = 64
"""Octets by which quoted-printable, which people can read, may be longer than base64."""
MAX_HTML = 4_194_304
"""Octets of an HTML part that is looked at; a longer one is not tracked."""

_CHARSET = re.compile(
    r"(?:utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|windows-125\d|cp\d{3,4}|koi8-[ru]|gb2312|gbk|gb18030|big5|euc-(?:jp|kr)"
    r"|shift_jis|iso-2022-jp|utf-16(?:le|be)?)\Z"
)
_OPEN = frozenset({"", "7bit", "8bit", "binary"})
"""Encodings that change nothing."""
_ENCODING = re.compile(rb"((?:\A|\r\n)content-transfer-encoding[ \t]*:)(?:[^\r\n]++|\r\n[ \t])*+", re.IGNORECASE)
_TYPE = re.compile(rb"(?:\A|\r\n)content-type[ \t]*:(?:[^\r\n]++|\r\n[ \t])*+", re.IGNORECASE)
_CHARSET_PARAMETER = re.compile(rb'(;\s*)charset\s*=\s*(?:"[^"]*+"|[^\s;"]++)', re.IGNORECASE)


def octets_of(raw: bytes, part: Part) -> bytes | None:
    """Return a part's content without its transfer encoding; None when that is not known or does not fit."""
    body = raw[part.body : part.end]
    if part.encoding in _OPEN:
        return body
    if part.encoding == "quoted-printable":
        return quopri.decodestring(body)
    if part.encoding == "base64":
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            return None
    return None


def html_of(raw: bytes, part: Part) -> str | None:
    """Return the text of a part that is shown as HTML and may be changed; None for any other."""
    if part.type != "text/html" or not part.is_shown or part.is_sealed or part.end - part.body > MAX_HTML:
        return None
    charset = part.charset or "us-ascii"
    octets = octets_of(raw, part)
    if octets is None or not _CHARSET.match(charset):
        return None
    try:
        return octets.decode(charset)
    except (UnicodeError, LookupError):
        if charset not in {"us-ascii", "ascii"}:
            return None
    try:
        return octets.decode()  # says ASCII, or nothing, and is UTF-8
    except UnicodeError:
        return None


def is_seven_bit(octets: bytes) -> bool:
    """Say whether octets may go as they are: ASCII, and no line over 998 octets."""
    return octets.isascii() and not has_long_line(octets)


def has_long_line(octets: bytes) -> bool:
    """Say whether a line has more than 998 octets."""
    position, last = 0, len(octets) - LONGEST_LINE - 1
    while position < last:
        end = octets.rfind(b"\n", position, position + LONGEST_LINE + 2)
        if end < 0:
            return True
        position = end + 1
    return False


def encoded(raw: bytes, part: Part) -> tuple[str, bytes] | None:
    """Return the transfer encoding and the octets with which a part travels safely; None when it has to stay.

    The content is the same to the octet. Text becomes quoted-printable where that is not much longer than base64.
    """
    if part.is_sealed or part.type.startswith(("multipart/", "message/")):
        return None
    octets = octets_of(raw, part)
    if octets is None:
        return None
    if part.type.startswith("text/") and b"\0" not in octets and octets.count(b"\r") == octets.count(b"\r\n"):
        quoted = quoted_printable(octets)
        if len(quoted) <= len(octets) * 4 // 3 + _SHORT and quopri.decodestring(quoted) == octets:
            return "quoted-printable", quoted
    return "base64", base64_lines(octets).removesuffix(b"\r\n")


def restated(head: bytes, type_: str, encoding: str, charset: str) -> bytes:
    """Return header lines of a part that is sent in another transfer encoding, and perhaps charset.

    Args:
        head: Its lines, each with CRLF.
        type_: Of the part, as in `text/html`.
        encoding: Of the part from now on.
        charset: Of its text from now on; empty: as it was.
    """
    head, count = _ENCODING.subn(rb"\g<1> " + encoding.encode("ascii"), head, count=1)
    if not count:
        head += f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")
    if not charset:
        return head
    stated = f"charset={charset}".encode("ascii")
    field = _TYPE.search(head)
    if field is None:
        return head + f"Content-Type: {type_}; ".encode("ascii") + stated + b"\r\n"
    value, count = _CHARSET_PARAMETER.subn(rb"\g<1>" + stated, field[0], count=1)
    return head[: field.start()] + (value if count else value.rstrip(b"; \t") + b"; " + stated) + head[field.end() :]

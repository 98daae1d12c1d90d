"""Bytes to text: transfer encodings, charsets, encoded words, HTML. Bounded and linear; the standard library only.

Charsets are an allow-list: Python knows codecs that are not charsets, and some whose cost is not linear.
"""

import binascii
import codecs
import re
from html.entities import name2codepoint

CHARSETS = frozenset({
    "utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7",
    "iso8859-8", "iso8859-9", "iso8859-10", "iso8859-11", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp437", "cp850",
    "cp852", "cp866", "cp874", "koi8-r", "koi8-u", "mac-roman", "tis-620", "gb2312", "gbk", "gb18030", "big5",
    "big5hkscs", "shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949", "iso2022_kr", "utf-16",
    "utf-16-le", "utf-16-be",
})  # fmt: skip
"""Python's names of the charsets that are read; anything else is read as UTF-8, then as Latin-1."""
MAX_WORD = 2_000
"""Characters of a header value in which encoded words are read."""

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_WORD = re.compile(r"=\?([A-Za-z0-9_.:-]{1,40})(?:\*[A-Za-z-]{1,10})?\?([bBqQ])\?([^?\s]{0,500})\?=(?:\s{1,9}(?==\?))?")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h[1-6]|/?table|/?pre)\b[^<>]{0,2000}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#(\d{1,6})|([A-Za-z]{2,8}));")
_UNSHOWN = ("style", "script", "head")


def transferred(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; unknown ones and broken ends are taken as they are."""
    match encoding.strip().lower():
        case "base64":
            return _base64(data)
        case "quoted-printable":
            return binascii.a2b_qp(data)
        case _:
            return data


def text_of(data: bytes, charset: str = "") -> str:
    """Return text, without NULs and with plain line ends. Bytes that are not in the charset are replaced."""
    text = decoded(data, charset).replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def words_of(value: str) -> str:
    """Return a header value with its encoded words (RFC 2047) read."""
    return _WORD.sub(_word, value[:MAX_WORD])


def shown(html: str) -> str:
    """Return about what a reader of HTML sees; enough to look for words in it."""
    for name in _UNSHOWN:
        html = _without(html, name)
    plain = _TAG.sub(" ", _BREAK.sub("\n", html))
    return _ENTITY.sub(_character, plain)


def _base64(data: bytes) -> bytes:
    clean = _NOT_BASE64.sub(b"", data.partition(b"=")[0])
    rest = len(clean) % 4
    if rest == 1:
        clean, rest = clean[:-1], 0
    return binascii.a2b_base64(clean + b"=" * (-rest % 4))


def decoded(data: bytes, charset: str = "") -> str:
    """Return text as it is; bytes that are not in the charset are replaced."""
    try:
        name = codecs.lookup(charset[:40].strip() or "utf-8").name
    except (LookupError, ValueError, UnicodeError):
        name = "utf-8"
    if name in CHARSETS and name not in {"utf-8", "ascii"}:
        return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A multi-byte character that a limit cut is no reason to read the whole as something else.
        whole = len(data) - error.start <= 3 and error.reason == "unexpected end of data"  # noqa: PLR2004 bytes
        return data[: error.start].decode("utf-8") if whole else data.decode("latin-1")


def _word(match: re.Match[str]) -> str:
    charset, kind, text = match.groups()
    data = text.encode("utf-8", "replace")
    if kind in "bB":
        return text_of(_base64(data), charset)
    return text_of(binascii.a2b_qp(data, header=True), charset)


def _without(html: str, name: str) -> str:
    low, pieces, at = html.lower(), list[str](), 0
    if len(low) != len(html):
        return html
    while (start := low.find(f"<{name}", at)) >= 0:
        pieces.append(html[at:start])
        end = low.find(f"</{name}", start)
        at = len(html) if end < 0 else end
    return "".join([*pieces, html[at:]])


def _character(match: re.Match[str]) -> str:
    code = int(match[1]) if match[1] else name2codepoint.get(match[2], 0x20)
    return " " if code in {0, 0xA0} or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF else chr(code)  # noqa: PLR2004

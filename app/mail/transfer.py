"""Text as a MIME body part: line ends, transfer encoding, dot safety.

What leaves here has CRLF line ends, no line over 998 octets and no line that begins with a dot, so SMTP can send it
without looking at it again (docs: perf, A2). Imports the standard library only.

Source: RFC 2045 section 6, RFC 5321 section 4.5.2.
"""

import binascii
import re

LONGEST_LINE = 998
"""Longest line of a 7bit part, in octets without CRLF (RFC 5322, 2.1.1)."""
QUOTED_LINE = 76
"""Longest line of quoted-printable (RFC 2045, 6.7 rule 5)."""
_BASE64_INPUT = 57
"""Octets that make a base64 line of 76 characters."""

_LEADING_DOTS = re.compile(rb"^(\.+)([^\r\n]*)", re.MULTILINE)


def encode_part(text: str) -> tuple[str, bytes]:
    """Return the transfer encoding of a text and its bytes, which end with CRLF.

    Plain ASCII with short lines stays as it is (`7bit`); else the smaller of `quoted-printable` and `base64`.
    Line ends of any kind become CRLF; characters that are no Unicode text (lone surrogates) become `?`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    if is_plain(text):
        return "7bit", text.replace("\n", "\r\n").encode("ascii")
    raw = text.replace("\n", "\r\n").encode("utf-8", "replace")
    quoted = quoted_printable(raw)
    if len(quoted) <= (len(raw) + 2) // 3 * 4 * 78 // 76 + 2:
        return "quoted-printable", quoted
    return "base64", base64_lines(raw)


def quoted_printable(raw: bytes) -> bytes:
    """Encode text with CRLF line ends, the last one included, as dot-safe quoted-printable."""
    encoded = binascii.b2a_qp(raw, quotetabs=False, istext=True, header=False)
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = _LEADING_DOTS.sub(_hide_dots, encoded)
    lines = encoded.split(b"\r\n")
    if max(map(len, lines)) <= QUOTED_LINE:
        return encoded
    # The C encoder turns a blank at the end of a full line into =20 without counting.
    return b"\r\n".join([line if len(line) <= QUOTED_LINE else _broken(line) for line in lines])


def base64_lines(raw: bytes) -> bytes:
    """Encode bytes as base64 with CRLF after every 76 characters."""
    encode = binascii.b2a_base64
    step = _BASE64_INPUT
    lines = [encode(raw[start : start + step], newline=False) for start in range(0, len(raw), step)]
    return b"\r\n".join([*lines, b""])


def dot_stuff(data: bytes) -> bytes:
    """Double the dot at the beginning of lines: for foreign messages that were not made here (RFC 5321, 4.5.2)."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def is_plain(text: str) -> bool:
    r"""Say whether a text with `\n` line ends may go as 7bit: ASCII, short lines, no leading dot, no NUL."""
    if not text.isascii() or "\x00" in text or text.startswith(".") or "\n." in text:
        return False
    return max(map(len, text.split("\n"))) <= LONGEST_LINE


def _hide_dots(match: re.Match[bytes]) -> bytes:
    dots, rest = match.groups()
    if 3 * len(dots) + len(rest) <= QUOTED_LINE:
        return b"=2E" * len(dots) + rest
    return b"=2E=\r\n" * len(dots) + rest


def _broken(line: bytes) -> bytes:
    """Break a line that is a little too long before its last encoded octet, or its last character."""
    at = len(line) - (3 if line[-3:-2] == b"=" else 1)
    return line[:at] + b"=\r\n" + line[at:]

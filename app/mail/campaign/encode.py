r"""Quoted-printable in segments: texts and values are encoded by themselves and then only joined.

Each segment begins at the beginning of a line and ends with a line break, soft (`=`) or hard, so any segments in any
order are one well-formed body. It is also its own canonical form for DKIM: no tab, no two blanks in a row, no blank
at the end of a line. `=` is always encoded, so a boundary with `=_` can not occur.

Source: RFC 2045, section 6.7; RFC 6376, section 3.4.4.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape as escape_html
from typing import NamedTuple

SOFT = b"=\r\n"
"""A line break that is none in the text."""
_ROOM = 75
"""Characters of a line beside its soft break."""
SHORT = 64
"""Longest value that is remembered, in characters."""

_UNSAFE = re.compile(rb"[^ -<>-~]|(?<= ) | \Z")
# Of printable ASCII all but = and what HTML escapes; no dot or blank first.
_SIMPLE = re.compile(r"[!#-%(-\-/-;?-~][ !#-%(-;?-~]{0,70}\Z").match


class Mode(NamedTuple):
    """How values are written."""

    escape: bool
    """For HTML."""
    quoted: bool
    """As quoted-printable; else as plain UTF-8."""


def quoted_text(text: str, *, last: bool = False) -> bytes:
    """Encode a static text; line ends of any kind are kept as CRLF.

    Args:
        text: Any; lone surrogates become `?`.
        last: Whether nothing follows in this part: the text then ends with a hard break.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    out = [_line(line, hard=True) for line in lines[:-1]]
    if last:
        out += [_line(lines[-1], hard=True)] if lines[-1] or not out else []
    elif lines[-1]:
        out.append(_line(lines[-1], hard=False))
    return b"".join(out)


def is_simple(value: str) -> bool:
    """Say whether a value needs no encoding and no escaping, and fits into a line with its soft break."""
    return _SIMPLE(value) is not None and "  " not in value


def written(value: str, modes: Sequence[Mode]) -> tuple[bytes, ...]:
    """Return the value of a slot as each of the modes writes it; an empty one is nothing at all."""
    if is_simple(value):
        plain = value.encode("ascii")
        quoted = plain + SOFT
        return tuple([quoted if mode.quoted else plain for mode in modes])
    shown = [escape_html(value) if mode.escape else value for mode in modes]
    return tuple(
        [quoted_text(text) if mode.quoted else plain_value(text) for text, mode in zip(shown, modes, strict=True)]
    )


remembered = lru_cache(maxsize=4096)(written)
"""The same for values of at most `SHORT` characters: names and cities come again and again."""


def plain_value(value: str) -> bytes:
    """Return a value as UTF-8 with CRLF, for a part that is encoded as a whole."""
    if "\n" in value or "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return value.encode("utf-8", "replace")


def _line(text: str, *, hard: bool) -> bytes:
    raw = _UNSAFE.sub(_code, text.encode("utf-8", "replace"))
    if not hard and raw.endswith(b"=20") and text.endswith(" ") and not text.endswith("  "):
        raw = raw[:-3] + b" "  # a soft break protects it
    out: list[bytes] = []
    position = 0
    while True:
        dot = raw.startswith(b".", position)
        if len(raw) - position <= _ROOM - 2 * dot:
            break
        end = position + _ROOM - 2 * dot
        cut = raw.rfind(b"=", end - 2, end)
        end = cut if cut >= 0 else end
        out += (b"=2E" + raw[position + 1 : end] if dot else raw[position:end], SOFT)
        position = end
    tail = raw[position:]
    out += (b"=2E" + tail[1:] if tail.startswith(b".") else tail, b"\r\n" if hard else SOFT)
    return b"".join(out)


def _code(match: re.Match[bytes]) -> bytes:
    return b"=%02X" % match[0][0]

"""The header section of a foreign mail: its fields as octets, in order; values as text.

May import `app.mail.headers`, `app.mail.transfer` and the standard library.

Source: RFC 5322 section 2.2; RFC 2047.
"""

import re
from collections.abc import Iterator, Sequence
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import NamedTuple

from app.mail.headers import clean, header_line
from app.mail.transfer import LONGEST_LINE

MAX_HEAD = 262_144
"""Longest header section, in octets."""
MAX_FIELDS = 1_000
"""Most fields of a header section."""
MAX_DECODED = 2_000
"""Characters of a value of which encoded words are decoded."""

# Possessive quantifiers: neither pattern can backtrack. No blank before the colon, no name that begins with a dot:
# whoever reads such a line differently would see another mail than we do.
_FIELD = re.compile(rb"((?!\.)[!-9;-~]{1,200}+):((?:[^\r\n]++|\r\n[ \t])*+)\r\n")
_BLANK_FOLD = re.compile(rb"\r\n[ \t]+(?=\r\n)")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


class Malformed(ValueError):
    """Raised for a mail that can not be sent; the text says why."""


class Field(NamedTuple):
    """One header field; a tuple, because a mail has many and a frozen class costs five times as much to make.

    Attributes:
        key: Its name in lower case.
        line: The octets: name, colon, value with its folds, CRLF.
    """

    key: str
    line: bytes

    @property
    def name(self) -> str:
        """The name as it was written."""
        return self.line[: len(self.key)].decode("ascii")

    @property
    def value(self) -> str:
        """The value on one line: folds undone, controls gone; UTF-8, else Latin-1; encoded words as they came."""
        raw = self.line[len(self.key) + 1 : -2]
        if b"\r" in raw:
            raw = _FOLD.sub(b"", raw)
        try:
            return clean(raw.decode())
        except UnicodeDecodeError:
            return clean(raw.decode("latin-1"))

    @property
    def shown(self) -> str:
        """The value for people: encoded words decoded, as far as they can be."""
        value = self.value
        if "=?" not in value:
            return value
        try:
            return clean(str(make_header(decode_header(value[:MAX_DECODED]))))
        except (ValueError, LookupError, HeaderParseError):
            return value


def read_fields(head: bytes) -> tuple[Field, ...]:
    """Return the fields of a header section, each line of which ends with CRLF.

    Raises:
        Malformed: A line is no field, or there are too many, or too much.
    """
    if len(head) > MAX_HEAD:
        raise Malformed("header section too large")
    if b"\r\n\t" in head or b"\r\n " in head:
        head = _BLANK_FOLD.sub(b"", head)  # a line of blanks, which some readers take for the end of the section
    fields: list[Field] = []
    position, end = 0, len(head)
    while position < end:
        match = _FIELD.match(head, position)
        if match is None:
            raise Malformed("header section can not be read")
        if len(fields) >= MAX_FIELDS:
            raise Malformed("too many header fields")
        line, name = match.group(0, 1)
        fields.append(Field(name.decode("ascii").lower(), line))
        position = match.end()
    return tuple(fields)


def written(fields: Sequence[Field]) -> Iterator[bytes]:
    """Yield fields as lines to send: as they came, but in ASCII where they can be, and folded below 998 octets."""
    for field in fields:
        if not field.line.isascii():
            yield header_line(field.name, field.value)
        elif len(field.line) > LONGEST_LINE and max(map(len, field.line.split(b"\r\n"))) > LONGEST_LINE:
            yield _folded(field.line)
        else:
            yield field.line


def is_foldable(field: Field) -> bool:
    """Say whether every line of a field can be brought below 998 octets."""
    if len(field.line) <= LONGEST_LINE or not field.line.isascii():
        return True
    return max(map(len, _folded(field.line).split(b"\r\n"))) <= LONGEST_LINE


def _folded(line: bytes) -> bytes:
    """Fold before the last blank that leaves a line short enough."""
    lines: list[bytes] = []
    for piece in line[:-2].split(b"\r\n"):
        rest = piece
        while len(rest) > LONGEST_LINE:
            at = max(rest.rfind(b" ", 1, LONGEST_LINE), rest.rfind(b"\t", 1, LONGEST_LINE))
            if at < 1 or not rest[:at].strip(b" \t"):
                break
            lines.append(rest[:at])
            rest = rest[at:]
        lines.append(rest)
    return b"\r\n".join([*lines, b""])

"""The bodies of a mail as text: the stated or detected transfer encoding undone.

Imports the standard library and `app.api.dyn.bodies`.

Source: docs/contract/dyn-email.md, section 7, `content-encoding`.
"""

import base64
import binascii
import re
from enum import StrEnum

from app.api.dyn.bodies import text_of

DETECT_LENGTH = 64
"""Fewest characters that may be taken for base64 without being told so."""

# Possessive quantifiers keep both patterns linear.
_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]++={0,2}[\r\n]*+\Z")
_NOT_QUOTED_PRINTABLE = re.compile(r"=(?![0-9A-Fa-f]{2}|[ \t]*+\r?\n)")
_SOFT_BREAK = re.compile(r"=[ \t]*+\r?\n")
_FOLD = re.compile(r"[ \t]*+[\r\n]++[ \t]*+")
_BREAKS = str.maketrans("", "", "\r\n")


class ContentEncoding(StrEnum):
    """How both bodies were encoded."""

    QUOTED_PRINTABLE = "quoted-printable"
    BASE64 = "base64"
    EIGHT_BIT = "8bit"
    SEVEN_BIT = "7bit"


_ENCODINGS = {str(encoding): encoding for encoding in ContentEncoding}


class Undecodable(ValueError):
    """Raised when a body is not what the stated encoding makes."""


def content_encoding(text: str | None) -> ContentEncoding | None:
    """Return the stated encoding; None when there is none or an unknown one, and detection is on."""
    return _ENCODINGS.get(text.strip().lower()) if text else None


def decode_body(text: str, encoding: ContentEncoding | None) -> str:
    """Return a body as the text it stands for: UTF-8, else Latin-1; NUL removed.

    Args:
        text: As it came.
        encoding: As stated; None detects base64 and quoted-printable, and takes anything else as it is.

    Raises:
        Undecodable: The stated encoding does not fit.
    """
    match encoding:
        case None:
            return _detected(text)
        case ContentEncoding.BASE64:
            # Blanks are no part of base64: inside a line they are plus signs that a form did not escape.
            return text_of(_from_base64(_FOLD.sub("", text.strip()).replace(" ", "+")))
        case ContentEncoding.QUOTED_PRINTABLE:
            if _NOT_QUOTED_PRINTABLE.search(text):
                raise Undecodable
            return text_of(_from_quoted_printable(text))
        case ContentEncoding.EIGHT_BIT | ContentEncoding.SEVEN_BIT:
            return text


def _detected(text: str) -> str:
    if len(text) >= DETECT_LENGTH and _BASE64.match(text):
        bare = text.translate(_BREAKS)
        try:
            return _from_base64(bare).decode().replace("\0", "") if len(bare) >= DETECT_LENGTH else text
        except (Undecodable, UnicodeDecodeError):
            return text
    if (
        "=" in text
        and text.isascii()
        and ("=3D" in text or _SOFT_BREAK.search(text))
        and not _NOT_QUOTED_PRINTABLE.search(text)
    ):
        return text_of(_from_quoted_printable(text))
    return text


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Undecodable from None


def _from_quoted_printable(text: str) -> bytes:
    # RFC 2045, 6.7 (3): blanks before a line's end were added on the way, also behind a soft break.
    return binascii.a2b_qp(_SOFT_BREAK.sub("=\n", text).encode())

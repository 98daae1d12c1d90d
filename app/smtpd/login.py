"""AUTH PLAIN and LOGIN (RFC 4616, 4954): what the client says, decoded. Imports nothing of ours."""

import base64
import binascii

MAX_LINE = 12_288
"""Characters of a line of an exchange (RFC 4954, 4)."""
MAX_WORD = 1000
"""Characters of a name or a password."""


class Malformed(Exception):
    """Raised for what is no base64, no UTF-8, or not of the mechanism's form."""


def decoded(text: str) -> str:
    """Return what base64 stands for; `=` stands for nothing.

    Raises:
        Malformed: It is none.
    """
    if text == "=":
        return ""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Malformed from None


def plain(text: str) -> tuple[str, str]:
    """Return name and password of a PLAIN response; who it would act for has to be the same, or nobody.

    Raises:
        Malformed: It has another form.
    """
    parts = decoded(text).split("\0")
    if len(parts) != 3 or not parts[1] or parts[0] not in {"", parts[1]}:  # noqa: PLR2004 RFC 4616, 2
        raise Malformed
    return _bounded(parts[1]), _bounded(parts[2])


def word(text: str) -> str:
    """Return a name or a password of LOGIN.

    Raises:
        Malformed: It has another form.
    """
    return _bounded(decoded(text))


def _bounded(text: str) -> str:
    if len(text) > MAX_WORD or "\0" in text:
        raise Malformed
    return text

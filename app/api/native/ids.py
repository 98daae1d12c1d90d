"""Identifiers in paths: the UUID of a thing, or the uid by which a foreign family knows it.

Source: docs/contract/native.md, 1, "Identifiers". May import `app.core.errors`.
"""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Path

from app.core.errors import NotFound

MAX_LENGTH = 64
_UID = re.compile(r"[0-9a-f]{13}\Z")

Id = Annotated[str, Path(max_length=MAX_LENGTH, description="UUID, or uid of those things that have one.")]
"""An identifier in a path; `which` reads it."""


def which(text: str) -> UUID | str:
    """Return what an identifier names, for a verb of the core that takes `int | str | UUID`.

    Args:
        text: The UUID in its usual form of 36 characters, or a uid of 13 lower-case hexadecimal digits.

    Raises:
        NotFound: It is neither, so there is no such thing.
    """
    if _UID.match(text):
        return text
    return uuid_of(text)


def uuid_of(text: str) -> UUID:
    """Return a UUID, of things that have no uid.

    Raises:
        NotFound: The text is none in its usual form of 36 characters.
    """
    try:
        value = UUID(text)
    except ValueError:
        raise NotFound("no such object") from None
    if str(value) != text.lower():
        raise NotFound("no such object")
    return value

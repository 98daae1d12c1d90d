"""Members a client stored that no contract names, and which texts the database can hold. Imports the core's errors.

Source: docs/contract/dyno.md, 4.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from app.core.errors import Fault, FieldFault, Invalid

MAX_EXTRA_BYTES = 64 * 1024
"""Most octets of all extra members of one object, as JSON."""

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can hold the text: no NUL, no half of a surrogate pair."""
    return not _UNSTORABLE.search(text)


def merged(stored: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the extra members of an object after a write: those that were there, and over them the given ones.

    Args:
        stored: What the object has.
        given: Names with JSON values, null included.

    Returns:
        None when there are none.

    Raises:
        Invalid: More than 64 kB in all, or not JSON.
    """
    members = {**(stored or {}), **(given or {})}
    if not members:
        return None
    try:
        text = json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError):
        text, size = "", -1
    if size > MAX_EXTRA_BYTES:
        raise Invalid([FieldFault("extra", Fault.TOO_LONG, "is longer than 64 kB")])
    if size < 0 or _NUL.search(text):
        raise Invalid([FieldFault("extra", Fault.INVALID, "cannot be stored")])
    return members

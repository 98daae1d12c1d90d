"""Pages of lists: `limit`, `cursor` and the object that carries a page. Source: docs/contract/native.md, 1."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import HTTPException, Query
from pydantic import BaseModel, Field

Limit = Annotated[int, Query(ge=1, le=200, description="Objects a page.")]
DEFAULT_LIMIT = 50
Item = TypeVar("Item")
Cursor = Annotated[str, Query(max_length=200, description="`next_cursor` of the page before.")]
Counted = Annotated[bool, Query(description="Whether to add `total`.")]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    next_cursor: str | None
    has_more: bool
    total: int | None = Field(default=None, description="Only with `count=true`.")


def cursor_after(key: int) -> str:
    """Return the opaque cursor behind the object with this key."""
    return base64.urlsafe_b64encode(orjson.dumps({"k": key})).decode().rstrip("=")


def key_of(cursor: str) -> int | None:
    """Return the key in a cursor; None for "".

    Raises:
        HTTPException: 400, it is none of ours.
    """
    if not cursor:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))["k"]
    except (ValueError, binascii.Error, KeyError, TypeError):
        raise HTTPException(400, "bad cursor") from None
    if not isinstance(key, int) or not 0 <= key < 1 << 63:
        raise HTTPException(400, "bad cursor")
    return key

"""Pages of lists: `limit`, `cursor`, `sort`, `count`, and the object that carries a page.

A cursor holds the sort value and the id of the last object shown, so it stays valid when rows come and go. For lists
by id alone `cursor_after` and `key_of`; for others `cursor_of` and `values_of`. Source: docs/contract/native.md, 1.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Depends, HTTPException, Query
from pydantic import BaseModel, Field

Limit = Annotated[int, Query(ge=1, le=200, description="Objects a page.")]
DEFAULT_LIMIT = 50
Item = TypeVar("Item")
CURSOR_LENGTH = 1000
Cursor = Annotated[str, Query(max_length=CURSOR_LENGTH, description="`next_cursor` of the page before.")]
Counted = Annotated[bool, Query(description="Whether to add `total`.")]
_MAX_VALUES = 4
_INT_END = 1 << 63


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    next_cursor: str | None
    has_more: bool
    total: int | None = Field(
        default=None, description="Only with `count=true`.", exclude_if=lambda total: total is None
    )


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted.

    Attributes:
        by: The field.
        descending: Whether the largest comes first.
    """

    by: str
    descending: bool


def order_of(sort: str, fields: Sequence[str]) -> Order:
    """Return what `sort` asks for.

    Args:
        sort: A field, with `-` before it for descending.
        fields: Those that this list can be sorted by.

    Raises:
        HTTPException: 400, it is another one.
    """
    by = sort.removeprefix("-")
    if by not in fields:
        raise HTTPException(400, f"sort must be one of {', '.join(fields)}")
    return Order(by, descending=sort.startswith("-"))


def sorting(*fields: str, default: str = "created_at") -> Any:
    """Return a dependency that reads `sort`: put it into `Annotated` with `Order`.

    Args:
        fields: Those that the list can be sorted by.
        default: Where the request has none; with `-` for descending.
    """
    described = f"One of {', '.join(fields)}; `-` before it for descending."

    async def read(sort: Annotated[str, Query(max_length=50, description=described)] = default) -> Order:
        return order_of(sort, fields)

    return Depends(read)


def cursor_of(values: Sequence[str | int]) -> str:
    """Return the opaque cursor behind an object.

    Args:
        values: Its sort value and its id, as the query compares them (times as text or microseconds).
    """
    return _written(list(values))


def values_of(cursor: str) -> list[Any] | None:
    """Return the values in a cursor, each a text or a number; None for "".

    The caller checks that they are as many and of the kind that its list has.

    Raises:
        HTTPException: 400, it is none of ours.
    """
    if not cursor:
        return None
    values = _read(cursor)
    if not isinstance(values, list) or not 1 <= len(values) <= _MAX_VALUES or not all(map(_plain, values)):
        raise HTTPException(400, "bad cursor")
    return values


def numbers_of(cursor: str, ends: Sequence[int]) -> list[int] | None:
    """Return the numbers in a cursor, each from 0 to below its end; None for "".

    Raises:
        HTTPException: 400, it is none of this list.
    """
    values = values_of(cursor)
    if values is None:
        return None
    if len(values) != len(ends) or not all(
        isinstance(value, int) and 0 <= value < end for value, end in zip(values, ends, strict=True)
    ):
        raise HTTPException(400, "bad cursor")
    return values


def cursor_after(key: int) -> str:
    """Return the opaque cursor behind the object with this key."""
    return _written({"k": key})


def key_of(cursor: str) -> int | None:
    """Return the key in a cursor; None for "".

    Raises:
        HTTPException: 400, it is none of ours.
    """
    if not cursor:
        return None
    values = _read(cursor)
    key = values.get("k") if isinstance(values, dict) else None
    if not isinstance(key, int) or isinstance(key, bool) or not 0 <= key < _INT_END:
        raise HTTPException(400, "bad cursor")
    return key


def page_of(
    rows: Sequence[Any], limit: int, cursor: Callable[[Any], str], shown: Callable[[Any], Any], total: int | None = None
) -> dict[str, Any]:
    """Return the members of a page, for `Page[...].model_validate`.

    Args:
        rows: What was found: one more than `limit` when there is a next page.
        limit: Objects a page.
        cursor: Makes the cursor behind a row.
        shown: Makes the object of a row.
        total: Rows there are, where the request asked.
    """
    here, has_more = rows[:limit], len(rows) > limit
    page: dict[str, Any] = {
        "data": [shown(row) for row in here],
        "next_cursor": cursor(here[-1]) if has_more else None,
        "has_more": has_more,
    }
    return page if total is None else page | {"total": total}


def _plain(value: object) -> bool:
    if isinstance(value, str):
        return "\0" not in value
    return isinstance(value, int) and not isinstance(value, bool) and -_INT_END <= value < _INT_END


def _written(values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _read(cursor: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise HTTPException(400, "bad cursor") from None

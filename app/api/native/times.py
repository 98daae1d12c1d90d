"""Times of the native API: `2026-01-05T09:00:00.000Z` in answers, any RFC 3339 time in requests.

Source: docs/contract/native.md, 1, "Times".
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)\Z",
    re.ASCII,
)
_FINEST = 26
"""Characters of a time down to the microsecond, the finest that is kept."""


def written(moment: datetime) -> str:
    """Return an instant as text: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """Return the instant that a time of RFC 3339 stands for, in UTC.

    Args:
        text: With a zone or `Z`; fractions beyond the microsecond are cut off. A query may hold a blank where its
            `+` was not escaped.

    Raises:
        ValueError: It is no such time, or one beyond the years 1 to 9999.
    """
    if text[-6:-5] == " ":
        text = f"{text[:-6]}+{text[-5:]}"
    if not _RFC_3339.match(text):
        raise ValueError("is not a time of RFC 3339")
    zone_at = len(text) - (1 if text[-1] in "Zz" else 6)
    zone = "+00:00" if text[zone_at] in "Zz" else text[zone_at:]
    try:
        return datetime.fromisoformat(text[:zone_at][:_FINEST] + zone).astimezone(UTC)
    except OverflowError:
        raise ValueError("is not a time of RFC 3339") from None


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            return read_time(value)
    except ValueError:
        pass
    raise PydanticCustomError("moment", "is not a time of RFC 3339, such as 2026-01-05T09:00:00Z")


Time = Annotated[datetime, PlainSerializer(written, return_type=str, when_used="json")]
"""An aware instant in an answer."""

Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
"""An instant in a request, aware and in UTC: a bad one is 422 in a body and 400 in a query."""

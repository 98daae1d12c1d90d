"""Times as the native API writes them: `2026-01-05T09:00:00.000Z`. Source: docs/contract/native.md, 1."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer


def written(moment: datetime) -> str:
    """Return an instant as text: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[datetime, PlainSerializer(written, return_type=str, when_used="json")]
"""An aware instant in an answer."""

"""Hours closed in a test, and series as a test compares them."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.metrics import Series
from app.core.retention import closing
from app.db.engine import driver_connection


async def close(engine: AsyncEngine, until: datetime, *, monkeypatch: pytest.MonkeyPatch) -> int:
    """Close the hours before an instant, in small batches; return how many rows."""
    monkeypatch.setattr(closing, "BATCH", 50)
    async with driver_connection(engine) as connection:
        return await closing.close(connection, until + closing.OPEN, float("inf"))


def single(series: Series) -> dict[int, list[tuple[datetime, int]]]:
    """Return series of one number with the start of each bucket beside it."""
    return {key: list(zip(series.starts, numbers, strict=True)) for key, (numbers,) in series.columns.items()}


def pairs(series: Series) -> dict[int, list[tuple[datetime, tuple[int, ...]]]]:
    """Return series of two numbers with the start of each bucket beside them."""
    return {
        key: list(zip(series.starts, zip(*columns, strict=True), strict=True))
        for key, columns in series.columns.items()
    }

"""Checks of what the service stands on. Source: docs/contract/native.md, 17.

May import `app.db`, and `app.core.messages` for the months that have partitions.
"""

import asyncio
import tempfile
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.db.engine import driver_connection
from app.db.schema import expected_revisions
from app.db.sql import Sql

CHECK_SECONDS = 3.0
"""How long one check may take before it counts as failed."""
_SQL = Sql("app.core.system")
_UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, TimeoutError)


class Check(StrEnum):
    """How a part is doing; anything but `ok` is a reason not to be ready."""

    OK = "ok"
    DOWN = "down"
    NOT_MIGRATED = "not migrated"
    PARTITIONS_MISSING = "partitions missing"
    NOT_WRITABLE = "not writable"


async def database_check(engine: AsyncEngine, now: datetime) -> Check:
    """Tell whether PostgreSQL answers, has this version's schema, and partitions for at least the next month.

    Args:
        engine: Of the process.
        now: The present instant, UTC.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            if await _revision(engine) not in expected_revisions():
                return Check.NOT_MIGRATED
            if await messages.months_left(engine, now) < 1:
                return Check.PARTITIONS_MISSING
    except asyncpg.UndefinedTableError:
        return Check.NOT_MIGRATED
    except _UNREACHABLE:
        return Check.DOWN
    return Check.OK


async def queue_depth(engine: AsyncEngine) -> dict[str, int] | None:
    """Count the copies that are not finished: `queued`, `deferred`, and `sending` ones in leases.

    Returns:
        Copies by state, or None when PostgreSQL can't be asked.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS), driver_connection(engine) as connection:
            rows = await _SQL.fetch(connection, "queue_depth")
    except _UNREACHABLE:
        return None
    return {row["state"]: row["copies"] for row in rows}


async def jobs_by_status(engine: AsyncEngine) -> dict[tuple[str, str], int] | None:
    """Count the imports, exports and bulk actions there are.

    Returns:
        Jobs by type and status, or None when PostgreSQL can't be asked.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS), driver_connection(engine) as connection:
            rows = await _SQL.fetch(connection, "jobs_by_status")
    except _UNREACHABLE:
        return None
    return {(row["type"], row["status"]): row["jobs"] for row in rows}


async def storage_check(data_dir: Path) -> Check:
    """Tell whether files can be written in the data directory."""
    try:
        await asyncio.to_thread(_write_in, data_dir)
    except OSError:
        return Check.NOT_WRITABLE
    return Check.OK


def _write_in(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"ready?")
        file.flush()


async def _revision(engine: AsyncEngine) -> str | None:
    async with driver_connection(engine) as connection:
        rows = await _SQL.fetch(connection, "revision")
    return rows[0]["version_num"] if rows else None

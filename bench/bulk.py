"""Loads tables fast: their indexes are taken away and made again afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.db.sql import Connection

LONG = 3600
"""Seconds one statement may take."""

_INDEXES = """SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made,
        conname, pg_get_constraintdef(pg_constraint.oid) AS rule
    FROM pg_index
    LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid
    WHERE indrelid = $1::text::regclass"""


@asynccontextmanager
async def without_indexes(connection: Connection, *tables: str) -> AsyncIterator[None]:
    """Take the indexes of these tables and of their partitions away; make the same again when the block ends."""
    again: list[str] = []
    for table in tables:
        for row in await connection.fetch(_INDEXES, table):
            if row["conname"]:
                again.append(f"ALTER TABLE {table} ADD CONSTRAINT {row['conname']} {row['rule']}")
                await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {row['conname']}")
            else:
                again.append(row["made"].replace(" ON ONLY ", " ON "))
                await connection.execute(f"DROP INDEX {row['name']}")
    yield
    await connection.execute("SET maintenance_work_mem = '1GB'")
    for statement in again:
        await connection.execute(statement, timeout=LONG)


async def analyse(connection: Connection) -> None:
    """Leave the tables as autovacuum would, and everything on the disk."""
    await connection.execute("VACUUM (ANALYZE)", timeout=LONG)
    await connection.execute("CHECKPOINT", timeout=LONG)

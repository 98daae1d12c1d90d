"""Files of jobs as rows: written in pieces, read in pieces, never whole in memory. Imports models and db.

Owns the table `job_chunks`.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import BinaryIO, TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection, driver_of
from app.db.sql import Connection, Sql
from app.db.unit_of_work import WriteSession
from app.models.job_chunk import ChunkKind

PIECE = 1 << 20
"""Octets of a piece."""
MAX_TOLD = 10_000
"""Bad rows that the list of errors of a job tells of; all are counted."""
ERRORS_HEADER = b"line,address,reason\r\n"
Bad: TypeAlias = tuple[int, str, str]
"""A bad row: its line, its address as it was given, and why."""

_SHOWN = 200
_sql = Sql(__package__)


async def store(write: WriteSession, job_id: int, file: BinaryIO) -> None:
    """Store a file from its beginning as what a job is to read."""
    driver = await driver_of(await write.connection())

    async def pieces() -> AsyncIterator[tuple[int, str, int, bytes]]:
        seq = 0
        while data := file.read(PIECE):
            yield job_id, ChunkKind.FILE.value, seq, data
            seq += 1

    file.seek(0)
    await driver.copy_records_to_table("job_chunks", records=pieces(), columns=("job_id", "kind", "seq", "data"))


async def piece(connection: Connection, job_id: int, kind: ChunkKind, seq: int) -> bytes:
    """Return one piece; nothing behind the end."""
    rows = await _sql.fetch(connection, "chunk", job_id, kind.value, seq)
    return bytes(rows[0]["data"]) if rows else b""


async def stream(engine: AsyncEngine, job_id: int, kind: ChunkKind) -> AsyncIterator[bytes]:
    """Yield the pieces of a file in order; no connection is held between two."""
    seq = 0
    while True:
        async with driver_connection(engine) as connection:
            data = await piece(connection, job_id, kind, seq)
        if not data:
            return
        yield data
        seq += 1


async def append(connection: Connection, job_id: int, kind: ChunkKind, data: bytes) -> None:
    """Append to a file that a job writes."""
    for start in range(0, len(data), PIECE):
        await _sql.execute(connection, "append", job_id, kind.value, data[start : start + PIECE])


async def append_by(write: WriteSession, job_id: int, kind: ChunkKind, data: bytes) -> None:
    """Append to a file, in a session's transaction."""
    for start in range(0, len(data), PIECE):
        await _sql.rows(write, "append", job_id, kind.value, data[start : start + PIECE])


def told(bad: Sequence[Bad], before: int) -> tuple[bytes, int]:
    """Return lines for the list of errors and how many they are.

    Args:
        bad: Bad rows of a batch.
        before: Those that are in the list.
    """
    rows = bad[: max(MAX_TOLD - before, 0)]
    return csv_lines((line, shown(address), shown(reason)) for line, address, reason in rows), len(rows)


def csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def shown(text: str) -> str:
    """Return foreign text cut short, what is no UTF-8 or cannot be printed replaced."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text[:_SHOWN])

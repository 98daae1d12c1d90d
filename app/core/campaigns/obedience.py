"""What a pause and a stop wait for once they have committed, before their answer leaves. Imports messages, db.

Source: docs/design.md, 4; docs/contract/dynosend.md, 9.4.
"""

import asyncio
import contextlib

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.db.engine import driver_connection
from app.db.sql import Connection

LONGEST_SECONDS = 1.0
"""A delivery process that has not obeyed by then is gone or cut off, and its lease tells what becomes of its copies."""
POLL_SECONDS = 0.005


async def obeyed(engine: AsyncEngine, *, run_id: int, epoch: int) -> None:
    """Wait until no delivery process begins anything of the run under an older epoch; at most a second."""
    async with driver_connection(engine) as connection:
        await _wait(connection, run_id, epoch)


async def obeyed_and_cancelled(engine: AsyncEngine, *, run_id: int, epoch: int) -> None:
    """Wait as `obeyed` does, then cancel copies of the run that wait, for a second; the sweep does the rest."""
    async with driver_connection(engine) as connection:
        await _wait(connection, run_id, epoch)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SECONDS):
                await messages.cancel_waiting(connection, run_id)


async def _wait(connection: Connection, run_id: int, epoch: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_SECONDS):
            while not await messages.is_obeyed(connection, run_id, epoch):  # noqa: ASYNC110 other processes obey
                await asyncio.sleep(POLL_SECONDS)

"""A transaction on the driver's connection, for statements over whole groups of events. Imports db."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import DatabaseAway, driver_connection, is_disconnect
from app.db.sql import Connection


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """Open a transaction: leaving the block commits, an exception rolls back.

    Raises:
        DatabaseAway: PostgreSQL can't be reached, or was lost on the way.
    """
    try:
        async with driver_connection(engine) as connection, connection.transaction():
            yield connection
    except Exception as error:
        if is_disconnect(error):
            raise DatabaseAway("the database is away") from error
        raise

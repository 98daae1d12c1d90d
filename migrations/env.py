"""Runs the migrations: one at a time in the whole cluster, never waiting long for a lock.

The address comes from `alembic -x url=...`, from `config.attributes["url"]` (the command `trireme migrate`), or from
TRIREME_DATABASE_URL.
"""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from app import models
from app.settings import environment

PARTITION = re.compile(r"_p\d{6}$")
LOCK_KEY = 0x7472_6972  # "trir"
LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "5s"
QUEUE_SECONDS = 600.0
POLL_SECONDS = 0.1


def url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url") or context.config.attributes.get("url")
    return str(given or environment()["TRIREME_DATABASE_URL"])


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Leave out the monthly partitions: they are made by `app.core.messages`, not by migrations."""
    return not (kind == "table" and name and PARTITION.search(name))


def queue_up(connection: Connection) -> None:
    """Wait until no other process migrates; it may have nothing left to do afterwards.

    Asked for again and again, never waited for inside PostgreSQL: making an index concurrently waits for every
    transaction that is open, and so for one that waits for its lock.

    Raises:
        TimeoutError: Another process has been migrating for ten minutes.
    """
    deadline = time.monotonic() + QUEUE_SECONDS
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK_KEY})").scalar():
        connection.commit()
        if time.monotonic() > deadline:
            raise TimeoutError("another process has been migrating for too long")
        time.sleep(POLL_SECONDS)
    connection.commit()


def migrate(connection: Connection) -> None:
    queue_up(connection)
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.exec_driver_sql(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=models.Account.metadata,
        include_object=include_object,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    engine = create_async_engine(url(), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


# A loop may be running already where the command is called from; a thread of its own has none.
with ThreadPoolExecutor(1) as executor:
    executor.submit(asyncio.run, main()).result()

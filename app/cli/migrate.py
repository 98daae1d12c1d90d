"""Brings the database to this version's schema. Imports `app.core.messages` for the partitions."""

import asyncio
import sys
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from app.db.schema import MIGRATIONS, expected_revisions
from app.settings import Settings

CONNECT_SECONDS = 10


def migrate(settings: Settings) -> int:
    """Run the migrations that are missing and make the partitions ahead; return the exit status.

    May run at the same time as another one: an advisory lock lets them follow each other.
    """
    from alembic import command  # noqa: PLC0415 half a second
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from app.telemetry import logs  # noqa: PLC0415

    logs.configure(settings.logs)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = settings.database_url
    try:
        command.upgrade(config, "head")
        made = asyncio.run(_make_partitions(settings))  # noqa: TID251 a command owns its loop
    except (CommandError, SQLAlchemyError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        print(f"The migration did not work: {error}", file=sys.stderr)
        return 1
    print(f"The database is at {', '.join(sorted(expected_revisions()))}; {made} partitions made.")
    return 0


async def _make_partitions(settings: Settings) -> int:
    from app.core import messages  # noqa: PLC0415
    from app.db.engine import make_engine  # noqa: PLC0415

    engine = make_engine(settings, pool_size=1)
    try:
        return await messages.make_partitions(engine)
    finally:
        await engine.dispose()


async def revisions(database_url: str) -> set[str]:
    """Return what the database says it is at; empty when it has no schema yet.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: It cannot be reached.
    """
    connection = await connect(database_url)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return set()
        rows = await connection.fetch("SELECT version_num FROM alembic_version")
    finally:
        await connection.close(timeout=CONNECT_SECONDS)
    return {row["version_num"] for row in rows}


async def connect(database_url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open a connection by the driver alone, which loads five times faster than the whole engine.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: It cannot be reached.
    """
    url = urlsplit(database_url)
    hosts = parse_qs(url.query).get("host")
    return await asyncpg.connect(
        host=hosts or url.hostname,
        port=url.port or 5432,
        user=unquote(url.username or "") or None,
        password=unquote(url.password or "") or None,
        database=url.path.removeprefix("/") or None,
        timeout=CONNECT_SECONDS,
        command_timeout=CONNECT_SECONDS,
    )


def is_at_head(database_url: str) -> bool:
    """Tell whether there is nothing to migrate; false also when the database cannot be asked."""
    try:
        return asyncio.run(revisions(database_url)) == expected_revisions()  # noqa: TID251 a command owns its loop
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False

"""A database is lent again only when it is as the template is, a connection only when it is as a new one."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.settings import Settings
from tests.fixtures.administration import connect_to, with_database
from tests.fixtures.engines import MOST_KEPT, Engines
from tests.fixtures.reuse import Databases

FILL = "INSERT INTO contacts (account_id, audience_id, address, status) VALUES (1, 1, 'a@x.example', 'subscribed')"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE messages RENAME TO messages_elsewhere",
        "ALTER TABLE opens ADD CHECK (user_agent <> 'x')",
        "ALTER TABLE contacts DISABLE TRIGGER ALL",
        "ALTER TABLE contacts ALTER COLUMN status SET DEFAULT 'x'",
        "ALTER TABLE contacts ALTER COLUMN source SET NOT NULL",
        "CREATE OR REPLACE FUNCTION tally_inserted_contacts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "UPDATE alembic_version SET version_num = 'x'",
        "DROP TABLE alembic_version",
    ],
)
async def test_what_was_altered_is_dropped(databases: Databases, statement: str) -> None:
    name = await databases.lend()
    await run(databases, name, statement)
    await databases.take_back(name)
    following = await databases.lend()
    assert following != name
    await databases.take_back(following)


async def test_what_was_filled_is_lent_again_without_a_row(databases: Databases) -> None:
    name = await databases.lend()
    await run(databases, name, FILL)
    before = await run(databases, name, "SELECT id FROM contacts")
    await databases.take_back(name)
    assert await databases.lend() == name
    assert await run(databases, name, "SELECT id FROM contacts") == []
    await run(databases, name, FILL)
    assert await run(databases, name, "SELECT id FROM contacts") == before
    await databases.take_back(name)


async def test_a_connection_keeps_nothing_of_its_session(
    engine: AsyncEngine, engines: Engines, settings: Settings
) -> None:
    async with driver_connection(engine) as connection:
        backend = connection.get_server_pid()
        before = await connection.fetchval("SHOW statement_timeout")
        await connection.execute("SET statement_timeout = 12345; LISTEN something; SELECT pg_advisory_lock(1)")
    assert await engines.rest(settings.database_url) == [backend]
    async with driver_connection(engine) as connection:
        assert connection.get_server_pid() == backend
        assert await connection.fetchval("SHOW statement_timeout") == before
        assert await connection.fetch("SELECT pg_listening_channels()") == []
        assert await connection.fetch("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = $1", backend) == []


async def test_connections_are_closed_when_one_is_still_in_use(
    engine: AsyncEngine, engines: Engines, settings: Settings
) -> None:
    async with driver_connection(engine) as connection:
        assert await engines.rest(settings.database_url) == []
        backend = connection.get_server_pid()
    async with driver_connection(engine) as connection:
        assert connection.get_server_pid() != backend


async def test_many_connections_are_closed(engine: AsyncEngine, engines: Engines, settings: Settings) -> None:
    together = asyncio.Barrier(MOST_KEPT + 1)

    async def use() -> None:
        async with driver_connection(engine):
            await together.wait()

    await asyncio.gather(*(use() for _ in range(MOST_KEPT + 1)))
    assert await engines.rest(settings.database_url) == []


async def run(databases: Databases, name: str, statement: str) -> list[int]:
    connection = await connect_to(with_database(databases.server_url, name))
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()

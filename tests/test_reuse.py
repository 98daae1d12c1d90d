"""A database is lent again only when it is as the template is."""

import pytest

from tests.fixtures.administration import connect_to, with_database
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


async def run(databases: Databases, name: str, statement: str) -> list[int]:
    connection = await connect_to(with_database(databases.server_url, name))
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()

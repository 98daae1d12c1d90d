"""Migrations on a database that is in use."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import pytest

from app.db.schema import MIGRATIONS, expected_revisions
from tests.fixtures.database import administer, connect_to, with_database


async def upgrade(url: str, revision: str = "head") -> str:
    """Migrate in a process of its own, as it is done; return what went wrong."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alembic", "-x", f"url={url}", "upgrade", revision),
        cwd=MIGRATIONS.parent,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    return errors.decode() if process.returncode else ""


@pytest.fixture
async def empty(database_server_url: str) -> AsyncIterator[str]:
    """The URL of a database without a schema."""
    name = f"trireme_migrations_{uuid4().hex}"
    await administer(database_server_url, f"CREATE DATABASE {name}")
    yield with_database(database_server_url, name)
    await administer(database_server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_two_at_once_follow_each_other(empty: str) -> None:
    assert list(await asyncio.gather(upgrade(empty), upgrade(empty))) == ["", ""]
    connection = await connect_to(empty)
    rows = await connection.fetch("SELECT version_num FROM alembic_version")
    assert {row["version_num"] for row in rows} == expected_revisions()
    await connection.close()


async def test_a_lock_is_waited_for_only_seconds(empty: str) -> None:
    """Who holds a table would otherwise hold up the migration, and the migration everybody behind it."""
    connection = await connect_to(empty)
    await connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    holding = connection.transaction()
    await holding.start()
    await connection.execute("LOCK TABLE alembic_version")
    assert "lock timeout" in await upgrade(empty)
    await holding.rollback()
    await connection.close()


async def test_hours_closed_before_are_packed_and_hours_closed_meanwhile_stay(empty: str) -> None:
    assert await upgrade(empty, "sender_records") == ""
    connection = await connect_to(empty)
    put = (
        "INSERT INTO closed_hours (account_id, sender_id, day, accepted) VALUES ($1, $1, '2016-11-22', $2)"
        " ON CONFLICT (account_id, day, sender_id) DO UPDATE SET accepted = excluded.accepted"
    )
    for account_id in range(1, 4):
        await connection.execute(put, account_id, [account_id] * 24)
    assert await upgrade(empty, "packed_counts") == ""
    await connection.execute(put, 2, [7] * 24)
    # As after a crash between the steps: all that it does is there already.
    await connection.execute("UPDATE alembic_version SET version_num = 'sender_records'")
    assert await upgrade(empty, "packed_counts") == ""
    rows = await connection.fetch("SELECT account_id, measure, days FROM packed_counts ORDER BY account_id")
    day = 4 * ((date(2016, 11, 22) - date(1970, 1, 1)).days % 8)
    found = [(row["account_id"], row["measure"], int.from_bytes(row["days"][day : day + 4], "big")) for row in rows]
    assert found == [(1, "accepted", 24), (2, "accepted", 7 * 24), (3, "accepted", 3 * 24)]
    await connection.close()


async def test_packed_counts_are_put_in_the_order_they_are_read_in(empty: str) -> None:
    assert await upgrade(empty, "packed_counts") == ""
    connection = await connect_to(empty)
    put = "INSERT INTO closed_hours (account_id, sender_id, day, accepted) VALUES ($1, $1, '2016-11-22', $2)"
    await connection.execute(put, 1, [1] * 24)
    await connection.execute(put, 2, [1] * 24)
    await connection.execute("ALTER TABLE closed_hours DISABLE TRIGGER USER")
    await connection.execute("DELETE FROM closed_hours WHERE account_id = 2")
    await connection.execute("ALTER TABLE closed_hours ENABLE TRIGGER USER")
    await connection.execute("CREATE INDEX packed_counts_by_span ON packed_counts (span)")  # as a crash may leave one
    assert await upgrade(empty, "packed_order") == ""
    await connection.execute(put, 3, [1] * 24)
    rows = await connection.fetch("SELECT account_id FROM packed_counts ORDER BY account_id")
    assert [row["account_id"] for row in rows] == [1, 3]
    order = "measure, span, account_id, sender_id"
    index = await connection.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = 'pk_packed_counts'")
    assert f"({order}) INCLUDE (days)" in index
    function = await connection.fetchval("SELECT pg_get_functiondef('pack_counts'::regproc)")
    assert "ORDER BY measure, span, touched.account_id, touched.sender_id" in function
    await connection.close()


async def test_an_index_of_months_is_made_anew_and_goes_on_after_a_crash(empty: str) -> None:
    assert await upgrade(empty, "packed_order") == ""
    connection = await connect_to(empty)
    for month in (1, 2, 3):
        bounds = f"('2016-0{month}-01') TO ('2016-0{month + 1}-01')"
        await connection.execute(f"CREATE TABLE messages_p20160{month} PARTITION OF messages FOR VALUES FROM {bounds}")
    # As after a crash: one month is made, of another there is a part.
    await connection.execute(
        "CREATE INDEX ix_messages_listed ON ONLY messages (account_id, accepted_at, id, sender_id)"
    )
    for month in (1, 2):
        table = f"messages_p20160{month}"
        await connection.execute(f"CREATE INDEX {table}_listed_idx ON {table} (account_id, accepted_at, id, sender_id)")
    await connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'messages_p201602_listed_idx'::regclass"
    )
    assert await upgrade(empty, "listed_by_sender") == ""
    rows = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, indisvalid FROM pg_index"
        " WHERE pg_get_indexdef(indexrelid) LIKE '%USING btree (account_id, accepted_at, id, sender_id)%' ORDER BY 1"
    )
    months = [f"messages_p20160{month}_listed_idx" for month in (1, 2, 3)]
    assert [tuple(row) for row in rows] == [(name, True) for name in ("ix_messages_account", *months)]
    await connection.close()

"""Migrations on a database that is in use."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from struct import unpack
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


COPY = """INSERT INTO messages (id, accepted_at, accepted_ms, account_id, sender_id, kind, state, recipient, blocked_reason)
    VALUES ($1, $2, 0, $3, $3, 'send', 'blocked', '', $4)"""
BOUNCE = """INSERT INTO bounces (message_id, accepted_at, account_id, sender_id, bounced_at, bounce_type, category, code,
        regex_name, recipient, diagnostic, full_content)
    VALUES ($1, $2, $3, $3, $4, 'soft', '', '', '', '', '', '')"""


async def test_seconds_are_counted_of_hours_closed_before_and_of_those_closed_by_whom_ever(empty: str) -> None:
    assert await upgrade(empty, "listed_by_sender") == ""
    connection = await connect_to(empty)
    for table in ("messages", "bounces"):
        bounds = "('2016-11-01') TO ('2016-12-01')"
        await connection.execute(f"CREATE TABLE {table}_p201611 PARTITION OF {table} FOR VALUES FROM {bounds}")
    noon = datetime(2016, 11, 22, 12, tzinfo=UTC)
    for number, (minutes, account_id, reason) in enumerate(
        ((1, 1, None), (0, 1, "deleted"), (60, 1, None), (59, 2, None))
    ):
        await connection.execute(COPY, number, noon + timedelta(minutes=minutes), account_id, reason)
    await connection.execute(BOUNCE, 0, noon + timedelta(minutes=1), 1, noon + timedelta(minutes=59, seconds=59.5))
    closed = [[0] * 12 + numbers + [0] * 10 for numbers in ([2, 1], [0, 1], [1, 0])]
    await connection.execute(
        "INSERT INTO closed_hours (account_id, sender_id, day, accepted, blocked_manual, soft_bounces)"
        " VALUES (1, 1, '2016-11-22', $1, $3, $3), (1, 1, '2016-11-23', $2, NULL, NULL)",
        *closed,
    )

    async def seconds() -> set[tuple[str, int, int, tuple[int, ...]]]:
        rows = await connection.fetch("SELECT * FROM closed_seconds WHERE hour::date = '2016-11-22'")
        return {(row["measure"], row["hour"].hour, row["sender_id"], tuple(row["seconds"])) for row in rows}

    first = {
        ("accepted", 12, 1, (0, 60)),
        ("accepted", 13, 1, (0,)),
        ("blocked", 12, 1, (0,)),
        ("blocked_manual", 12, 1, (0,)),
        ("soft_bounces", 12, 1, (3599,)),
    }
    # The second time as after a crash before its end.
    for _ in range(2):
        assert await upgrade(empty, "closed_seconds") == ""
        assert await seconds() == first
        await connection.execute("DELETE FROM closed_seconds WHERE measure = 'accepted'")
        await connection.execute("UPDATE alembic_version SET version_num = 'listed_by_sender'")
    await connection.execute(COPY, 9, noon + timedelta(minutes=2), 1, None)
    put = "UPDATE closed_hours SET accepted = $1 WHERE day = '2016-11-22' AND account_id = 1"
    await connection.execute(put, [0] * 12 + [3, 1] + [0] * 10)
    assert ("accepted", 12, 1, (0, 60, 120)) in await seconds()
    assert ("accepted", 13, 1, (0,)) not in await seconds(), "no number of that hour has changed"
    await connection.execute(
        "INSERT INTO closed_hours (account_id, sender_id, day, accepted) VALUES (2, 2, '2016-11-22', $1)",
        [0] * 12 + [1] + [0] * 11,
    )
    assert ("accepted", 12, 2, (59 * 60,)) in await seconds()
    await connection.execute("TRUNCATE messages, bounces")
    await connection.execute(put, [0] * 12 + [4, 1] + [0] * 10)
    assert ("accepted", 12, 1, (0, 60, 120)) in await seconds(), "details that are gone take no seconds along"
    await connection.close()


async def test_days_packed_before_are_put_together_and_those_packed_meanwhile_stay(empty: str) -> None:
    assert await upgrade(empty, "closed_seconds") == ""
    connection = await connect_to(empty)
    put = (
        "INSERT INTO closed_hours (account_id, sender_id, day, accepted) VALUES ($1, $1, $2, $3)"
        " ON CONFLICT (account_id, day, sender_id) DO UPDATE SET accepted = excluded.accepted"
    )
    span = date(1970, 1, 1) + timedelta(days=535 * 32)
    for day in (0, 7, 8, 31, 32):
        await connection.execute(put, 1, span + timedelta(days=day), [day + 1] + [0] * 23)
    await connection.execute(put, 2, span, [1] * 24)

    async def days() -> dict[tuple[int, int], dict[int, int]]:
        rows = await connection.fetch("SELECT * FROM packed_days WHERE measure = 'accepted'")
        return {
            (row["account_id"], row["span"] - 535): {
                at: number for at, number in enumerate(unpack(">32i", row["days"])) if number
            }
            for row in rows
        }

    before = {(1, 0): {0: 1, 7: 8, 8: 9, 31: 32}, (1, 1): {0: 33}, (2, 0): {0: 24}}
    assert await upgrade(empty, "packed_days") == ""
    assert await days() == before
    await connection.execute(put, 2, span, [2] * 24)
    # As after a crash between the steps: all that it does is there already.
    await connection.execute("UPDATE alembic_version SET version_num = 'closed_seconds'")
    assert await upgrade(empty, "packed_days") == ""
    assert await days() == before | {(2, 0): {0: 48}}
    await connection.execute("DELETE FROM closed_hours WHERE day = $1 OR day = $2", span, span + timedelta(days=32))
    assert await days() == {(1, 0): {7: 8, 8: 9, 31: 32}}
    await connection.close()


async def test_hours_of_days_closed_before_are_packed_and_those_closed_meanwhile_stay(empty: str) -> None:
    assert await upgrade(empty, "packed_days") == ""
    connection = await connect_to(empty)
    put = (
        "INSERT INTO closed_hours (account_id, sender_id, day, accepted, blocked_unsubscribe)"
        " VALUES ($1, $1, '2016-11-22', $2, $3)"
        " ON CONFLICT (account_id, day, sender_id) DO UPDATE SET accepted = excluded.accepted"
    )
    numbers = [*range(24)]
    await connection.execute(put, 1, None, numbers)
    await connection.execute(put, 2, numbers, None)

    async def hours() -> dict[int, tuple[int, ...]]:
        rows = await connection.fetch("SELECT * FROM packed_hours")
        return {row["account_id"]: unpack(">216i", row["hours"]) for row in rows}

    none = [0] * 24
    before = {1: (*none * 8, *numbers), 2: (*numbers, *none * 8)}
    assert await upgrade(empty, "packed_hours") == ""
    assert await hours() == before
    await connection.execute(put, 2, [7] * 24, None)
    # As after a crash between the steps: all that it does is there already.
    await connection.execute("UPDATE alembic_version SET version_num = 'packed_days'")
    assert await upgrade(empty, "packed_hours") == ""
    assert await hours() == before | {2: (*[7] * 24, *none * 8)}
    await connection.execute("DELETE FROM closed_hours WHERE account_id = 1")
    assert set(await hours()) == {2}
    await connection.close()

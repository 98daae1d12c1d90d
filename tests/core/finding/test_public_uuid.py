"""The database's names of rows are those of `app.kit.uids`."""

import random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.finding import as_number
from app.db.engine import driver_connection
from app.kit.uids import MAX_NUMBER, Noun, uuid

NOUNS = (Noun.AUDIENCE, Noun.CAMPAIGN, Noun.RUN, Noun.TEMPLATE)


@pytest.mark.parametrize("noun", NOUNS)
async def test_public_uuid_is_the_uuid_of_uids(schema_engine: AsyncEngine, noun: Noun) -> None:
    chance = random.Random(noun)
    numbers = [
        1,
        2,
        3,
        2**26,
        2**51,
        MAX_NUMBER,
        *(chance.randint(1, 2 ** chance.randint(1, 52) - 1) for _ in range(3000)),
    ]
    async with driver_connection(schema_engine) as connection:
        rows = await connection.fetch(
            "SELECT public_uuid($1, number) AS name FROM unnest($2::bigint[]) WITH ORDINALITY AS given (number, place)"
            " ORDER BY place",
            noun.value,
            numbers,
        )
    assert [row["name"] for row in rows] == [uuid(noun, number) for number in numbers]


async def test_unix_seconds_are_cut_and_names_of_extra_members_are_an_accounts_own(schema_engine: AsyncEngine) -> None:
    async with driver_connection(schema_engine) as connection:
        assert await connection.fetchval("SELECT unix_seconds(to_timestamp(1500000000.99))") == 1_500_000_000
        assert await connection.fetchval("""SELECT extra_keys(7, '{"a": null, "b": {"c": 1}}')""") == ["7:a", "7:b"]
        assert await connection.fetchval("SELECT extra_keys(7, NULL)") is None
        long = await connection.fetchval("SELECT extra_keys(7, jsonb_build_object(repeat('x', 9000), 1))")
        assert long == ["7:" + "x" * 200]


def test_numbers_are_read_from_text() -> None:
    assert [as_number(text) for text in ("", "x", "1_0", "٣", "1e100", "nan", "inf", "1" * 41, "--1", ".5")] == [
        None
    ] * 10
    assert [int(as_number(text) or 0) for text in (" 5 ", "+7", "-1", "1e3", "2.0")] == [5, 7, -1, 1000, 2]

"""What is made of closed hours is compared with them, and an operator's words make it anew."""

# ruff: noqa: S608 nothing foreign reaches these statements

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import retention
from app.core.audit import MOST_SHOWN, Report, Scope
from app.core.retention import Limits
from app.db.engine import driver_connection
from tests.core.audit.closed_damages import (
    ACCEPTED,
    COUNTS,
    DAMAGES,
    DAYS,
    HOURS,
    NOON_SECONDS,
    OTHER,
    OTHER_SECONDS,
    SECONDS,
    SPAN,
)
from tests.core.audit.damages import QUEUED
from tests.core.audit.test_check import SCOPE, audited, execute
from tests.core.audit.world import NOON, World, build
from tests.factories import Factories

DOC = Path(__file__).resolve().parents[3] / "docs/audit.md"
BLOCK = re.compile(r"```sql\n(.*?)```", re.DOTALL)


@pytest.fixture
async def world(engine: AsyncEngine, make: Factories) -> World:
    """A world in which retention has closed all hours."""
    world = await build(engine, make)
    await retention.forget(engine, now=NOON + timedelta(days=9), limits=Limits(detail_days=0, count_days=0))
    return world


def found(report: Report) -> set[tuple[str, str, str, str]]:
    assert report.total == len(report.shown)
    return {(one.what, one.where.rpartition(", ")[2], one.counted, one.stored) for one in report.shown}


async def test_what_retention_made_has_no_differences(engine: AsyncEngine, world: World) -> None:
    async with driver_connection(engine) as connection:
        for table in ("closed_hours", "packed_counts", "packed_days", "packed_hours", "closed_seconds"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}"), table
        assert not await connection.fetchval("SELECT count(*) FROM hourly_counts")
    assert (
        await audited(engine) == await audited(engine, SCOPE.only(account_id=world.account_id)) == Report(runs=QUEUED)
    )


@pytest.mark.parametrize("name", DAMAGES)
async def test_one_damage_is_that_difference(name: str, engine: AsyncEngine, world: World) -> None:
    statement, expected = DAMAGES[name]
    await execute(engine, statement)
    assert found(await audited(engine)) == expected
    assert found(await audited(engine, SCOPE.only(account_id=world.account_id))) == expected
    assert (await audited(engine, SCOPE.only(account_id=world.account_id + 1))).total == 0
    assert (await audited(engine, Scope.from_day(date(2016, 12, 25)))).total == 0, "none of them is so late"


async def test_a_difference_says_where(engine: AsyncEngine, world: World) -> None:
    for damages, name in ((COUNTS, "an hour"), (DAYS, "one day of 32"), (SECONDS, "a second missing")):
        await execute(engine, damages[name][0])
    place = f"account {world.account_id}, sender {world.sender_id}, 2016-11-22"
    assert [one.where for one in (await audited(engine)).shown] == [place, place, f"{place} 12h"]


async def test_days_before_the_range_are_left_out(engine: AsyncEngine, world: World) -> None:
    first = date(1970, 1, 1) + timedelta(days=SPAN * 8)
    await execute(
        engine,
        f"UPDATE packed_counts SET hours = set_byte(hours, 3, 9) {ACCEPTED};"
        "UPDATE packed_days SET days = set_byte(days, 3, 8) WHERE measure = 'accepted';"
        f"{OTHER_SECONDS} measure, '{first} 23:00+00', account_id, sender_id, seconds FROM closed_seconds"
        f" {NOON_SECONDS}",
    )
    assert (await audited(engine, Scope.from_day(first + timedelta(days=1)))).total == 0
    assert found(await audited(engine, Scope.from_day(first))) == {
        ("packed_counts.accepted", f"{first}", "0 at 00h", "9 at 00h"),
        ("packed_days.accepted", f"{first}", "0", "8"),
        ("closed_seconds.accepted", f"{first} 23h", "0", "22"),
    }


async def test_what_is_described_is_bounded_and_what_is_counted_is_not(engine: AsyncEngine, world: World) -> None:
    await execute(
        engine,
        f"{OTHER} measure, span, account_id, 100 + number, hours, days FROM packed_counts, generate_series(1, 500)"
        f" AS number {ACCEPTED};"
        "DELETE FROM packed_days WHERE sender_id BETWEEN 101 AND 400;"
        f"{OTHER_SECONDS} measure, hour, account_id, 100 + number, seconds FROM closed_seconds, generate_series(1, 250)"
        f" AS number {NOON_SECONDS}",
    )
    report = await audited(engine)
    assert (report.total, len(report.shown)) == (500 + 300 + 250, 3 * MOST_SHOWN)


@pytest.mark.parametrize("name", ["a second missing", "seconds of another sender", "a second before those before it"])
async def test_seconds_are_not_compared_while_something_late_waits(
    name: str, engine: AsyncEngine, world: World
) -> None:
    async def waits(account: int, hours: int) -> None:
        await execute(
            engine,
            "INSERT INTO hourly_counts (account_id, sender_id, hour)"
            f" VALUES ({world.account_id + account}, {world.sender_id + 2}, '{NOON + timedelta(hours=hours)}')",
        )

    await execute(engine, SECONDS[name][0])
    await waits(account=1, hours=0)
    await waits(account=0, hours=1)
    assert found(await audited(engine)) == SECONDS[name][1], "what waits for another account or hour"
    await waits(account=0, hours=0)
    assert (await audited(engine)).total == 0


async def test_an_update_that_changes_nothing_packs_everything(engine: AsyncEngine, world: World) -> None:
    await execute(engine, "DELETE FROM packed_counts; DELETE FROM packed_days; DELETE FROM packed_hours")
    assert (await audited(engine)).total > 0
    await execute(engine, "UPDATE closed_hours SET accepted = accepted")
    assert (await audited(engine)).total == 0


def as_psql_would(block: str, given: dict[str, str]) -> str:
    """Return statements with other values than those they are documented with."""
    statements = "\n".join(line for line in block.splitlines() if not line.startswith("\\set"))
    return re.sub(r"(?<!:):'?(\w+)'?", lambda name: given[name[1]], statements)


async def test_the_documented_statements_put_it_right(engine: AsyncEngine, world: World) -> None:
    blocks = BLOCK.findall(DOC.read_text())
    for block, damages in zip(blocks, (COUNTS | HOURS, DAYS, SECONDS), strict=True):
        for name, (damage, expected) in damages.items():
            await execute(engine, damage)
            for day, _, hour in {where.partition(" ") for _, where, *_ in expected}:
                given = {"day": f"'{day}'", "hour": f"'{day} {hour[:2]}:00+00'", "account": f"{world.account_id}"}
                await execute(engine, as_psql_would(block, given))
            assert (await audited(engine)).total == 0, name

"""What is made of closed hours is compared with them, and an operator's words make it anew."""

# ruff: noqa: S608 nothing foreign reaches these statements

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import retention
from app.core.audit import MOST_SHOWN, Report, Scope
from app.core.retention import Limits, closing
from app.db.engine import driver_connection
from tests.core.audit.damages import QUEUED
from tests.core.audit.test_check import SCOPE, audited, execute
from tests.core.audit.world import NOON, World, build
from tests.factories import Factories

DOC = Path(__file__).resolve().parents[3] / "docs/audit.md"
BLOCK = re.compile(r"```sql\n(.*?)```", re.DOTALL)
SPAN = 2140
"""Its last day is the world's first, 2016-11-22; the next begins with the world's second."""
LAST_DAY, NOON_OCTET = 7, 7 * 96 + 12 * 4 + 3
ACCEPTED = f"WHERE measure = 'accepted' AND span = {SPAN}"
OTHER = "INSERT INTO packed_counts (measure, span, account_id, sender_id, hours, days) SELECT"
PACKED_DAMAGES = {
    "an hour": (
        f"UPDATE packed_counts SET hours = set_byte(hours, {NOON_OCTET}, 23) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "22 at 12h", "23 at 12h")},
    ),
    "an hour in place of the next": (
        f"UPDATE packed_counts SET hours = set_byte(set_byte(hours, {NOON_OCTET}, 0), {NOON_OCTET + 4}, 22) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "22 at 12h", "0 at 12h")},
    ),
    "a day": (
        f"UPDATE packed_counts SET days = set_byte(days, {LAST_DAY * 4 + 3}, 23) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "22", "23")},
    ),
    "octets too few": (
        f"UPDATE packed_counts SET hours = substring(hours FROM 1 FOR 764) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "100 octets", "96 octets")},
    ),
    "octets too many": (
        f"UPDATE packed_counts SET days = days || '\\x00' {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "100 octets", "101 octets")},
    ),
    "a row that is gone": (
        f"DELETE FROM packed_counts WHERE measure = 'hard_bounces' AND span = {SPAN + 1}",
        {("packed_counts.hard_bounces", "2016-11-23", "1", "0")},
    ),
    "a row of days without closed hours": (
        f"{OTHER} measure, span + 2, account_id, sender_id, hours, days FROM packed_counts {ACCEPTED}",
        {("packed_counts.accepted", "2016-12-08", "0", "22")},
    ),
    "a row of a measure that is zero": (
        f"{OTHER} 'blocked_complaint', span, account_id, sender_id, hours, days FROM packed_counts {ACCEPTED}",
        {("packed_counts.blocked_complaint", "2016-11-22", "0", "22")},
    ),
}
MINUTES_DAMAGES = {
    "a minute": (
        "UPDATE closed_minutes SET accepted[1] = accepted[1] + 1",
        {("closed_minutes.accepted", "2016-11-22 12h", "22", "23")},
    ),
    "minutes of another sender": (
        "UPDATE closed_minutes SET sender_id = sender_id + 1",
        {
            ("closed_minutes.accepted", "2016-11-22 12h", "22", "0"),
            ("closed_minutes.accepted", "2016-11-22 12h", "0", "22"),
        },
    ),
}
DAMAGES = {**PACKED_DAMAGES, **MINUTES_DAMAGES}


@pytest.fixture
async def world(engine: AsyncEngine, make: Factories, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which retention has closed all hours, and counted the minutes of its busiest one."""
    world = await build(engine, make)
    monkeypatch.setattr(closing, "BUSY", 2)
    await retention.forget(engine, now=NOON + timedelta(days=9), limits=Limits(detail_days=0, count_days=0))
    return world


def found(report: Report) -> set[tuple[str, str, str, str]]:
    assert report.total == len(report.shown)
    return {(one.what, one.where.rpartition(", ")[2], one.counted, one.stored) for one in report.shown}


async def test_what_retention_made_has_no_differences(engine: AsyncEngine, world: World) -> None:
    async with driver_connection(engine) as connection:
        for table in ("closed_hours", "packed_counts", "closed_minutes"):
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
    assert (await audited(engine, Scope.from_day(date(2016, 12, 9)))).total == 0, "none of them is so late"


async def test_a_difference_says_where(engine: AsyncEngine, world: World) -> None:
    await execute(engine, f"DELETE FROM packed_counts {ACCEPTED}; {MINUTES_DAMAGES['a minute'][0]}")
    place = f"account {world.account_id}, sender {world.sender_id}, 2016-11-22"
    assert [one.where for one in (await audited(engine)).shown] == [place, f"{place} 12h"]


async def test_days_before_the_range_are_left_out(engine: AsyncEngine, world: World) -> None:
    await execute(engine, f"UPDATE packed_counts SET hours = set_byte(hours, 3, 9) {ACCEPTED}")
    first = date(1970, 1, 1) + timedelta(days=SPAN * 8)
    assert (await audited(engine, Scope.from_day(first + timedelta(days=1)))).total == 0
    report = await audited(engine, Scope.from_day(first))
    assert found(report) == {("packed_counts.accepted", f"{first}", "0 at 00h", "9 at 00h")}


async def test_what_is_described_is_bounded_and_what_is_counted_is_not(engine: AsyncEngine, world: World) -> None:
    await execute(
        engine,
        f"{OTHER} measure, span, account_id, 100 + number, hours, days FROM packed_counts, generate_series(1, 500)"
        f" AS number {ACCEPTED};"
        "INSERT INTO closed_minutes (account_id, hour, sender_id, accepted)"
        " SELECT account_id, hour, 100 + number, accepted FROM closed_minutes, generate_series(1, 300) AS number",
    )
    report = await audited(engine)
    assert (report.total, len(report.shown)) == (500 + 300, 2 * MOST_SHOWN)


async def test_minutes_are_not_compared_while_something_late_waits(engine: AsyncEngine, world: World) -> None:
    await execute(engine, MINUTES_DAMAGES["a minute"][0])
    await execute(
        engine,
        "INSERT INTO hourly_counts (account_id, sender_id, hour)"
        " SELECT account_id, sender_id + 1, hour FROM closed_minutes",
    )
    assert (await audited(engine)).total == 0


async def test_an_update_that_changes_nothing_packs_everything(engine: AsyncEngine, world: World) -> None:
    await execute(engine, "DELETE FROM packed_counts")
    assert (await audited(engine)).total > 0
    await execute(engine, "UPDATE closed_hours SET accepted = accepted")
    assert (await audited(engine)).total == 0


async def test_the_documented_statements_put_it_right(engine: AsyncEngine, world: World) -> None:
    packing, forgetting = BLOCK.findall(DOC.read_text())
    for damage, expected in (*PACKED_DAMAGES.values(), MINUTES_DAMAGES["a minute"]):
        await execute(engine, damage)
        [(what, where, *_)] = expected
        day, _, hour = where.partition(" ")
        block = forgetting if what.startswith("closed_minutes") else packing
        given = {":'day'": f"'{day}'", ":'hour'": f"'{day} {hour[:2]}:00+00'", ":account": str(world.account_id)}
        for said, meant in given.items():
            block = block.replace(said, meant)
        await execute(engine, "\n".join(line for line in block.splitlines() if not line.startswith("\\set")))
        assert (await audited(engine)).total == 0, expected

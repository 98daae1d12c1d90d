"""`trireme audit` as a process: its table, its last line, its exit status."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.kit.uids import Noun, uid
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.core.audit.world import build
from tests.factories import Factories

SINCE = ("--since", "2016-11-20")


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    """The environment that names the test's database and nothing else."""
    return as_environment({"database_url": settings.database_url})


async def run(*arguments: str, variables: dict[str, str]) -> tuple[int, list[str], str]:
    done = await asyncio.to_thread(trireme, *arguments, variables=variables)
    return done.returncode, done.stdout.splitlines(), done.stderr


async def test_differences_are_a_table_and_an_exit_status(
    engine: AsyncEngine, make: Factories, variables: dict[str, str]
) -> None:
    await build(engine, make)
    assert await run("audit", *SINCE, variables=variables) == (0, ["runs=6", "differences=0"], "")
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE runs SET total = 2 WHERE id = 4")
        await connection.execute("DELETE FROM delivery_queue WHERE message_id = 1")
    name = uid(Noun.RUN, 4)
    status, lines, errors = await run("audit", *SINCE, variables=variables)
    assert (status, errors) == (1, "")
    assert [line.split("  ")[0] for line in lines] == ["what", "run total", "lost", "", "runs=6", "differences=2"]
    assert lines[0].split() == ["what", "where", "counted", "stored"]
    assert lines[1].split("  ", 1)[1].split() == [*f"run {name} 1 delivered + 0 unreached 2".split()]
    status, lines, _ = await run("audit", "--run", name, variables=variables)
    assert (status, lines[-1]) == (1, "differences=1")
    status, lines, _ = await run("audit", "--account", "operator@accounts.example", *SINCE, variables=variables)
    assert (status, lines) == (0, ["runs=0", "differences=0"])


async def test_without_a_look_the_status_is_two(engine: AsyncEngine, variables: dict[str, str], tmp_path: Path) -> None:
    unreachable = as_environment({"database_url": "postgresql+asyncpg://app@127.0.0.1:1/app"})
    nothing: dict[str, str] = {}
    for arguments, environment, said in (
        (["--account", "nobody@example.com"], variables, "There is no account nobody@example.com."),
        (["--run", uid(Noun.RUN, 4711)], variables, f"There is no run {uid(Noun.RUN, 4711)}."),
        ([], unreachable, "The database gave no answer"),
        (["--data-dir", str(tmp_path)], nothing, "no database to ask"),
    ):
        status, lines, errors = await run("audit", *arguments, variables=environment)
        assert (status, lines) == (2, []), arguments
        assert said in errors

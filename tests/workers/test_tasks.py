"""Tasks in a process of their own, as a worker runs them; each twice."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import MONTHS_AHEAD
from app.db.engine import driver_connection
from app.settings import Settings, as_environment, environment
from tests.fixtures.commands import run_code


def run(settings: Settings, code: str) -> str:
    """Run code with these settings in the environment; return what it printed."""
    values = {
        "public_url": settings.public_url,
        "secret_keys": ",".join(settings.secret_keys),
        "bounce_domain": settings.bounce_domain,
        "database_url": settings.database_url,
        "broker_url": settings.broker_url,
        "data_dir": settings.data_dir,
    }
    done = run_code(code, environment() | as_environment(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_partitions_are_made_once_however_often_they_are_asked_for(
    settings: Settings, engine: AsyncEngine
) -> None:
    async with driver_connection(engine) as connection:
        names = await connection.fetch(
            "SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = 'messages'::regclass ORDER BY 1 DESC LIMIT 2"
        )
        for row in names:
            await connection.execute(f"DROP TABLE {row['name']}")
    assert await messages.months_left(engine, datetime.now(UTC)) < MONTHS_AHEAD
    run(
        settings,
        "from workers.tasks.housekeeping import make_partitions\nmake_partitions()\nmake_partitions()\n"
        "from workers import runtime\nruntime.close()\nruntime.close()",
    )
    assert await messages.months_left(engine, datetime.now(UTC)) == MONTHS_AHEAD


async def test_a_nudge_without_a_drain_does_nothing(settings: Settings) -> None:
    assert run(settings, "from workers.tasks.delivery import drain\ndrain()\ndrain()\nprint('done')") == "done\n"


async def test_what_is_old_is_forgotten(settings: Settings, engine: AsyncEngine) -> None:
    old = "SELECT count(*) FROM pg_class WHERE relname = 'messages_p201611'"
    async with driver_connection(engine) as connection:
        assert await connection.fetchval(old) == 1
        run(settings, "from workers.tasks.housekeeping import forget_old\nforget_old()\nforget_old()")
        assert await connection.fetchval(old) == 0

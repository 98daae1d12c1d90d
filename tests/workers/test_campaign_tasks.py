"""The task of a snapshot in a process of its own, as a worker runs it, twice."""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.settings import Settings
from tests.factories import Factories
from tests.workers.test_tasks import run


async def test_a_snapshot_is_taken_once_however_often_it_is_asked_for(
    settings: Settings, engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=["news@acme.example"])
    audience = await make.audience(account)
    await make.contacts(audience, 3)
    started = await make.run(await make.campaign(account, [audience]))
    code = "from workers.tasks.campaigns import snapshot\nsnapshot(RUN)\nsnapshot(RUN)\nsnapshot(999999)\n"
    run(settings, code.replace("RUN", str(started.id)) + "from workers import runtime\nruntime.close()")
    async with driver_connection(engine) as connection:
        row = await connection.fetchrow("SELECT state, total FROM runs WHERE id = $1", started.id)
        targets = await connection.fetchval("SELECT count(*) FROM run_targets WHERE run_id = $1", started.id)
    assert row is not None
    assert (row["state"], row["total"], targets) == ("sending", 3, 3)

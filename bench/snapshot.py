"""`snapshot`: how fast the targets of a run are fixed: one audience, and two that share half of their addresses."""

import time
from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.db.engine import driver_connection
from bench import mailing
from bench.options import Options
from bench.sheet import Sheet
from bench.stand import Stand


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"snapshot: fixing {options.targets:,} targets of a run")
    with Stand() as stand:
        began = time.perf_counter()
        account_id, whole = mailing.audience(stand, "reader", options.targets)
        sheet.add("adding contacts", "contacts/s", options.targets / (time.perf_counter() - began))
        _, half = mailing.audience(stand, "reader", options.targets // 2)
        for _ in range(options.runs):
            for name, ids in {"one audience": [whole], "two audiences, half in both": [half, whole]}.items():
                found = stand.run(partial(_fix, account_id, ids))
                sheet.add(name, "targets/s", found)
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on; nothing else of the product runs")
        sheet.note("from the call to its commit, ledger counters of the run included")
    return sheet


async def _fix(account_id: int, audience_ids: Sequence[int], engine: AsyncEngine) -> float:
    """Start a campaign, fix its targets, stop it; return targets a second."""
    campaign = await mailing.campaign(engine, account_id, audience_ids, subject="News", html=mailing.newsletter(20_480))
    run_ = await mailing.started(engine, account_id, campaign.id)
    began = time.perf_counter()
    fixed = await campaigns.snapshot(engine, run_.id)
    seconds = time.perf_counter() - began
    assert fixed is not None
    # What the next one is measured beside should not grow.
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE runs SET state = 'stopped' WHERE id = $1", run_.id)
        await connection.execute("TRUNCATE run_targets")
        await connection.execute("CHECKPOINT")
    return fixed.total / seconds

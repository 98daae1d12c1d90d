"""Looks at the ledger ten times a second: as many targets as copies by state and targets not yet reached.

Everything is counted in one statement, hence in one snapshot, and nothing is subtracted. While PostgreSQL is away there
is nothing to see; such looks are counted as missed.
"""

import asyncio
import json
import time
from dataclasses import dataclass

import asyncpg

from app.db.engine import KeptConnection, is_disconnect, make_engine
from app.settings import Settings
from bench.chaos_thread import Beside

PERIOD = 0.1
COUNTED = """
SELECT run.state, run.total, run.unreached,
       (SELECT count(*) FROM run_targets AS target
         WHERE target.run_id = run.id AND target.seq >= run.next_seq) AS waiting,
       (SELECT coalesce(jsonb_object_agg(state, copies), '{}')
          FROM (SELECT state, count(*) AS copies FROM messages WHERE run_id = run.id GROUP BY state) AS found) AS copies
  FROM runs AS run WHERE run.id = $1
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has seen.

    Attributes:
        state: Of the run.
        total: Targets; None before they are fixed.
        waiting: Targets not yet reached.
        unreached: Targets of a stopped run, as noted when it was stopped.
        copies: Copies by state.
    """

    state: str
    total: int | None
    waiting: int
    unreached: int
    copies: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether everybody is accounted for."""
        if self.total is None:
            return not self.copies
        known = sum(self.copies.values())
        # Targets of a run that was stopped are deleted some time later.
        return self.total in {known + self.waiting, known + self.unreached if self.state == "stopped" else -1}


async def look(connection: "asyncpg.Connection[asyncpg.Record]", run_id: int) -> Look:
    """Count once."""
    row = await connection.fetchrow(COUNTED, run_id)
    assert row is not None
    copies = row["copies"]
    found = json.loads(copies) if isinstance(copies, str) else dict(copies)
    return Look(row["state"], row["total"], row["waiting"], row["unreached"], found)


class Watch(Beside):
    """Counts at 10 Hz."""

    def __init__(self, settings: Settings, run_id: int) -> None:
        super().__init__()
        self._settings = settings
        self._run_id = run_id
        self.looks = 0
        self.missed = 0
        self.violations: list[Look] = []
        self.last: Look | None = None

    async def work(self) -> None:
        """Look until told to stop."""
        engine = make_engine(self._settings, pool_size=1)
        kept = KeptConnection(engine)
        try:
            while not self.stopping.is_set():
                began = time.monotonic()
                await self._look(kept)
                await asyncio.sleep(max(began + PERIOD - time.monotonic(), 0.0))
        finally:
            await kept.drop()
            await engine.dispose()

    async def _look(self, kept: KeptConnection) -> None:
        try:
            found = await look(await kept.get(), self._run_id)
        except Exception as error:
            await kept.drop()
            if not is_disconnect(error):
                raise
            self.missed += 1
            return
        self.looks += 1
        self.last = found
        if not found.holds:
            self.violations.append(found)

"""Random pauses of a running campaign: what arrives after the answer, and what a copy says afterwards.

A cycle pauses, looks at what still reaches the SMTP server, and goes on in one of three ways: with what was said
before, with another subject (update and resume), or with another body (the campaign is changed, then resumed).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.campaigns import Overrides
from app.db.engine import DatabaseAway, make_engine
from app.db.unit_of_work import WriteSession, unit_of_work
from app.queue import JobQueue
from app.settings import Settings
from bench.chaos_thread import Beside
from bench.record import Reader

T = TypeVar("T")
RETRY_SECONDS = 30.0
"""How long PostgreSQL may be away."""
SHARE = (0.03, 0.9)
"""Of the recipients: between these the cycles take place."""
LOOK_SECONDS = 0.4
"""How long what arrives after a pause is counted, beyond the server's latency."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What the campaign says; subject and body carry marks the SMTP server notes."""

    subject: int = 0
    body: int = 0

    def subject_text(self) -> str:
        """Return the subject."""
        return f"SUBJECT-{self.subject} of the season"

    def html(self) -> str:
        """Return the body."""
        lines = "".join(f"<p>{{FNAME}}, line {number} of the letter to {{CITY}}.</p>\n" for number in range(20))
        link = '<p><a href="https://shop.localhost.test/offers">Offers</a></p>\n'
        return f"<html><body>\n<p>\nBODY-{self.body} is what this is.</p>\n{lines}{link}</body></html>\n"


MARKS = ("SUBJECT-", "BODY-")
"""What the SMTP server is told to look for."""


@dataclass(frozen=True, slots=True)
class Paused:
    """What one pause has shown.

    Attributes:
        seconds: From the call to its return.
        after: Mails of the campaign that arrived later.
        live: Connections open at its return.
    """

    seconds: float
    after: int
    live: int


class Pauses(Beside):
    """So many cycles, spread over the campaign."""

    def __init__(
        self, settings: Settings, ids: tuple[int, int], reader: Reader, progress: Callable[[], float], random: Random
    ) -> None:
        super().__init__()
        self._settings = settings
        self._account_id, self._campaign_id = ids
        self._reader = reader
        self._progress = progress
        self._random = random
        self._look = LOOK_SECONDS
        self._letter = Letter()
        self.cycles = 0
        self.found: list[Paused] = []
        self.wanted: list[float] = []

    def plan(self, cycles: int, latency: float) -> None:
        """Say how many, and how long the SMTP server takes to answer."""
        self.wanted = sorted(self._random.uniform(*SHARE) for _ in range(cycles))
        self._look = LOOK_SECONDS + 2 * latency

    @property
    def too_many(self) -> int:
        """Pauses after which more mails arrived than connections were open."""
        return sum(one.after > one.live for one in self.found)

    async def work(self) -> None:
        """Carry the cycles out."""
        engine = make_engine(self._settings, pool_size=2)
        jobs = JobQueue(self._settings)
        jobs.start()
        try:
            for share in self.wanted:
                # What it waits for is another process's.
                while self._progress() < share and not self.stopping.is_set():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                if self.stopping.is_set():
                    return
                await self.cycle(engine, jobs)
        finally:
            jobs.close()
            await engine.dispose()

    async def cycle(self, engine: AsyncEngine, jobs: JobQueue) -> None:
        """Pause and go on."""
        began = time.monotonic()
        await self._verb(engine, jobs, lambda write: campaigns.pause(write, self._account_id, self._campaign_id))
        returned, live = time.monotonic(), self._reader.live
        self._reader.skip()
        await asyncio.sleep(self._look)
        arrived = [mail for mail in self._reader.new() if mail.marks[0]]
        self.found.append(Paused(returned - began, len(arrived), live))
        await self._verb(
            engine, jobs, self._random.choice([self._resume, self._update_and_resume, self._change_and_resume])
        )
        self.cycles += 1

    async def _verb(self, engine: AsyncEngine, jobs: JobQueue, verb: Callable[[WriteSession], Awaitable[T]]) -> T:
        """Carry a verb out, again while PostgreSQL is away: what was done already is a success."""
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                async with unit_of_work(engine, jobs) as write:
                    return await verb(write)
            except (DatabaseAway, OSError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)

    async def _resume(self, write: WriteSession) -> None:
        await campaigns.resume(write, self._account_id, self._campaign_id)

    async def _update_and_resume(self, write: WriteSession) -> None:
        self._letter = Letter(self._letter.subject + 1, self._letter.body)
        overrides = Overrides(subject=self._letter.subject_text())
        await campaigns.update_and_resume(write, self._account_id, self._campaign_id, overrides=overrides)

    async def _change_and_resume(self, write: WriteSession) -> None:
        self._letter = Letter(self._letter.subject, self._letter.body + 1)
        await campaigns.change(write, self._account_id, self._campaign_id, html=self._letter.html())
        await campaigns.resume(write, self._account_id, self._campaign_id)

"""A campaign on a stage that runs: made, started, told what to do, watched to its end."""

import itertools
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.campaigns import Run
from app.db.engine import driver_connection, is_disconnect
from app.db.unit_of_work import WriteSession, unit_of_work
from app.queue import JobQueue
from bench import mailing
from bench.chaos_pauses import Letter
from bench.chaos_stage import Stage
from bench.chaos_verdict import Expected, Verdict, join
from bench.chaos_watch import Look, look
from bench.record import Reader

Verb = Callable[[WriteSession, int, int], Awaitable[Run]]
END_SECONDS = 180.0
"""How long the campaign and the single mails may take after the last blow."""
_numbers = itertools.count(1)
UNFINISHED = """
SELECT (SELECT count(*) FROM messages
         WHERE kind = 'send' AND state NOT IN ('delivered', 'bounced', 'blocked', 'failed', 'cancelled'))
     + (SELECT count(*) FROM delivery_queue) + (SELECT count(*) FROM delivery_leases)
"""


class Progress:
    """Share of the recipients that have got their mail; each thread has one of its own."""

    def __init__(self, reader: Reader, wanted: frozenset[str]) -> None:
        self._reader = reader
        self._wanted = wanted
        self._got: set[str] = set()

    def __call__(self) -> float:
        """Return it, 0 to 1."""
        self._got.update(mail.recipient for mail in self._reader.new())
        return len(self._got & self._wanted) / len(self._wanted) if self._got else 0.0


class Campaign:
    """A campaign on a stage: made, started, watched."""

    def __init__(self, stage: Stage, recipients: int, *, html: str = "") -> None:
        """Make audience and campaign.

        Args:
            stage: Where.
            recipients: Its targets.
            html: What it says; otherwise the letter whose marks the verdict looks at.
        """
        self.stage = stage
        prefix = f"target{next(_numbers)}-"
        self.targets = frozenset(mailing.addresses(prefix, recipients))
        self.account_id, audience_id = mailing.audience(stage.stand, prefix, recipients)
        letter = Letter()
        made = stage.stand.run(
            partial(
                mailing.campaign,
                account_id=self.account_id,
                audience_ids=[audience_id],
                subject=letter.subject_text(),
                html=html or letter.html(),
            )
        )
        self.id = made.id
        self.run_id = 0

    def start(self) -> None:
        """Start it."""
        self.run_id = self.tell(campaigns.start).id

    def tell(self, verb: Verb) -> Run:
        """Carry out a verb of `app.core.campaigns`, and return once what it promises for its end has happened."""
        jobs = JobQueue(self.stage.stand.settings)
        jobs.start()

        async def told(engine: AsyncEngine) -> Run:
            async with unit_of_work(engine, jobs) as write:
                return await verb(write, self.account_id, self.id)

        try:
            return self.stage.stand.run(told)
        finally:
            jobs.close()

    def progress(self) -> Progress:
        """Return a progress for one thread."""
        return Progress(self.stage.reader(), self.targets)

    def state(self) -> str:
        """Return the state of its run."""
        return str(self.stage.stand.query("SELECT state FROM runs WHERE id = $1", self.run_id)[0][0])

    def await_share(self, share: float, seconds: float = 60.0) -> None:
        """Wait until that share of the recipients has got the mail.

        Raises:
            TimeoutError: It takes longer.
        """
        progress = self.progress()
        self.stage.wait_for(f"{share:.0%} of the recipients", lambda: progress() >= share, seconds)

    def look(self) -> Look:
        """Count targets and copies once."""

        async def counted(engine: AsyncEngine) -> Look:
            async with driver_connection(engine) as connection:
                return await look(connection, self.run_id)

        return self.stage.stand.run(counted)

    def await_end(self, state: str = "done", seconds: float = END_SECONDS) -> None:
        """Wait until the run has that state, and nothing of anything waits any more.

        Raises:
            TimeoutError: It does not come to that.
        """

        def is_over() -> bool:
            try:
                return self.state() == state and not self.stage.stand.value(UNFINISHED)
            except Exception as error:
                if not is_disconnect(error):
                    raise
                return False

        self.stage.wait_for(f"the end of the run ({state})", is_over, seconds, every=0.2)

    def verdict(self, *, unreached: int = 0) -> Verdict:
        """Join SMTP server and ledger."""
        return self.stage.stand.run(
            partial(join, Expected(self.targets, unreached=unreached), self.stage.reader().new(), self.run_id)
        )

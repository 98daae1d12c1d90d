"""From a claim to its destinations and back: makes the transaction of each copy, finds its way, and decides about it.

The `Desk` of the gates: what may begin, what an outcome makes of a copy, where it goes when it is not begun.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence

from app.core import messages
from app.core.messages import Copy, Record
from app.delivery import simulator
from app.delivery.campaigns import RunMails
from app.delivery.gates import Gate, Gates
from app.delivery.identities import Identities
from app.delivery.journal import Journal
from app.delivery.recorder import Recorder
from app.delivery.retry import Policy, blocked, decide, failed
from app.delivery.returns import Returns
from app.delivery.routes import Routes
from app.delivery.sequels import Sequels
from app.delivery.shaping import Shaper
from app.delivery.singles import Composer, ContentGone
from app.delivery.transmission import Obligations, Transmission
from app.kit.clock import Clock
from app.mail.smtp.envelope import Withdrawn
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import Route
from app.models.message import State
from app.settings import Settings
from app.telemetry.logger import Logger

IDLE_LOOK_SECONDS = 10.0
SEQUEL_LOOK_SECONDS = 0.05
"""How often a simulated copy looks whether there is room for what follows it."""

logger = logging.getLogger(__name__)
_EVENTS = Logger(__name__)


class Dispatcher:
    """The copies of one delivery process between their claim and their record. Lives on its loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        identities: Identities,
        singles: Composer,
        runs: RunMails,
        shaper: Shaper,
        journal: Journal,
        recorder: Recorder,
        returns: Returns,
        sequels: Sequels,
        is_withdrawn: Callable[[Copy], bool],
        on_sent: Callable[[float], None] | None,
    ) -> None:
        """Prepare; nothing connects yet.

        Args:
            settings: The groups `delivery`, `queue`, `sandbox` and `simulator`.
            clock: Tells the time.
            identities: Senders' domains, for warm-up plans.
            singles: Mails of single copies.
            runs: Mails of runs.
            shaper: Limits of the sites.
            journal: Notes what has begun.
            recorder: Takes outcomes.
            returns: Takes copies that were not begun.
            sequels: Does what simulated recipients do.
            is_withdrawn: Tells whether a copy must not begin any more.
            on_sent: Told the seconds from acceptance to the reply, for each delivered single mail.

        Raises:
            ValueError: The address of a relay or of a name server can't be read.
        """
        self._settings = settings
        self._clock = clock
        self._policy = Policy.of(settings)
        self._identities = identities
        self._singles = singles
        self._runs = runs
        self._shaper = shaper
        self._journal = journal
        self._recorder = recorder
        self._returns = returns
        self._sequels = sequels
        self._is_withdrawn = is_withdrawn
        self._on_sent = on_sent
        self._simulated = simulator.DOMAIN if settings.simulator.enabled else None
        self._routes = Routes(settings)
        self._gates = Gates(shaper, self, self._open_pool, is_shared=self._routes.fixed is None)
        self._obligations = Obligations(is_withdrawn, journal.begin)
        self._on_the_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Close gates that are not used, until cancelled."""
        while True:
            await asyncio.sleep(IDLE_LOOK_SECONDS)
            await self._gates.close_idle()

    def withdraw(self) -> None:
        """Give back what waits and must not begin any more."""
        self._gates.withdraw(self._is_withdrawn)

    async def close(self, grace_seconds: float) -> None:
        """Give back what waits; transactions that have begun may end within `grace_seconds`."""
        if self._on_the_way:
            _, late = await asyncio.wait(self._on_the_way, timeout=1)
            for task in late:
                task.cancel()
        self.withdraw()
        await self._gates.close(grace_seconds)

    # ------------------------------------------------------------------ from claim to gate

    def dispatch(self, copies: Sequence[Copy]) -> None:
        """Make the transactions of copies whose content is loaded, and let them wait at their destinations."""
        by_domain: defaultdict[str, list[Transmission]] = defaultdict(list)
        stays: list[Transmission] = []
        for copy in copies:
            job = self._job(copy)
            if job is not None:
                domain = copy.recipient.rpartition("@")[2]
                (stays if copy.test_mode or domain == self._simulated else by_domain[domain]).append(job)
        if stays:
            self._in_background(self._simulate(stays))
        fixed = self._routes.fixed
        if fixed is not None:
            self._enter(fixed, [job for jobs in by_domain.values() for job in jobs])
            return
        for domain, jobs in by_domain.items():  # DNS may take its time; nobody else waits for it
            self._in_background(self._route(domain, jobs))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)

    def _job(self, copy: Copy) -> Transmission | None:
        """Return the transaction of a copy; None when it has ended already."""
        try:
            if copy.suppressed is None:
                mails = self._singles if copy.run_id is None else self._runs
                return mails.job(copy, self._obligations)
            self._recorder.add(blocked(copy, copy.suppressed, now=self._clock.now()))
        except ContentGone:
            self._recorder.add(failed(copy, "the content is gone", now=self._clock.now()))
        except Exception:
            # Not foreseen, so nobody knows whether it will go better next time; what must not be is that the copy is
            # never heard of again.
            logger.exception("copy %d can't be composed", copy.message_id)
            self._record(copy, from_us(Status.DEFERRED, "4.3.0", "internal error"))
        self._let_go(copy)
        return None

    async def _route(self, domain: str, jobs: Sequence[Transmission]) -> None:
        try:
            route = await self._routes.of(domain)
        except Exception:
            logger.exception("no way to %s could be found", domain)
            route = from_us(Status.DEFERRED, "4.4.3", "internal error")
        if isinstance(route, Outcome):
            for job in jobs:
                self.settle(job, route)
        else:
            self._enter(route, jobs)

    async def _simulate(self, jobs: Sequence[Transmission]) -> None:
        """Let copies have the outcome their address names, or test mode gives, as if a server had said it."""
        for job in jobs:
            if self.may_begin(job):
                try:
                    job.content()
                except Withdrawn:
                    self.give_back(job)
                except Exception:
                    logger.exception("copy %d can't be composed", job.copy.message_id)
                    self.settle(job, from_us(Status.DEFERRED, "4.3.0", "internal error"))
                else:
                    await self._pretend(job)
            await asyncio.sleep(0)  # signing takes its time; others get theirs

    async def _pretend(self, job: Transmission) -> None:
        copy = job.copy
        is_simulated = copy.recipient.rpartition("@")[2] == self._simulated
        outcome = simulator.outcome_of(copy.recipient) if is_simulated else simulator.TEST_OUTCOME
        if outcome.host in simulator.SEQUELS:
            while not self._sequels.has_room:  # noqa: ASYNC110 two parts of the process make room, and it is rare
                await asyncio.sleep(SEQUEL_LOOK_SECONDS)
            job.before_final_dot()  # the journal remembers what is to follow
        self.settle(job, outcome)

    def _enter(self, route: Route, jobs: Sequence[Transmission]) -> None:
        gate = self._gates.of(route)
        gate.put(jobs)
        gate.pool.wake()

    def _open_pool(self, route: Route, gate: Gate) -> Pool:
        site = gate.site
        return self._routes.pool(
            route, gate, connections=site.connections, max_per_connection=site.messages_per_connection
        )

    # ------------------------------------------------------------------ the gates' desk

    def may_begin(self, job: Transmission) -> bool:
        """Tell whether a copy may go to its server now; if not it has been taken care of."""
        if self._is_withdrawn(job.copy):
            self.give_back(job)
            return False
        identity = self._identities.known(job.copy.sender_id)
        budget = self._shaper.warmup(identity.domain) if identity is not None else None
        if budget is not None:
            delay = budget.delay()
            if delay > 0.0:
                self.give_back(job, delay)
                return False
            budget.begin()
        return True

    def settle(self, job: Transmission, outcome: Outcome) -> None:
        """Record the outcome of an attempt, and what follows from it."""
        copy = job.copy
        self._journal.finish(copy.message_id, copy.attempt, outcome)
        self._record(copy, outcome)
        self._let_go(copy)

    def give_back(self, job: Transmission, after_seconds: float = 0.0) -> None:
        """Return a copy that was not begun to the queue."""
        self._returns.put(job.copy, after_seconds)
        self._let_go(job.copy)

    def _let_go(self, copy: Copy) -> None:
        if copy.run_id is None:
            self._singles.done(copy)

    def _record(self, copy: Copy, outcome: Outcome) -> None:
        now = self._clock.now()
        record = decide(copy, outcome, now=now, policy=self._policy)
        self._recorder.add(record)
        self._log(copy, record)
        # A campaign's copy is accepted when it is claimed: its age says nothing.
        if self._on_sent is not None and outcome.status is Status.DELIVERED and copy.run_id is None:
            self._on_sent(max(now.timestamp() - copy.accepted_at.timestamp() - copy.accepted_ms / 1000, 0.0))

    def _log(self, copy: Copy, record: Record) -> None:
        """Write a line for what went wrong; for what went right only where somebody wants to see everything."""
        level = logging.DEBUG if record.state is State.DELIVERED else logging.INFO
        if logger.isEnabledFor(level):
            _EVENTS.log(
                level,
                f"delivery.{record.state}",
                email_id=messages.email_id(copy.accepted_at, copy.message_id, self._settings.node_name),
                account_id=copy.account_id,
                attempt=record.attempt,
                host=record.host,
                code=record.code,
                reply=record.reply,
                ms=record.duration_ms,
            )

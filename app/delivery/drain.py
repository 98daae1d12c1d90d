"""One delivery process: claim what is due, send it, record what became of it.

No transaction is open while a socket is: claim, commit, talk, record, commit. PostgreSQL is the queue; `wake` is a
nudge, and a look twice a second covers those that were lost.

    Claimer    takes copies and loads what they say
    Gates      destinations; their sessions pull copies as fast as their limits allow
    Recorder   outcomes to PostgreSQL; Returns: what is not begun back to the queue
    Epochs     pauses; LeaseKeeper: what others have lost
"""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Copy, Owner, Record, Recorded
from app.db.engine import KeptConnection, is_disconnect, make_engine
from app.db.sql import Connection
from app.delivery import simulator
from app.delivery.campaigns import RunMails
from app.delivery.claimer import Claimer
from app.delivery.epochs import Epochs
from app.delivery.gates import Gate, Gates
from app.delivery.host import host_id
from app.delivery.identities import Identities
from app.delivery.journal import Journal
from app.delivery.keeper import LeaseKeeper
from app.delivery.recorder import Recorder
from app.delivery.recovery import Recovery
from app.delivery.retry import Policy, blocked, decide, failed
from app.delivery.returns import Returns
from app.delivery.routes import Routes
from app.delivery.shaping import Shaper, load_rules
from app.delivery.singles import Composer, ContentGone
from app.delivery.transmission import Obligations, Transmission
from app.kit.clock import Clock, SystemClock
from app.kit.secrets import Vault
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import Route
from app.models.message import State
from app.settings import Settings

LOOK_SECONDS = 0.5
"""How often the queue is looked at without a nudge."""
STOP_SECONDS = 12.0
"""How long a stopping process waits for open SMTP transactions and for its outcomes to be recorded."""
IDLE_LOOK_SECONDS = 10.0

logger = logging.getLogger(__name__)
_EVENTS = structlog.stdlib.get_logger(__name__)


class Drain:
    """Sends what is due until told to stop. One per process; lives on one event loop. The `Desk` of its gates."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_recorded: Callable[[Sequence[Recorded]], None] | None = None,
        on_sent: Callable[[float], None] | None = None,
    ) -> None:
        """Prepare; `run` works.

        Args:
            settings: Of the process.
            clock: Tells the time.
            on_recorded: Told what was committed.
            on_sent: Told the seconds from acceptance to the reply, for each delivered single mail.
        """
        self._settings = settings
        self._clock = clock or SystemClock()
        self._on_sent = on_sent
        self._policy = Policy.of(settings)
        self._engine: AsyncEngine = make_engine(settings, pool_size=7)
        self._owner = Owner(host_id(settings.data_dir), uuid4())
        journals = settings.data_dir / "journals"
        self._journal = Journal(journals, self._owner.incarnation, slots=3 * settings.delivery.max_in_flight)
        self._recorder = Recorder(self._engine, self._journal, self._recorded(on_recorded))
        self._returns = Returns(self._engine, self._recorder)
        lease_seconds = settings.delivery.lease_seconds
        recovery = Recovery(
            self._owner,
            journals,
            self._journal,
            self._recorder,
            self._clock,
            policy=self._policy,
            lease_seconds=lease_seconds,
        )
        self._keeper = LeaseKeeper(self._engine, self._owner, recovery, self.wake, lease_seconds=lease_seconds)
        self._identities = Identities(self._engine, Vault(settings.secret_keys))
        self._singles = Composer(settings, self._identities)
        self._run_mails = RunMails(settings, self._identities)
        self._claimer = Claimer(
            settings,
            self._engine,
            self._owner,
            self._recorder,
            self._returns,
            singles=self._singles,
            runs=self._run_mails,
            dispatch=self._dispatch,
            room_for_content=self._room_for_content,
        )
        self._epochs = Epochs(self._engine, self._owner, self._claimer.held_runs, self._epoch_changed)
        self._routes = Routes(settings)
        rules = load_rules(settings.delivery.shaping_file, connections=settings.delivery.connections)
        self._shaper = Shaper(
            rules,
            valkey_url=settings.broker_url,
            worker_id=str(self._owner.incarnation),
            share_of=settings.delivery.processes,
        )
        self._gates = Gates(self._shaper, self, self._open_pool, is_shared=self._routes.fixed is None)
        self._obligations = Obligations(self._is_withdrawn, self._journal.begin)
        self._look_for_singles, self._look_for_runs = asyncio.Event(), asyncio.Event()
        self._stopping = asyncio.Event()
        self._routing: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look at the queue now; may be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._look)

    def stop(self) -> None:
        """Stop claiming, finish what is open and record it; may be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._begin_stop)

    async def run(self) -> None:
        """Work until stopped; afterwards everything claimed is recorded or released."""
        self._loop = asyncio.get_running_loop()
        recorder = asyncio.create_task(self._recorder.run(), name="recorder")
        recorder.add_done_callback(self._recorder_ended)
        helpers = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("lease-keeper", self._keeper.run()),
                ("returns", self._returns.run()),
                ("epochs", self._epochs.run()),
                ("shaper", self._shaper.run()),
                ("idle-gates", self._close_idle_gates()),
            )
        ]
        logger.info("delivery process %s is up, route %s", self._owner.incarnation, self._settings.delivery.route)
        try:
            # A run's claim may have to wait for a lock of its run; single mails must not wait with it.
            await asyncio.gather(
                self._claim_loop(self._claimer.claim_singles, self._look_for_singles),
                self._claim_loop(self._claimer.claim_of_run, self._look_for_runs),
            )
        finally:
            await self._finish(recorder, helpers)
        logger.info("delivery process %s has stopped", self._owner.incarnation)

    def _recorder_ended(self, recorder: "asyncio.Task[None]") -> None:
        """Stop when outcomes can't be recorded any more: the journal holds them for the next process."""
        if not self._stopping.is_set():
            logger.critical("the recorder has failed", exc_info=recorder.exception())
            self._begin_stop()

    def _recorded(
        self, on_recorded: Callable[[Sequence[Recorded]], None] | None
    ) -> Callable[[Sequence[Recorded]], None]:
        def tell(recorded: Sequence[Recorded]) -> None:
            self._look()  # there is room again
            if on_recorded is not None:
                on_recorded(recorded)

        return tell

    def _begin_stop(self) -> None:
        self._stopping.set()
        self._look()

    def _look(self) -> None:
        self._look_for_singles.set()
        self._look_for_runs.set()

    # ------------------------------------------------------------------ claiming

    async def _claim_loop(self, claim: Callable[[Connection], Awaitable[bool]], look: asyncio.Event) -> None:
        connection = KeptConnection(self._engine)
        while not self._stopping.is_set():
            more = False
            if self._recorder.healthy:
                look.clear()
                try:
                    more = await claim(await connection.get())
                except Exception as error:
                    if not is_disconnect(error):
                        logger.exception("claiming failed")
                    await connection.drop()
                    await _nap(look)
            if not more:
                await _nap(look)
        await connection.drop()

    async def _room_for_content(self) -> bool:
        """Wait until mails that were loaded have been sent, so that large ones do not fill the memory.

        Returns:
            False when the process is stopping: what was not begun is released.
        """
        while self._singles.is_crowded and not self._stopping.is_set():
            self._look_for_singles.clear()
            await _nap(self._look_for_singles)
        return not self._stopping.is_set()

    # ------------------------------------------------------------------ from claim to gate

    def _dispatch(self, copies: Sequence[Copy]) -> None:
        """Make the transactions of copies whose content is loaded, and let them wait at their destinations."""
        by_domain: defaultdict[str, list[Transmission]] = defaultdict(list)
        for copy in copies:
            job = self._job(copy)
            if job is not None:
                by_domain[copy.recipient.rpartition("@")[2]].append(job)
        if self._settings.simulator.enabled and simulator.DOMAIN in by_domain:
            self._in_background(self._simulate(by_domain.pop(simulator.DOMAIN)))
        fixed = self._routes.fixed
        if fixed is not None:
            self._enter(fixed, [job for jobs in by_domain.values() for job in jobs])
            return
        for domain, jobs in by_domain.items():  # DNS may take its time; nobody else waits for it
            self._in_background(self._route(domain, jobs))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._routing.add(task)
        task.add_done_callback(self._routing.discard)

    def _job(self, copy: Copy) -> Transmission | None:
        """Return the transaction of a copy; None when it has ended already."""
        try:
            if copy.suppressed is None:
                mails = self._singles if copy.run_id is None else self._run_mails
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
        """Let copies have the outcome their address names, as if a server had said it."""
        for job in jobs:
            if self.may_begin(job):
                try:
                    job.content()
                except Exception:
                    logger.exception("copy %d can't be composed", job.copy.message_id)
                    self.settle(job, from_us(Status.DEFERRED, "4.3.0", "internal error"))
                else:
                    self.settle(job, simulator.outcome_of(job.recipient))
            await asyncio.sleep(0)  # signing takes its time; others get theirs

    def _enter(self, route: Route, jobs: Sequence[Transmission]) -> None:
        gate = self._gates.of(route)
        for job in jobs:
            gate.put(job)
        gate.pool.wake()

    def _open_pool(self, route: Route, gate: Gate) -> Pool:
        site = gate.site
        return self._routes.pool(
            route, gate, connections=site.connections, max_per_connection=site.messages_per_connection
        )

    async def _close_idle_gates(self) -> None:
        while True:
            await asyncio.sleep(IDLE_LOOK_SECONDS)
            await self._gates.close_idle()

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

    def _is_withdrawn(self, copy: Copy) -> bool:
        return self._stopping.is_set() or self._epochs.is_withdrawn(copy)

    def _epoch_changed(self, _run_id: int) -> None:
        self._gates.withdraw(self._is_withdrawn)

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

    # ------------------------------------------------------------------ ending

    async def _finish(self, recorder: "asyncio.Task[None]", helpers: Sequence["asyncio.Task[None]"]) -> None:
        """Finish open transactions, record them, release the rest."""
        deadline = time.monotonic() + STOP_SECONDS
        if self._routing:
            _, late = await asyncio.wait(self._routing, timeout=1)
            for task in late:
                task.cancel()
        self._gates.withdraw(self._is_withdrawn)
        await self._gates.close(STOP_SECONDS - 5)
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        self._recorder.close()
        await asyncio.wait([recorder], timeout=max(deadline - time.monotonic() - 2, 0.5))
        recorder.cancel()
        await asyncio.gather(recorder, return_exceptions=True)
        try:
            await asyncio.wait_for(self._release(), 2)
        except Exception as error:  # noqa: BLE001 whatever is not released is taken over from the journal
            logger.warning("copies are left to be taken over: %s", error)
        await self._shaper.aclose()
        self._singles.close()
        await self._engine.dispose()
        self._journal.close()

    async def _release(self) -> None:
        """Give back what was claimed and not begun. A copy that was begun stays in its lease."""
        connection = KeptConnection(self._engine)
        try:
            own: Connection = await connection.get()
            await self._returns.flush(own)
            for lease_id, held in self._recorder.leases().items():
                idle = [message_id for message_id in held if not self._journal.knows(message_id)]
                if idle:
                    await messages.release(own, lease_id, idle)
                if self._recorder.drop(lease_id, idle):
                    await messages.end_leases(own, [lease_id])
        finally:
            await connection.drop()


async def _nap(look: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(look.wait(), LOOK_SECONDS)

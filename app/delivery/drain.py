"""One delivery process: claim what is due, send it, record what became of it.

No transaction is open while a socket is: claim, commit, talk, record, commit. PostgreSQL is the queue; `wake` is a
nudge, and a look twice a second covers those that were lost.

    Claimer      takes copies and loads what they say
    Dispatcher   finds their destinations, whose sessions pull them as fast as limits allow
    Recorder     outcomes to PostgreSQL; Returns: what is not begun back to the queue
    Sequels      what simulated recipients do afterwards
    Epochs       pauses; LeaseKeeper: what others have lost
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Copy, Owner, Recorded, SuppressionRules
from app.db.engine import KeptConnection, is_disconnect, make_engine
from app.db.sql import Connection
from app.delivery.campaigns import RunMails
from app.delivery.claimer import Claimer
from app.delivery.dispatcher import Dispatcher
from app.delivery.epochs import Epochs
from app.delivery.host import host_id
from app.delivery.identities import Identities
from app.delivery.journal import Journal
from app.delivery.keeper import LeaseKeeper
from app.delivery.recorder import Recorder
from app.delivery.recovery import Recovery
from app.delivery.retry import Policy
from app.delivery.returns import Returns
from app.delivery.sequels import Sequels
from app.delivery.shaping import Shaper, load_rules
from app.delivery.singles import Composer
from app.kit.clock import Clock, SystemClock
from app.kit.secrets import Vault
from app.settings import Settings

LOOK_SECONDS = 0.5
"""How often the queue is looked at without a nudge."""
STOP_SECONDS = 12.0
"""How long a stopping process waits for open SMTP transactions and for its outcomes to be recorded."""

logger = logging.getLogger(__name__)


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
        clock = clock or SystemClock()
        self._engine: AsyncEngine = make_engine(settings, pool_size=7)
        self._owner = Owner(host_id(settings.data_dir), uuid4())
        journals = settings.data_dir / "journals"
        self._journal = Journal(journals, self._owner.incarnation, slots=3 * settings.delivery.max_in_flight)
        self._sequels = Sequels(self._engine, self._journal, spare=settings.delivery.max_in_flight)
        rules = SuppressionRules(settings.suppression.soft_bounces, settings.suppression.soft_bounce_hours)
        self._recorder = Recorder(
            self._engine,
            self._journal,
            rules,
            on_recorded=self._recorded(on_recorded),
            has_sequel=self._sequels.take,
        )
        self._returns = Returns(self._engine, self._recorder)
        lease_seconds = settings.delivery.lease_seconds
        recovery = Recovery(
            self._owner,
            journals,
            self._journal,
            self._recorder,
            clock,
            sequels=self._sequels,
            policy=Policy.of(settings),
            lease_seconds=lease_seconds,
        )
        self._keeper = LeaseKeeper(self._engine, self._owner, recovery, self.wake, lease_seconds=lease_seconds)
        shaping = load_rules(settings.delivery.shaping_file, connections=settings.delivery.connections)
        self._shaper = Shaper(
            shaping,
            valkey_url=settings.broker_url,
            worker_id=str(self._owner.incarnation),
            share_of=settings.delivery.processes,
        )
        identities = Identities(self._engine, Vault(settings.secret_keys))
        self._singles = Composer(settings, identities)
        runs = RunMails(settings, identities)
        self._dispatcher = Dispatcher(
            settings,
            clock=clock,
            identities=identities,
            singles=self._singles,
            runs=runs,
            shaper=self._shaper,
            journal=self._journal,
            recorder=self._recorder,
            returns=self._returns,
            sequels=self._sequels,
            is_withdrawn=self._is_withdrawn,
            on_sent=on_sent,
        )
        self._claimer = Claimer(
            settings,
            self._engine,
            self._owner,
            self._recorder,
            self._returns,
            singles=self._singles,
            runs=runs,
            dispatch=self._dispatcher.dispatch,
            room_for_content=self._room_for_content,
        )
        self._epochs = Epochs(self._engine, self._owner, self._claimer.held_runs, self._epoch_changed)
        self._look_for_singles, self._look_for_runs = asyncio.Event(), asyncio.Event()
        self._stopping = asyncio.Event()
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
        sequels = asyncio.create_task(self._sequels.run(), name="sequels")
        helpers = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("lease-keeper", self._keeper.run()),
                ("returns", self._returns.run()),
                ("epochs", self._epochs.run()),
                ("shaper", self._shaper.run()),
                ("idle-gates", self._dispatcher.run()),
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
            await self._finish(recorder, sequels, helpers)
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

    def _is_withdrawn(self, copy: Copy) -> bool:
        return self._stopping.is_set() or self._epochs.is_withdrawn(copy)

    def _epoch_changed(self, _run_id: int) -> None:
        self._dispatcher.withdraw()

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

    # ------------------------------------------------------------------ ending

    async def _finish(
        self,
        recorder: "asyncio.Task[None]",
        sequels: "asyncio.Task[None]",
        helpers: Sequence["asyncio.Task[None]"],
    ) -> None:
        """Finish open transactions, record them, release the rest."""
        deadline = time.monotonic() + STOP_SECONDS
        await self._dispatcher.close(STOP_SECONDS - 5)
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        self._recorder.close()
        await asyncio.wait([recorder], timeout=max(deadline - time.monotonic() - 2, 0.5))
        await self._sequels.close()
        for task in (recorder, sequels):
            task.cancel()
        await asyncio.gather(recorder, sequels, return_exceptions=True)
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

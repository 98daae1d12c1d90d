"""The loop of one delivery process: claim what is due, send it, record what became of it.

No transaction is open while a socket is: claim, commit, talk, record, commit. PostgreSQL is the queue; `wake` is a
nudge, and a look every second covers those that were lost.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.messages import Copy, Owner, Record, Recorded
from app.db.engine import KeptConnection, is_disconnect, make_engine
from app.db.sql import Connection
from app.delivery.host import host_id
from app.delivery.journal import Journal
from app.delivery.keeper import LeaseKeeper
from app.delivery.recorder import Recorder
from app.delivery.recovery import Recovery
from app.delivery.retry import Policy, blocked, decide, failed
from app.delivery.routes import Gate, Routes
from app.delivery.steps import Composer, ContentGone
from app.kit.clock import Clock, SystemClock
from app.kit.secrets import Vault
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.models.message import State
from app.settings import Settings

LOOK_SECONDS = 1.0
"""How often the queue is looked at without a nudge."""
STOP_SECONDS = 12.0
"""How long a stopping process waits for open SMTP transactions and for its outcomes to be recorded."""

logger = logging.getLogger(__name__)
_EVENTS = structlog.stdlib.get_logger(__name__)


class Drain:
    """Sends what is due until told to stop. One per process; lives on one event loop."""

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
            on_sent: Told the seconds from acceptance to the reply, for each delivered copy.
        """
        self._settings = settings
        self._clock = clock or SystemClock()
        self._on_sent = on_sent
        self._policy = Policy.of(settings)
        self._engine: AsyncEngine = make_engine(settings, pool_size=4)
        self._owner = Owner(host_id(settings.data_dir), uuid4())
        journals = settings.data_dir / "journals"
        self._journal = Journal(journals, self._owner.incarnation, slots=3 * settings.delivery.max_in_flight)
        self._recorder = Recorder(self._engine, self._journal, on_recorded)
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
        self._composer = Composer(settings, self._engine, Vault(settings.secret_keys))
        self._routes = Routes(settings)
        self._awake = asyncio.Event()
        self._capacity = asyncio.Event()
        self._stopping = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._unloaded: list[Sequence[Copy]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look at the queue now; may be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._awake.set)

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
        keeper = asyncio.create_task(self._keeper.run(), name="lease-keeper")
        logger.info("delivery process %s is up, route %s", self._owner.incarnation, self._settings.delivery.route)
        try:
            await self._claim_loop()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await self._finish(recorder)
        logger.info("delivery process %s has stopped", self._owner.incarnation)

    def _recorder_ended(self, recorder: "asyncio.Task[None]") -> None:
        """Stop when outcomes can't be recorded any more: the journal holds them for the next process."""
        if not self._stopping.is_set():
            logger.critical("the recorder has failed", exc_info=recorder.exception())
            self._begin_stop()

    def _begin_stop(self) -> None:
        self._stopping.set()
        self._awake.set()
        self._capacity.set()

    # ------------------------------------------------------------------ claiming

    async def _claim_loop(self) -> None:
        connection = KeptConnection(self._engine)
        while not self._stopping.is_set():
            try:
                more = await self._claim(connection)
            except Exception as error:
                if not is_disconnect(error):
                    logger.exception("claiming failed")
                await connection.drop()
                more = False
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), LOOK_SECONDS)
                self._awake.clear()
        await connection.drop()

    async def _claim(self, kept: KeptConnection) -> bool:
        """Claim once and begin to send; return whether there may be more."""
        room = self._settings.delivery.max_in_flight - self._recorder.held
        if room < self._settings.delivery.claim_size or not self._recorder.healthy:
            self._capacity.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._capacity.wait(), LOOK_SECONDS)
            return True
        connection = await kept.get()
        while self._unloaded:
            await self._give_back(connection, self._unloaded[-1])
            self._unloaded.pop()
        copies = await messages.claim_due(
            connection,
            self._owner,
            limit=min(room, self._settings.delivery.claim_size),
            lease_seconds=self._settings.delivery.lease_seconds,
        )
        if not copies:
            return False
        self._recorder.hold(copies[0].lease_id, [copy.message_id for copy in copies])
        begun = 0
        for piece in self._composer.slices(copies):
            if not await self._room_for_content():
                break
            await self._load(connection, piece, copies[begun:])
            begun += len(piece)
            for copy in piece:
                task = asyncio.create_task(self._send(copy))
                self._sending.add(task)
                task.add_done_callback(self._sent)
        return len(copies) >= self._settings.delivery.claim_size

    async def _room_for_content(self) -> bool:
        """Wait until mails that were loaded have been sent, so that large ones do not fill the memory.

        Returns:
            False when the process is stopping: what was not begun is released.
        """
        while self._composer.is_crowded and self._sending:
            if self._stopping.is_set():
                return False
            self._capacity.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._capacity.wait(), LOOK_SECONDS)
        return not self._stopping.is_set()

    async def _load(self, connection: Connection, piece: Sequence[Copy], unbegun: Sequence[Copy]) -> None:
        try:
            await self._composer.load(connection, piece)
        except Exception as error:
            logger.warning("contents can't be loaded, giving the claim back: %s", error)
            self._unloaded.append(unbegun)
            raise

    async def _give_back(self, connection: Connection, copies: Sequence[Copy]) -> None:
        lease_id, ids = copies[0].lease_id, [copy.message_id for copy in copies]
        await messages.release(connection, lease_id, ids)
        if self._recorder.drop(lease_id, ids):
            await messages.end_leases(connection, [lease_id])

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        self._capacity.set()

    # ------------------------------------------------------------------ one copy

    async def _send(self, copy: Copy) -> None:
        """Send one copy and hand its outcome over, or leave it to be released when the process is stopping."""
        try:
            await self._steps(copy)
        except Exception:
            # Not foreseen, so nobody knows whether it will go better next time; what must not be is that the copy is
            # never heard of again.
            logger.exception("sending copy %d failed", copy.message_id)
            status = Status.IN_DOUBT if self._journal.knows(copy.message_id) else Status.DEFERRED
            self._record(copy, from_us(status, "4.3.0", "internal error"))
        finally:
            self._composer.done(copy)

    async def _steps(self, copy: Copy) -> None:
        if copy.suppressed is not None:
            self._recorder.add(blocked(copy, copy.suppressed, now=self._clock.now()))
            return
        gate = await self._routes.gate(copy.recipient)
        if isinstance(gate, Outcome):
            self._record(copy, gate)
            return
        async with gate.slots:
            if self._stopping.is_set():
                return
            gate.users += 1
            try:
                await self._transact(copy, gate)
            finally:
                gate.users -= 1

    async def _transact(self, copy: Copy, gate: Gate) -> None:
        try:
            job = self._composer.job(copy, lambda: self._journal.begin(copy.message_id, copy.attempt))
        except ContentGone:
            self._recorder.add(failed(copy, "the content is gone", now=self._clock.now()))
            return
        outcome = await gate.pool.send(job)
        self._journal.finish(copy.message_id, copy.attempt, outcome)
        self._record(copy, outcome)

    def _record(self, copy: Copy, outcome: Outcome) -> None:
        now = self._clock.now()
        record = decide(copy, outcome, now=now, policy=self._policy)
        self._recorder.add(record)
        self._log(copy, record)
        if self._on_sent is not None and outcome.status is Status.DELIVERED:
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

    async def _finish(self, recorder: "asyncio.Task[None]") -> None:
        """Finish open transactions, record them, release the rest."""
        deadline = time.monotonic() + STOP_SECONDS
        if self._sending:
            _done, open_ = await asyncio.wait(self._sending, timeout=STOP_SECONDS - 4)
            for task in open_:
                task.cancel()
            await asyncio.gather(*open_, return_exceptions=True)
        self._recorder.close()
        await asyncio.wait([recorder], timeout=max(deadline - time.monotonic() - 2, 0.5))
        recorder.cancel()
        await asyncio.gather(recorder, return_exceptions=True)
        try:
            await asyncio.wait_for(self._release(), 2)
        except Exception as error:  # noqa: BLE001 whatever is not released is taken over from the journal
            logger.warning("copies are left to be taken over: %s", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._routes.close(), 1)
        self._composer.close()
        await self._engine.dispose()
        self._journal.close()

    async def _release(self) -> None:
        """Give back what was claimed and not begun. A copy that was begun stays in its lease."""
        connection = KeptConnection(self._engine)
        try:
            for lease_id, held in self._recorder.leases().items():
                idle = [message_id for message_id in held if not self._journal.knows(message_id)]
                own = await connection.get()
                if idle:
                    await messages.release(own, lease_id, idle)
                if self._recorder.drop(lease_id, idle):
                    await messages.end_leases(own, [lease_id])
        finally:
            await connection.drop()

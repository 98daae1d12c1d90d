"""What a delivery process takes next: single mails, and a chunk of the run whose turn it is.

Both are claimed at the same time, so that single mails wait for no campaign; and they always have room: campaigns may
fill all of the process but the size of one claim.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, messages
from app.core.errors import Forbidden
from app.core.messages import Copy, OpenRun, Owner
from app.db.engine import DatabaseAway, is_disconnect
from app.db.sql import Connection
from app.delivery.campaigns import RunMails
from app.delivery.recorder import Recorder
from app.delivery.returns import Returns
from app.delivery.singles import Composer
from app.delivery.turns import Turns
from app.kit.secrets import SecretUnreadable
from app.settings import Settings

RUNS_SECONDS = 0.25
"""How old the list of open runs may be."""

logger = logging.getLogger(__name__)


class Claimer:
    """Claims and prepares; hands prepared copies to `dispatch`."""

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        owner: Owner,
        recorder: Recorder,
        returns: Returns,
        *,
        singles: Composer,
        runs: RunMails,
        dispatch: Callable[[Sequence[Copy]], None],
        room_for_content: Callable[[], Awaitable[bool]],
    ) -> None:
        """Prepare.

        Args:
            settings: The groups `delivery` and `quota`.
            engine: For pausing a run whose quota is spent.
            owner: This process.
            recorder: Keeps what is held.
            returns: Takes back what can't be prepared.
            singles: Loads the contents of single mails.
            runs: Loads the contents of runs.
            dispatch: Takes copies whose content is loaded.
            room_for_content: Waits until there is room for more contents; false when the process is stopping.
        """
        self._settings = settings
        self._engine = engine
        self._owner = owner
        self._recorder = recorder
        self._returns = returns
        self._singles = singles
        self._runs = runs
        self._dispatch = dispatch
        self._room_for_content = room_for_content
        self._turns = Turns()
        self._listed_at = 0.0
        self._run_of: dict[int, int] = {}
        self._asked = 0
        """Copies of a run that are being claimed."""
        self._is_turn_of_due = False

    def held_runs(self) -> Iterable[int]:
        """Return the runs this process holds copies of."""
        self._run_of = {lease: run_id for lease, run_id in self._run_of.items() if self._recorder.holds(lease)}
        return set(self._run_of.values())

    async def claim_singles(self, connection: Connection) -> bool:
        """Claim the single mails there is room for; return whether there may be more at once.

        Raises:
            Exception: Of the driver; what was claimed is released or taken care of by the lease keeper.
        """
        delivery = self._settings.delivery
        limit = min(delivery.max_in_flight - self._recorder.held - self._asked, delivery.claim_size)
        if limit <= 0:
            return False
        copies = await messages.claim_due(
            connection, self._owner, limit=limit, lease_seconds=self._settings.delivery.lease_seconds
        )
        if not copies:
            return False
        self._recorder.hold(copies[0].lease_id, [copy.message_id for copy in copies])
        begun = 0
        for piece in self._singles.slices(copies):
            if not await self._room_for_content():
                break
            try:
                await self._singles.load(connection, piece)
            except Exception as error:
                logger.warning("contents can't be loaded, giving the claim back: %s", error)
                self._give_back(copies[begun:])
                raise
            begun += len(piece)
            self._dispatch(piece)
        self._give_back(copies[begun:])
        return len(copies) >= limit

    async def claim_of_run(self, connection: Connection) -> bool:
        """Claim copies of one run, if there is room for a chunk; return whether there may be more at once.

        Raises:
            Exception: Of the driver; what was claimed is released or taken care of by the lease keeper.
        """
        delivery = self._settings.delivery
        room = delivery.max_in_flight - delivery.claim_size
        if room - self._recorder.held < min(delivery.chunk_size, room):
            return False
        self._asked = min(room - self._recorder.held, delivery.chunk_size)
        try:
            return await self._claim_of_run(connection, self._asked)
        finally:
            self._asked = 0

    async def _claim_of_run(self, connection: Connection, limit: int) -> bool:
        run = await self._next_run(connection)
        if run is None:
            return False
        copies: list[Copy] = []
        reached = 0
        # In turn: copies that come again and again must not keep the run from those it has not reached.
        self._is_turn_of_due = not self._is_turn_of_due
        if run.is_due and (self._is_turn_of_due or not run.is_fresh):
            copies = await messages.claim_run(
                connection, self._owner, run.id, limit=limit, lease_seconds=self._settings.delivery.lease_seconds
            )
            reached = len(copies)
        if not copies and run.is_fresh:
            copies, reached = await self._claim_chunk(connection, run, limit)
        self._asked = 0
        if copies:
            self._recorder.hold(copies[0].lease_id, [copy.message_id for copy in copies])
            self._run_of[copies[0].lease_id] = run.id
        if not reached:
            self._turns.drop(run)
        await self._prepare(connection, run, copies)
        return True

    async def _claim_chunk(self, connection: Connection, run: OpenRun, limit: int) -> tuple[list[Copy], int]:
        """Return the copies of the next targets, and how many targets that were."""
        delivery, quota = self._settings.delivery, self._settings.quota
        try:
            chunk = await messages.claim_chunk(
                connection,
                self._owner,
                run,
                limit=limit,
                lease_seconds=delivery.lease_seconds,
                default_cap=quota.default_monthly,
            )
        except Forbidden as error:
            await campaigns.hold(self._engine, run.id, str(error))
            return [], 0
        if chunk.out_of_quota:
            await campaigns.hold(self._engine, run.id)
        return chunk.copies, chunk.reached

    async def _next_run(self, connection: Connection) -> OpenRun | None:
        run = self._turns.next()
        if run is None or time.monotonic() - self._listed_at > RUNS_SECONDS:
            if run is None and time.monotonic() - self._listed_at < RUNS_SECONDS / 10:
                return None
            self._turns.update(await messages.open_runs(connection))
            self._listed_at = time.monotonic()
            run = run or self._turns.next()
        return run

    async def _prepare(self, connection: Connection, run: OpenRun, copies: Sequence[Copy]) -> None:
        versions: defaultdict[int, list[Copy]] = defaultdict(list)
        for copy in copies:
            versions[copy.content_version].append(copy)
        while versions:
            version, group = next(iter(versions.items()))
            try:
                await self._runs.load(connection, group[0])
            except Exception as error:
                self._give_back([copy for left in versions.values() for copy in left])
                if is_disconnect(error) or isinstance(error, DatabaseAway):
                    raise
                logger.exception("run %d can't be sent", run.id)
                # What is wrong with the content stays wrong; a secret may be missing on this machine alone.
                end = campaigns.hold if isinstance(error, SecretUnreadable) else campaigns.fail
                await end(self._engine, run.id, f"version {version} can't be composed: {error}")
                return
            self._dispatch(versions.pop(version))

    def _give_back(self, copies: Sequence[Copy]) -> None:
        for copy in copies:
            self._returns.put(copy)

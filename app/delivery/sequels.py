"""What simulated recipients do once the delivery of their mail is committed: complain, unsubscribe, open, click.

By the verbs that real recipients come to, so everything after that is as with real mail. An open is recorded for every
copy, whether or not its account has opens tracked, because the address asks for one; a click is one of the first
tracked link, so a mail without tracked links has none.

The journal holds the note of such a copy until what follows is committed too. A process that is killed in between
leaves it behind, and the next one of the same host (`Recovery`) goes on here; doing it twice changes nothing. Only when
the host never comes back it is lost, which a simulation can bear.

Source: docs/contract/native.md, 18.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages, tracking
from app.core.messages import Record
from app.core.tracking import Clicked, Means, Opened
from app.db.engine import DatabaseAway, driver_connection, is_disconnect
from app.db.unit_of_work import reading, unit_of_work
from app.delivery.journal import Journal, Noted
from app.delivery.simulator import SEQUELS, Sequel
from app.mail.smtp.outcome import Status
from app.models.message import State

AT_ONCE = 4
TRIES = 5
AGAIN_SECONDS = 0.3
CLOSE_SECONDS = 2.0
IP = "127.0.0.1"
USER_AGENT = "Trireme simulator"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to follow, and the note to forget afterwards."""

    sequel: Sequel
    message_id: int
    attempt: int
    accepted_at: datetime | None
    """None: only the journal knows of it, which does not tell."""


class Sequels:
    """Brings about what simulated recipients do. Lives on the loop of its delivery process."""

    def __init__(self, engine: AsyncEngine, journal: Journal, *, spare: int) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of the process.
            journal: Notes what is to follow until it has.
            spare: Notes it must have room for besides: those of all copies that may be in flight.
        """
        self._engine = engine
        self._journal = journal
        self._spare = spare
        self._due: asyncio.Queue[_Due] = asyncio.Queue()

    @property
    def has_room(self) -> bool:
        """Whether another copy with a sequel may be noted."""
        return self._journal.room > self._spare

    def take(self, record: Record) -> bool:
        """Take an outcome that was just committed; return whether something follows from it."""
        sequel = SEQUELS.get(record.host)
        if sequel is None or record.state is not State.DELIVERED:
            return False
        self._due.put_nowait(_Due(sequel, record.message_id, record.attempt, record.accepted_at))
        return True

    def resume(self, noted: Noted) -> bool:
        """Take what a journal tells of a copy whose delivery is committed; return whether to keep the note for now.

        Args:
            noted: A note that this process's journal has adopted.
        """
        outcome = noted.outcome
        sequel = SEQUELS.get(outcome.host) if outcome is not None and outcome.status is Status.DELIVERED else None
        if sequel is None:
            return False
        self._due.put_nowait(_Due(sequel, noted.message_id, noted.attempt, None))
        return self.has_room

    async def run(self) -> None:
        """Work until cancelled; what is left then stays in the journal."""
        await asyncio.gather(*(self._work() for _ in range(AT_ONCE)))

    async def close(self) -> None:
        """Wait a little for what is under way."""
        try:
            await asyncio.wait_for(self._due.join(), CLOSE_SECONDS)
        except TimeoutError:
            logger.warning("what simulated recipients had to do is left to the next process")

    async def _work(self) -> None:
        while True:
            due = await self._due.get()
            try:
                await self._follow(due)
            finally:
                self._due.task_done()

    async def _follow(self, due: _Due) -> None:
        tries = 0
        while tries < TRIES:
            try:
                await self._act(due)
                break
            except Exception as error:
                if not (isinstance(error, DatabaseAway) or is_disconnect(error)):
                    tries += 1
                    logger.exception("copy %d: %s can't be simulated", due.message_id, due.sequel)
                await asyncio.sleep(AGAIN_SECONDS)
        self._journal.forget(due.message_id, due.attempt)

    async def _act(self, due: _Due) -> None:
        accepted_at = due.accepted_at
        if accepted_at is None:
            async with driver_connection(self._engine) as connection:
                accepted_at = await messages.delivered_copy(connection, due.message_id)
            if accepted_at is None:
                return
        match due.sequel:
            case Sequel.COMPLAINT:
                async with unit_of_work(self._engine) as write:
                    await tracking.complain(write, due.message_id, accepted_at, source="simulator")
            case Sequel.UNSUBSCRIBE:
                async with unit_of_work(self._engine) as write:
                    await tracking.unsubscribe(write, due.message_id, accepted_at, means=Means.SIMULATOR)
            case Sequel.OPEN | Sequel.CLICK:
                await self._track(due, accepted_at)

    async def _track(self, due: _Due, accepted_at: datetime) -> None:
        """Record an open or a click under an id that is always the same for the copy, so that it counts once."""
        now = datetime.now(UTC)
        event: Opened | Clicked
        if due.sequel is Sequel.OPEN:
            event = Opened(-due.message_id, due.message_id, accepted_at, now, IP, USER_AGENT)
        else:
            async with reading(self._engine) as read:
                copy = await tracking.copy_of(read, due.message_id, accepted_at)
                url = await tracking.url_of(read, copy, 0) if copy is not None else None
            if url is None:
                return
            event = Clicked(-due.message_id, due.message_id, accepted_at, now, IP, USER_AGENT, 0, url)
        async with driver_connection(self._engine) as connection:
            await tracking.record_events(connection, [event])

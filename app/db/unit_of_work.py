"""One transaction and what is to happen after it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, AsyncSessionTransaction
from sqlalchemy.orm import Session

from app.db.engine import DatabaseAway, is_disconnect

logger = logging.getLogger(__name__)


class Enqueueable(Protocol):
    """What can be published: a job of `app.core.jobs`."""

    @property
    def name(self) -> str:
        """Name of the task that does it."""
        ...


class ReadSession(AsyncSession):
    """A session for reading; what takes one promises not to write."""


class SyncWriteSession(Session):
    """The session inside a `WriteSession`: whose flushes others listen to."""


class WriteSession(ReadSession):
    """A session for writing, with what is to happen after its commit."""

    sync_session_class = SyncWriteSession

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.jobs: list[Any] = []
        self.sequels: list[Callable[[AsyncEngine], Awaitable[None]]] = []

    def enqueue(self, job: Enqueueable) -> None:
        """Ask for a job, to be published once this transaction has committed."""
        self.jobs.append(job)

    def after_commit(self, sequel: Callable[[AsyncEngine], Awaitable[None]]) -> None:
        """Ask for a call after the commit and before `unit_of_work` is left, so before an answer leaves.

        Args:
            sequel: Gets the engine; bounds itself in time. What it raises is logged: the transaction stands.
        """
        self.sequels.append(sequel)

    async def attempt(self) -> "Attempt":
        """Begin a part of this transaction that can be undone while the rest stands."""
        return Attempt(self, await self.begin_nested())


class Attempt:
    """A savepoint, with the jobs and calls that were asked for since."""

    def __init__(self, session: WriteSession, savepoint: AsyncSessionTransaction) -> None:
        self._session = session
        self._savepoint = savepoint
        self._asked = len(session.jobs), len(session.sequels)

    async def stand(self) -> None:
        """Let it be part of the transaction."""
        await self._savepoint.commit()

    async def undo(self) -> None:
        """Take back what was written, and asked for, since it began."""
        jobs, sequels = self._asked
        del self._session.jobs[jobs:], self._session.sequels[sequels:]
        await self._savepoint.rollback()


class Publisher(Protocol):
    """Sends jobs on their way; never raises."""

    def publish(self, jobs: Sequence[Any]) -> None:
        """Publish the jobs, in order."""
        ...


@asynccontextmanager
async def unit_of_work(engine: AsyncEngine, publisher: Publisher | None = None) -> AsyncIterator[WriteSession]:
    """Open a transaction: leaving the block commits, publishes and runs what was asked for after the commit.

    An exception rolls back, and nothing else happens.

    Args:
        engine: Of `make_engine`.
        publisher: Takes the jobs after the commit; None throws them away (the sweep finds the work).

    Raises:
        DatabaseAway: PostgreSQL can't be reached, or was lost on the way.
    """
    async with WriteSession(engine, expire_on_commit=False) as session:
        with _noticing_loss():
            async with session.begin():
                yield session
        if publisher is not None and session.jobs:
            publisher.publish(session.jobs)
    for sequel in session.sequels:
        try:
            await sequel(engine)
        except Exception:
            logger.exception("what follows a commit failed")


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[ReadSession]:
    """Open a session for reading.

    Raises:
        DatabaseAway: PostgreSQL can't be reached, or was lost on the way.
    """
    with _noticing_loss():
        async with ReadSession(engine, expire_on_commit=False) as session:
            yield session


@contextmanager
def _noticing_loss() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_disconnect(error):
            raise DatabaseAway("the database is away") from error
        raise

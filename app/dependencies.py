"""What an endpoint may ask for: the process's parts, and one transaction per request.

`Read` and `Write` are two types over one session: a signature says whether a function may write. The session is
opened with function scope: it commits before the answer leaves, then the jobs are published; an error rolls back before
it is rendered (`app/api/failures.py`).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import HTTPConnection

from app.core.accounts import KeyRing
from app.core.messages import Batcher
from app.core.senders import SenderBook
from app.core.tracking import Destinations, EventBatcher
from app.db.unit_of_work import ReadSession, WriteSession, unit_of_work
from app.kit.clock import Clock
from app.kit.secrets import Vault
from app.mail.published.records import AllRecords
from app.queue import JobQueue
from app.settings import Settings
from app.valkey.rate_limit import RateLimits


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of one API process, made by `app.main` and living as long as it does."""

    settings: Settings
    engine: AsyncEngine
    vault: Vault
    queue: JobQueue
    keys: KeyRing
    senders: SenderBook
    batcher: Batcher
    events: EventBatcher
    destinations: Destinations
    rates: RateLimits
    clock: Clock
    records: AllRecords


def runtime_of(connection: HTTPConnection) -> Runtime:
    """Return the parts of the process that serves this request."""
    return cast("Runtime", connection.app.state.runtime)


async def _runtime(connection: HTTPConnection) -> Runtime:
    # A coroutine function, because FastAPI runs plain ones in a thread.
    return runtime_of(connection)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]


async def _session(runtime: RuntimeDep) -> AsyncIterator[WriteSession]:
    async with unit_of_work(runtime.engine, runtime.queue) as session:
        yield session


Write = Annotated[WriteSession, Depends(_session, scope="function")]
"""The request's transaction, for endpoints that write."""

Read = Annotated[ReadSession, Depends(_session, scope="function")]
"""The same session, for endpoints that only read."""

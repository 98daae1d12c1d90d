"""A slice of a job: taken, worked on for some seconds, given back or ended. Imports this package's siblings, db.

Whoever works on a job holds an advisory lock on it with its own connection, so its death is seen at once; and a lease
with a token, so that one who is cut off but lives cannot write any more after another has taken over. A batch and the
place behind it commit together: nothing is done twice, nothing is left out.
"""

import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.errors import CoreError, NotFound
from app.db.engine import driver_connection, is_disconnect
from app.db.sql import Connection, Sql
from app.db.unit_of_work import WriteSession

SLICE_SECONDS = 20.0
"""How long a worker works on one job before others get their turn."""
LEASE_SECONDS = 60
"""How long a worker that seems to live may be silent."""
MAX_ATTEMPTS = 5
"""How often a job may be taken up without progress."""
MAX_ERROR = 500
"""Characters of why a job failed."""
_LOCKED = 0x6A6F_6273  # "jobs"
sql = Sql(__package__)
logger = logging.getLogger(__name__)


class Lost(Exception):
    """Raised in a batch when the job was cancelled, or another worker has it: the batch is undone."""


class Refused(Exception):
    """Raised when a job cannot be done, whoever tries; its text is shown."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the rows of a batch; `told` of the failed ones are in the list of errors."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    told: int = 0


@dataclass(slots=True)
class Lease:
    """A job in a worker's hands.

    Attributes:
        engine: Of the worker.
        connection: For this job alone; in no transaction between batches.
        job_id: Which.
        token: Of this taking.
        account_id: Whose.
        audience_id: Of what concerns contacts, else 0.
        type: Of `JobType`.
        options: What was asked for.
        position: Where the next batch begins.
        told: Bad rows that the list of errors has.
    """

    engine: AsyncEngine
    connection: Connection
    job_id: int
    token: str
    account_id: int
    audience_id: int
    type: str
    options: Mapping[str, Any]
    position: Mapping[str, Any]
    told: int

    async def hold(self) -> None:
        """Begin a batch, in its transaction: nobody takes or cancels the job before its end.

        Raises:
            Lost: Somebody has.
        """
        if not await sql.fetch(self.connection, "hold", self.job_id, self.token):
            raise Lost

    async def advance(self, position: Mapping[str, Any], done: Done) -> None:
        """End a batch, in its transaction."""
        await sql.execute(self.connection, "advance", *self._advance(position, done))

    async def hold_by(self, write: WriteSession) -> None:
        """Begin a batch that works through a session.

        Raises:
            Lost: The job was taken or cancelled.
        """
        if not await sql.rows(write, "hold", self.job_id, self.token):
            raise Lost

    async def advance_by(self, write: WriteSession, position: Mapping[str, Any], done: Done) -> None:
        """End a batch that works through a session."""
        await sql.rows(write, "advance", *self._advance(position, done))

    def _advance(self, position: Mapping[str, Any], done: Done) -> tuple[object, ...]:
        counts = (done.created, done.updated, done.skipped, done.failed, done.told)
        return self.job_id, LEASE_SECONDS, orjson.dumps(dict(position)).decode(), *counts


class Work(Protocol):
    """What a type of job does."""

    async def step(self) -> bool:
        """Do the next batch; return whether there is more.

        Raises:
            Lost: The job was cancelled, or another worker has it.
            Refused: It cannot be done.
        """
        ...

    async def close(self) -> None:
        """Let go of what is under way."""
        ...


class Maker(Protocol):
    """Makes the work of a job."""

    def __call__(self, lease: Lease) -> Work:
        """Return it."""
        ...


async def run_slice(
    engine: AsyncEngine, job_id: int, makers: Mapping[str, Maker], *, seconds: float = SLICE_SECONDS
) -> bool:
    """Work on a job for a while.

    Args:
        engine: Of `make_engine`.
        job_id: Which; one that has ended, or that a living worker has, is left alone.
        makers: The work of each type.
        seconds: After which it is given back.

    Returns:
        Whether it is to be asked for again at once.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away; another worker goes on.
    """
    async with driver_connection(engine) as connection:
        is_alone = await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCKED, job_id & 0x7FFF_FFFF)
        try:
            lease = await _claimed(engine, connection, job_id, is_alone=is_alone)
            return lease is not None and await _work(lease, makers, time.monotonic() + seconds)
        finally:
            if is_alone and not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1, $2)", _LOCKED, job_id & 0x7FFF_FFFF)


async def _claimed(engine: AsyncEngine, connection: Connection, job_id: int, *, is_alone: bool) -> Lease | None:
    token = secrets.token_hex(8)
    rows = await sql.fetch(connection, "claim", job_id, token, LEASE_SECONDS, is_alone)
    if not rows:
        return None
    row = rows[0]
    lease = Lease(
        engine=engine,
        connection=connection,
        job_id=job_id,
        token=token,
        account_id=row["account_id"],
        audience_id=row["audience_id"] or 0,
        type=row["type"],
        options=_parsed(row["options"]),
        position=_parsed(row["position"]),
        told=row["told"],
    )
    if row["attempts"] > MAX_ATTEMPTS:
        await _finish(lease, "failed", f"was given up: it ended {MAX_ATTEMPTS} times without getting on")
        return None
    return lease


async def _work(lease: Lease, makers: Mapping[str, Maker], deadline: float) -> bool:
    work = makers[lease.type](lease)
    try:
        while await work.step():
            if time.monotonic() >= deadline:
                await work.close()
                await sql.execute(lease.connection, "release", lease.job_id, lease.token)
                return True
        await _finish(lease, "done", None)
    except Lost:
        return False
    except Refused as error:
        await _finish(lease, "failed", str(error))
    except NotFound:
        await _finish(lease, "failed", "the audience is not there any more")
    except CoreError as error:
        await _finish(lease, "failed", str(error))
    except Exception as error:
        if is_disconnect(error):
            raise
        logger.exception("job %s stumbled", lease.job_id)
        await work.close()
        # The next one begins this batch anew; `attempts` sees to it that there is an end.
        await sql.execute(lease.connection, "release", lease.job_id, lease.token)
    finally:
        await work.close()
    return False


async def _finish(lease: Lease, status: str, error: str | None) -> None:
    await sql.fetch(lease.connection, "finish", lease.job_id, lease.token, status, error and error[:MAX_ERROR])


def _parsed(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; a bare connection of the driver gives it as text."""
    parsed: Mapping[str, Any] = orjson.loads(value) if isinstance(value, str | bytes) else value
    return parsed

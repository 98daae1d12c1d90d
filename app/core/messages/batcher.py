"""Accepting mail: what waits is written together, and each waits for the commit.

One flusher per process takes whatever has gathered, writes it in one transaction, answers, and looks again: groups grow
with the load by themselves, and no timer is needed. The failure rules:

* A group that PostgreSQL refuses is tried again entry by entry: one bad entry does not fail its neighbours.
* A commit whose answer was lost is looked up on a new connection before anyone is answered.
* A client that hangs up cancels nothing: what was handed over is written.
* What may wait is bounded in copies and bytes; beyond that `Overloaded`.
* PostgreSQL away: what waits is tried again for some seconds, then `Overloaded`.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Caller
from app.core.errors import CoreError, Overloaded
from app.core.jobs import DrainQueue
from app.core.messages.draft import Accepted, Draft, IssueDraft, Refusal
from app.core.messages.group import Entry, Numbered, number, write_group
from app.core.messages.waiting import Waiting, WaitingRoom
from app.db.engine import KeptConnection, is_disconnect
from app.db.sql import Sql
from app.db.unit_of_work import Publisher
from app.kit.clock import Clock
from app.models.message import Kind
from app.settings import Settings

ID_BLOCK = 1_000
PATIENCE_SECONDS = 8.0
RETRY_SECONDS = 0.1

logger = logging.getLogger(__name__)
sql = Sql(__package__)


class Batcher:
    """Writes mails and refusals in groups. One per process and event loop."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        publisher: Publisher,
        clock: Clock,
        on_group: Callable[[int, Mapping[Kind, int]], None] | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            engine: Of `make_engine`; one connection of it is kept.
            settings: `api.batch_rows`, `api.batch_bytes`, `quota.default_monthly`.
            publisher: Gets a nudge for delivery after each commit.
            clock: Tells when refusals happen.
            on_group: Called with the number of entries of each group written, and its copies by kind.
        """
        self._settings = settings
        self._publisher = publisher
        self._clock = clock
        self._on_group = on_group
        self._room = WaitingRoom(rows=settings.api.batch_rows, size=settings.api.batch_bytes)
        self._arrived = asyncio.Event()
        self._closing = False
        self._ids: list[int] = []
        self._flusher: asyncio.Task[None] | None = None
        self._connection = KeptConnection(engine)

    async def start(self) -> None:
        """Start the flusher."""
        self._flusher = asyncio.create_task(self._run(), name="accept-batcher")

    async def close(self) -> None:
        """Write what waits, then stop; later submissions are refused."""
        self._closing = True
        self._arrived.set()
        if self._flusher is not None:
            await self._flusher
        await self._connection.drop()

    async def accept(self, draft: Draft) -> Accepted:
        """Return once the mail is durable.

        Raises:
            Overloaded: Too much waits, PostgreSQL is away, or the process is stopping.
            StaleCaller: The account has changed since the caller was read; read it anew and begin again.
            QuotaExceeded: The monthly limit would be passed; recorded as an issue.
        """
        return cast("Accepted", await self._submit(draft, rows=len(draft.recipients), size=draft.size))

    async def refuse(
        self,
        caller: Caller,
        *,
        sender: str,
        issues: Sequence[IssueDraft],
        x_headers: dict[str, str] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Return once the refusals are recorded.

        Raises:
            Overloaded: As `accept`.
            StaleCaller: As `accept`.
        """
        refusal = Refusal(caller, sender, tuple(issues), x_headers, at or self._clock.now())
        await self._submit(refusal, rows=len(issues), size=sum(len(issue.address) for issue in issues))

    async def _submit(self, item: Draft | Refusal, *, rows: int, size: int) -> Accepted | None:
        if self._closing:
            raise Overloaded("the process is stopping")
        waiting = self._room.enter(item, rows=rows, size=size)
        self._arrived.set()
        # Who gives up cancels only this future, which nobody else awaits: what was handed over is written all the same.
        return await waiting.future

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._room:
                group = self._room.take()
                try:
                    await self._flush(group)
                except Exception as error:
                    logger.exception("accept group failed")
                    for waiting in group:
                        waiting.fail(error)
                finally:
                    self._room.leave(group)
            if self._closing:
                return

    async def _flush(self, group: list[Waiting]) -> None:
        """Write the group, whatever it takes, and answer every one of it."""
        while group:
            try:
                entries = await self._number(group)
                verdicts = await self._write(entries)
            except Exception as error:  # noqa: BLE001 sorted out there, and raised again when it is none of these
                group = await self._after_failure(group, error)
            else:
                self._answer(group, entries, verdicts)
                return

    async def _after_failure(self, group: list[Waiting], error: Exception) -> list[Waiting]:
        """Return who is still to be written after a failure; the others have been answered."""
        if is_disconnect(error) or isinstance(error, Overloaded):
            await self._connection.drop()
            patient = []
            for waiting in group:
                if time.monotonic() - waiting.since > PATIENCE_SECONDS:
                    waiting.fail(Overloaded("the database is away", retry_after_seconds=5))
                else:
                    patient.append(waiting)
            if patient:
                await asyncio.sleep(RETRY_SECONDS)
            return patient
        if not isinstance(error, asyncpg.PostgresError):
            raise error
        if len(group) == 1:
            await self._refused_alone(group[0], error)
            return []
        logger.warning("a group of %d was refused, trying one by one: %s", len(group), error)
        for waiting in group:
            await self._flush([waiting])
        return []

    async def _refused_alone(self, waiting: Waiting, error: asyncpg.PostgresError) -> None:
        entry = waiting.entry
        known = isinstance(error, asyncpg.UniqueViolationError) and isinstance(entry, Numbered)
        if known and isinstance(entry, Numbered) and await self._committed([entry], [None]):
            waiting.answer(entry.accepted)
        else:
            waiting.fail(error)

    def _answer(self, group: Sequence[Waiting], entries: Sequence[Entry], verdicts: Sequence[CoreError | None]) -> None:
        copies: Counter[Kind] = Counter()
        for waiting, entry, verdict in zip(group, entries, verdicts, strict=True):
            if verdict is not None:
                waiting.fail(verdict)
            elif isinstance(entry, Numbered):
                copies[entry.draft.kind] += len(entry.accepted.message_ids)
                waiting.answer(entry.accepted)
            else:
                waiting.answer(None)
        if self._on_group is not None:
            self._on_group(len(group), copies)
        if copies:
            self._publisher.publish([DrainQueue()])

    async def _write(self, entries: Sequence[Entry]) -> list[CoreError | None]:
        connection = await self._connection.get()
        transaction = connection.transaction()
        await transaction.start()
        try:
            verdicts = await write_group(connection, entries, default_cap=self._settings.quota.default_monthly)
        except BaseException:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except Exception as error:
            if not is_disconnect(error):
                raise
            await self._connection.drop()
            if not await self._committed(entries, verdicts):
                raise
        return verdicts

    async def _committed(self, entries: Sequence[Entry], verdicts: Sequence[CoreError | None]) -> bool:
        """Find out on a new connection whether a commit whose answer was lost has happened.

        Raises:
            Overloaded: PostgreSQL did not come back in time, so nobody can say.
        """
        written = zip(entries, verdicts, strict=True)
        mail = next((entry.accepted for entry, no in written if no is None and isinstance(entry, Numbered)), None)
        if mail is None:
            return False  # refusals alone: written again, a doubled record of a refusal harms nobody
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                connection = await self._connection.get()
                rows = await sql.fetch(connection, "mail_exists", mail.mail_id, mail.accepted_at)
            except Exception as error:
                if not is_disconnect(error):
                    raise
                await self._connection.drop()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return bool(rows[0]["known"])
        raise Overloaded("the database went away during a commit", retry_after_seconds=5)

    async def _number(self, group: Sequence[Waiting]) -> list[Entry]:
        entries = []
        for waiting in group:
            if waiting.entry is None:
                item = waiting.item
                if isinstance(item, Draft):
                    waiting.entry = number(item, item.ids or await self._take_ids(1 + waiting.rows))
                else:
                    waiting.entry = item
            entries.append(waiting.entry)
        return entries

    async def _take_ids(self, count: int) -> list[int]:
        if len(self._ids) < count:
            rows = await sql.fetch(await self._connection.get(), "next_ids", max(count, ID_BLOCK))
            self._ids = [row["id"] for row in rows]
        taken, self._ids = self._ids[:count], self._ids[count:]
        return taken

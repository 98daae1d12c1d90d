"""One message, for the addresses it came to: read in a thread, applied, the addresses one after the other.

Delivery reports are applied in groups with those of other sessions, everything else in a transaction of its own.
Imports its sibling, `app.core`, `app.db`, `app.telemetry`, `app.settings`.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import intake
from app.core.intake import Destination, Keys, Outcome, Result, Understood
from app.core.messages import SuppressionRules
from app.db.unit_of_work import unit_of_work
from app.settings import Settings
from app.smtpd.intake.groups import Groups
from app.telemetry import counters
from app.telemetry.logger import Logger

READERS = 2
"""Threads that read mails."""
TRIES = 4
"""How often a transaction is begun that collides with others."""
APPLY_SECONDS = 60.0
"""How long a mail may take once it is there; then its sender is to try again."""
_COLLISIONS = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock."""
_LOG = Logger(__name__)


class Applier:
    """Applies messages; an asynchronous context manager that ends its threads."""

    def __init__(self, settings: Settings, engine: AsyncEngine, *, at_once: int) -> None:
        """Take what it works with.

        Args:
            settings: Secret keys, and what bounces lead to.
            engine: Of the process.
            at_once: Transactions at a time beside that of a group; the others wait.
        """
        self.keys = Keys.of(settings.secret_keys)
        given = settings.suppression
        self._rules = SuppressionRules(given.soft_bounces, given.soft_bounce_hours)
        self._engine = engine
        self._groups = Groups(engine, self._rules)
        self._turns = asyncio.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="intake")

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the threads; a mail that is being read is read to its end."""
        await self._groups.close()
        self._threads.shutdown(cancel_futures=True)

    async def apply(self, raw: bytes, sender: str | None, destinations: Sequence[Destination]) -> list[Result]:
        """Do what follows from a message; when this returns, all of it is durable.

        Args:
            raw: As it came.
            sender: The envelope sender; "" is the null sender, None unknown.
            destinations: The addresses of ours it came to.

        Returns:
            What followed, for each address.

        Raises:
            DatabaseAway, DBAPIError, TimeoutError: Some of it may not have happened: to be applied again.
        """
        async with asyncio.timeout(APPLY_SECONDS):
            loop = asyncio.get_running_loop()
            message = await loop.run_in_executor(self._threads, intake.understand, raw, sender)
            results = [await self._apply(where, message) for where in dict.fromkeys(destinations)]
        for where, result in zip(dict.fromkeys(destinations), results, strict=True):
            _count(where, result)
        return results

    async def _apply(self, where: Destination, message: Understood) -> Result:
        if intake.is_of_bounce(where, message) and (result := await self._groups.apply(where, message)) is not None:
            return result
        async with self._turns:
            return await self._apply_alone(where, message)

    async def _apply_alone(self, where: Destination, message: Understood) -> Result:
        for tried in range(1, TRIES + 1):
            try:
                async with unit_of_work(self._engine) as write:
                    return await intake.apply(write, where, message, keys=self.keys, rules=self._rules)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _COLLISIONS or tried == TRIES:
                    raise
        raise AssertionError("unreachable")


def _count(where: Destination, result: Result) -> None:
    counters.count_intake(result.outcome)
    if result.outcome is Outcome.BOUNCED:
        counters.count_bounces(result.bounce_type, result.detail)
    _LOG.info(
        "intake.taken",
        purpose=where.purpose.value,
        message_id=where.message_id,
        outcome=result.outcome.value,
        detail=result.detail,
    )

"""Delivery reports of all sessions, applied in groups: what waits is applied in one transaction, and each hears of it.

One group at a time: reports raise the same counters, so that several transactions would only wait for one another.
Imports `app.core`, `app.db`.
"""

import asyncio
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import intake
from app.core.intake import Destination, Result, Understood
from app.core.messages import SuppressionRules
from app.db.unit_of_work import unit_of_work
from app.telemetry.logger import Logger

GROUP_REPORTS = 200
GROUP_CHARACTERS = 8 * 1024 * 1024
"""Of reports that are kept with their bounces; a group has at least one report."""
_LOG = Logger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    """One report, and who waits for what it led to."""

    where: Destination
    message: Understood
    future: "asyncio.Future[Result | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Groups:
    """Applies delivery reports. One per process and event loop."""

    def __init__(self, engine: AsyncEngine, rules: SuppressionRules) -> None:
        """Take what it works with.

        Args:
            engine: Of the process.
            rules: What bounces lead to.
        """
        self._engine = engine
        self._rules = rules
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Give up what is under way; nobody waits for it any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def apply(self, where: Destination, message: Understood) -> Result | None:
        """Apply a report together with what else waits.

        Args:
            where: The copy's address.
            message: For which `intake.is_of_bounce` holds.

        Returns:
            What followed, durable; None when it has to be applied alone.

        Raises:
            DatabaseAway: It may not have happened.
        """
        waiting = _Waiting(where, message)
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="intake-groups")
        return await waiting.future

    async def _run(self) -> None:
        while group := self._next():
            results: list[Result | None] = [None] * len(group)
            try:
                results = await self._apply(group)
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                _LOG.warning("intake.group_refused", reports=len(group), error=type(error.orig).__name__, state=state)
            except Exception as error:  # noqa: BLE001 each of them is told, and the next group may fare better
                _refuse(group, error)
                continue
            for waiting, result in zip(group, results, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(result)

    def _next(self) -> list[_Waiting]:
        """Take the next group: who still waits, each copy once."""
        group: dict[int, _Waiting] = {}
        characters = 0
        self._waiting = [waiting for waiting in self._waiting if not waiting.future.done()]
        for waiting in islice(self._waiting, GROUP_REPORTS):
            characters += len(waiting.message.content)
            if group and characters > GROUP_CHARACTERS:
                break
            group.setdefault(waiting.where.message_id, waiting)
        taken = set(group.values())
        self._waiting = [waiting for waiting in self._waiting if waiting not in taken]
        return list(group.values())

    async def _apply(self, group: list[_Waiting]) -> list[Result | None]:
        async with unit_of_work(self._engine) as write:
            reports = [(waiting.where, waiting.message) for waiting in group]
            return await intake.apply_group(write, reports, rules=self._rules)


def _refuse(group: list[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.future.done():
            waiting.future.set_exception(error)

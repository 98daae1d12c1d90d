"""The verbs on runs as their account sees them. Uses the repository.

Source: docs/contract/native.md, 14.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func

from app.core.automations import repository
from app.core.automations.moving import Move
from app.core.automations.service import get
from app.core.errors import Conflict, NotFound
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.automation import Automation
from app.models.automation_run import AutomationRun, AutomationRunStatus

PAGE = 50


class Reason(StrEnum):
    """Why a run stopped."""

    CONDITION = "condition"
    UNSUBSCRIBED = "unsubscribed"
    """The contact is not mailed any more."""
    DELETED = "deleted"
    """The contact, or its audience, is not there any more."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    """A step could not be done for a week; `error` says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as its account sees it.

    Attributes:
        run: The row.
        email: Address of the contact; None: it is not there any more.
        position: The step it does next, among the steps of now.
        sent: By number of the step among those of now: the copy's id and the Unix second of its acceptance.
    """

    run: AutomationRun
    email: str | None
    position: int
    sent: dict[int, tuple[int, int]]


async def list_runs(
    read: ReadSession,
    account_id: int,
    which: int | str | UUID,
    *,
    status: AutomationRunStatus | None = None,
    contact_id: int | None = None,
    after_id: int = 0,
    descending: bool = False,
    limit: int = PAGE,
) -> list[Seen]:
    """List the runs of an automation by entry, from the one after `after_id` on.

    Raises:
        NotFound: The account has no such automation.
    """
    automation = await get(read, account_id, which)
    found = await repository.runs(
        read,
        account_id,
        automation.id,
        after_id=after_id,
        descending=descending,
        limit=limit,
        **_only(status, contact_id),
    )
    return await _seen(read, automation, found)


async def count_runs(
    read: ReadSession,
    account_id: int,
    which: int | str | UUID,
    *,
    status: AutomationRunStatus | None = None,
    contact_id: int | None = None,
) -> int:
    """Count what `list_runs` lists.

    Raises:
        NotFound: The account has no such automation.
    """
    automation = await get(read, account_id, which)
    return await repository.count_runs(read, account_id, automation.id, **_only(status, contact_id))


async def cancel(write: WriteSession, account_id: int, which: int | str | UUID, run: int | str | UUID) -> Seen:
    """End a run; its contact goes no further. It waits for a step that is being done.

    Raises:
        Conflict: It has ended; carries how.
        NotFound: The account has no such automation, or that no such run.
    """
    automation = await get(write, account_id, which)
    number = number_of(Noun.AUTOMATION_RUN, run)
    found = await repository.run(write, account_id, automation.id, number) if number else None
    if found is None:
        raise NotFound("no such run")
    if found.ended_at is not None:
        raise Conflict("the run has ended", state=found.status)
    found.status, found.reason = AutomationRunStatus.STOPPED, Reason.CANCELLED
    found.due_at, found.ended_at, found.error, found.failing_since = None, func.now(), "", None
    await write.flush()
    await write.refresh(found)
    await repository.sql.rows(write, "tally", [automation.id], [0], [1])
    [seen] = await _seen(write, automation, [found])
    return seen


def _only(status: AutomationRunStatus | None, contact_id: int | None) -> dict[str, Any]:
    wanted = {"status": None if status is None else str(status), "contact_id": contact_id}
    return {name: value for name, value in wanted.items() if value is not None}


async def _seen(read: ReadSession, automation: Automation, rows: Sequence[AutomationRun]) -> list[Seen]:
    emails = await repository.addresses(read, automation.account_id, {row.contact_id for row in rows})
    seen = []
    for row in rows:
        position, sent = row.position, row.sent
        moved = automation.moves.get(str(row.version)) if row.version != automation.version else None
        if moved is not None:
            known = Move.of_stored(moved)
            position, sent = known.positions[position], known.sent(sent)
        copies = {int(number): (int(copy[0]), int(copy[1])) for number, copy in sent.items()}
        seen.append(Seen(row, emails.get(row.contact_id), position, copies))
    return seen

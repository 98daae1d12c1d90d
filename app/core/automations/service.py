"""The verbs on automations. Uses the repository; an automation of another account is an unknown one.

Whoever changes one holds its row, and so waits for the steps that are being done: once a call has come back, what it
says is so for every run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import func, inspect

from app.core import audiences
from app.core.automations import repository
from app.core.automations.checking import Known, named_by, steps_of, trigger_of
from app.core.automations.moving import Move, move
from app.core.automations.values import Step, Trigger, of_stored, stored
from app.core.automations.writing import step_out
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.extra import is_storable
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.automation import Automation, AutomationStatus, TriggerType

PAGE = 50
MAX_NAME = 255
"""Characters of a name."""


class Changes(TypedDict, total=False):
    """What can be changed of an automation; what is absent stays as it is."""

    name: str
    audience_id: int
    trigger: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    reentry: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How many contacts have entered, and what has become of them."""

    entered: int = 0
    finished: int = 0
    stopped: int = 0

    @property
    def active(self) -> int:
        """How many are on their way."""
        return self.entered - self.finished - self.stopped


async def create(
    write: WriteSession,
    account_id: int,
    *,
    name: str,
    audience_id: int,
    trigger: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    reentry: bool = False,
) -> Automation:
    """Make an automation, a draft: nobody enters before `activate`.

    Args:
        write: The transaction.
        account_id: Whose.
        name: 1 to 255 characters.
        audience_id: Whose contacts enter.
        trigger: As the contract writes it.
        steps: 1 to 50, as the contract writes them.
        reentry: Whether a contact may enter again once it is through.

    Raises:
        Invalid: With everything that cannot be accepted.

    Source:
        docs/contract/native.md, 14.
    """
    automation = Automation(account_id=account_id, status=AutomationStatus.DRAFT, version=1, moves={})
    given: Changes = {"name": name, "audience_id": audience_id, "trigger": trigger, "steps": steps, "reentry": reentry}
    await _apply(write, automation, given)
    write.add(automation)
    await write.flush()
    await write.refresh(automation)
    return automation


async def get(read: ReadSession, account_id: int, which: int | str | UUID, *, lock: bool = False) -> Automation:
    """Return an automation by its id or UUID.

    Raises:
        NotFound: The account has no such automation.
    """
    number = number_of(Noun.AUTOMATION, which)
    found = await repository.by_id(read, account_id, number, lock=lock) if number else None
    if found is None:
        raise NotFound("no such automation")
    return found


async def list_page(
    read: ReadSession,
    account_id: int,
    *,
    audience_id: int | None = None,
    status: AutomationStatus | None = None,
    after_id: int = 0,
    descending: bool = False,
    limit: int = PAGE,
) -> Sequence[Automation]:
    """List the account's automations by creation, from the one after `after_id` on."""
    return await repository.page(
        read,
        account_id,
        audience_id=audience_id,
        status=status,
        after_id=after_id,
        descending=descending,
        limit=limit,
    )


async def count(
    read: ReadSession, account_id: int, *, audience_id: int | None = None, status: AutomationStatus | None = None
) -> int:
    """Count what `list_page` lists."""
    return await repository.count(read, account_id, audience_id=audience_id, status=status)


async def counts(read: ReadSession, automations: Sequence[Automation]) -> dict[int, Counts]:
    """Return how many contacts automations have had, by id; exact, without counting runs."""
    rows = await repository.sql.rows(read, "counts", [automation.id for automation in automations])
    found = {row.automation_id: Counts(row.entered, row.finished, row.stopped) for row in rows}
    return {automation.id: found.get(automation.id, Counts()) for automation in automations}


async def change(
    write: WriteSession, account_id: int, which: int | str | UUID, **changes: Unpack[Changes]
) -> Automation:
    """Change what is given. Contacts that are on their way go on with the first step they have not done.

    Raises:
        Conflict: It is active, and more than its name is to change; or somebody has entered, and the audience is.
        Invalid: A value cannot be accepted.
        NotFound: The account has no such automation.
    """
    automation = await get(write, account_id, which, lock=True)
    if automation.status == AutomationStatus.ACTIVE and changes.keys() - {"name"}:
        raise Conflict("an active automation does not change: pause it first", state=automation.status)
    if changes.get("audience_id", automation.audience_id) != automation.audience_id:
        [entered] = (await counts(write, [automation])).values()
        if entered.entered:
            raise Conflict("contacts of its audience have entered", state=automation.status)
    await _apply(write, automation, changes)
    automation.updated_at = func.now()
    await write.flush()
    await write.refresh(automation)
    return automation


async def activate(write: WriteSession, account_id: int, which: int | str | UUID) -> Automation:
    """Let contacts enter, and those that wait move on.

    Raises:
        Conflict: It is active.
        Invalid: A template, sender or field that its steps need is not there any more.
        NotFound: The account has no such automation.
    """
    automation = await get(write, account_id, which, lock=True)
    if automation.status == AutomationStatus.ACTIVE:
        raise Conflict("the automation is active", state=automation.status)
    await _checked(write, automation, [step_out(step) for step in steps(automation)])
    return await _become(write, automation, AutomationStatus.ACTIVE)


async def pause(write: WriteSession, account_id: int, which: int | str | UUID) -> Automation:
    """Let nobody enter, and those that are on their way wait; times that pass meanwhile have passed.

    Raises:
        Conflict: It is not active.
        NotFound: The account has no such automation.
    """
    automation = await get(write, account_id, which, lock=True)
    if automation.status != AutomationStatus.ACTIVE:
        raise Conflict("the automation is not active", state=automation.status)
    return await _become(write, automation, AutomationStatus.PAUSED)


async def delete(write: WriteSession, account_id: int, which: int | str | UUID) -> None:
    """Delete an automation; whoever is on the way goes no further. What was sent stays.

    Raises:
        NotFound: The account has no such automation.
    """
    automation = await get(write, account_id, which, lock=True)
    automation.deleted_at = func.now()
    await write.flush()


def trigger(automation: Automation) -> Trigger:
    """Return what lets contacts enter."""
    return Trigger(TriggerType(automation.trigger_type), automation.trigger_key, automation.trigger_properties)


def steps(automation: Automation) -> list[Step]:
    """Return its steps."""
    return [of_stored(members) for members in automation.steps]


async def _become(write: WriteSession, automation: Automation, status: AutomationStatus) -> Automation:
    automation.status = status
    automation.updated_at = func.now()
    if status is AutomationStatus.ACTIVE:
        automation.activated_at = func.now()
    await write.flush()
    await write.refresh(automation)
    return automation


async def _apply(write: WriteSession, automation: Automation, changes: Changes) -> None:
    """Put checked values on an automation.

    Raises:
        Invalid: With everything that cannot be accepted.
    """
    faults: list[FieldFault] = []
    if "name" in changes:
        faults += _name(automation, changes["name"])
    if "audience_id" in changes:
        automation.audience_id = changes["audience_id"]
    if "trigger" in changes:
        try:
            asked = trigger_of(changes["trigger"])
            automation.trigger_type, automation.trigger_key = asked.type, asked.key
            automation.trigger_properties = dict(asked.properties) if asked.properties else None
        except Invalid as error:
            faults += error.faults
    given = changes.get("steps")
    if given is None and "audience_id" in changes:
        given = [step_out(step) for step in steps(automation)]
    if given is not None:
        try:
            await _set_steps(write, automation, await _checked(write, automation, given))
        except Invalid as error:
            faults += error.faults
    if "reentry" in changes:
        automation.reentry = changes["reentry"]
    if faults:
        raise Invalid(faults)


async def _checked(
    read: ReadSession, automation: Automation, given: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return steps as they are stored.

    Raises:
        Invalid: One cannot be accepted, or the account has no such audience.
    """
    account_id = automation.account_id
    with read.no_autoflush:
        try:
            fields = await audiences.field_set(read, account_id, automation.audience_id)
        except NotFound:
            fault = FieldFault("audience_id", Fault.NOT_FOUND, "names an audience that does not exist")
            raise Invalid([fault]) from None
        templates, emails = named_by(given)
        known = Known(
            fields,
            frozenset(await repository.templates(read, account_id, templates)),
            frozenset(await repository.senders(read, account_id, emails)),
        )
    return [stored(step) for step in steps_of(given, known)]


async def _set_steps(write: WriteSession, automation: Automation, new: list[dict[str, Any]]) -> None:
    """Change the steps, and note where those who are on their way stand among them."""
    is_new = not inspect(automation).persistent
    old = [] if is_new else automation.steps
    automation.steps = new
    if is_new or old == new:
        return
    last = move(old, new)
    rows = await repository.sql.rows(write, "oldest_version", automation.id)
    oldest = rows[0].version if rows and rows[0].version is not None else automation.version + 1
    moves = {
        version: Move.of_stored(members).then(last).stored()
        for version, members in automation.moves.items()
        if int(version) >= oldest
    }
    automation.moves = {**moves, str(automation.version): last.stored()}
    automation.version += 1


def _name(automation: Automation, name: str) -> list[FieldFault]:
    """Set a name; return what is wrong with it."""
    automation.name = name = name.strip()
    if not name:
        return [FieldFault("name", Fault.REQUIRED, "is required")]
    if len(name) > MAX_NAME:
        return [FieldFault("name", Fault.TOO_LONG, f"must not be longer than {MAX_NAME} characters")]
    return [] if is_storable(name) else [FieldFault("name", Fault.INVALID, "cannot be stored")]

"""`/automations`: what happens to contacts by itself. Source: docs/contract/native.md, 14."""

from typing import Annotated, Any

from fastapi import Query, Response

from app.api.native.auth import Reader, Writer
from app.api.native.automation_bodies import (
    AutomationChange,
    AutomationIn,
    AutomationOut,
    RunOut,
    run_shown,
    shown,
)
from app.api.native.bodies import given
from app.api.native.ids import Id, uuid_of
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_after,
    key_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.trying import named
from app.core import automations
from app.core.automations import Automation, AutomationRunStatus, AutomationStatus, Changes, Counts
from app.core.errors import Fault, FieldFault, Invalid
from app.db.unit_of_work import ReadSession
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, number_of, uuid

router = native_router("/automations", "Automations")


@router.get("")
async def list_automations(
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting("created_at")],
    *,
    audience_id: Annotated[str, Query(max_length=64, description="UUID or uid of an audience.")] = "",
    status: AutomationStatus | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[AutomationOut]:
    """List the automations by creation."""
    account_id = caller.account_id
    audience = number_of(Noun.AUDIENCE, named(audience_id) or "") or 0 if audience_id else None
    rows = await automations.list_page(
        read,
        account_id,
        audience_id=audience,
        status=status,
        after_id=key_of(cursor) or 0,
        descending=order.descending,
        limit=limit + 1,
    )
    counts = await automations.counts(read, rows[:limit])
    total = await automations.count(read, account_id, audience_id=audience, status=status) if count else None
    page = page_of(rows, limit, lambda row: cursor_after(row.id), lambda row: shown(row, counts[row.id]), total)
    return Page[AutomationOut].model_validate(page)


@router.post("", status_code=201)
async def create_automation(body: AutomationIn, caller: Writer, write: Write, response: Response) -> AutomationOut:
    """Make an automation, a draft: nobody enters before it is activated."""
    automation = await automations.create(write, caller.account_id, **_changes(body))
    response.headers["Location"] = f"/api/trireme/v1/automations/{uuid(Noun.AUTOMATION, automation.id)}"
    return shown(automation, Counts())


@router.get("/{id}")
async def show_automation(id: Id, caller: Reader, read: Read) -> AutomationOut:
    """Show an automation."""
    return await _counted(read, await automations.get(read, caller.account_id, uuid_of(id)))


@router.patch("/{id}")
async def change_automation(id: Id, body: AutomationChange, caller: Writer, write: Write) -> AutomationOut:
    """Change what is given; of an active one the name alone. Contacts on their way go on where they are."""
    return await _counted(write, await automations.change(write, caller.account_id, uuid_of(id), **_changes(body)))


@router.delete("/{id}", status_code=204)
async def delete_automation(id: Id, caller: Writer, write: Write) -> None:
    """Delete an automation; contacts on their way go no further."""
    await automations.delete(write, caller.account_id, uuid_of(id))


@router.post("/{id}/activate")
async def activate(id: Id, caller: Writer, write: Write) -> AutomationOut:
    """Let contacts enter, and those that wait move on."""
    return await _counted(write, await automations.activate(write, caller.account_id, uuid_of(id)))


@router.post("/{id}/pause")
async def pause(id: Id, caller: Writer, write: Write) -> AutomationOut:
    """Let nobody enter, and contacts that are on their way wait."""
    return await _counted(write, await automations.pause(write, caller.account_id, uuid_of(id)))


@router.get("/{id}/runs")
async def list_runs(
    id: Id,
    *,
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    order: Annotated[Order, sorting("created_at")],
    status: AutomationRunStatus | None = None,
    contact_id: Annotated[str, Query(max_length=64, description="UUID or uid of a contact.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[RunOut]:
    """List the contacts that have entered, by entry."""
    account_id, which = caller.account_id, uuid_of(id)
    contact = number_of(Noun.CONTACT, named(contact_id) or "") or 0 if contact_id else None
    rows = await automations.list_runs(
        read,
        account_id,
        which,
        status=status,
        contact_id=contact,
        after_id=key_of(cursor) or 0,
        descending=order.descending,
        limit=limit + 1,
    )
    total = None
    if count:
        total = await automations.count_runs(read, account_id, which, status=status, contact_id=contact)
    node = runtime.settings.node_name
    page = page_of(rows, limit, lambda one: cursor_after(one.run.id), lambda one: run_shown(one, node), total)
    return Page[RunOut].model_validate(page)


@router.post("/{id}/runs/{run}/cancel")
async def cancel_run(id: Id, run: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> RunOut:
    """End the way of one contact."""
    seen = await automations.cancel(write, caller.account_id, uuid_of(id), uuid_of(run))
    return run_shown(seen, runtime.settings.node_name)


async def _counted(read: ReadSession, automation: Automation) -> AutomationOut:
    return shown(automation, (await automations.counts(read, [automation]))[automation.id])


def _changes(body: AutomationIn | AutomationChange) -> Any:
    """Return what a body sets, in the core's words.

    Raises:
        Invalid: `audience_id` names nothing that could exist.
    """
    values = given(body)
    if values.get("reentry", False) is None:
        values["reentry"] = False
    if "audience_id" in values:
        number = number_of(Noun.AUDIENCE, named(values["audience_id"]) or "")
        if number is None:
            raise Invalid([FieldFault("audience_id", Fault.NOT_FOUND, "names an audience that does not exist")])
        values["audience_id"] = number
    changes = Changes()
    changes.update(values)  # type: ignore[typeddict-item]  # the body has no other names
    return changes

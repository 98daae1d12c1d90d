"""What is done to one contact, and what it did. Source: docs/contract/native.md, 6."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import HTTPException, Path, Response

from app.api.native.auth import Reader, Writer
from app.api.native.contact_bodies import (
    ActivityOut,
    ContactEventOut,
    ContactOut,
    EventIn,
    TagsIn,
    activity_shown,
    shown,
)
from app.api.native.contact_ids import ContactId, contact_named
from app.api.native.ids import Id, which
from app.api.native.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor_of, page_of, values_of
from app.api.native.routing import native_router
from app.core import contacts
from app.core.contacts import MAX_TAG, Activity
from app.core.errors import FieldFault, Invalid
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, uuid

router = native_router("/audiences/{id}/contacts/{contact}", "Contacts")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@router.post("/subscribe")
async def subscribe(id: Id, contact: ContactId, caller: Writer, write: Write) -> ContactOut:
    """Make a contact subscribed, whatever it was, without asking it to confirm."""
    found = await contacts.get(write, caller.account_id, which(id), contact_named(contact))
    await contacts.subscribe(write, caller.account_id, found.audience_id, found.id)
    return shown(await contacts.get(write, caller.account_id, found.audience_id, found.id))


@router.post("/unsubscribe")
async def unsubscribe(id: Id, contact: ContactId, caller: Writer, write: Write) -> ContactOut:
    """Make a contact unsubscribed in its audience; one that is blacklisted or complained stays so."""
    found = await contacts.get(write, caller.account_id, which(id), contact_named(contact))
    await contacts.unsubscribe(write, caller.account_id, found.audience_id, found.id)
    return shown(await contacts.get(write, caller.account_id, found.audience_id, found.id))


@router.post("/resend-confirmation")
async def resend_confirmation(id: Id, contact: ContactId, caller: Writer, write: Write) -> ContactOut:
    """Send the confirmation of a double opt-in once more; 409 unless the contact is unconfirmed."""
    return shown(await contacts.ask_again(write, caller.account_id, which(id), contact_named(contact)))


@router.post("/tags")
async def add_tags(id: Id, contact: ContactId, body: TagsIn, caller: Writer, write: Write) -> ContactOut:
    """Put tags at the end of a contact's; those it has stay where they are.

    Raises:
        Invalid: A tag cannot be accepted.
    """
    found = await contacts.get(write, caller.account_id, which(id), contact_named(contact))
    try:
        await contacts.add_tags(write, caller.account_id, found.audience_id, found.id, body.tags)
    except Invalid as error:
        raise Invalid([FieldFault("tags", one.fault, one.message) for one in error.faults]) from None
    return shown(await contacts.get(write, caller.account_id, found.audience_id, found.id))


@router.delete("/tags/{tag:path}", status_code=204)
async def remove_tag(
    id: Id,
    contact: ContactId,
    tag: Annotated[str, Path(max_length=4 * MAX_TAG)],
    caller: Writer,
    write: Write,
) -> None:
    """Take a tag away from a contact."""
    await contacts.remove_tag(write, caller.account_id, which(id), contact_named(contact), tag)


@router.post("/events", status_code=201)
async def record_event(
    id: Id,
    contact: ContactId,
    body: EventIn,
    *,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
    response: Response,
) -> ContactEventOut:
    """Record that a contact did something; automations may start by it.

    Raises:
        Invalid: A value cannot be accepted.
    """
    found = await contacts.get(write, caller.account_id, which(id), contact_named(contact))
    try:
        await contacts.record_event(
            write,
            caller.account_id,
            found.audience_id,
            found.id,
            name=body.name,
            properties=body.properties,
            occurred_at=body.occurred_at,
        )
    except Invalid as error:
        names = {"event_name": "name"}
        raise Invalid(
            [FieldFault(names.get(one.field, one.field), one.fault, one.message) for one in error.faults]
        ) from None
    place = f"{uuid(Noun.AUDIENCE, found.audience_id)}/contacts/{uuid(Noun.CONTACT, found.id)}"
    response.headers["Location"] = f"/api/trireme/v1/audiences/{place}/activity"
    return ContactEventOut(
        contact_id=uuid(Noun.CONTACT, found.id),
        name=body.name,
        properties=body.properties,
        occurred_at=body.occurred_at or runtime.clock.now(),
    )


@router.get("/activity")
async def show_activity(
    id: Id,
    contact: ContactId,
    *,
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[ActivityOut]:
    """List what happened to a contact and what it did, the latest first: of its mails the latest 1000."""
    after = _place_of(cursor)
    rows = await contacts.activity(
        read, caller.account_id, which(id), contact_named(contact), after=after, limit=limit + 1
    )
    page = page_of(rows, limit, _cursor_behind, lambda row: activity_shown(row, runtime.settings))
    return Page[ActivityOut].model_validate(page)


def _cursor_behind(one: Activity) -> str:
    return cursor_of([(one.occurred_at - _EPOCH) // _MICROSECOND, one.type, one.id])


def _place_of(cursor: str) -> tuple[datetime, str, int] | None:
    """Return where the page before ended.

    Raises:
        HTTPException: 400, the cursor is not one of this list.
    """
    match values_of(cursor):
        case None:
            return None
        case [int(at), str(type_), int(number)]:
            try:
                return _EPOCH + at * _MICROSECOND, type_, number
            except OverflowError:
                pass
    raise HTTPException(400, "bad cursor")

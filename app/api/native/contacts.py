"""`/audiences/{id}/contacts` and `/contacts`: people in audiences. Source: docs/contract/native.md, 6."""

from ipaddress import ip_address
from typing import Annotated

from fastapi import Query, Request, Response

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import given
from app.api.native.contact_bodies import (
    MAX_TEXT,
    SORTS,
    ContactChange,
    ContactIn,
    ContactOut,
    Filters,
    cursor_behind,
    filter_of,
    position_of,
    shown,
)
from app.api.native.contact_ids import ContactId, contact_named
from app.api.native.ids import Id, which
from app.api.native.paging import DEFAULT_LIMIT, Counted, Cursor, Limit, Order, Page, page_of, sorting
from app.api.native.routing import native_router
from app.core import audiences, contacts, segments
from app.core.audiences import Audience
from app.core.contacts import Contact, ContactStatus
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.core.segments import Sort
from app.db.unit_of_work import WriteSession
from app.dependencies import Read, Write
from app.kit.uids import Noun, uuid

SOURCE = "api"
_GIVEN_STATUSES = {ContactStatus.SUBSCRIBED, ContactStatus.UNCONFIRMED, ContactStatus.UNSUBSCRIBED}
router = native_router("/audiences/{id}/contacts", "Contacts")
everywhere = native_router("/contacts", "Contacts")


@router.get("")
async def list_contacts(
    id: Id,
    *,
    caller: Reader,
    read: Read,
    asked: Filters,
    order: Annotated[Order, sorting(*SORTS)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[ContactOut]:
    """List the contacts of an audience that meet all filters."""
    account_id = caller.account_id
    audience_id = (await audiences.get(read, account_id, which(id))).id
    wanted = await filter_of(read, account_id, audience_id, asked)
    found = await segments.select_page(
        read,
        account_id,
        audience_id,
        wanted,
        sort=Sort(order.by),
        descending=order.descending,
        after=position_of(cursor, order),
        limit=limit + 1,
    )
    total = await segments.count(read, account_id, audience_id, wanted) if count else None
    return Page[ContactOut].model_validate(page_of(found, limit, lambda row: cursor_behind(row, order), shown, total))


@router.post("", status_code=201)
async def create_contact(
    id: Id,
    *,
    body: ContactIn,
    caller: Writer,
    write: Write,
    request: Request,
    response: Response,
    upsert: Annotated[bool, Query(description="Whether a contact that is there is changed instead.")] = False,
) -> ContactOut:
    """Add a contact, or with `upsert` change the one that is there: its fields are merged, its status stays.

    Raises:
        Conflict: The audience has the address.
    """
    audience = await audiences.get(write, caller.account_id, which(id))
    try:
        contact = await _added(write, audience, body, request)
    except Conflict:
        if not upsert:
            raise Conflict("the audience has a contact of this address") from None
        contact = await contacts.change(
            write,
            audience.account_id,
            audience.id,
            contacts.address_of(body.email),
            fields=body.fields,
            tags=body.tags if "tags" in body.model_fields_set else None,
        )
        response.status_code = 200
        return shown(contact)
    place = f"{uuid(Noun.AUDIENCE, audience.id)}/contacts/{uuid(Noun.CONTACT, contact.id)}"
    response.headers["Location"] = f"/api/trireme/v1/audiences/{place}"
    return shown(contact)


@router.get("/{contact}")
async def show_contact(id: Id, contact: ContactId, caller: Reader, read: Read) -> ContactOut:
    """Show a contact, named by id, uid or address."""
    return shown(await contacts.get(read, caller.account_id, which(id), contact_named(contact)))


@router.patch("/{contact}")
async def change_contact(
    id: Id,
    contact: ContactId,
    body: ContactChange,
    caller: Writer,
    write: Write,
) -> ContactOut:
    """Change what is given of a contact; its status is changed by actions."""
    members = given(body)
    changed = await contacts.change(
        write,
        caller.account_id,
        which(id),
        contact_named(contact),
        email=members.get("email"),
        fields=body.fields,
        tags=(body.tags or []) if "tags" in members else None,
    )
    return shown(changed)


@router.delete("/{contact}", status_code=204)
async def delete_contact(id: Id, contact: ContactId, caller: Writer, write: Write) -> None:
    """Delete a contact with all that is known of it."""
    await contacts.delete(write, caller.account_id, which(id), contact_named(contact))


@everywhere.get("")
async def find_contacts(
    caller: Reader, read: Read, email: Annotated[str, Query(max_length=MAX_TEXT, description="Their address.")]
) -> Page[ContactOut]:
    """List the contacts of an address in all audiences."""
    try:
        found = await contacts.duplicates(read, caller.account_id, email)
    except Invalid:
        found = []
    return Page[ContactOut](data=[shown(one) for one in found], next_cursor=None, has_more=False)


async def _added(write: WriteSession, audience: Audience, body: ContactIn, request: Request) -> Contact:
    """Add a contact.

    Raises:
        Conflict: The audience has the address.
        Invalid: A value cannot be accepted.
    """
    status = body.status
    if status is not None and status not in _GIVEN_STATUSES:
        raise Invalid([FieldFault("status", Fault.INVALID, "must be subscribed, unconfirmed or unsubscribed")])
    if status is ContactStatus.UNCONFIRMED and body.skip_confirmation:
        raise Invalid([FieldFault("skip_confirmation", Fault.INVALID, "would leave the contact unconfirmed")])
    if status in {None, ContactStatus.SUBSCRIBED}:
        confirms = bool(audience.settings.get("double_opt_in")) and not body.skip_confirmation
        status = ContactStatus.UNCONFIRMED if confirms else ContactStatus.SUBSCRIBED
    return await contacts.add(
        write,
        audience.account_id,
        audience.id,
        email=body.email,
        fields=body.fields,
        tags=body.tags,
        status=status or ContactStatus.SUBSCRIBED,
        source=SOURCE,
        ip_address=_client_address(request),
        refuse_suppressed=status is not ContactStatus.UNSUBSCRIBED,
    )


def _client_address(request: Request) -> str | None:
    """Return where a request came from (the server has looked behind trusted proxies); None if unknown."""
    try:
        return str(ip_address(request.client.host.partition("%")[0])) if request.client else None
    except ValueError:
        return None

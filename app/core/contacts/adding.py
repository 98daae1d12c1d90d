"""The verb that adds one contact. Imports the front doors of audiences and events, and the core's errors."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from app.core import audiences
from app.core.contacts import repository
from app.core.contacts.holding import changed, entered_for, tell
from app.core.contacts.values import address_of, clean_tags, values_of_new
from app.core.errors import Conflict
from app.core.events import EventType
from app.core.suppressions import Reason
from app.db.unit_of_work import WriteSession
from app.models.contact import Contact, ContactStatus


async def add(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    *,
    email: str,
    fields: Mapping[str, object] | None = None,
    tags: Iterable[str] = (),
    status: ContactStatus = ContactStatus.SUBSCRIBED,
    source: str | None = None,
    ip_address: str | None = None,
    refuse_suppressed: bool = True,
    needs_required: bool = True,
) -> Contact:
    """Add a contact; one that was removed comes back with its id and its status.

    Args:
        write: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        email: The address.
        fields: Values by tag, in upper case; default values stand in for what is left out.
        tags: In order.
        status: What it is to be. With a suppression entry for `unsubscribe` it is unsubscribed instead.
        source: api, web, embedded-form, added, imported, transactional, or none.
        ip_address: Where the request came from.
        refuse_suppressed: Whether an address with another suppression entry is refused; else it comes in as
            blacklisted.
        needs_required: Whether a required field must have a value; not where the caller has no way to give one.

    Raises:
        Conflict: The audience has this address, with whatever status.
        Invalid: A value cannot be accepted or is missing; an address that is refused (`Fault.SUPPRESSED`).
        NotFound: The account has no such audience.

    Source:
        docs/contract/dynosend.md, 7.2; docs/contract/native.md, 6.
    """
    fields, tags = fields or {}, clean_tags(tags)
    audience_id = (await audiences.get(write, account_id, audience)).id
    known = await audiences.field_set(write, account_id, audience_id)
    address = address_of(email)
    values = values_of_new(known, fields, needs_required=needs_required)
    contact = await repository.by_address(write, account_id, audience_id, address, removed_too=True)
    if contact is not None and contact.removed_at is None:
        raise Conflict("the contact exists")
    reason = await entered_for(write, account_id, address, refuse=refuse_suppressed)
    if contact is not None:
        await _take_back(write, contact, values, tags)
        return contact
    contact = Contact(
        account_id=account_id,
        audience_id=audience_id,
        address=address,
        source=source,
        ip_address=ip_address,
        fields=values,
        tags=tags,
    )
    _begin(contact, status, reason)
    try:
        async with write.begin_nested():
            write.add(contact)
    except IntegrityError:  # made meanwhile by another request
        raise Conflict("the contact exists") from None
    await write.refresh(contact)
    await _tell_of_new(write, contact, contact.tags)
    return contact


async def _take_back(write: WriteSession, contact: Contact, values: Mapping[str, str], tags: list[str]) -> None:
    """Make a removed contact a member again: what is given over what it had, its status untouched.

    Raises:
        Conflict: It is one already.
    """
    if not await repository.lock(write, contact) or contact.removed_at is None:
        raise Conflict("the contact exists")
    new_tags = [tag for tag in tags if tag not in contact.tags]
    contact.removed_at = None
    contact.fields = {**contact.fields, **values}
    contact.tags = clean_tags([*contact.tags, *tags])
    await changed(write, contact)
    await _tell_of_new(write, contact, new_tags)


async def _tell_of_new(write: WriteSession, contact: Contact, tags: list[str]) -> None:
    """Write the events of a contact that has become a member, with the tags that are new on it."""
    await tell(write, contact, EventType.CONTACT_CREATED, {"status": contact.status})
    if contact.status == ContactStatus.SUBSCRIBED:
        await tell(write, contact, EventType.CONTACT_SUBSCRIBED, {"status_before": None})
    if tags:
        await tell(write, contact, EventType.CONTACT_TAGGED, {"tags": tags})


def _begin(contact: Contact, status: ContactStatus, reason: Reason | None) -> None:
    """Set the first status of a contact: what is asked for, unless the suppression list says otherwise."""
    verdict = status
    if reason == Reason.UNSUBSCRIBE and status in {ContactStatus.SUBSCRIBED, ContactStatus.UNCONFIRMED}:
        verdict = ContactStatus.UNSUBSCRIBED
    elif reason not in {None, Reason.UNSUBSCRIBE}:
        verdict = ContactStatus.BLACKLISTED
        contact.status_before = status if status != ContactStatus.BLACKLISTED else None
    contact.status = verdict
    contact.subscribed_at = func.now() if verdict == ContactStatus.SUBSCRIBED else None
    contact.unsubscribed_at = func.now() if verdict == ContactStatus.UNSUBSCRIBED else None

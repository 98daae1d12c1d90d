"""The verbs that change values and tags of one contact, and delete it. Imports the front doors of audiences and events.

Every verb takes the account first; a contact or an audience of another account is an unknown one. The changes of one
contact follow one another: its row is held.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.core import audiences
from app.core.contacts import repository
from app.core.contacts.happening import forget_events
from app.core.contacts.holding import changed, entered_for, held, tell
from app.core.contacts.values import address_of, clean_tags, values_after
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.core.events import EventType
from app.db.unit_of_work import WriteSession
from app.models.contact import Contact


async def change(
    write: WriteSession,
    account_id: int,
    audience: int | str | UUID,
    which: int | str | UUID,
    *,
    email: str | None = None,
    fields: Mapping[str, object] | None = None,
    tags: Iterable[str] | None = None,
) -> Contact:
    """Change what is given of a contact; its status stays.

    Args:
        write: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        which: By id, uid, UUID or address.
        email: Its new address.
        fields: Values by tag; a blank one clears.
        tags: All its tags from now on.

    Raises:
        Invalid: A value cannot be accepted, a required one is to be cleared; a new address another contact of the
            audience has (`Fault.TAKEN`) or that is suppressed (`Fault.SUPPRESSED`).
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/dynosend.md, 7.5; docs/contract/native.md, 6.
    """
    contact = await held(write, account_id, audience, which)
    before = (contact.address, contact.fields, contact.tags)
    if fields:
        known = await audiences.field_set(write, account_id, contact.audience_id)
        contact.fields = values_after(known, contact.fields, fields)
    if tags is not None:
        contact.tags = clean_tags(tags)
    if email is not None:
        await _move(write, contact, address_of(email))
    await changed(write, contact)
    await _tell_of_change(write, contact, *before)
    return contact


async def add_tags(
    write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID, tags: Iterable[str]
) -> list[str]:
    """Put tags at the end of a contact's; return the ones it did not have.

    Raises:
        Invalid: A tag cannot be accepted, or none is given.
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/dynosend.md, 7.6.
    """
    given = clean_tags(tags)
    if not given:
        raise Invalid([FieldFault("tag", Fault.REQUIRED, "is required")])
    contact = await held(write, account_id, audience, which)
    new = [tag for tag in given if tag not in contact.tags]
    if new:
        contact.tags = clean_tags([*contact.tags, *new])
        await changed(write, contact)
        await tell(write, contact, EventType.CONTACT_TAGGED, {"tags": new})
    return new


async def remove_tag(
    write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID, tag: str
) -> None:
    """Take a tag away from a contact.

    Raises:
        NotFound: The account has no such audience, or that no such contact, or that no such tag.
    """
    contact = await held(write, account_id, audience, which)
    if tag.strip() not in contact.tags:
        raise NotFound("no such tag")
    contact.tags = [kept for kept in contact.tags if kept != tag.strip()]
    await changed(write, contact)
    await tell(write, contact, EventType.CONTACT_UPDATED, {"changed": ["tags"]})


async def delete(write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> int:
    """Delete a contact for good, with its values, tags and events; return the id it had.

    Raises:
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/dynosend.md, 7.9.
    """
    contact = await held(write, account_id, audience, which)
    await forget_events(write, contact.id)
    await write.delete(contact)
    await write.flush()
    await tell(write, contact, EventType.CONTACT_DELETED, {"status_before": contact.status})
    return contact.id


async def _move(write: WriteSession, contact: Contact, address: str) -> None:
    """Give a contact another address.

    Raises:
        Invalid: Another contact of the audience has it, or it is suppressed.
    """
    if address == contact.address:
        return
    taken = Invalid([FieldFault("email", Fault.TAKEN, "is taken by another contact of the audience")])
    if await repository.by_address(write, contact.account_id, contact.audience_id, address, removed_too=True):
        raise taken
    await entered_for(write, contact.account_id, address, refuse=True)
    try:
        async with write.begin_nested():  # sends what is changed so far before it begins, hence not the address
            contact.address = address
    except IntegrityError:  # made meanwhile by another request
        raise taken from None


async def _tell_of_change(
    write: WriteSession, contact: Contact, address: str, fields: Mapping[str, str], tags: list[str]
) -> None:
    """Write the events of what is different now; what was is given."""
    names = [tag for tag in {**fields, **contact.fields} if fields.get(tag) != contact.fields.get(tag)]
    names += [
        name
        for name, was, is_now in (("email", address, contact.address), ("tags", tags, contact.tags))
        if was != is_now
    ]
    if names:
        await tell(write, contact, EventType.CONTACT_UPDATED, {"changed": names})
    if new := [tag for tag in contact.tags if tag not in tags]:
        await tell(write, contact, EventType.CONTACT_TAGGED, {"tags": new})

"""The verbs that change one contact. Imports the front doors of audiences and suppressions, and the core's errors.

Every verb takes the account first; a contact or an audience of another account is an unknown one. The changes of one
contact follow one another: its row is held.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from app.core import audiences, suppressions
from app.core.contacts import repository
from app.core.contacts.finding import get
from app.core.contacts.values import address_of, clean_tags, values_after, values_of_new
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.suppressions import Reason
from app.db.unit_of_work import WriteSession
from app.models.contact import Contact, ContactStatus

_KEPT_ON_UNSUBSCRIBE = {ContactStatus.UNSUBSCRIBED, ContactStatus.BLACKLISTED, ContactStatus.SPAM_REPORTED}


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
    values = values_of_new(known, fields)
    contact = await repository.by_address(write, account_id, audience_id, address, removed_too=True)
    if contact is not None and contact.removed_at is None:
        raise Conflict("the contact exists")
    reason = await _reason(write, account_id, address, refuse=refuse_suppressed)
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
    return contact


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
    contact = await _held(write, account_id, audience, which)
    if fields:
        known = await audiences.field_set(write, account_id, contact.audience_id)
        contact.fields = values_after(known, contact.fields, fields)
    if tags is not None:
        contact.tags = clean_tags(tags)
    if email is not None:
        await _move(write, contact, address_of(email))
    return await _changed(write, contact)


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
    contact = await _held(write, account_id, audience, which)
    new = [tag for tag in given if tag not in contact.tags]
    if new:
        contact.tags = clean_tags([*contact.tags, *new])
        await _changed(write, contact)
    return new


async def remove_tag(
    write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID, tag: str
) -> None:
    """Take a tag away from a contact.

    Raises:
        NotFound: The account has no such audience, or that no such contact, or that no such tag.
    """
    contact = await _held(write, account_id, audience, which)
    if tag.strip() not in contact.tags:
        raise NotFound("no such tag")
    contact.tags = [kept for kept in contact.tags if kept != tag.strip()]
    await _changed(write, contact)


async def subscribe(write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> bool:
    """Make a contact subscribed, whatever it was, and drop an `unsubscribe` entry of the suppression list.

    Returns:
        Whether it was not subscribed before.

    Raises:
        Invalid: The address has another suppression entry (`Fault.SUPPRESSED`).
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/dynosend.md, 7.7.
    """
    contact = await _held(write, account_id, audience, which)
    reason = await _reason(write, account_id, contact.address, refuse=True)
    if reason is not None:
        await suppressions.drop_unsubscribe(write, account_id, contact.address)
    if contact.status == ContactStatus.SUBSCRIBED:
        return False
    contact.status, contact.status_before = ContactStatus.SUBSCRIBED, None
    contact.subscribed_at = func.now()
    await _changed(write, contact)
    return True


async def unsubscribe(
    write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID
) -> bool:
    """Make a contact unsubscribed in its audience; no suppression entry is made.

    A blacklisted or spam-reported contact keeps its status; a blacklisted one is unsubscribed, too, if its entry of
    the suppression list ever goes.

    Returns:
        Whether its status changed.

    Raises:
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/dynosend.md, 7.8.
    """
    contact = await _held(write, account_id, audience, which)
    if contact.status in _KEPT_ON_UNSUBSCRIBE:
        if contact.status == ContactStatus.BLACKLISTED and contact.status_before != ContactStatus.UNSUBSCRIBED:
            contact.status_before = ContactStatus.UNSUBSCRIBED
            await _changed(write, contact)
        return False
    contact.status = ContactStatus.UNSUBSCRIBED
    contact.unsubscribed_at = func.now()
    await _changed(write, contact)
    return True


async def delete(write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> int:
    """Delete a contact for good, with its values and tags; return the id it had.

    Raises:
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/dynosend.md, 7.9.
    """
    contact = await _held(write, account_id, audience, which)
    await write.delete(contact)
    await write.flush()
    return contact.id


async def _held(write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> Contact:
    """Return a contact, held until the end of the transaction.

    Raises:
        NotFound: The account has no such audience, or that no such contact.
    """
    contact = await get(write, account_id, audience, which)
    if not await repository.lock(write, contact):  # deleted meanwhile
        raise NotFound("no such contact")
    return contact


async def _changed(write: WriteSession, contact: Contact) -> Contact:
    contact.updated_at = func.now()
    await write.flush()
    await write.refresh(contact)
    return contact


async def _reason(write: WriteSession, account_id: int, address: str, *, refuse: bool) -> Reason | None:
    """Return why the address is on the suppression list, if it is.

    Raises:
        Invalid: It is, for a reason other than `unsubscribe`, and that is refused.
    """
    reason = (await suppressions.reasons(write, account_id, [address])).get(address)
    if refuse and reason not in {None, Reason.UNSUBSCRIBE}:
        raise Invalid([FieldFault("email", Fault.SUPPRESSED, "is blacklisted")])
    return reason


async def _take_back(write: WriteSession, contact: Contact, values: Mapping[str, str], tags: list[str]) -> None:
    """Make a removed contact a member again: what is given over what it had, its status untouched.

    Raises:
        Conflict: It is one already.
    """
    if not await repository.lock(write, contact) or contact.removed_at is None:
        raise Conflict("the contact exists")
    contact.removed_at = None
    contact.fields = {**contact.fields, **values}
    contact.tags = clean_tags([*contact.tags, *tags])
    await _changed(write, contact)


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
    await _reason(write, contact.account_id, address, refuse=True)
    try:
        async with write.begin_nested():  # sends what is changed so far before it begins, hence not the address
            contact.address = address
    except IntegrityError:  # made meanwhile by another request
        raise taken from None


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

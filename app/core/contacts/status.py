"""The verbs that change the status of one contact. Imports the front doors of suppressions and events.

The changes of one contact follow one another: its row is held.
"""

from uuid import UUID

from sqlalchemy import func

from app.core import suppressions
from app.core.contacts import repository
from app.core.contacts.finding import get
from app.core.contacts.holding import changed, entered_for, held, tell
from app.core.errors import Conflict, NotFound
from app.core.events import EventType
from app.db.unit_of_work import WriteSession
from app.kit.uids import Noun, number_of
from app.models.contact import Contact, ContactStatus

_KEPT_ON_UNSUBSCRIBE = {ContactStatus.UNSUBSCRIBED, ContactStatus.BLACKLISTED, ContactStatus.SPAM_REPORTED}


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
    contact = await get(write, account_id, audience, which)
    await suppressions.hold(write, account_id, contact.address)
    if not await repository.lock(write, contact):  # deleted meanwhile
        raise NotFound("no such contact")
    # The list is read after the contact is held: what was entered meanwhile has done its work on the contact.
    reason = await entered_for(write, account_id, contact.address, refuse=True)
    if reason is not None:
        await suppressions.drop_unsubscribe(write, account_id, contact.address)
    if contact.status == ContactStatus.SUBSCRIBED:
        return False
    await _begin_to_mail(write, contact)
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
    contact = await held(write, account_id, audience, which)
    if contact.status in _KEPT_ON_UNSUBSCRIBE:
        if contact.status == ContactStatus.BLACKLISTED and contact.status_before != ContactStatus.UNSUBSCRIBED:
            contact.status_before = ContactStatus.UNSUBSCRIBED
            await changed(write, contact)
        return False
    before, contact.status = contact.status, ContactStatus.UNSUBSCRIBED
    contact.unsubscribed_at = func.now()
    await changed(write, contact)
    data = {"status": contact.status, "status_before": before}
    await tell(write, contact, EventType.CONTACT_UNSUBSCRIBED, data)
    return True


async def ask_again(
    write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID
) -> Contact:
    """Have the confirmation of a double opt-in sent to a contact once more; return the contact.

    Raises:
        Conflict: Its status is not `unconfirmed`; carries the status.
        NotFound: The account has no such audience, or that no such contact.

    Source:
        docs/contract/native.md, 6.
    """
    contact = await held(write, account_id, audience, which)
    if contact.status != ContactStatus.UNCONFIRMED:
        raise Conflict("the contact is not unconfirmed", state=contact.status)
    await tell(write, contact, EventType.CONTACT_UPDATED, {"status": contact.status, "confirmation": "asked again"})
    return contact


async def confirm(write: WriteSession, account_id: int, contact_id: int) -> Contact:
    """Return a contact, subscribed if it was unconfirmed; any other status stays.

    Args:
        write: The transaction.
        account_id: Whose.
        contact_id: In whatever audience.

    Raises:
        NotFound: The account has no such contact, or it is no member of its audience any more.

    Source:
        docs/contract/dynosend.md, 12.
    """
    number = number_of(Noun.CONTACT, contact_id)
    contact = await repository.by_number(write, account_id, number) if number else None
    if contact is None or not await repository.lock(write, contact) or contact.removed_at is not None:
        raise NotFound("no such contact")
    if contact.status == ContactStatus.UNCONFIRMED:
        await _begin_to_mail(write, contact)
    return contact


async def _begin_to_mail(write: WriteSession, contact: Contact) -> None:
    before, contact.status = contact.status, ContactStatus.SUBSCRIBED
    contact.status_before = None
    contact.subscribed_at = func.now()
    await changed(write, contact)
    await tell(write, contact, EventType.CONTACT_SUBSCRIBED, {"status_before": before})

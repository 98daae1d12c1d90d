"""A contact that is about to change: found, held, written. Only this package's verbs use it.

Whoever needs an entry of the suppression list and a contact holds the entry first.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func

from app.core import events, suppressions
from app.core.contacts import repository
from app.core.contacts.finding import get
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.core.events import EventType
from app.core.suppressions import Reason
from app.db.unit_of_work import WriteSession
from app.models.contact import Contact


async def held(write: WriteSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> Contact:
    """Return a contact, held until the end of the transaction.

    Raises:
        NotFound: The account has no such audience, or that no such contact.
    """
    contact = await get(write, account_id, audience, which)
    if not await repository.lock(write, contact):  # deleted meanwhile
        raise NotFound("no such contact")
    return contact


async def changed(write: WriteSession, contact: Contact) -> Contact:
    """Write what has changed of a contact and read it anew."""
    contact.updated_at = func.now()
    await write.flush()
    await write.refresh(contact)
    return contact


async def tell(
    write: WriteSession,
    contact: Contact,
    type: EventType,  # noqa: A002 the word for it
    data: Mapping[str, object] | None = None,
) -> None:
    """Write an event about a contact."""
    await events.emit(
        write,
        contact.account_id,
        type,
        contact_id=contact.id,
        audience_id=contact.audience_id,
        address=contact.address,
        data=data,
    )


async def entered_for(write: WriteSession, account_id: int, address: str, *, refuse: bool) -> Reason | None:
    """Return why the address is on the suppression list, if it is.

    Raises:
        Invalid: It is, for a reason other than `unsubscribe`, and that is refused.
    """
    reason = (await suppressions.reasons(write, account_id, [address])).get(address)
    if refuse and reason not in {None, Reason.UNSUBSCRIBE}:
        raise Invalid([FieldFault("email", Fault.SUPPRESSED, "is blacklisted")])
    return reason

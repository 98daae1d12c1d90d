"""The verbs that read contacts. Imports audiences' front door, kit and the core's errors.

Every verb takes the account first; a contact or an audience of another account is an unknown one.
"""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from app.core import audiences
from app.core.contacts import repository
from app.core.contacts.values import address_of
from app.core.errors import Invalid, NotFound
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun, number_of
from app.models.contact import Contact, ContactStatus

PAGE = 1000
"""Contacts per page, unless asked for fewer."""
MAX_OFFSET = 2**62
"""Furthest page; there is nothing behind it."""


async def get(read: ReadSession, account_id: int, audience: int | str | UUID, which: int | str | UUID) -> Contact:
    """Return a contact of an audience; one that was removed is none.

    Args:
        read: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        which: A number is an id; a text with an @ an address, in any case; another text a uid.

    Raises:
        NotFound: The account has no such audience, or that no such contact; its text begins with which of them.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    contact = await _find(read, account_id, audience_id, which)
    if contact is None:
        raise NotFound("no such contact")
    return contact


async def duplicates(read: ReadSession, account_id: int, email: str, *, limit: int = PAGE) -> Sequence[Contact]:
    """Return the account's contacts of this address in all audiences, by id; one is listed too.

    Raises:
        Invalid: Not an e-mail address.

    Source:
        docs/contract/dynosend.md, 7.4.
    """
    return await repository.everywhere(read, account_id, address_of(email), limit=limit)


async def list_after(
    read: ReadSession,
    account_id: int,
    audience: int | str | UUID,
    *,
    after_id: int = 0,
    limit: int = PAGE,
    status: ContactStatus | None = None,
) -> Sequence[Contact]:
    """List contacts by id, from the one after `after_id` on: as fast at the end as in the beginning.

    Raises:
        NotFound: The account has no such audience.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    return await repository.after(read, account_id, audience_id, after_id=after_id, limit=limit, status=status)


async def list_page(
    read: ReadSession, account_id: int, audience: int | str | UUID, *, page: int = 1, per_page: int = 20
) -> Sequence[Contact]:
    """List contacts by id, one page of them; past the end there are none.

    Args:
        read: The transaction.
        account_id: Whose.
        audience: By id, uid or UUID.
        page: From 1; less counts as 1.
        per_page: Kept within 1 to 1000.

    Raises:
        NotFound: The account has no such audience.

    Source:
        docs/contract/dynosend.md, 7.1.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    per_page = min(max(per_page, 1), PAGE)
    offset = (max(page, 1) - 1) * per_page
    if offset > MAX_OFFSET:
        return []
    return await repository.page(read, account_id, audience_id, offset=offset, limit=per_page)


async def stream(read: ReadSession, account_id: int, audience: int | str | UUID) -> AsyncIterator[Contact]:
    """Yield all contacts of an audience by id, in constant memory.

    Raises:
        NotFound: The account has no such audience; raised by the first step.
    """
    audience_id = (await audiences.get(read, account_id, audience)).id
    async for contact in repository.stream(read, account_id, audience_id):
        yield contact


async def _find(read: ReadSession, account_id: int, audience_id: int, which: int | str | UUID) -> Contact | None:
    if isinstance(which, str) and "@" in which:
        try:
            address = address_of(which)
        except Invalid:
            return None
        return await repository.by_address(read, account_id, audience_id, address)
    contact_id = number_of(Noun.CONTACT, which)
    return await repository.by_id(read, account_id, audience_id, contact_id) if contact_id else None

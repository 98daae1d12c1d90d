"""The verbs on audiences. Uses the repository; imports models, kit, `app.mail` and the core's errors.

Every verb takes the account first; an audience of another account is an unknown one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy import func

from app.core.audiences import repository
from app.core.audiences.values import CONTACT_INFORMATION, SETTINGS, AudienceChanges, Statistics
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.extra import is_storable, merged
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.mail.campaign.links import is_url
from app.models.audience import Audience

PAGE = 1000
"""Audiences per page, unless asked for fewer."""
MAX_NAME = 255
"""Characters of a name."""
MAX_TEXT = 10_000
"""Characters of any other text."""


async def create(write: WriteSession, account_id: int, *, name: str, **values: Unpack[AudienceChanges]) -> Audience:
    """Make an audience without contacts.

    Args:
        write: The transaction.
        account_id: Whose.
        name: 1 to 255 characters; several audiences may have the same.
        **values: What else to set.

    Raises:
        Invalid: A value cannot be accepted.
    """
    audience = Audience(account_id=account_id, name=_name(name), settings={}, contact_information={})
    _apply(audience, values)
    write.add(audience)
    await write.flush()
    await write.refresh(audience)
    return audience


async def get(read: ReadSession, account_id: int, which: int | str | UUID, *, lock: bool = False) -> Audience:
    """Return an audience by its id, uid or UUID.

    Args:
        read: The transaction.
        account_id: Whose.
        which: A number is an id, a text a uid.
        lock: Hold the row until the end of the transaction, so that it cannot be deleted meanwhile.

    Raises:
        NotFound: The account has no such audience.
    """
    audience_id = number_of(Noun.AUDIENCE, which)
    audience = await repository.by_id(read, account_id, audience_id, lock=lock) if audience_id else None
    if audience is None:
        raise NotFound("no such audience")
    return audience


async def list_after(read: ReadSession, account_id: int, *, after_id: int = 0, limit: int = PAGE) -> Sequence[Audience]:
    """List audiences by id, from the one after `after_id` on."""
    return await repository.after(read, account_id, after_id=after_id, limit=limit)


async def list_page(
    read: ReadSession,
    account_id: int,
    *,
    text: str | None = None,
    after_id: int = 0,
    descending: bool = False,
    limit: int = PAGE,
) -> Sequence[Audience]:
    """List audiences by creation.

    Args:
        read: The transaction.
        account_id: Whose.
        text: Part of the name, ignoring case.
        after_id: The last one of the page before.
        descending: The newest first.
        limit: How many.
    """
    return await repository.page(read, account_id, text=text, after_id=after_id, descending=descending, limit=limit)


async def count(read: ReadSession, account_id: int, *, text: str | None = None) -> int:
    """Count what `list_page` lists."""
    return await repository.count(read, account_id, text=text)


async def change(
    write: WriteSession,
    account_id: int,
    which: int | str | UUID,
    *,
    name: str | None = None,
    **changes: Unpack[AudienceChanges],
) -> Audience:
    """Change what is given; no name leaves the name.

    Raises:
        Invalid: A value cannot be accepted.
        NotFound: The account has no such audience.
    """
    audience = await get(write, account_id, which, lock=True)
    if name is not None:
        audience.name = _name(name)
    _apply(audience, changes)
    audience.updated_at = func.now()
    await write.flush()
    await write.refresh(audience)
    return audience


async def delete(write: WriteSession, account_id: int, which: int | str | UUID) -> Audience:
    """Delete an audience: it is not found any more, its contacts neither; the rows stay.

    Raises:
        Conflict: A run that is scheduled, queued, sending or paused is for it; carries that state.
        NotFound: The account has no such audience.

    Source:
        docs/contract/native.md, 5; docs/contract/dyno.md, 4 and 6.
    """
    audience = await get(write, account_id, which, lock=True)
    state = await repository.state_of_use(write, account_id, audience.id)
    if state is not None:
        raise Conflict("the audience is in use", state=state)
    audience.deleted_at = func.now()
    await write.flush()
    await write.refresh(audience)
    return audience


async def statistics(read: ReadSession, account_id: int, which: int | str | UUID) -> Statistics:
    """Count the contacts of an audience by status.

    Raises:
        NotFound: The account has no such audience.
    """
    audience = await get(read, account_id, which)
    return (await repository.counts(read, [audience.id]))[audience.id]


async def statistics_of(read: ReadSession, account_id: int, audiences: Iterable[Audience]) -> dict[int, Statistics]:
    """Count the contacts of audiences that `get` or `list_after` returned for the account, by audience id."""
    return await repository.counts(read, [one.id for one in audiences if one.account_id == account_id])


def _apply(audience: Audience, changes: AudienceChanges) -> None:
    """Set what is given.

    Raises:
        Invalid: A value cannot be accepted.
    """
    for name in ("from_name", "default_subject"):
        if name in changes:
            setattr(audience, name, _text(name, changes[name]))
    if "description" in changes:
        audience.description = _text("description", changes["description"]) or ""
    if "from_email" in changes:
        audience.from_email = _address(changes["from_email"])
    if "settings" in changes:
        audience.settings = _members("settings", audience.settings, changes["settings"], SETTINGS)
    if "contact_information" in changes:
        known = dict.fromkeys(CONTACT_INFORMATION)
        given = changes["contact_information"]
        audience.contact_information = _members("contact_information", audience.contact_information, given, known)
    if "extra" in changes:
        audience.extra = merged(audience.extra, changes["extra"])


def _members(
    group: str, stored: Mapping[str, Any], given: Mapping[str, Any], known: Mapping[str, object]
) -> dict[str, Any]:
    """Return a group of named values after a change; what is at its default is left out.

    Raises:
        Invalid: An unknown name, or a value that is neither a text, a boolean, an integer nor null, or not of the
            kind of its default.
    """
    members = dict(stored)
    for name, value in given.items():
        field = f"{group}.{name}"
        if name not in known:
            raise Invalid([FieldFault(field, Fault.UNKNOWN, "is not known")])
        if isinstance(known[name], bool) and not isinstance(value, bool | None):
            raise Invalid([FieldFault(field, Fault.INVALID, "must be true or false")])
        if isinstance(value, str):
            value = _text(field, value)  # noqa: PLW2901 the same value, trimmed
            if value and name.endswith("_redirect_url") and not (value.isascii() and is_url(value)):
                raise Invalid([FieldFault(field, Fault.INVALID, "must be an http or https URL")])
        elif not isinstance(value, bool | int | None):
            raise Invalid([FieldFault(field, Fault.INVALID, "must be a string")])
        members[name] = value
    return {name: value for name, value in members.items() if value is not None and value != known[name]}


def _name(name: str) -> str:
    """Return a name, trimmed.

    Raises:
        Invalid: It is blank, too long or cannot be stored.
    """
    trimmed = _text("name", name)
    if trimmed is None:
        raise Invalid([FieldFault("name", Fault.REQUIRED, "is required")])
    if len(trimmed) > MAX_NAME:
        raise Invalid([FieldFault("name", Fault.TOO_LONG, f"must not be longer than {MAX_NAME} characters")])
    return trimmed


def _text(field: str, text: str | None) -> str | None:
    """Return a text, trimmed; None for a blank one.

    Raises:
        Invalid: It is too long or cannot be stored.
    """
    trimmed = (text or "").strip()
    if not is_storable(trimmed):
        raise Invalid([FieldFault(field, Fault.INVALID, "cannot be stored")])
    if len(trimmed) > MAX_TEXT:
        raise Invalid([FieldFault(field, Fault.TOO_LONG, f"must not be longer than {MAX_TEXT} characters")])
    return trimmed or None


def _address(text: str | None) -> str | None:
    """Return an address as `app.mail.addresses` writes it; None for a blank one.

    Raises:
        Invalid: It is not an e-mail address.
    """
    if not text or not text.strip():
        return None
    try:
        mailbox = parse_mailbox(text.strip())
    except InvalidAddress:
        mailbox = None
    if mailbox is None or mailbox.name:
        raise Invalid([FieldFault("from_email", Fault.INVALID, "is not an e-mail address")])
    return mailbox.address

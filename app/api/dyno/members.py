"""Dyno Email Marketing: members of a list, in and out. Imports the front doors of contacts and audiences.

Source: docs/contract/dyno.md, 6.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from app.api.dyno.auth import Call
from app.api.dyno.bodies import about
from app.core import audiences, contacts
from app.core.contacts import BadRow, Contact, ContactRow, ContactStatus
from app.core.errors import FieldFault, Invalid, NotFound
from app.db.engine import driver_of
from app.db.unit_of_work import WriteSession

NAME = "subscribers"
ALIASES = ("emails", "email_list", "contacts")
MAX_MEMBERS = 50_000
"""Of one request."""
PAGE = 1000
"""Members read at once while all are shown."""
SOURCE = "api"
_FIRST, _LAST = "FIRST_NAME", "LAST_NAME"
_OWN = frozenset({"email", "first_name", "last_name", "name", "fields", "status"})
_SHOWN = 200
"""Characters of a bad address that an error shows."""


async def rows_of(given: Any) -> list[ContactRow]:
    """Return the members a request names; their addresses are not checked yet.

    Args:
        given: Texts, objects, or one text with commas; null for none.

    Raises:
        Invalid: It is something else, or too many.
    """
    if given is None:
        return []
    if isinstance(given, str):
        given = [trimmed for part in given.split(",") if (trimmed := part.strip())]
    if not isinstance(given, list):
        raise Invalid(about(NAME))
    if len(given) > MAX_MEMBERS:
        raise Invalid(about(NAME, f"has more than {MAX_MEMBERS} entries"))
    return await asyncio.to_thread(lambda: [_row(one) for one in given])


async def check_addresses(rows: Sequence[ContactRow]) -> None:
    """Accept the addresses of all rows.

    Raises:
        Invalid: One is none.
    """

    def check() -> None:
        for row in rows:
            try:
                contacts.address_of(row.email)
            except Invalid as error:
                raise Invalid(_naming(BadRow(0, row.email, error.faults[0]))) from None

    await asyncio.to_thread(check)


async def put(write: WriteSession, account_id: int, list_id: int, rows: Sequence[ContactRow], *, replace: bool) -> None:
    """Make the rows members of a list, in the transaction.

    Args:
        write: The transaction.
        account_id: Whose.
        list_id: The audience.
        rows: Whom.
        replace: Whether others are removed.

    Raises:
        Invalid: A row is bad, or the list has too many members to be replaced.
    """
    names = dict.fromkeys(tag for row in rows for tag in row.fields)
    try:
        await audiences.ensure_fields(write, account_id, list_id, names)
    except Invalid as error:
        raise Invalid(about(NAME, f"contains a field name that cannot be used: {error}")) from None
    connection = await driver_of(await write.connection())
    verb = contacts.replace_members if replace else contacts.add_many
    try:
        added = await verb(connection, account_id, list_id, rows, source=SOURCE)
    except Invalid as error:
        raise Invalid([FieldFault(NAME, one.fault, one.message) for one in error.faults]) from None
    if added.bad:
        raise Invalid(_naming(added.bad[0]))


async def shown_members(call: Call, list_id: int) -> AsyncIterator[bytes]:
    """Yield a JSON array of all members, by creation, in constant memory.

    Each page is read in a session of its own, so that a slow client holds no connection to the database.
    """
    opening, after = b"[", 0
    while True:
        try:
            async with call.reading() as read:
                page = await contacts.list_after(read, call.account_id, list_id, after_id=after, limit=PAGE)
        except NotFound:  # a deleted list has no members to show
            page = []
        if page:
            yield opening + b",".join(orjson.dumps(_member(one)) for one in page)
            opening, after = b",", page[-1].id
        if len(page) < PAGE:
            break
    yield b"[]" if opening == b"[" else b"]"


def _member(contact: Contact) -> dict[str, Any]:
    fields = {tag: value for tag, value in contact.fields.items() if tag not in {_FIRST, _LAST}}
    return {
        "email": contact.address,
        "first_name": contact.fields.get(_FIRST, ""),
        "last_name": contact.fields.get(_LAST, ""),
        "status": contact.status,
        "fields": fields,
    }


def _row(given: Any) -> ContactRow:
    """Return one member.

    Raises:
        Invalid: It is neither a text nor an object with an address, or its fields are no object.
    """
    if isinstance(given, str):
        return ContactRow(given)
    if not isinstance(given, dict) or not isinstance(given.get("email"), str):
        raise Invalid(about(NAME, "contains an invalid address: " + _brief(given)))
    more = given.get("fields")
    if more is not None and not isinstance(more, dict):
        raise Invalid(about(NAME, "contains fields that are no object"))
    fields = {name.strip().upper(): value for name, value in given.items() if name not in _OWN}
    fields |= {name.strip().upper(): value for name, value in (more or {}).items()}
    is_out = given.get("status") == ContactStatus.UNSUBSCRIBED
    return ContactRow(
        given["email"],
        {**fields, **_names(given)},
        status=ContactStatus.UNSUBSCRIBED if is_out else ContactStatus.SUBSCRIBED,
    )


def _names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names of a person; one that stands alone is split at its first blank."""
    first, last, name = given.get("first_name"), given.get("last_name"), given.get("name")
    if first is None and last is None and isinstance(name, str):
        first, _, last = name.strip().partition(" ")
        first, last = first or None, last.strip() or None
    return {tag: value for tag, value in ((_FIRST, first), (_LAST, last)) if value is not None}


def _brief(given: Any) -> str:
    email = given.get("email") if isinstance(given, dict) else given
    return orjson.dumps(email).decode()[:_SHOWN]


def _naming(row: BadRow) -> list[FieldFault]:
    if row.fault.field == "email":
        return about(NAME, f"contains an invalid address: {row.email[:_SHOWN]}")
    return about(NAME, f"{row.email[:_SHOWN]}: {row.fault.field} {row.fault.message}")

"""`/p`: the contact's fields as a form. Imports core front doors.

Only what the form shows can be changed, and only what was changed on it is: fields that are not visible can't be
reached, and a value in a spelling that an input would rewrite stays as it was stored.

Source: docs/contract/dyn-email.md, section 13; docs/contract/dynosend.md, 6.3 and 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.core import audiences, contacts, tracking
from app.core.errors import Fault, Invalid, NotFound
from app.db.unit_of_work import ReadSession, reading, unit_of_work
from app.dependencies import runtime_of
from app.mail.tracking import Purpose
from app.web.forms import form_of
from app.web.inputs import Row, change_of, is_missing, row_of
from app.web.pages import masked, page
from app.web.visitors import named_copy

BODY_BYTES = 65_536
"""Largest body."""


@dataclass(frozen=True, slots=True)
class _Person:
    account_id: int
    audience_id: int
    contact_id: int
    address: str
    rows: Sequence[Row]


async def show(request: Request) -> Response:
    """Show the form.

    Raises:
        NotFound: The token is none of ours, or its mail or contact is gone.
    """
    async with reading(runtime_of(request).engine) as read:
        person = await _person(read, request)
    return _form(request, person.address, person.rows)


async def save(request: Request) -> Response:
    """Change what was changed on the form, and show it again; a value that can't be accepted changes nothing.

    Raises:
        NotFound: The token is none of ours, or its mail or contact is gone.
        HTTPException: The body is too large or malformed.
    """
    runtime = runtime_of(request)
    named_copy(request, Purpose.PROFILE)  # before the body is read
    given = await form_of(request, BODY_BYTES)
    try:
        async with unit_of_work(runtime.engine, runtime.queue) as write:
            person = await _person(write, request)
            changes = _changes(person.rows, given)
            if changes:
                which = (person.account_id, person.audience_id, person.contact_id)
                await contacts.change(write, *which, fields=changes)
                person = await _person(write, request)
    except Invalid as error:
        # All at once: the core tells of missing values when the others are right.
        faults = {row.tag: Fault.REQUIRED for row in person.rows if is_missing(row, given.get(row.tag, row.value))}
        faults |= {fault.field: fault.fault for fault in error.faults}
        rows = [row.with_answer(given.get(row.tag), faults.get(row.tag)) for row in person.rows]
        return _form(request, person.address, rows, faulty=True)
    return _form(request, person.address, person.rows, saved=True)


def _changes(rows: Sequence[Row], given: Mapping[str, str]) -> dict[str, object]:
    changes = {row.tag: change_of(row, given[row.tag]) for row in rows if row.tag in given}
    return {tag: value for tag, value in changes.items() if value is not None}


async def _person(read: ReadSession, request: Request) -> _Person:
    """Return the contact a token names, with the rows of its form.

    Raises:
        NotFound: The token is none of ours, or its mail or contact is gone.
    """
    message_id, accepted_at = named_copy(request, Purpose.PROFILE)
    copy = await tracking.copy_of(read, message_id, accepted_at)
    place = await tracking.place_of(read, copy.contact_id) if copy is not None and copy.contact_id else None
    if copy is None or copy.contact_id is None or place is None or place.account_id != copy.account_id:
        raise NotFound("no such contact")
    contact = await contacts.get(read, place.account_id, place.audience_id, copy.contact_id)
    fields = await audiences.fields(read, place.account_id, place.audience_id)
    rows = [row_of(field, contact.fields.get(field.tag, "")) for field in fields if field.visible]
    return _Person(place.account_id, place.audience_id, copy.contact_id, place.address, rows)


def _form(
    request: Request, address: str, rows: Sequence[Row], *, faulty: bool = False, saved: bool = False
) -> Response:
    status = 422 if faulty else 200
    return page(request, "profile", status=status, address=masked(address), rows=rows, saved=saved, faulty=faulty)

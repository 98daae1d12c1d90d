"""Dynosend: a contact as it is shown, and all of an audience. Source: docs/contract/dynosend.md, 7 and 7.1."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from app.api.dynosend.auth import Call
from app.api.dynosend.envelope import CORS, json_answer, moment
from app.core import audiences, contacts
from app.core.accounts import Scope
from app.core.contacts import Contact
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun, uid

PAGE = 1000
"""Contacts read at once while all are listed."""
PER_PAGE = 20


def written(call: Call, contact: Contact, tags: Sequence[str], *, with_audience: bool = False) -> dict[str, Any]:
    """Return a contact as the family shows it.

    Args:
        call: The request.
        contact: The contact.
        tags: Of the custom fields of its audience, in order of creation.
        with_audience: Whether the uid of its audience is shown.
    """
    shown = contact.tags
    if call.runtime.settings.contacts.status_tag:
        shown = [contact.status, *(tag for tag in shown if tag != contact.status)]
    audience = {"audience_uid": uid(Noun.AUDIENCE, contact.audience_id)} if with_audience else {}
    values: Mapping[str, Any] = contact.fields
    return {
        "id": contact.id,
        "contact_uid": uid(Noun.CONTACT, contact.id),
        **audience,
        "email": contact.address,
        "status": contact.status,
        "source": contact.source,
        "ip_address": contact.ip_address,
        "tags": ",".join(shown),
        "created_at": moment(contact.created_at),
        "updated_at": moment(contact.updated_at),
        **{tag: values.get(tag) for tag in tags},
    }


async def listed(call: Call, which: str) -> Response:
    """List the contacts of an audience, a page or all of them.

    Raises:
        NotFound: No such audience.
        Forbidden: The key may not read.
    """
    async with call.reading() as read:
        audience = await audiences.get(read, call.account_id, which)
        call.require(Scope.READ)
        tags = await field_tags(call, read, audience.id)
        if call.input.given("page", "per_page"):
            page, per_page = call.input.number("page", 1), call.input.number("per_page", PER_PAGE)
            found = await contacts.list_page(read, call.account_id, audience.id, page=page, per_page=per_page)
        else:
            found = await contacts.list_after(read, call.account_id, audience.id, limit=PAGE)
            if len(found) == PAGE and call.request.method == "HEAD":
                head = Response(headers=CORS, media_type="application/json")
                del head.headers["content-length"]  # how long it would be is not known without reading all of it
                return head
            if len(found) == PAGE:
                return StreamingResponse(
                    _all(call, audience.id, tags, found), headers=CORS, media_type="application/json"
                )
    return json_answer([written(call, one, tags) for one in found])


async def _all(call: Call, audience_id: int, tags: Sequence[str], page: Sequence[Contact]) -> AsyncIterator[bytes]:
    """Yield a JSON array of all contacts in constant memory.

    Each page is read in a session of its own, so that a slow client holds no connection to the database.
    """
    opening = b"["
    while page:
        yield opening + b",".join(orjson.dumps(written(call, one, tags)) for one in page)
        opening = b","
        async with call.reading() as read:
            page = await contacts.list_after(read, call.account_id, audience_id, after_id=page[-1].id, limit=PAGE)
    yield b"]"


async def field_tags(call: Call, read: ReadSession, audience_id: int) -> list[str]:
    """Return the tags of an audience's custom fields, in order of creation."""
    return [field.tag for field in await audiences.fields(read, call.account_id, audience_id)]

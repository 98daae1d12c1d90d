"""`/senders`: From addresses, what their domains publish, and how they become ready.

Source: docs/contract/native.md, 4; docs/senders.md.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import Body, given
from app.api.native.ids import Id, uuid_of
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_of,
    page_of,
    sorting,
    values_of,
)
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import senders, transactional
from app.core.accounts import Caller
from app.core.errors import Fault, FieldFault, Invalid
from app.core.senders import Purpose, Sender, SenderFilter, SenderStatus
from app.core.transactional import ApprovalSite
from app.db.unit_of_work import reading
from app.dependencies import Read, RuntimeDep, Write

MAX_ADDRESS = 320
MAX_DOMAIN = 255
_MAX_NUMBER = 18
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_MOMENT = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_EXAMPLE: dict[str, Any] = {
    "id": "018f5c6a-5a43-7e60-ae4a-6e8264809144",
    "sender_id": 17,
    "email": "news@example.com",
    "name": "News",
    "domain": "example.com",
    "status": "ready",
    "seeding": False,
    "dkim_selector": "mail1",
    "spf_ok": True,
    "dkim_ok": True,
    "return_path_ok": False,
    "tracking_ok": False,
    "dmarc_ok": True,
    "checked_at": "2026-01-05T09:00:00.000Z",
    "created_at": "2026-01-05T09:00:00.000Z",
    "updated_at": "2026-01-05T09:00:00.000Z",
}
router = native_router("/senders", "Senders")


class SenderOut(BaseModel):
    """One From address."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    sender_id: int
    email: str
    name: str
    domain: str
    status: SenderStatus
    seeding: bool
    dkim_selector: str | None
    spf_ok: bool
    dkim_ok: bool
    return_path_ok: bool
    tracking_ok: bool
    dmarc_ok: bool
    checked_at: Time | None
    created_at: Time
    updated_at: Time


class SenderIn(Body):
    """A new sender."""

    email: Annotated[str, Field(max_length=MAX_ADDRESS)]
    name: str = ""
    seeding: bool = False


class SenderPatch(Body):
    """A change of a sender; null takes a name away."""

    email: Annotated[str, Field(max_length=MAX_ADDRESS)] = ""
    name: str | None = None
    seeding: bool = False


class DkimIn(Body):
    """With which key mail is signed from now on."""

    selector: str


class RecordOut(BaseModel):
    """One record to publish, and what is there."""

    purpose: Purpose
    type: str
    name: str
    value: str
    required: bool
    verified: bool
    found: list[str]


class RecordsOut(BaseModel):
    """All records of a sender's domain."""

    data: list[RecordOut]


@router.get("")
async def list_senders(
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting("created_at", "email")],
    *,
    q: Annotated[str, Query(max_length=MAX_ADDRESS, description="Part of the address or name, ignoring case.")] = "",
    status: SenderStatus | None = None,
    domain: Annotated[str | None, Query(max_length=MAX_DOMAIN)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[SenderOut]:
    """List the account's senders.

    Raises:
        HTTPException: 400, a filter cannot be stored.
    """
    if "\0" in q or "\0" in (domain or ""):
        raise HTTPException(400, "a filter holds what no sender has")
    wanted = SenderFilter(q.strip(), status, domain)
    by_email = order.by == "email"
    found = await senders.list_after(
        read,
        caller.account_id,
        wanted,
        by_email=by_email,
        descending=order.descending,
        after=_place(cursor, by_email=by_email),
        limit=limit + 1,
    )
    total = await senders.count(read, caller.account_id, wanted) if count else None
    return Page[SenderOut].model_validate(page_of(found, limit, lambda one: _behind(one, by_email), _shown, total))


@router.post("", status_code=201)
async def create_sender(
    body: SenderIn, caller: Writer, write: Write, runtime: RuntimeDep, response: Response
) -> SenderOut:
    """Add a From address; it is ready at once unless senders have to be verified."""
    sender = await senders.create(
        write,
        caller.account_id,
        email=body.email,
        name=body.name,
        seeding=body.seeding,
        require_verification=runtime.settings.senders.require_verification,
    )
    runtime.keys.forget(caller.account_id)
    response.headers["Location"] = f"/api/trireme/v1/senders/{sender.public_id}"
    return SenderOut.model_validate(_shown(sender))


@router.get("/{id}")
async def get_sender(id: Id, caller: Reader, read: Read) -> SenderOut:
    """Return one sender."""
    return SenderOut.model_validate(_shown(await _sender(read, caller, id)))


@router.patch("/{id}")
async def change_sender(
    id: Id,
    body: SenderPatch,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
) -> SenderOut:
    """Change a sender; another address has to prove itself like a new one.

    Raises:
        Invalid: The address is empty.
    """
    values = given(body)
    if values.get("email") == "":
        raise Invalid([FieldFault("email", Fault.INVALID, "is not an e-mail address")])
    if "name" in values:
        values["name"] = values["name"] or ""
    sender = await _sender(write, caller, id)
    required = runtime.settings.senders.require_verification
    sender = await senders.change(write, sender, require_verification=required, **values)
    runtime.keys.forget(caller.account_id)
    return SenderOut.model_validate(_shown(sender))


@router.delete("/{id}", status_code=204)
async def delete_sender(id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> None:
    """Refuse new mail from a sender; what was accepted is still sent, and history stays."""
    await senders.delete(write, await _sender(write, caller, id))
    runtime.keys.forget(caller.account_id)


@router.get("/{id}/dns")
async def records_of_sender(id: Id, caller: Reader, runtime: RuntimeDep) -> RecordsOut:
    """Return the records to publish for a sender, and what DNS has now; `verified` is what the last look found."""
    async with reading(runtime.engine) as read:
        sender = await _sender(read, caller, id)
        published = await senders.publication(read, sender)
    found = await senders.look_up(runtime.records, senders.Expected.of(runtime.settings), sender, published)
    return RecordsOut(data=[RecordOut.model_validate(one, from_attributes=True) for one in found])


@router.post("/{id}/verify")
async def verify_sender(id: Id, caller: Writer, runtime: RuntimeDep) -> SenderOut:
    """Look at DNS now, and return the sender as it is then."""
    async with reading(runtime.engine) as read:
        sender = await _sender(read, caller, id)
    expected = senders.Expected.of(runtime.settings)
    await senders.verify(runtime.engine, runtime.records, expected, sender_id=sender.id)
    runtime.keys.forget(caller.account_id)
    async with reading(runtime.engine) as read:
        return SenderOut.model_validate(_shown(await _sender(read, caller, id)))


@router.post("/{id}/confirm-email", status_code=202)
async def confirm_email(id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> SenderOut:
    """Send a link to the address; whoever opens it makes the sender ready."""
    sender = await _sender(write, caller, id)
    settings = runtime.settings
    await transactional.ask_owner(
        write,
        sender,
        ApprovalSite.of(settings),
        now=runtime.clock.now(),
        default_cap=settings.quota.default_monthly,
    )
    return SenderOut.model_validate(_shown(sender))


@router.post("/{id}/dkim")
async def sign_sender(id: Id, body: DkimIn, caller: Writer, write: Write, runtime: RuntimeDep) -> SenderOut:
    """Sign with the key of a selector from now on; it is made if the domain has none of it."""
    sender = await _sender(write, caller, id)
    details = await senders.set_dkim(write, runtime.vault, sender, selector=body.selector)
    runtime.keys.forget(caller.account_id)
    return SenderOut.model_validate(_shown(details.sender))


async def _sender(read: Read, caller: Caller, text: str) -> Sender:
    """Return the sender that a path names, by its id or its number.

    Raises:
        NotFound: The account has none of it.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER
    return await senders.get(read, caller.account_id, int(text) if is_number else uuid_of(text))


def _shown(sender: Sender) -> dict[str, Any]:
    return {
        "id": sender.public_id,
        "sender_id": sender.id,
        "email": sender.email,
        "name": sender.name,
        "domain": sender.email.rpartition("@")[2],
        "status": sender.status,
        "seeding": sender.seeding,
        "dkim_selector": sender.dkim_selector or None,
        "spf_ok": sender.spf_ok,
        "dkim_ok": sender.dkim_ok,
        "return_path_ok": sender.return_path_ok,
        "tracking_ok": sender.tracking_ok,
        "dmarc_ok": sender.dmarc_ok,
        "checked_at": sender.checked_at,
        "created_at": sender.created_at,
        "updated_at": sender.updated_at,
    }


def _behind(sender: Sender, by_email: bool) -> str:
    first = sender.email.lower() if by_email else (sender.created_at - _EPOCH) // _MICROSECOND
    return cursor_of([first, sender.id])


def _place(cursor: str, *, by_email: bool) -> tuple[datetime | str, int] | None:
    """Return the place in a cursor; None for "".

    Raises:
        HTTPException: 400, it is none of ours, or of a list in another order.
    """
    match values_of(cursor):
        case None:
            return None
        case [str(email), int(number)] if by_email:
            return email, number
        case [int(moment), int(number)] if not by_email and 0 <= moment < _MAX_MOMENT:
            return _EPOCH + moment * _MICROSECOND, number
    raise HTTPException(400, "bad cursor")

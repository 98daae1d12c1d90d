"""`/transactional-messages`: single mails that applications ask for. Source: docs/contract/native.md, 11."""

from collections.abc import Awaitable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from app.api.native.auth import Reader, SendCaller, Writer
from app.api.native.bodies import Body, given
from app.api.native.ids import Id, which
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_after,
    key_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.api.native.trying import Plain, as_texts, named, written_by
from app.core import transactional
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.core.messages import Author, email_id
from app.core.transactional import Changes, Hindrance, Sending, Sent, Site, TransactionalMessage
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, number_of, uid, uuid

router = native_router("/transactional-messages", "Transactional messages")
_DEFAULTS: dict[str, Any] = {
    "from_name": "",
    "reply_to": "",
    "status": "active",
    "content": "internal",
    "html": "",
    "text": "",
    "track_opens": True,
    "track_clicks": True,
}
"""What null stands for."""


_EXAMPLE: dict[str, Any] = {
    "name": "Password reset",
    "audience_id": "5fade5c93e42a",
    "from_email": "app@acme.com",
    "subject": "Reset your password",
    "html": '<a href="{{ PASSWORD_LINK }}">Reset</a>',
    "track_clicks": False,
}
_SENDING: dict[str, Any] = {
    "recipient": "jo@example.org",
    "tags": {"PASSWORD_LINK": "https://acme.com/reset/7f3a"},
    "headers": {"X-Order": "42"},
}


class MessageFields(Body):
    """What can be set on a message besides what it must have; null stands for its default."""

    status: Literal["active", "inactive"] | None = None
    from_name: str | None = None
    reply_to: str | None = None
    content: Literal["internal", "external"] | None = None
    html: str | None = None
    text: str | None = None
    track_opens: bool | None = None
    track_clicks: bool | None = None


class MessageIn(MessageFields):
    """A new message; internal content needs `html` or `text`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str
    audience_id: str
    from_email: str
    subject: str


class MessageChange(MessageFields):
    """A merge patch of a message."""

    name: str = ""
    audience_id: str = ""
    from_email: str = ""
    subject: str = ""


class MessageOut(BaseModel):
    """A message."""

    id: UUID
    uid: str
    name: str
    status: str
    audience_id: UUID
    from_email: str
    from_name: str
    reply_to: str | None
    subject: str
    content: str
    html: str | None
    text: str | None
    track_opens: bool
    track_clicks: bool
    created_at: Time
    updated_at: Time


class SendIn(Body):
    """One mail of a message; `html` and `text` are those of external content."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SENDING]})

    recipient: str
    subject: str | None = None
    tags: dict[str, Plain] | None = None
    headers: dict[str, str] | None = None
    html: str | None = None
    text: str | None = None
    fields: dict[str, Any] | None = None


class SentOut(BaseModel):
    """A mail that is durable."""

    email_id: str
    contact_id: UUID | None
    accepted_at: Time


@router.get("")
async def list_messages(
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting("created_at")],
    *,
    audience_id: Annotated[str, Query(max_length=64, description="UUID or uid of an audience.")] = "",
    q: Annotated[str, Query(max_length=255, description="Part of the name, ignoring case.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[MessageOut]:
    """List the messages by creation."""
    account_id, text = caller.account_id, q or None
    audience = number_of(Noun.AUDIENCE, named(audience_id) or "") or 0 if audience_id else None
    rows = await transactional.list_page(
        read,
        account_id,
        audience_id=audience,
        text=text,
        after_id=key_of(cursor) or 0,
        descending=order.descending,
        limit=limit + 1,
    )
    total = await transactional.count(read, account_id, audience_id=audience, text=text) if count else None
    page = page_of(rows, limit, lambda row: cursor_after(row.id), _shown, total)
    return Page[MessageOut].model_validate(page)


@router.post("", status_code=201)
async def create_message(body: MessageIn, caller: Writer, write: Write, response: Response) -> MessageOut:
    """Make a message; from now on it can be sent, unless `status` says otherwise."""
    changes: dict[str, Any] = {**_changes(body)}
    message = await transactional.create(write, caller.account_id, **changes)
    response.headers["Location"] = f"/api/trireme/v1/transactional-messages/{uuid(Noun.TRANSACTIONAL, message.id)}"
    return _shown(message)


@router.get("/{id}")
async def show_message(id: Id, caller: Reader, read: Read) -> MessageOut:
    """Show a message."""
    return _shown(await transactional.get(read, caller.account_id, which(id)))


@router.patch("/{id}")
async def change_message(id: Id, body: MessageChange, caller: Writer, write: Write) -> MessageOut:
    """Change what is given; mail that was accepted before stays as it was."""
    return _shown(await transactional.change(write, caller.account_id, which(id), **_changes(body)))


@router.delete("/{id}", status_code=204)
async def delete_message(id: Id, caller: Writer, write: Write) -> None:
    """Delete a message; what was sent stays."""
    await transactional.delete(write, caller.account_id, which(id))


@router.post("/{id}/send", status_code=202)
async def send(
    id: Id,
    *,
    body: SendIn,
    request: Request,
    caller: SendCaller,
    write: Write,
    runtime: RuntimeDep,
) -> SentOut:
    """Send a message to one recipient; mail, contact and `Idempotency-Key` are durable together."""
    message = await transactional.get(write, caller.account_id, which(id))
    sending, settings = _sending(body), runtime.settings

    async def attempt(author: Author) -> Sent:
        return await transactional.send(
            write,
            author,
            message,
            sending,
            site=Site.of(settings),
            received_at=runtime.clock.now(),
            default_cap=settings.quota.default_monthly,
        )

    sent = await _approved(written_by(request, runtime, caller, attempt))
    return SentOut(
        email_id=email_id(sent.accepted_at, sent.message_id, settings.node_name),
        contact_id=uuid(Noun.CONTACT, sent.contact_id) if sent.contact_id is not None else None,
        accepted_at=sent.accepted_at,
    )


async def _approved(sending: Awaitable[Sent]) -> Sent:
    """Return what was sent; a sender that is not approved is a bad value here, not a state.

    Raises:
        Conflict: The message is not active; carries that state.
        Invalid: As the core has it, or the sender is not approved.
    """
    try:
        return await sending
    except Conflict as error:
        if error.state != Hindrance.SENDER:
            raise
        fault = FieldFault("from_email", Fault.NOT_APPROVED, "of the message is not an approved sender")
        raise Invalid([fault]) from None


def _sending(body: SendIn) -> Sending:
    """Return what a body asks for.

    Raises:
        Invalid: It has a header line that may not be set.
    """
    headers = list((body.headers or {}).items())
    faults = [
        FieldFault(f"headers.{name[:100]}", Fault.INVALID, "may not be set")
        for name, value in headers
        if not transactional.is_allowed(name, value)
    ]
    if faults:
        raise Invalid(faults)
    return Sending(
        recipient=body.recipient,
        subject=body.subject,
        tags=as_texts(body.tags),
        headers=headers,
        html=body.html,
        text=body.text,
        fields=body.fields or {},
    )


def _changes(body: MessageIn | MessageChange) -> Changes:
    """Return what a body sets, in the core's words.

    Raises:
        Invalid: `audience_id` names nothing that could exist.
    """
    values = {
        name: _DEFAULTS[name] if value is None and name in _DEFAULTS else value for name, value in given(body).items()
    }
    if "audience_id" in values:
        number = number_of(Noun.AUDIENCE, named(values["audience_id"]) or "")
        if number is None:
            raise Invalid([FieldFault("audience_id", Fault.NOT_FOUND, "names an audience that does not exist")])
        values["audience_id"] = number
    for name in values.keys() & {"name", "from_email", "reply_to"}:
        values[name] = values[name].strip()
    changes = Changes()
    changes.update(values)  # type: ignore[typeddict-item]  # the body has no other names
    return changes


def _shown(message: TransactionalMessage) -> MessageOut:
    return MessageOut(
        id=uuid(Noun.TRANSACTIONAL, message.id),
        uid=uid(Noun.TRANSACTIONAL, message.id),
        name=message.name,
        status=message.status,
        audience_id=uuid(Noun.AUDIENCE, message.audience_id),
        from_email=message.from_email,
        from_name=message.from_name,
        reply_to=message.reply_to or None,
        subject=message.subject,
        content=message.content,
        html=message.html or None,
        text=message.text or None,
        track_opens=message.track_opens,
        track_clicks=message.track_clicks,
        created_at=message.created_at,
        updated_at=message.updated_at or message.created_at,
    )

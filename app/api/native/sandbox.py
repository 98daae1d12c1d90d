"""`/sandbox`: the mail that was sent, for people to look at. Source: docs/contract/native.md, 18, "Sandbox inbox"."""

import asyncio
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from app.api.native.auth import Reader, Writer
from app.api.native.paging import DEFAULT_LIMIT, Counted, Cursor, Limit, Page, cursor_after, key_of
from app.api.native.times import Time
from app.core import sandbox
from app.core.accounts import Caller
from app.core.errors import NotFound
from app.core.sandbox import Found, Search
from app.dependencies import Read, RuntimeDep, Write
from app.models.account import Role

_Part = Annotated[str, Query(max_length=320)]
_UUID_FRAME = 0x8 << 76 | 0x2 << 62
_KEY_LIMIT = 1 << 62


def _public_id(key: int) -> UUID:
    # Version 8 (RFC 9562, 5.8) is ours to fill: the number stands in its last 62 bits.
    return UUID(int=_UUID_FRAME | key)


def _key_of(public_id: UUID) -> int:
    key = public_id.int ^ _UUID_FRAME
    if key >= _KEY_LIMIT:
        raise NotFound("there is no such mail in the sandbox")
    return key


async def _routed_here(runtime: RuntimeDep, caller: Reader) -> None:
    del caller  # the key comes first: without one the answer is 401, whatever the route
    if runtime.settings.delivery.route != "sandbox":
        raise NotFound("outgoing mail does not go to the sandbox")


router = APIRouter(prefix="/sandbox", tags=["Sandbox"], dependencies=[Depends(_routed_here)])


class EnvelopeOut(BaseModel):
    """What SMTP was told."""

    from_: str = Field(alias="from")
    recipients: list[str]


class SandboxMessageOut(BaseModel):
    """One mail, in the list."""

    id: UUID
    email_id: str | None
    envelope: EnvelopeOut
    from_: str = Field(alias="from")
    subject: str
    size: int
    created_at: Time


class HeaderOut(BaseModel):
    """One header line, decoded."""

    name: str
    value: str


class PartOut(BaseModel):
    """One leaf of the MIME tree; `text` of text parts only."""

    content_type: str
    filename: str | None
    size: int
    text: str | None


class SandboxMessageDetailOut(SandboxMessageOut):
    """One mail, taken apart."""

    headers: list[HeaderOut]
    parts: list[PartOut]


def _whose(caller: Caller) -> int | None:
    return None if caller.role == Role.ADMIN else caller.account_id


def _shown(found: Found) -> dict[str, object]:
    return {
        "id": _public_id(found.id),
        "email_id": found.email_id or None,
        "envelope": {"from": found.envelope_from, "recipients": found.recipients},
        "from": found.from_header,
        "subject": found.subject,
        "size": found.size,
        "created_at": found.received_at,
    }


@router.get("/messages", response_model_exclude_unset=True)
async def messages(
    caller: Reader,
    read: Read,
    *,
    to: _Part = "",
    from_: Annotated[str, Query(alias="from", max_length=320)] = "",
    subject: _Part = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[SandboxMessageOut]:
    """List the mail in the sandbox, newest first; filters match a part of the value, ignoring case."""
    search = Search(to=to, sender=from_, subject=subject)
    found = await sandbox.page(read, _whose(caller), search, before_id=key_of(cursor), limit=limit + 1)
    shown, has_more = found[:limit], len(found) > limit
    listed: dict[str, object] = {
        "data": [_shown(one) for one in shown],
        "next_cursor": cursor_after(shown[-1].id) if has_more else None,
        "has_more": has_more,
    }
    if count:
        listed["total"] = await sandbox.count(read, _whose(caller), search)
    return Page[SandboxMessageOut].model_validate(listed)


@router.get("/messages/{message_id}")
async def message(caller: Reader, read: Read, message_id: UUID) -> SandboxMessageDetailOut:
    """Show one mail: envelope, decoded header lines in order, parts with their text."""
    found = await sandbox.get(read, _whose(caller), _key_of(message_id))
    content = await asyncio.to_thread(sandbox.content_of, found.raw)
    return SandboxMessageDetailOut.model_validate(
        {
            **_shown(found),
            "headers": [{"name": name, "value": value} for name, value in content.headers],
            "parts": [asdict(part) for part in content.parts],
        }
    )


@router.get("/messages/{message_id}/raw", response_class=Response, responses={200: {"content": {"message/rfc822": {}}}})
async def raw(caller: Reader, read: Read, message_id: UUID) -> Response:
    """Return one mail as its bytes."""
    found = await sandbox.get(read, _whose(caller), _key_of(message_id))
    # Foreign bytes: never to be rendered by a browser as anything else.
    return Response(found.raw, media_type="message/rfc822", headers={"X-Content-Type-Options": "nosniff"})


@router.delete("/messages", status_code=204)
async def clear(caller: Writer, write: Write) -> None:
    """Throw away all mail in the sandbox that the account sees."""
    await sandbox.clear(write, _whose(caller))

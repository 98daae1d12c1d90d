"""`/messages`: recipient copies and what became of them. Source: docs/contract/native.md, 12."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.native.auth import Reader
from app.api.native.email_names import (
    MAX_EMAIL_ID,
    CampaignId,
    Recipient,
    SenderId,
    campaign_of,
    recipient_of,
    shown_email_id,
    shown_uuid,
)
from app.api.native.event_rows import EventOut, event_out
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_of,
    numbers_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.times import Moment, Time
from app.core import events, reports
from app.core.accounts import Caller
from app.core.errors import NotFound
from app.core.events import COPY_NUMBERS
from app.core.messages import Attempt, attempts_of
from app.core.reports import CopyFilter, CopyPlace, CopyState
from app.dependencies import Read, RuntimeDep
from app.kit.uids import Noun
from app.models.message import Kind, State
from app.settings import Settings

router = native_router("/messages", "Messages and events")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())
_PLACE_ENDS = (_LAST_SECOND, 1000, COPY_NUMBERS)


class MessageOut(BaseModel):
    """One copy for one recipient."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email_id": "20161122000000.0000125a8749@mail-1",
                    "account_id": "4d1b9220-5a43-11e6-ae4a-6e8264809144",
                    "user_id": 21,
                    "sender_id": 17,
                    "from": "news@example.com",
                    "recipient": "jo@example.org",
                    "subject": "Hello",
                    "kind": "send",
                    "campaign_id": None,
                    "contact_id": None,
                    "status": "delivered",
                    "x_headers": {"X-Campaign": "spring"},
                    "blocked_reason": None,
                    "possible_duplicate": False,
                    "accepted_at": "2016-11-22T00:00:00.000Z",
                    "delivered_at": "2016-11-22T00:00:01.000Z",
                    "bounced_at": None,
                    "finished_at": "2016-11-22T00:00:01.000Z",
                    "opens": 2,
                    "clicks": 1,
                }
            ]
        }
    )

    email_id: str
    account_id: UUID
    user_id: int
    sender_id: int
    from_: str = Field(alias="from")
    recipient: str
    subject: str | None
    kind: Kind
    campaign_id: UUID | None
    contact_id: UUID | None
    status: State
    x_headers: dict[str, str]
    blocked_reason: str | None
    possible_duplicate: bool
    accepted_at: Time
    delivered_at: Time | None
    bounced_at: Time | None
    finished_at: Time | None
    opens: int
    clicks: int


class AttemptOut(BaseModel):
    """One attempt to deliver a copy."""

    attempt: int = Field(description="From 1; 0 where another system made it.")
    time: Time
    outcome: str
    host: str
    code: int = Field(description="SMTP reply code, 0 without a reply.")
    enhanced_code: str
    reply: str
    milliseconds: int


class MessageDetailOut(MessageOut):
    """One copy with all that happened to it."""

    attempts: list[AttemptOut]
    events: list[EventOut]


@router.get("")
async def list_messages(
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    order: Annotated[Order, sorting("accepted_at", default="accepted_at")],
    *,
    recipient: Recipient = None,
    domain: Annotated[str | None, Query(max_length=255, description="Of the recipient, ignoring case.")] = None,
    sender_id: SenderId = None,
    campaign_id: CampaignId = None,
    status: State | None = None,
    kind: Kind | None = None,
    x_header: Annotated[str | None, Query(max_length=700, description="`X-Name:value`.")] = None,
    start: Moment | None = None,
    end: Moment | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[MessageOut]:
    """List recipient copies by their acceptance; `sort=-accepted_at` has the newest first."""
    wanted = CopyFilter(
        recipient=recipient_of(recipient),
        domain=_domain_of(domain),
        sender_id=sender_id,
        campaign_id=campaign_of(campaign_id),
        state=status,
        kind=kind,
        x_header=_x_header_of(x_header),
        start=start,
        end=end,
    )
    found = await reports.list_copies(
        read, caller.account_id, wanted, after=_place(cursor), descending=order.descending, limit=limit + 1
    )
    total = await reports.count_copies(read, caller.account_id, wanted) if count else None
    page = page_of(found, limit, _cursor_behind, lambda copy: _shown(runtime.settings, caller, copy), total)
    return Page[MessageOut].model_validate(page)


@router.get("/{email_id:path}")
async def get_message(
    email_id: Annotated[str, Path(max_length=MAX_EMAIL_ID)], caller: Reader, read: Read, runtime: RuntimeDep
) -> MessageDetailOut:
    """Return one copy with its attempts and events.

    Raises:
        NotFound: The account has no such copy.
    """
    key = await reports.find_copy(read, caller.account_id, email_id) if "\0" not in email_id else None
    copy = await reports.get_copy(read, caller.account_id, key) if key is not None else None
    if key is None or copy is None:
        raise NotFound("no such message")
    happened = await events.events_of(read, caller.account_id, *key)
    return MessageDetailOut.model_validate(
        {
            **_shown(runtime.settings, caller, copy),
            "attempts": [attempt_out(one) for one in (await attempts_of(read, [key])).get(key[0], ())],
            "events": [event_out(runtime.settings, one) for one in happened],
        }
    )


def attempt_out(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as `AttemptOut` has it."""
    return {
        "attempt": attempt.attempt,
        "time": attempt.attempted_at,
        "outcome": attempt.outcome,
        "host": attempt.host,
        "code": attempt.code,
        "enhanced_code": attempt.enhanced,
        "reply": attempt.reply,
        "milliseconds": attempt.duration_ms,
    }


def _shown(settings: Settings, caller: Caller, copy: CopyState) -> dict[str, Any]:
    return {
        "email_id": shown_email_id(settings, copy.message_id, copy.second, copy.foreign_id),
        "account_id": caller.public_id,
        "user_id": copy.account_id,
        "sender_id": copy.sender_id,
        "from": copy.sender,
        "recipient": copy.recipient,
        "subject": copy.subject,
        "kind": copy.kind,
        "campaign_id": shown_uuid(Noun.CAMPAIGN, copy.campaign_id),
        "contact_id": shown_uuid(Noun.CONTACT, copy.contact_id),
        "status": copy.state,
        "x_headers": copy.x_headers or {},
        "blocked_reason": copy.blocked_reason,
        "possible_duplicate": copy.possible_duplicate,
        "accepted_at": copy.accepted_at,
        "delivered_at": copy.delivered_at,
        "bounced_at": copy.bounced_at,
        "finished_at": copy.finished_at,
        "opens": copy.opens,
        "clicks": copy.clicks,
    }


def _domain_of(text: str | None) -> str | None:
    if text is not None and "\0" in text:
        raise HTTPException(400, "domain is not a domain")
    return None if text is None else text.strip().lower().removeprefix("@")


def _x_header_of(text: str | None) -> tuple[str, str] | None:
    """Return name and value of an X-header filter.

    Raises:
        HTTPException: 400, it has another form.
    """
    if text is None:
        return None
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\0" in text:
        raise HTTPException(400, "x_header must be X-Name:value")
    return name.strip(), value.strip()


def _cursor_behind(copy: CopyState) -> str:
    second, milliseconds, message_id = copy.place
    return cursor_of([int((second - _EPOCH).total_seconds()), milliseconds, message_id])


def _place(cursor: str) -> CopyPlace | None:
    """Return the place in a cursor; None for "".

    Raises:
        HTTPException: 400, it is none of ours.
    """
    values = numbers_of(cursor, _PLACE_ENDS)
    return None if values is None else CopyPlace(_EPOCH + timedelta(seconds=values[0]), values[1], values[2])

"""Contacts as they are shown, asked for and filtered. Source: docs/contract/native.md, 6."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, HTTPException, Query
from pydantic import BaseModel, Field

from app.api.native.bodies import Body
from app.api.native.ids import which
from app.api.native.paging import Order, cursor_of, values_of
from app.api.native.times import Moment, Time
from app.core import segments
from app.core.contacts import MAX_TAGS, Activity, Contact, ContactStatus
from app.core.errors import NotFound
from app.core.messages import email_id
from app.core.segments import ContactFilter, Position, Sort
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun, uid, uuid
from app.settings import Settings

MAX_FIELDS = 500
MAX_TEXT = 1000
SORTS = tuple(str(sort) for sort in Sort)
Text = Annotated[str | None, Query(max_length=MAX_TEXT)]
Value = str | int | float | bool | None
Values = Annotated[dict[str, Value], Field(max_length=MAX_FIELDS, description="Values by tag; null clears.")]
Tags = Annotated[list[str], Field(max_length=MAX_TAGS)]


class ContactIn(Body):
    """A new contact."""

    email: str
    fields: Values = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list)
    status: ContactStatus | None = Field(
        default=None, description="`subscribed`, `unconfirmed` or `unsubscribed`; by default what the audience does."
    )
    skip_confirmation: bool = False


class ContactChange(Body):
    """A merge patch of a contact: fields are merged, tags replaced."""

    email: str = ""
    fields: Values = Field(default_factory=dict)
    tags: Tags | None = None


class TagsIn(Body):
    """Tags to add."""

    tags: Annotated[list[str], Field(min_length=1, max_length=MAX_TAGS)]


class EventIn(Body):
    """What a contact did."""

    name: str
    properties: dict[str, Any] = Field(default_factory=dict)
    occurred_at: Moment | None = None


class ContactOut(BaseModel):
    """A contact."""

    id: UUID
    uid: str
    number: int
    audience_id: UUID
    email: str
    status: str
    source: str | None
    ip_address: str | None
    tags: list[str]
    fields: dict[str, str]
    subscribed_at: Time | None
    unsubscribed_at: Time | None
    created_at: Time
    updated_at: Time


class ContactEventOut(BaseModel):
    """An event of a contact that was recorded."""

    contact_id: UUID
    name: str
    properties: dict[str, Any]
    occurred_at: Time


class ActivityOut(BaseModel):
    """One thing that happened to a contact or that it did."""

    type: str
    occurred_at: Time
    email_id: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a request, as they came."""

    filter: ContactFilter
    segment_id: str | None


async def _asked(
    *,
    status: Annotated[ContactStatus | None, Query()] = None,
    tag: Text = None,
    email: Text = None,
    q: Annotated[str | None, Query(max_length=MAX_TEXT, description="Part of the address or the name.")] = None,
    segment_id: Text = None,
    source: Text = None,
    created_after: Annotated[Moment | None, Query()] = None,
    created_before: Annotated[Moment | None, Query()] = None,
) -> Asked:
    wanted = ContactFilter(
        status=status,
        tag=_clean(tag),
        email=email and email.strip().lower(),
        q=_clean(q) or None,
        source=_clean(source),
        created_after=created_after,
        created_before=created_before,
    )
    return Asked(wanted, segment_id)


Filters = Annotated[Asked, Depends(_asked)]
"""The filters of a list of contacts."""


def _clean(text: str | None) -> str | None:
    return None if text is None else text.strip()


async def filter_of(read: ReadSession, account_id: int, audience_id: int, asked: Asked) -> ContactFilter:
    """Return the filter that a request asks for.

    Raises:
        HTTPException: 400, the audience has no such segment.
    """
    if asked.segment_id is None:
        return asked.filter
    try:
        segment = await segments.get(read, account_id, audience_id, which(asked.segment_id))
    except NotFound:
        raise HTTPException(400, "segment_id is not a segment of the audience") from None
    given = {name: getattr(asked.filter, name) for name in ContactFilter.__slots__}
    return ContactFilter(**{**given, "segment": segments.definition(segment)})


def position_of(cursor: str, order: Order) -> Position | None:
    """Return where the page before ended.

    Raises:
        HTTPException: 400, the cursor is not one of this order.
    """
    values = values_of(cursor)
    if values is None:
        return None
    kind = str if order.by == Sort.EMAIL else int
    if len(values) != 2 or not isinstance(values[0], kind) or not isinstance(values[1], int):  # noqa: PLR2004 as below
        raise HTTPException(400, "bad cursor")
    return values[0], values[1]


def cursor_behind(contact: Contact, order: Order) -> str:
    """Return the cursor behind a contact."""
    return cursor_of(segments.position_of(contact, Sort(order.by)))


def shown(contact: Contact) -> ContactOut:
    """Return a contact as it is shown."""
    fields: Mapping[str, Any] = contact.fields
    return ContactOut(
        id=uuid(Noun.CONTACT, contact.id),
        uid=uid(Noun.CONTACT, contact.id),
        number=contact.id,
        audience_id=uuid(Noun.AUDIENCE, contact.audience_id),
        email=contact.address,
        status=contact.status,
        source=contact.source,
        ip_address=contact.ip_address,
        tags=contact.tags,
        fields={tag: str(value) for tag, value in fields.items() if value is not None},
        subscribed_at=contact.subscribed_at,
        unsubscribed_at=contact.unsubscribed_at,
        created_at=contact.created_at,
        updated_at=contact.updated_at,
    )


def activity_shown(one: Activity, settings: Settings) -> ActivityOut:
    """Return something that happened as it is shown."""
    copy = None
    if one.message_id is not None and one.accepted_at is not None:
        copy = email_id(one.accepted_at, one.message_id, settings.node_name)
    return ActivityOut(type=one.type, occurred_at=one.occurred_at, email_id=copy, data=dict(one.data or {}))

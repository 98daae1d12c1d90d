"""Where each kind of event stands, and what it tells. Imports models and the siblings `happenings` and `ids`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, case, cast, func, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB

from app.core.events.ids import FOREIGN_ATTEMPT, LEASE_BITS, Source
from app.models.attempt import Attempt
from app.models.bounce import Bounce
from app.models.click import Click
from app.models.complaint import Complaint
from app.models.contact_event import ContactEvent
from app.models.domain_event import DomainEvent, EventType
from app.models.issue import Issue
from app.models.message import Message
from app.models.opens import Open
from app.models.unsubscription import Unsubscription

MAX_TEXT = 2000
"""Characters of another server's words that an event tells."""
NONE = cast(0, BigInteger)
"""The number of a place that has none."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a place has: its moment, its numbers, and what it tells.

    Attributes:
        at: When it happened.
        copy: Id of the copy in the event's id, `NONE` for events of no copy.
        row: What tells it from others of the copy.
        message_id: The copy it is about, or that led to it.
        accepted_at: Partition of the copy.
        sender_id: Of the copy.
        data: What else is told.
        account_id: Whose.
        type: Of the event, where a place has several.
        recipient: Whom it is about, where no copy tells.
        contact_id: The contact it is about, where no copy tells.
        audience_id: That contact's audience.
    """

    at: Any
    copy: Any
    row: Any
    message_id: Any
    accepted_at: Any
    sender_id: Any
    data: Any
    account_id: Any
    type: Any = None
    recipient: Any = None
    contact_id: Any = None
    audience_id: Any = None


def _object(**members: Any) -> Any:
    parts = [part for name, value in members.items() for part in (literal(name), value)]
    return func.jsonb_build_object(*parts, type_=JSONB)


def _accepted() -> Columns:
    at = Message.accepted_at + func.make_interval(0, 0, 0, 0, 0, 0, cast(Message.accepted_ms, BigInteger) * 0.001)
    data = _object(kind=Message.kind, x_headers=Message.x_headers)
    return _of_message(at, data)


def _of_message(at: Any, data: Any, *, copy: Any = None) -> Columns:
    return Columns(
        at=at,
        copy=Message.id,
        row=NONE if copy is None else copy,
        message_id=Message.id,
        accepted_at=Message.accepted_at,
        sender_id=Message.sender_id,
        data=data,
        account_id=Message.account_id,
    )


def _delivered() -> Columns:
    return _of_message(Message.delivered_at, _object(possible_duplicate=Message.possible_duplicate))


def _blocked() -> Columns:
    accepted = _accepted().at
    at = func.greatest(accepted, func.coalesce(Message.finished_at, accepted))
    return _of_message(at, _object(blocked_reason=Message.blocked_reason))


def _deferred() -> Columns:
    foreign = literal(FOREIGN_ATTEMPT, BigInteger) - Attempt.lease_id
    own = cast(Attempt.attempt, BigInteger) * literal(1 << LEASE_BITS, BigInteger) + Attempt.lease_id
    row = case((Attempt.lease_id < 0, foreign), else_=own)
    data = _object(
        attempt=Attempt.attempt,
        code=Attempt.enhanced,
        smtp_code=Attempt.code,
        diagnostic=func.left(Attempt.reply, MAX_TEXT),
        host=Attempt.host,
    )
    return _of_message(Attempt.attempted_at, data, copy=row)


def _bounced() -> Columns:
    data = _object(
        bounce_type=Bounce.bounce_type,
        category=Bounce.category,
        code=Bounce.code,
        diagnostic=func.left(Bounce.diagnostic, MAX_TEXT),
        regex_name=Bounce.regex_name,
    )
    return _of_companion(Bounce, Bounce.bounced_at, NONE, data)


def _of_companion(model: Any, at: Any, row: Any, data: Any) -> Columns:
    return Columns(
        at=at,
        copy=model.message_id,
        row=row,
        message_id=model.message_id,
        accepted_at=model.accepted_at,
        sender_id=model.sender_id,
        data=data,
        account_id=model.account_id,
    )


def _opened() -> Columns:
    data = _object(ip=Open.ip, user_agent=Open.user_agent, machine=Open.machine)
    return _of_companion(Open, Open.occurred_at, Open.id, data)


def _clicked() -> Columns:
    data = _object(ip=Click.ip, user_agent=Click.user_agent, machine=Click.machine, url=Click.url, link=Click.link)
    return _of_companion(Click, Click.occurred_at, Click.id, data)


def _complained() -> Columns:
    return _of_companion(Complaint, Complaint.complained_at, NONE, _object(source=Complaint.source))


def _unsubscribed() -> Columns:
    data = _object(means=Unsubscription.means, ip=Unsubscription.ip, user_agent=Unsubscription.user_agent)
    return _of_companion(Unsubscription, Unsubscription.occurred_at, Unsubscription.id, data)


def _refused() -> Columns:
    return Columns(
        at=Issue.occurred_at,
        copy=NONE,
        row=Issue.id,
        message_id=null(),
        accepted_at=null(),
        sender_id=null(),
        data=_object(
            issue_type=Issue.issue_type,
            description=func.left(Issue.description, MAX_TEXT),
            sender=func.left(Issue.sender, MAX_TEXT),
            x_headers=Issue.x_headers,
        ),
        account_id=Issue.account_id,
        recipient=Issue.address,
    )


def _told() -> Columns:
    one = ContactEvent.id == cast(DomainEvent.data["event_id"].astext, BigInteger)
    mine = ContactEvent.account_id == DomainEvent.account_id
    properties = select(ContactEvent.properties).where(one, mine).scalar_subquery()
    data = func.coalesce(DomainEvent.data, cast({}, JSONB), type_=JSONB)
    with_properties = data.op("||", return_type=JSONB())(_object(properties=properties))
    return Columns(
        at=DomainEvent.occurred_at,
        copy=NONE,
        row=DomainEvent.id,
        message_id=DomainEvent.message_id,
        accepted_at=DomainEvent.accepted_at,
        sender_id=null(),
        data=case((DomainEvent.type == EventType.CONTACT_EVENT.value, with_properties), else_=data),
        account_id=DomainEvent.account_id,
        type=DomainEvent.type,
        recipient=DomainEvent.address,
        contact_id=DomainEvent.contact_id,
        audience_id=DomainEvent.audience_id,
    )


PLACES: Mapping[Source, Callable[[], Columns]] = {
    Source.ACCEPTED: _accepted,
    Source.DEFERRED: _deferred,
    Source.DELIVERED: _delivered,
    Source.BLOCKED: _blocked,
    Source.BOUNCED: _bounced,
    Source.OPENED: _opened,
    Source.CLICKED: _clicked,
    Source.COMPLAINED: _complained,
    Source.UNSUBSCRIBED: _unsubscribed,
    Source.REFUSED: _refused,
    Source.TOLD: _told,
}
"""By source."""

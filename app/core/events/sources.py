"""One statement for each place in which events stand. Imports models and its siblings.

Every statement gives the same columns: `occurred_at`, `copy`, `part` (the number within the copy), `message_id`,
`accepted_at`, `sender_id`, `type`, `recipient`, `contact_id`, `audience_id`, `data`; filtered, in the order of time,
and no more than a page. What a page lacks is looked up for it afterwards (`finishing`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from app.core.events.happenings import SOURCE_OF, Copies, EventFilter
from app.core.events.ids import EventId, Position, Source
from app.core.events.places import NONE, PLACES, Columns
from app.models.attempt import Attempt
from app.models.bounce import Bounce
from app.models.click import Click
from app.models.complaint import Complaint
from app.models.domain_event import DomainEvent
from app.models.issue import Issue
from app.models.message import Message
from app.models.opens import Open
from app.models.run import Run
from app.models.unsubscription import Unsubscription

_BY_NUMBER = frozenset({Source.OPENED, Source.CLICKED, Source.UNSUBSCRIBED})
"""Those of which a copy has many rows, each with a number that an index has."""
_TYPE_OF = {source: type_ for type_, source in SOURCE_OF.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """What every statement is given.

    Attributes:
        account_id: Whose events.
        filter: Which.
        copies: Only of these copies; None: of any.
        after: The place behind which the page begins; None: at the start.
        descending: Whether the newest come first.
        limit: Most rows.
        accepted_from: Only copies accepted then or later are looked at; for events that stand in the ledger itself.
        accepted_to: Only copies accepted then or before.
        exactly: Only the row of this number.
    """

    account_id: int
    filter: EventFilter
    copies: Copies | None = None
    after: Position | None = None
    descending: bool = True
    limit: int = 50
    accepted_from: datetime | None = None
    accepted_to: datetime | None = None
    exactly: int | None = None


def statement(source: Source, question: Question) -> Select[Any]:
    """Return the statement for the events of one source."""
    columns = PLACES[source]()
    conditions = [columns.account_id == question.account_id, *_in_time(source, columns, question)]
    given = question.filter
    if given.sender_id is not None:
        conditions.append(columns.sender_id == given.sender_id)
    if question.copies is not None:
        conditions += _of_copies(columns, question.copies)
    if question.exactly is not None:
        conditions.append(columns.row == question.exactly)
    conditions += _MORE.get(source, _nothing_more)(columns, question)
    query = _selected(source, columns)
    # Acceptance in the two columns it has, which an index gives in order.
    moment = [Message.accepted_at, Message.accepted_ms] if source is Source.ACCEPTED else [columns.at]
    order = [*moment, *([] if columns.copy is NONE else [columns.copy]), columns.row]
    ordered = [one.desc() if question.descending else one.asc() for one in order]
    return query.where(*conditions).order_by(*ordered).limit(question.limit)


def rows_of(source: Source, ids: Sequence[EventId], moments: Sequence[datetime]) -> Select[Any]:
    """Return the statement for the rows of events of one source, of whatever account, and perhaps of some more.

    Args:
        source: Of all these events.
        ids: Which.
        moments: Partition of each: of its copy, or the event's own moment where it is about no copy.
    """
    columns = PLACES[source]()
    conditions: list[ColumnElement[bool]] = []
    if source is not Source.REFUSED:  # the only place that has no partitions
        moment = columns.at if source is Source.TOLD else columns.accepted_at
        conditions.append(moment == any_(cast(list(dict.fromkeys(moments)), ARRAY(TIMESTAMP(timezone=True)))))
    if source in {Source.REFUSED, Source.TOLD}:
        conditions.append(columns.row == any_(cast([one.row for one in ids], ARRAY(BigInteger))))
    else:
        conditions.append(columns.message_id == any_(cast([one.copy for one in ids], ARRAY(BigInteger))))
    if source in _BY_NUMBER:
        conditions.append(columns.row == any_(cast([one.row for one in ids], ARRAY(BigInteger))))
    return _selected(source, columns).where(*conditions)


def _selected(source: Source, columns: Columns) -> Select[Any]:
    query = select(
        columns.at.label("occurred_at"),
        columns.copy.label("copy"),
        columns.row.label("part"),
        columns.account_id.label("account_id"),
        columns.message_id.label("message_id"),
        columns.accepted_at.label("accepted_at"),
        columns.sender_id.label("sender_id"),
        (literal(_TYPE_OF[source]) if columns.type is None else columns.type).label("type"),
        (null() if columns.recipient is None else columns.recipient).label("recipient"),
        (null() if columns.contact_id is None else columns.contact_id).label("contact_id"),
        (null() if columns.audience_id is None else columns.audience_id).label("audience_id"),
        columns.data.label("data"),
    )
    if source is Source.DEFERRED:
        joined = and_(Attempt.message_id == Message.id, Attempt.accepted_at == Message.accepted_at)
        query = query.select_from(Message).join(Attempt, joined)
    return query


def _in_time(source: Source, columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    """Return the conditions of the range, and of the place behind which the page begins."""
    at, given, after = columns.at, question.filter, question.after
    found = []
    if given.start is not None:
        found.append(at >= given.start)
    if given.end is not None:
        found.append(at < given.end)
    if after is None:
        return found
    if source != after.source:
        comes_later = (source < after.source) if question.descending else (source > after.source)
        if question.descending:
            return [*found, at <= after.at if comes_later else at < after.at]
        return [*found, at >= after.at if comes_later else at > after.at]
    here, there = tuple_(at, columns.copy, columns.row), tuple_(after.at, after.copy, after.row)
    if question.descending:
        return [*found, at <= after.at, here < there]
    return [*found, at >= after.at, here > there]


def _of_copies(columns: Columns, copies: Copies) -> list[ColumnElement[bool]]:
    ids = cast(list(copies.ids), ARRAY(BigInteger))
    moments = cast(list(dict.fromkeys(copies.accepted_ats)), ARRAY(TIMESTAMP(timezone=True)))
    return [columns.message_id == any_(ids), columns.accepted_at == any_(moments)]


def _runs(question: Question) -> Select[Any]:
    wanted = (Run.campaign_id == question.filter.campaign_id) & (Run.account_id == question.account_id)
    return select(Run.id).where(wanted)


def _nothing_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    del columns, question
    return []


def _of_ledger(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    """Return what narrows the walk over copies: it is in the order of their acceptance."""
    found = []
    if question.accepted_from is not None:
        found.append(Message.accepted_at >= question.accepted_from)
    if question.accepted_to is not None:
        found.append(Message.accepted_at <= question.accepted_to)
    if question.filter.campaign_id is not None:
        found.append(Message.run_id.in_(_runs(question)))
    del columns
    return found


def _accepted_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    """Return the same range for the second of acceptance, which an index has."""
    second, after, given = timedelta(seconds=1), question.after, question.filter
    found = _of_ledger(columns, question)
    if given.start is not None:
        found.append(Message.accepted_at > given.start - second)
    if given.end is not None:
        found.append(Message.accepted_at < given.end)
    if after is not None:
        found.append(
            Message.accepted_at <= after.at if question.descending else Message.accepted_at > after.at - second
        )
    return found


def _delivered_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    return [*_of_ledger(columns, question), Message.delivered_at.is_not(None)]


def _blocked_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    return [*_of_ledger(columns, question), Message.blocked_reason.is_not(None)]


def _deferred_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    # A copy that went at its first attempt has no other, which spares a look at almost all of them.
    tried = or_(Message.attempts != 1, Message.delivered_at.is_(None))
    return [*_of_ledger(columns, question), tried, Attempt.outcome == "deferred"]


def _of_visit(model: Any) -> Callable[[Columns, Question], list[ColumnElement[bool]]]:
    def more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
        del columns
        return [] if question.filter.campaign_id is None else [model.run_id.in_(_runs(question))]

    return more


def _bounced_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    del columns
    if question.filter.campaign_id is None:
        return []
    copy = (Message.id == Bounce.message_id) & (Message.accepted_at == Bounce.accepted_at)
    return [select(1).where(copy, Message.run_id.in_(_runs(question))).exists()]


def _refused_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    del columns
    recipient = question.filter.recipient
    return [] if recipient is None else [func.lower(Issue.address) == recipient]


def _told_more(columns: Columns, question: Question) -> list[ColumnElement[bool]]:
    del columns
    given = question.filter
    found: list[ColumnElement[bool]] = [DomainEvent.type.in_(given.told_types)]
    if given.recipient is not None:
        found.append(DomainEvent.address == given.recipient)
    if given.message is not None:
        message_id, accepted_at = given.message
        found += [DomainEvent.message_id == message_id, DomainEvent.occurred_at >= accepted_at]
    if given.campaign_id is not None:
        found.append(DomainEvent.data["campaign_id"].astext == str(given.campaign_id))
    return found


_MORE: Mapping[Source, Callable[[Columns, Question], list[ColumnElement[bool]]]] = {
    Source.ACCEPTED: _accepted_more,
    Source.DEFERRED: _deferred_more,
    Source.DELIVERED: _delivered_more,
    Source.BLOCKED: _blocked_more,
    Source.BOUNCED: _bounced_more,
    Source.OPENED: _of_visit(Open),
    Source.CLICKED: _of_visit(Click),
    Source.COMPLAINED: _of_visit(Complaint),
    Source.UNSUBSCRIBED: _of_visit(Unsubscription),
    Source.REFUSED: _refused_more,
    Source.TOLD: _told_more,
}

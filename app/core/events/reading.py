"""Events in the order of time, from everywhere they stand. Imports its siblings, models and db.

Tables of events are read by their own index. What stands in the ledger itself has no index by its moment, because
one would make every recorded outcome dearer: copies are read in the order of their acceptance, as many as needed, and
the moments that such a walk cannot have missed are shown (`_Walk`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Row, cast, func, literal_column, select

from app.core.errors import NotFound
from app.core.events.finishing import finished
from app.core.events.happenings import Copies, EventFilter, Happening
from app.core.events.ids import EventId, Position, Source, read_public_id
from app.core.events.sources import Question, rows_of, statement
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.models.message import Message
from app.models.run import Run

LATE = timedelta(days=4)
"""How long after its acceptance a copy of a large account is looked for: the lifetime of the queue and a day."""
WALKS: tuple[int | None, ...] = (20_000, 400_000, None)
"""Copies of one walk; the last one reads all there are."""
MAX_COPIES = 5_000
"""Newest copies of one recipient that are looked at."""
MAX_OF_COPY = 1000
"""Events of one copy that are told with it."""
_LEDGER = (Source.ACCEPTED, Source.DEFERRED, Source.DELIVERED, Source.BLOCKED)
_BY_MOMENT = (Source.DEFERRED, Source.DELIVERED, Source.BLOCKED)
"""Those that no index orders."""
_FREE = (Source.REFUSED, Source.TOLD)
"""Those that are about no copy."""
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_CLOCKS = timedelta(minutes=1)
"""How far clocks may be apart."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class _Walk:
    """What of the ledger is read: copies accepted in a range, and up to which moment that is all there is.

    Attributes:
        accepted_from: Begin of the range; None: open.
        accepted_to: End of it, inclusive; None: open.
        sure: Newest first: moments before it may be lacking; oldest first: those after it. None: none lacks.
    """

    accepted_from: datetime | None = None
    accepted_to: datetime | None = None
    sure: datetime | None = None


async def list_events(
    read: ReadSession,
    account_id: int,
    wanted: EventFilter,
    *,
    after: Position | None = None,
    descending: bool = True,
    limit: int,
    late: timedelta = LATE,
) -> list[Happening]:
    """List events by their moment, each once however many come while pages are read.

    Args:
        read: The transaction; it plans each further statement anew.
        account_id: Whose; all others are left out.
        wanted: Which.
        after: Place of the last one that was shown.
        descending: Whether the newest come first.
        limit: Most events.
        late: Events in the ledger of accounts with more than 20,000 copies are told as long as they came no later
            after acceptance; what comes later is found by its recipient or copy.

    Source:
        docs/contract/native.md, 12.
    """
    await _sql.rows(read, "plan_each_time")
    question = Question(account_id, _within(wanted), after=after, descending=descending, limit=limit)
    copies = await _named(read, account_id, question.filter)
    sources = [source for source in Source if wanted.wants(source)]
    found: list[tuple[Source, Row[Any]]] = []
    for source in sources:
        if source in _FREE:
            found += await _ask(read, source, question)
        elif copies is not None:
            found += await _ask(read, source, replace(question, copies=copies))
        elif source not in _BY_MOMENT:
            found += await _ask(read, source, question)
    walked = [source for source in sources if source in _BY_MOMENT and copies is None]
    found = await _walked(read, question, walked, found, late)
    return await finished(read, _sorted(found, descending)[:limit])


async def get_event(read: ReadSession, account_id: int, which: UUID) -> Happening:
    """Return one event of an account.

    Raises:
        NotFound: It has none of this id.
    """
    event = read_public_id(which)
    copies: Copies | None = None
    if event is not None and event.source not in _FREE:
        copies = await _copies_of(read, account_id, [event.copy])
    if event is None or (copies is not None and not copies.ids):
        raise NotFound("no such event")
    question = Question(account_id, EventFilter(), copies=copies, limit=1, exactly=event.row)
    rows = await _ask(read, event.source, question)
    if not rows:
        raise NotFound("no such event")
    return (await finished(read, rows))[0]


async def get_events(read: ReadSession, wanted: Sequence[tuple[int, EventId, datetime]]) -> dict[EventId, Happening]:
    """Return many events of many accounts, in a few statements; those that are gone are left out.

    Args:
        read: The transaction.
        wanted: Owner and id of each, and its partition: of its copy, or its own moment where it is about none.
    """
    found: list[tuple[Source, Row[Any]]] = []
    owners = {event: account_id for account_id, event, _ in wanted}
    for source in {event.source for event in owners}:
        of_source = [(event, at) for _, event, at in wanted if event.source is source]
        rows = await read.execute(rows_of(source, [event for event, _ in of_source], [at for _, at in of_source]))
        found += [(source, row) for row in rows if owners.get(EventId(source, row.copy, row.part)) == row.account_id]
    return {event.id: event for event in await finished(read, found)}


async def events_of(read: ReadSession, account_id: int, message_id: int, accepted_at: datetime) -> list[Happening]:
    """List what happened to one copy, in order; at most 1000 events of each kind."""
    copies = Copies([message_id], [accepted_at])
    question = Question(account_id, EventFilter(), copies=copies, descending=False, limit=MAX_OF_COPY)
    found: list[tuple[Source, Row[Any]]] = []
    for source in Source:
        if source not in _FREE:
            found += await _ask(read, source, question)
    return await finished(read, _sorted(found, descending=False))


def _within(wanted: EventFilter) -> EventFilter:
    """Return the filter with a range that the database's calendar is sure to know."""
    start, end = (one and max(min(one, _LAST), _FIRST) for one in (wanted.start, wanted.end))
    return replace(wanted, start=start, end=end)


async def _ask(read: ReadSession, source: Source, question: Question) -> list[tuple[Source, Row[Any]]]:
    return [(source, row) for row in await read.execute(statement(source, question))]


def _sorted(found: Iterable[tuple[Source, Row[Any]]], descending: bool) -> list[tuple[Source, Row[Any]]]:
    return sorted(found, key=lambda one: _place(*one), reverse=descending)


def _place(source: Source, row: Row[Any]) -> Position:
    return Position(row.occurred_at, int(source), row.copy, row.part)


async def _named(read: ReadSession, account_id: int, wanted: EventFilter) -> Copies | None:
    """Return the copies that the filter names; None when it names none in particular."""
    if wanted.message is not None:
        copies = Copies([wanted.message[0]], [wanted.message[1]])
        if wanted.recipient is None:
            return copies
    elif wanted.recipient is None:
        return None
    key = func.hashtextextended(func.lower(Message.recipient), literal_column("0"))
    query = (
        select(Message.id, Message.accepted_at)
        .where(
            key == func.hashtextextended(wanted.recipient, literal_column("0")),
            func.lower(Message.recipient) == wanted.recipient,
        )
        .where(Message.account_id == account_id)
    )
    if wanted.message is not None:
        query = query.where(Message.id == wanted.message[0], Message.accepted_at == wanted.message[1])
    rows = (await read.execute(query.order_by(Message.accepted_at.desc(), Message.id.desc()).limit(MAX_COPIES))).all()
    return Copies([row.id for row in rows], [row.accepted_at for row in rows])


async def _copies_of(read: ReadSession, account_id: int, ids: Sequence[int]) -> Copies:
    query = select(Message.id, Message.accepted_at).where(Message.id.in_(ids), Message.account_id == account_id)
    rows = (await read.execute(query)).all()
    return Copies([row.id for row in rows], [row.accepted_at for row in rows])


async def _walked(
    read: ReadSession,
    question: Question,
    sources: Sequence[Source],
    others: list[tuple[Source, Row[Any]]],
    late: timedelta,
) -> list[tuple[Source, Row[Any]]]:
    """Return what the sources that no index orders add to the others, as far as it is sure to be complete."""
    if not sources:
        return others
    bounds = await _accepted_in(read, question)
    for copies in WALKS:
        walk = await _walk(read, question, bounds, copies, late)
        narrowed = replace(question, accepted_from=walk.accepted_from, accepted_to=walk.accepted_to)
        found = list(others)
        for source in sources:
            found += await _ask(read, source, narrowed)
        if walk.sure is None:
            return found
        sure = [one for one in found if (one[1].occurred_at >= walk.sure) == question.descending]
        if len(sure) >= question.limit:
            return sure
    return found


async def _accepted_in(read: ReadSession, question: Question) -> tuple[datetime | None, datetime | None]:
    """Return when copies of the wanted campaign were accepted, from its runs; None: open."""
    if question.filter.campaign_id is None:
        return None, None
    ended = func.coalesce(Run.finished_at, func.now())
    query = select(func.min(func.date_trunc("second", Run.started_at)), func.max(ended)).where(
        Run.campaign_id == question.filter.campaign_id, Run.account_id == question.account_id
    )
    first, last = (await read.execute(query)).one()
    return first or _LAST, last + _CLOCKS if last else _FIRST


async def _walk(
    read: ReadSession,
    question: Question,
    bounds: tuple[datetime | None, datetime | None],
    copies: int | None,
    late: timedelta,
) -> _Walk:
    """Return how far a walk over so many copies goes from the place where the page begins."""
    first, last = bounds
    given, after = question.filter, question.after
    newest = min(one for one in (after.at if after and question.descending else None, given.end, last, _LAST) if one)
    if copies is None:
        return _Walk(first, newest if question.descending else last)
    if question.descending:
        reached = await _nth(read, question, copies, before=newest)
        low = _later(reached - late if reached else None, first)
        done = reached is None or (given.start is not None and reached <= given.start)
        return _Walk(low, newest, None if done else reached)
    oldest = _later(after.at if after else None, given.start, first)
    back = None if oldest is None else await _nth(read, question, copies, before=oldest)
    ahead = await _nth(read, question, copies, since=oldest or _FIRST)
    done = ahead is None or (given.end is not None and ahead >= given.end) or (last is not None and ahead >= last)
    return _Walk(_later(back - late if back else None, first), newest if done else ahead, None if done else ahead)


def _later(*moments: datetime | None) -> datetime | None:
    return max((one for one in moments if one), default=None)


async def _nth(
    read: ReadSession,
    question: Question,
    number: int,
    *,
    before: datetime | None = None,
    since: datetime | None = None,
) -> datetime | None:
    """Return when the copy so many places before or after a moment was accepted; None when there are fewer."""
    query = select(Message.accepted_at).where(Message.account_id == question.account_id)
    if before is not None:
        query = query.where(Message.accepted_at <= before).order_by(Message.accepted_at.desc())
    if since is not None:
        query = query.where(Message.accepted_at >= since).order_by(Message.accepted_at)
    return (await read.execute(query.offset(cast(number, BigInteger)).limit(1))).scalar_one_or_none()


__all__ = ["EventId", "events_of", "get_event", "get_events", "list_events"]

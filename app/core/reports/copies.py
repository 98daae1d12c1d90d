"""The verbs on single copies: listed by acceptance with any filter, one looked up.

Pages are read in the order of `ix_messages_account` and go on behind the last copy shown, so the last page costs what
the first one costs; the copies of a recipient are found by `ix_messages_recipient`. Imports models, db and the front
door of messages.

Source: docs/contract/native.md, 12.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, literal_column, select, tuple_
from sqlalchemy.orm import aliased

from app.core.messages import parse_email_id
from app.core.reports.copy_rows import CopyFilter, CopyPlace, CopyState
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.models.delivery_queue import QueuedCopy
from app.models.foreign_email_id import ForeignEmailId
from app.models.message import Kind, Message, State
from app.models.run import Run

_NOT_BEGUN = {State.QUEUED, State.SENDING}
"""States that the queue tells apart; the planner knows how frequent the others are."""
_SECOND = timedelta(seconds=1)
_CLOCKS = timedelta(minutes=1)
"""How far clocks may be apart."""
_SEED: Any = literal_column("0")
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_sql = Sql(__package__)


async def list_copies(
    read: ReadSession,
    account_id: int,
    wanted: CopyFilter,
    *,
    after: CopyPlace | None = None,
    descending: bool = False,
    limit: int,
) -> list[CopyState]:
    """List copies by acceptance, then id; each once, however many are accepted meanwhile.

    Args:
        read: The transaction; it plans each further statement anew.
        account_id: Whose.
        wanted: Which.
        after: Place of the last one that was shown.
        descending: Whether the newest come first.
        limit: Most copies.
    """
    await _sql.rows(read, "plan_each_time")
    query, copy = await _query(read, account_id, wanted)
    second = copy.accepted_at
    place = (second, copy.accepted_ms, copy.id)
    if after is not None:
        there = tuple_(*map(literal, after))
        if descending:
            query = query.where(second <= after.accepted_at, tuple_(*place) < there)
        else:
            query = query.where(second >= after.accepted_at, tuple_(*place) > there)
    order = [one.desc() if descending else one.asc() for one in place]
    return await _states(read, (await read.execute(query.order_by(*order).limit(limit))).all())


async def count_copies(read: ReadSession, account_id: int, wanted: CopyFilter) -> int:
    """Count what `list_copies` lists."""
    await _sql.rows(read, "plan_each_time")
    query, copy = await _query(read, account_id, wanted)
    return (await read.execute(query.with_only_columns(func.count(copy.id)))).scalar_one()


async def find_copy(read: ReadSession, account_id: int, email_id: str) -> tuple[int, datetime] | None:
    """Return id and second of acceptance of the account's copy of this email id, ours or another system's."""
    query = select(ForeignEmailId.message_id, ForeignEmailId.accepted_at).where(
        ForeignEmailId.account_id == account_id, ForeignEmailId.email_id == email_id, ForeignEmailId.given
    )
    row = (await read.execute(query)).one_or_none()
    if row is not None:
        return row.message_id, row.accepted_at
    parsed = parse_email_id(email_id)
    if parsed is None:
        return None
    own = select(Message.id, Message.accepted_at).where(
        Message.id == parsed[1], Message.accepted_at == parsed[0], Message.account_id == account_id
    )
    found = (await read.execute(own)).one_or_none()
    return (found.id, found.accepted_at) if found is not None else None


async def get_copy(read: ReadSession, account_id: int, key: tuple[int, datetime]) -> CopyState | None:
    """Return the copy that `find_copy` found."""
    query = select(Message).where(Message.id == key[0], Message.accepted_at == key[1], Message.account_id == account_id)
    rows = (await read.execute(query.with_only_columns(*_columns(Message)))).all()
    return next(iter(await _states(read, rows)), None)


def _columns(copy: Any) -> list[Any]:
    return [
        copy.id, copy.accepted_at, copy.accepted_ms, copy.account_id, copy.sender_id, copy.recipient, copy.kind,
        _where_it_stands(copy).label("state"), copy.contact_id, copy.x_headers, copy.blocked_reason, copy.delivered_at,
        copy.bounced_at, copy.finished_at, copy.possible_duplicate,
    ]  # fmt: skip


def _where_it_stands(copy: Any) -> ColumnElement[Any]:
    """Return the state of a copy as it is told.

    A campaign's copy that was given back before its first attempt, because its run was paused, say, stays `sending` in
    the ledger, so that giving back costs no update; it waits in the queue, and nobody sends it.
    """
    # OFFSET 0 keeps this a look-up by key: few copies are `sending`, whatever the planner thinks.
    waits = select(1).where(QueuedCopy.message_id == copy.id).offset(0).exists()
    return case((and_(copy.state == State.SENDING.value, waits), State.QUEUED.value), else_=copy.state)


async def _query(read: ReadSession, account_id: int, wanted: CopyFilter) -> tuple[Select[Any], Any]:
    """Return the statement without order and place, and what it selects from."""
    copy: Any = Message
    if wanted.recipient is not None:
        # Nothing but the address inside: where statistics are old, the other index would look as good and be read
        # whole.
        key = func.hashtextextended(func.lower(Message.recipient), _SEED)
        found = select(Message).where(
            key == func.hashtextextended(wanted.recipient, _SEED),
            func.lower(Message.recipient) == wanted.recipient,
        )
        copy = aliased(Message, found.offset(0).subquery())
    conditions: list[ColumnElement[bool]] = [copy.account_id == account_id]
    hashed = None if wanted.domain is None else func.hashtextextended(wanted.domain, _SEED)
    for column, value in (
        (copy.sender_id, wanted.sender_id),
        (_where_it_stands(copy) if wanted.state in _NOT_BEGUN else copy.state, wanted.state and wanted.state.value),
        (copy.kind, wanted.kind and wanted.kind.value),
        (_domain(copy), wanted.domain),
        (func.hashtextextended(_domain(copy), _SEED), hashed),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.x_header is not None:
        conditions.append(_has(copy, *wanted.x_header))
    if wanted.campaign_id is not None:
        conditions += await _of_campaign(read, account_id, copy, wanted.campaign_id)
    return select(*_columns(copy)).where(*conditions, *_in_time(copy, wanted)), copy


def _domain(copy: Any) -> Any:
    """Return the domain of the recipient, as the index by it has it."""
    last: Any = literal_column("-1")
    return func.lower(func.split_part(copy.recipient, literal_column("'@'"), last))


def _in_time(copy: Any, wanted: CopyFilter) -> list[ColumnElement[bool]]:
    at = copy.accepted_at + func.make_interval(0, 0, 0, 0, 0, 0, copy.accepted_ms * 0.001)
    found: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        start = min(max(wanted.start, _FIRST), _LAST)
        found += [copy.accepted_at > start - _SECOND, at >= start]
    if wanted.end is not None:
        end = min(max(wanted.end, _FIRST), _LAST)
        found += [copy.accepted_at < end, at < end]
    return found


def _has(copy: Any, name: str, value: str) -> ColumnElement[bool]:
    had = func.jsonb_each_text(copy.x_headers).table_valued("key", "value")
    return select(1).select_from(had).where(func.lower(had.c.key) == name.lower(), had.c.value == value).exists()


async def _of_campaign(read: ReadSession, account_id: int, copy: Any, campaign_id: int) -> list[ColumnElement[bool]]:
    """Return the conditions for copies of a campaign's runs, which were accepted while those were going on."""
    query = select(Run.id, Run.started_at, Run.finished_at).where(
        Run.campaign_id == campaign_id, Run.account_id == account_id, Run.started_at.is_not(None)
    )
    runs = (await read.execute(query)).all()
    found: list[ColumnElement[bool]] = [copy.run_id.in_([run.id for run in runs])]
    if runs:
        found.append(copy.accepted_at > min(run.started_at for run in runs) - _SECOND)
        if all(run.finished_at for run in runs):
            found.append(copy.accepted_at <= max(run.finished_at for run in runs) + _CLOCKS)
    return found


async def _states(read: ReadSession, rows: Sequence[Row[Any]]) -> list[CopyState]:
    if not rows:
        return []
    keys = [row.id for row in rows], [row.accepted_at for row in rows]
    details = {row.message_id: row for row in await _sql.rows(read, "copy_details", *keys)}
    return [_state(row, details[row.id]) for row in rows]


def _state(row: Row[Any], more: Row[Any]) -> CopyState:
    given = {name: value for name, value in row._mapping.items() if name not in {"id", "accepted_at"}}  # noqa: SLF001
    return CopyState(
        **{**given, "kind": Kind(row.kind), "state": State(row.state)},
        message_id=row.id,
        second=row.accepted_at,
        sender=more.sender or "",
        subject=more.subject,
        campaign_id=more.campaign_id,
        opens=more.opens,
        clicks=more.clicks,
        foreign_id=more.foreign_id,
    )


async def foreign_names(read: ReadSession, message_ids: Sequence[int]) -> dict[int, str]:
    """Return what another system called copies, by id; our own have no such name."""
    if not message_ids:
        return {}
    query = select(ForeignEmailId.message_id, ForeignEmailId.email_id).where(
        ForeignEmailId.message_id.in_(message_ids), ForeignEmailId.given
    )
    return {row.message_id: row.email_id for row in await read.execute(query)}

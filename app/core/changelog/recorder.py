"""Turns what a session is about to write into entries of the audit log. Imports models, db, this package's parts."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ClauseElement, Connection, event, insert
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import PassiveFlag, Session

from app.core.changelog import actor, objects
from app.db.base import Base
from app.db.unit_of_work import SyncWriteSession
from app.models.audit_entry import AuditEntry
from app.telemetry import context

MAX_TEXT = 200
"""Longest text that is told, in characters; of a longer one only that it changed."""
MAX_PARTS = 50
"""Most members of a list or an object that is told."""

_SEEN = "changelog"
_ENDS = frozenset({"deleted_at", "revoked_at"})
_SILENT = frozenset({"id", "public_id", "revision", "created_at", "updated_at", "checked_at", "last_used_at"})
_SECRET_PARTS = ("password", "digest", "sealed", "secret", "private", "token", "key_hash")
_JOB_COLUMNS = frozenset({"type", "status", "kind"})


def listen() -> None:
    """Listen to the flushes of every session for writing."""
    for name, listener in (("before_flush", _before_flush), ("after_flush", _after_flush)):
        if not event.contains(SyncWriteSession, name, listener):
            event.listen(SyncWriteSession, name, listener)


def _before_flush(session: Session, *_: object) -> None:
    # What the server evaluates, such as the time of a deletion, is forgotten by the flush; the numbers of new rows come
    # with it. So what rows were is looked at before, and entries are written after.
    session.info[_SEEN] = [
        (row, table, action, _changes(row, table, everything=False))
        for row, table, action in (
            *_watched((row for row in session.dirty if session.is_modified(row)), "changed"),
            *_watched(session.deleted, "deleted"),
        )
    ]


def _after_flush(session: Session, _: object) -> None:
    found = [
        *(
            (row, table, action, _changes(row, table, everything=True))
            for row, table, action in _watched(session.new, "created")
        ),
        *session.info.pop(_SEEN, ()),
    ]
    if not found:
        return
    connection = session.connection()
    rows = [
        _entry(connection, row, table, action, changes)
        for row, table, action, changes in found
        if changes or action != "changed"
    ]
    if rows:
        connection.execute(insert(AuditEntry), rows)


def _entry(
    connection: Connection, row: Base, table: str, action: str, changes: dict[str, list[Any] | None]
) -> dict[str, Any]:
    who = actor.present()
    if action == "changed" and not _ENDS.isdisjoint(changes):
        action = "deleted"  # a row that stays for the records' sake
    return {
        "account_id": objects.owner_of(connection, row, table),
        "actor": who.username,
        "actor_account_id": who.account_id,
        "actor_key_id": who.key_id,
        "request_id": context.request_id(),
        "action": action,
        "object_type": objects.TYPES[table],
        "object_id": objects.name_of(row, table),
        "changes": {} if action == "deleted" else changes,
    }


def _watched(rows: Iterable[object], action: str) -> list[tuple[Base, str, str]]:
    return [(row, table, action) for row in rows if isinstance(row, Base) and (table := objects.table_of(row))]


def _changes(row: Base, table: str, *, everything: bool) -> dict[str, list[Any] | None]:
    """Return what changed, by column: before and after, or None where the values are nobody's business."""
    changes: dict[str, list[Any] | None] = {}
    state = sa_inspect(row)
    for name in (attribute.key for attribute in state.mapper.column_attrs):
        history = state.get_history(name, PassiveFlag.PASSIVE_NO_INITIALIZE)
        if not history.has_changes() or name in _SILENT or (table == "jobs" and name not in _JOB_COLUMNS):
            continue
        before = history.deleted[0] if history.deleted else None
        after = history.added[0] if history.added else None
        if everything and after is None:
            continue
        if not everything and not _is_computed(before, after) and before == after:
            continue
        told = not any(part in name for part in _SECRET_PARTS) and _tellable(before) and _tellable(after)
        changes[name] = [_plain(before), _plain(after)] if told else None
    return changes


def _is_computed(*values: object) -> bool:
    """Tell whether a value is an expression that the server evaluates, which cannot be compared here."""
    return any(isinstance(value, ClauseElement) for value in values)


def _tellable(value: object) -> bool:
    match value:
        case None | bool() | int() | float() | Decimal() | UUID() | date() | datetime():
            return True
        case str():
            return len(value) <= MAX_TEXT
        case Mapping():
            return len(value) <= MAX_PARTS and all(map(_tellable, value.values()))
        case list() | tuple():
            return len(value) <= MAX_PARTS and all(map(_tellable, value))
        case _:
            return False  # bytes, and expressions that the server evaluates


def _plain(value: Any) -> Any:
    match value:
        case UUID() | date() | datetime() | Decimal():
            return str(value)
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case str():
            return str(value)
        case _:
            return value

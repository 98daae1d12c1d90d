"""Keeping, finding and throwing away the mails of the sandbox. Source: docs/contract/native.md, 18.

`account_id` None means every account's mail, which is what an administrator sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import ColumnElement, Text, delete, func, select
from sqlalchemy.orm import load_only

from app.core.errors import NotFound
from app.core.sandbox.reading import clean, header_lines
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.sandbox_message import SandboxMessage

HEADER_LIMIT = 500
"""Characters kept of From and Subject for the list."""
_SQL = Sql("app.core.sandbox")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One mail as the SMTP listener got it.

    Attributes:
        received_at: When its last byte came.
        envelope_from: "" for the null sender.
        recipients: Of the envelope, in order.
        raw: The mail, dots undone, lines ended by CRLF.
        accepted_at: With `message_id`: the copy whose return path it has; None when the return path is not ours.
        message_id: As above.
        email_id: Of that copy, or "".
    """

    received_at: datetime
    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes
    accepted_at: datetime | None = None
    message_id: int | None = None
    email_id: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; each a part of the value, ignoring case; "" matches everything."""

    to: str = ""
    sender: str = ""
    subject: str = ""


Found = SandboxMessage
"""A kept mail; `raw` is loaded by `get` only."""


async def store(
    connection: "asyncpg.Connection[asyncpg.Record]", arrivals: Sequence[Arrival], *, max_messages: int
) -> None:
    """Keep mails, durably when this returns, and drop the oldest beyond the limit.

    Args:
        connection: Of `app.db.engine.driver_connection`, with no transaction open.
        arrivals: In order of arrival.
        max_messages: Mails kept at most.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: They were not kept.
    """
    rows = [_row(arrival) for arrival in arrivals]
    await _SQL.execute(connection, "store", *(list(column) for column in zip(*rows, strict=True)), max_messages)


def _row(arrival: Arrival) -> tuple[object, ...]:
    shown = {"from": "", "subject": ""}
    for name, value in header_lines(arrival.raw):
        if name.lower() in shown and not shown[name.lower()]:
            shown[name.lower()] = value[:HEADER_LIMIT]
    return (
        arrival.received_at,
        clean(arrival.envelope_from),
        "\n".join(clean(recipient) for recipient in arrival.recipients),
        shown["from"],
        shown["subject"],
        arrival.raw,
        arrival.accepted_at,
        arrival.message_id,
        arrival.email_id,
    )


async def page(
    read: ReadSession, account_id: int | None, search: Search, *, before_id: int | None, limit: int
) -> Sequence[Found]:
    """Return mails without their content, newest first.

    Args:
        read: The session.
        account_id: Whose, or None for all.
        search: What to look for.
        before_id: Only those older than this one.
        limit: At most so many.
    """
    shown = load_only(
        SandboxMessage.id,
        SandboxMessage.account_id,
        SandboxMessage.email_id,
        SandboxMessage.received_at,
        SandboxMessage.envelope_from,
        SandboxMessage.recipients,
        SandboxMessage.from_header,
        SandboxMessage.subject,
        SandboxMessage.size,
        raiseload=True,
    )
    query = select(SandboxMessage).options(shown).where(*_conditions(account_id, search))
    if before_id is not None:
        query = query.where(SandboxMessage.id < before_id)
    return (await read.scalars(query.order_by(SandboxMessage.id.desc()).limit(limit))).all()


async def count(read: ReadSession, account_id: int | None, search: Search) -> int:
    """Return how many mails there are."""
    query = select(func.count()).select_from(SandboxMessage).where(*_conditions(account_id, search))
    return (await read.scalars(query)).one()


async def get(read: ReadSession, account_id: int | None, message_id: int) -> Found:
    """Return one mail with its content.

    Raises:
        NotFound: There is none, or it is another account's.
    """
    query = select(SandboxMessage).where(SandboxMessage.id == message_id, *_of(account_id))
    found = (await read.scalars(query)).one_or_none()
    if found is None:
        raise NotFound("there is no such mail in the sandbox")
    return found


async def clear(write: WriteSession, account_id: int | None) -> None:
    """Throw away every mail."""
    await write.execute(delete(SandboxMessage).where(*_of(account_id)))


def _of(account_id: int | None) -> list[ColumnElement[bool]]:
    return [] if account_id is None else [SandboxMessage.account_id == account_id]


def _conditions(account_id: int | None, search: Search) -> list[ColumnElement[bool]]:
    recipients = func.array_to_string(SandboxMessage.recipients, "\n", type_=Text)
    senders = func.concat(SandboxMessage.from_header, "\n", SandboxMessage.envelope_from, type_=Text)
    wanted = ((recipients, search.to), (senders, search.sender), (SandboxMessage.subject, search.subject))
    contained = [column.icontains(clean(part), autoescape=True) for column, part in wanted if part]
    return [*_of(account_id), *contained]

"""The calls as their account sees them: those still to be made and those given up. Imports models and db.

A call that succeeded is gone from here; its time stands with its event (docs/postbacks.md).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from app.core.errors import NotFound
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, WriteSession
from app.models.postback import PostbackKind

_SQL = Sql(__package__ or "")
_HTTP = re.compile(r"HTTP status (\d{3})\b", re.ASCII)


class DeliveryStatus(StrEnum):
    """Where a call stands."""

    WAITING = "waiting"
    """It is, or will be, tried."""
    FAILED = "failed"
    """It was given up."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call.

    Attributes:
        id: Of the row.
        kind: Which of the account's three URLs.
        url: Complete.
        message_id: The copy it tells of.
        accepted_at: Partition of that copy.
        foreign_id: What another system called the copy; None for our own.
        status: Where it stands.
        tries: Tries that have ended.
        last_error: Why the last one failed; "" before.
        next_try_at: When it is tried again; None when it was given up.
        created_at: When it was put in.
    """

    id: int
    kind: PostbackKind
    url: str
    message_id: int
    accepted_at: datetime
    foreign_id: str | None
    status: DeliveryStatus
    tries: int
    last_error: str
    next_try_at: datetime | None
    created_at: datetime

    @property
    def last_status_code(self) -> int | None:
        """HTTP status of the last try; None without an answer."""
        found = _HTTP.match(self.last_error)
        return int(found[1]) if found else None


async def list_deliveries(
    read: ReadSession,
    account_id: int,
    *,
    kind: PostbackKind | None = None,
    status: DeliveryStatus | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Delivery]:
    """List calls, newest first.

    Args:
        read: The transaction.
        account_id: Whose.
        kind: Only of this URL.
        status: Only these.
        before_id: The last one that was shown.
        limit: Most calls.

    Source:
        docs/contract/native.md, 15.
    """
    given_up = None if status is None else status is DeliveryStatus.FAILED
    rows = await _SQL.rows(read, "list_deliveries", account_id, kind and kind.value, given_up, before_id, limit)
    return [_delivery(row) for row in rows]


async def retry(write: WriteSession, account_id: int, delivery_id: int) -> Delivery:
    """Let a call be made again at once, with all its tries.

    Raises:
        NotFound: The account has no such call, or it has succeeded.
    """
    if not await _SQL.rows(write, "retry", account_id, delivery_id):
        raise NotFound("no such delivery")
    rows = await _SQL.rows(write, "list_deliveries", account_id, None, None, delivery_id + 1, 1)
    return _delivery(rows[0])


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        kind=PostbackKind(row.kind),
        url=row.url,
        message_id=row.message_id,
        accepted_at=row.accepted_at,
        foreign_id=row.foreign_id,
        status=DeliveryStatus.WAITING if row.given_up_at is None else DeliveryStatus.FAILED,
        tries=row.attempts,
        last_error=row.last_error,
        next_try_at=row.due_at if row.given_up_at is None else None,
        created_at=row.created_at,
    )

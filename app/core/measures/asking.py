"""Whose mail is meant, looked up for the statements, and the statements asked within a time.

Imports the front door of accounts, this package's values, errors, db.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from app.core import accounts
from app.core.accounts import Caller
from app.core.errors import Overloaded
from app.core.measures.values import Question
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.models.message import Kind

SECONDS = 20.0
"""How long a question may take."""
_CANCELED = "57014"
_RETRY_SECONDS = 30
_sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Target:
    """Filters, looked up.

    Attributes:
        account_ids: Whose mail.
        sender_ids: Only of these; None: of all.
        run_ids: Only of these runs; None: of all, and what is of none.
        audience_id: Only for contacts of this audience.
        domain: Only for this domain, in lower case.
        kind: Only of this kind.
        late: How long after its acceptance something of a copy is looked for by acceptance.
    """

    account_ids: list[int]
    sender_ids: list[int] | None
    run_ids: list[int] | None
    audience_id: int | None
    domain: str | None
    kind: Kind | None
    late: timedelta

    @property
    def counted(self) -> bool:
        """Whether the counters know: they tell accounts and senders apart, and nothing else."""
        return self.run_ids is None and self.audience_id is None and self.domain is None and self.kind is None


class Asking:
    """One question: its statements share one transaction and one span of time."""

    def __init__(self, read: ReadSession) -> None:
        """Begin; the time runs from now on.

        Args:
            read: The transaction.
        """
        self._read = read
        self._until = time.monotonic() + SECONDS

    async def rows(self, name: str, *args: object) -> Sequence[Row[Any]]:
        """Return the rows of a statement.

        Raises:
            Overloaded: The time is over.
            DBAPIError: Whatever else the database refuses.
        """
        left = int((self._until - time.monotonic()) * 1000)
        try:
            if left > 0:
                await _sql.rows(self._read, "plan_each_time", str(left))
                return await _sql.rows(self._read, name, *args)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELED:
                raise
        raise Overloaded("the question takes too long; ask about less", retry_after_seconds=_RETRY_SECONDS)

    async def target(self, caller: Caller, asked: Question) -> Target | None:
        """Return whose mail is meant, of what the caller sees; None when there can't be any.

        Raises:
            Overloaded: The time is over.
        """
        filters = asked.filters
        account_ids = await accounts.scope_ids(self._read, caller)
        if isinstance(filters.account, UUID):
            known = await accounts.public_ids(self._read, account_ids)
            account_ids = [one for one in account_ids if known.get(one) == filters.account]
        elif filters.account is not None:
            account_ids = [one for one in account_ids if one == filters.account]
        run_ids = None
        if filters.campaign_id is not None and account_ids:
            run_ids = [row.id for row in await self.rows("runs_of", account_ids, filters.campaign_id)]
        if not account_ids or run_ids == []:
            return None
        return Target(
            account_ids=account_ids,
            sender_ids=None if filters.sender_id is None else [filters.sender_id],
            run_ids=run_ids,
            audience_id=filters.audience_id,
            domain=None if filters.domain is None else filters.domain.lower(),
            kind=filters.kind,
            late=asked.late,
        )

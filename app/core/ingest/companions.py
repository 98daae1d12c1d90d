"""What happened to copies, written beside them: bounces, deferrals, visits, complaints, unsubscriptions, refusals.

Imports the front door of tracking and db.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from app.core import tracking
from app.core.ingest.copies import Standing
from app.core.ingest.naming import Group, Item
from app.core.ingest.values import Bounced, Complained, Deferred, EventKind, Refused, Unsubscribed, Visited
from app.db.sql import Connection, Sql

MAX_DIAGNOSTIC = 2_000
MAX_BOUNCE = 256 * 1024
MAX_COMPLAINT = 1_000_000
MAX_NAME = 200
MAX_IP = 45
MAX_USER_AGENT = 500
MAX_URL = 8_000
"""Characters of foreign texts that are kept."""
_ISSUES = 0x6973_7375
"""Tells the advisory locks of refusals from others."""
_LINK_BIT = 1 << 30
_VISITS = {EventKind.OPENED, EventKind.CLICKED}
sql = Sql(__package__)


class HeldCopy(Protocol):
    """A copy that is held."""

    @property
    def group(self) -> Group:
        """Its events."""
        ...

    @property
    def message_id(self) -> int:
        """Its id."""
        ...

    @property
    def before(self) -> Standing | None:
        """What the ledger said of it."""
        ...

    @property
    def after(self) -> Standing:
        """What the ledger says of it."""
        ...


class Companions:
    """The rows that belong to copies."""

    def __init__(self, held: Sequence[HeldCopy]) -> None:
        """Take the events of copies.

        Args:
            held: In order of id.
        """
        self._held = held

    @staticmethod
    async def refuse(connection: Connection, items: Iterable[Item]) -> None:
        """Write refusals that are not there yet."""
        rows = {
            (
                item.account_id, item.event.occurred_at.astimezone(UTC), facts.issue_type.value,
                item.event.recipient or "", item.event.sender or "", facts.description[:MAX_DIAGNOSTIC],
            ): json.dumps(dict(item.event.x_headers)) if item.event.x_headers else None
            for item in items
            if isinstance(facts := item.event.facts, Refused)
        }  # fmt: skip
        await sql.fetch(connection, "hold_issues", _ISSUES, sorted({key[0] for key in rows}))
        ordered = sorted((*key, x_headers) for key, x_headers in rows.items())
        await sql.execute(connection, "put_issues", *_columns(ordered))

    async def hold_visits(self, connection: Connection, copies: Sequence[HeldCopy], *, before: bool = False) -> None:
        """Hold what those of the copies have brought in all that are visited now."""
        visited = [copy for copy in copies if any(event.kind in _VISITS for event in copy.group.events)]
        places = [
            (copy.message_id, copy.before.second if before and copy.before else copy.after.second) for copy in visited
        ]
        if places:
            await sql.execute(connection, "hold_engagements", *_columns(places))

    async def put(self, connection: Connection) -> None:
        """Write what is not there yet."""
        for statement, rows in (
            ("put_bounces", self._one_each(Bounced, _bounce)),
            ("put_deferrals", self._one_each(Deferred, _deferral, by_moment=True)),
            ("put_complaints", self._one_each(Complained, _complaint)),
            ("put_unsubscriptions", sorted(set(self._rows(Unsubscribed, _unsubscription)))),
        ):
            if rows:
                await sql.execute(connection, statement, *_columns(rows))
        visits = sorted(set(self._visits()))
        if visits:
            given = [(*row[:5], tracking.is_machine(row[4]), row[5] if row[5] >= 0 else None, row[6]) for row in visits]
            await sql.execute(connection, "put_visits", *_columns(given))
            await sql.execute(connection, "sum_up_visits", *_columns(sorted({row[:2] for row in visits})))

    def _rows(self, kind: type[Any], facts_of: Callable[[Any], tuple[str, ...]]) -> Iterable[tuple[Any, ...]]:
        for copy in self._held:
            for event in copy.group.events:
                if isinstance(event.facts, kind):
                    moment = event.occurred_at.astimezone(UTC)
                    yield (copy.message_id, copy.after.second, moment, *facts_of(event.facts))

    def _one_each(
        self, kind: type[Any], facts_of: Callable[[Any], tuple[str, ...]], *, by_moment: bool = False
    ) -> list[tuple[Any, ...]]:
        """Return one row for each copy, or for each of its moments: the least."""
        kept: dict[tuple[int, datetime | None], tuple[Any, ...]] = {}
        for row in sorted(self._rows(kind, facts_of)):
            kept.setdefault((row[0], row[2] if by_moment else None), row)
        return list(kept.values())

    def _visits(self) -> Iterable[tuple[int, datetime, datetime, str, str, int, str]]:
        """Yield opens and clicks; an open has the link -1 and no url."""
        for copy in self._held:
            for event in copy.group.events:
                if isinstance(event.facts, Visited):
                    is_click = event.kind is EventKind.CLICKED
                    url = event.facts.url[:MAX_URL] if is_click else ""
                    yield (
                        copy.message_id, copy.after.second, event.occurred_at.astimezone(UTC), event.facts.ip[:MAX_IP],
                        event.facts.user_agent[:MAX_USER_AGENT], _link_of(url) if is_click else -1, url,
                    )  # fmt: skip


def _link_of(url: str) -> int:
    """Return a number for a link whose place in its content is unknown: above all others, the same for the same url."""
    return _LINK_BIT | int.from_bytes(hashlib.sha256(url.encode()).digest()[:4], "big") & (_LINK_BIT - 1)


def _bounce(facts: Bounced) -> tuple[str, ...]:
    return (
        facts.bounce_type.value, facts.category.value, facts.code[:MAX_NAME], facts.regex_name[:MAX_NAME],
        facts.diagnostic[:MAX_DIAGNOSTIC], facts.full_content[:MAX_BOUNCE],
    )  # fmt: skip


def _deferral(facts: Deferred) -> tuple[str, ...]:
    return (facts.code[:MAX_NAME], facts.diagnostic[:MAX_DIAGNOSTIC], facts.host[:MAX_NAME])


def _complaint(facts: Complained) -> tuple[str, ...]:
    return (facts.source[:MAX_NAME], facts.full_content[:MAX_COMPLAINT])


def _unsubscription(facts: Unsubscribed) -> tuple[str, ...]:
    return (facts.means.value, facts.ip[:MAX_IP], facts.user_agent[:MAX_USER_AGENT])


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]

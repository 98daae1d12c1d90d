"""The verb: take over events. Imports this package's modules, the front doors of messages, models' words, db."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.errors import Overloaded
from app.core.ingest import copies
from app.core.ingest.companions import Companions
from app.core.ingest.consequences import act
from app.core.ingest.copies import Standing
from app.core.ingest.counting import Count
from app.core.ingest.naming import Group, Sorted, sort_out
from app.core.ingest.transaction import transaction
from app.core.ingest.values import Event, Outcome
from app.core.messages import SuppressionRules
from app.db.sql import Connection, Sql
from app.models.message import State

MAX_EVENTS = 1000
"""Events of one call."""
_TRIES = 4
"""Before months without partitions, or copies that change under the look-up, are given up."""
sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Held:
    """A copy that is held.

    Attributes:
        group: Its events.
        message_id: Its id.
        named_at: The partition that its name says.
        before: What the ledger says; None: it is new.
        after: What it will say.
    """

    group: Group
    message_id: int
    named_at: datetime
    before: Standing | None
    after: Standing

    @property
    def is_own(self) -> bool:
        """Whether it was sent from here."""
        return self.group.known is not None and not self.group.known.is_foreign

    @property
    def is_overtaken(self) -> bool:
        """Whether somebody took it elsewhere while it waits here: it may be on its way at this moment."""
        waits = self.before is not None and self.before.finished_at is None
        return self.is_own and waits and self.after.state == State.DELIVERED


class _Moved(Exception):
    """Raised when a copy is not what it was when it was looked up."""


async def take_over(
    engine: AsyncEngine, events: Sequence[Event], *, now: datetime, rules: SuppressionRules | None = None
) -> Outcome:
    """Record events at their own times: no mail, no postback, no domain event comes of it.

    An event is what it is by its account, email id, kind and time, a click also by its url, a visit by who came; the
    same again changes nothing. A copy that is not known is made; it was accepted at the earliest moment known of it.
    A copy bounces once and is complained about once: of several such events the earliest counts. What stands in the
    end depends on which events were given, neither on their order nor on calls.

    Args:
        engine: Of `make_engine`; there are a transaction for the events and others for what follows from them.
        events: At most `MAX_EVENTS`.
        now: Events may not be of the future.
        rules: When given, bounces, complaints and unsubscriptions act on the suppression lists by them.

    Returns:
        Which were taken over; all those are durable.

    Raises:
        ValueError: Too many events.
        Overloaded: Copies change faster than they can be looked up; nothing was recorded.
        DatabaseAway: Nobody knows what was recorded: to give the same again is harmless.

    Source:
        docs/contract/native.md, 12.
    """
    if len(events) > MAX_EVENTS:
        raise ValueError("too many events for one call")
    found, held = await _persist(engine, events, now)
    if rules is not None:
        await act(engine, [(copy.group, copy.message_id, copy.after.second) for copy in held], rules)
    return Outcome(found.accepted, tuple(found.rejections))


async def _persist(engine: AsyncEngine, events: Sequence[Event], now: datetime) -> tuple[Sorted, list[Held]]:
    """Record the events, making the months they need.

    Raises:
        Overloaded: Copies change faster than they can be looked up.
    """
    for _ in range(_TRIES):
        try:
            return await _record(engine, events, now)
        except _Moved:
            continue
        except asyncpg.CheckViolationError:  # a month has no partition, or has just lost it
            await _make_months(engine, events)
    raise Overloaded("the mails of these events are changing", retry_after_seconds=5)


async def _make_months(engine: AsyncEngine, events: Sequence[Event]) -> None:
    """Make the partitions of all months that events may need, each in a transaction of its own."""
    for month in sorted({moment.date().replace(day=1) for event in events for moment in _moments(event)}):
        # The tables of a month that is being dropped are in the way until they are gone.
        with contextlib.suppress(asyncpg.DuplicateTableError):
            await messages.make_partitions(engine, [month])


def _moments(event: Event) -> list[datetime]:
    return [moment.astimezone(UTC) for moment in (event.occurred_at, event.accepted_at) if moment]


async def _record(engine: AsyncEngine, events: Sequence[Event], now: datetime) -> tuple[Sorted, list[Held]]:
    """Record the events in one transaction.

    Raises:
        _Moved: Somebody was faster: look again.
    """
    async with transaction(engine) as connection:
        found = await sort_out(connection, events, now)
        if found.refusals:
            await Companions.refuse(connection, found.refusals)
        if not found.groups:
            return found, []
        held = await _hold(connection, found.groups, now)
        count = Count({event.kind for group in found.groups for event in group.events})
        companions = Companions(held)
        old = [copy for copy in held if copy.before is not None]
        await companions.hold_visits(connection, old, before=True)
        await count.take(connection, [(copy.message_id, copy.before.second) for copy in old if copy.before], -1)
        await _put(connection, held)
        await companions.hold_visits(connection, [copy for copy in held if copy.before is None])
        await companions.put(connection)
        await count.take(connection, [(copy.message_id, copy.after.second) for copy in held], 1)
        await count.add(connection)
    return found, held


async def _hold(connection: Connection, groups: Sequence[Group], now: datetime) -> list[Held]:
    """Hold names, then copies, and see what becomes of them.

    Raises:
        _Moved: A copy is not what it was when it was looked up.
    """
    theirs = [group for group in groups if group.known is None or group.known.is_foreign]
    named = [
        (
            group.key.account_id,
            group.key.email_id,
            copies.foreign(None, group.events).second,
            not group.key.email_id.startswith(" "),
        )
        for group in theirs
    ]
    places = {
        (group.key.account_id, group.key.email_id): (group.known.message_id, group.known.accepted_at)
        for group in groups
        if group.known is not None and not group.known.is_foreign
    }
    if named:
        for row in await sql.fetch(connection, "hold_names", *map(list, zip(*named, strict=True))):
            places[row["account_id"], row["email_id"]] = (row["message_id"], row["accepted_at"])
    rows = await sql.fetch(connection, "hold_copies", *map(list, zip(*places.values(), strict=True)))
    there = {row["id"]: row for row in rows}
    held = [_stand(group, *places[group.key.account_id, group.key.email_id], there, now) for group in groups]
    return sorted(held, key=attrgetter("message_id"))


def _stand(group: Group, message_id: int, named_at: datetime, there: dict[int, asyncpg.Record], now: datetime) -> Held:
    """See what becomes of a copy.

    Raises:
        _Moved: It is not what it was when it was looked up.
    """
    row = there.get(message_id)
    if row is None:
        if group.known is not None:
            raise _Moved
        return Held(group, message_id, named_at, None, copies.foreign(None, group.events))
    if (row["sender_id"], row["recipient"].lower()) != (group.sender_id, group.recipient.lower()):
        raise _Moved
    before = Standing(
        row["accepted_at"].replace(microsecond=row["accepted_ms"] * 1000),
        State(row["state"]), row["delivered_at"], row["bounced_at"], row["finished_at"], row["blocked_reason"],
        row["x_headers"],
    )  # fmt: skip
    is_own = group.known is not None and not group.known.is_foreign
    after = copies.own(before, group.events, now) if is_own else copies.foreign(before, group.events)
    return Held(group, message_id, named_at, before, after)


async def _put(connection: Connection, held: Sequence[Held]) -> None:
    """Write the copies, and let go after them what belongs to them."""
    changed = [copy for copy in held if copy.before != copy.after]
    if not changed:
        return
    rows = [
        (
            copy.message_id, copy.before and copy.before.second, copy.after.second, copy.after.ms,
            copy.group.key.account_id, copy.group.sender_id, copy.group.recipient, copy.after.state.value,
            copy.after.delivered_at, copy.after.bounced_at, copy.after.finished_at, copy.after.blocked_reason,
            _json(copy.after), copy.is_overtaken,
        )
        for copy in changed
    ]  # fmt: skip
    await sql.execute(connection, "put_copies", *map(list, zip(*rows, strict=True)))
    follow = [
        (copy.message_id, copy.before.second if copy.before else copy.named_at, copy.after.second, _json(copy.after))
        for copy in changed
        if not copy.is_own
        and (
            copy.named_at != copy.after.second
            or (copy.before is not None and copy.before.x_headers != copy.after.x_headers)
        )
    ]
    if follow:
        await sql.execute(connection, "move", *map(list, zip(*follow, strict=True)))
    finished = [copy.message_id for copy in changed if copy.is_own]
    if finished:
        await sql.execute(connection, "settle", finished)


def _json(standing: Standing) -> str | None:
    return json.dumps(standing.x_headers) if standing.x_headers else None

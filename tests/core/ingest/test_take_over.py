"""Events of other systems in ledger and counters: whatever their order, and however often they come."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, ingest, tracking
from app.core.errors import Fault
from app.core.ingest import Event, EventKind
from app.core.messages import SuppressionRules, email_id
from app.core.metrics import Category
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.models.bounce import BounceType
from app.models.issue import IssueType
from tests.core.audit.world import NOON, build
from tests.factories import Factories, MadeAccount

NOW = datetime(2016, 11, 28, 12, tzinfo=UTC)
AT = datetime(2016, 11, 22, 23, 59, 59, 250000, tzinfo=UTC)
SENDER = "news@example.com"
SCOPE = audit.Scope.from_day(date(2016, 1, 1))
RULES = SuppressionRules(soft_bounces=3, soft_bounce_hours=24)
TABLES = (
    "messages", "bounces", "complaints", "unsubscriptions", "opens", "clicks", "engagements", "link_clicks", "attempts",
    "hourly_counts", "daily_counts", "foreign_email_ids",
)  # fmt: skip
UNSTABLE = {"id", "message_id", "account_id", "sender_id", "email_id"}


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


def event(account: MadeAccount, kind: EventKind, at: datetime = AT, **fields: Any) -> Event:
    given: dict[str, Any] = {"sender": SENDER, "recipient": "jo@example.org", "email_id": "them-1", **fields}
    return Event(kind, at, account.id, **given)


async def take_over(engine: AsyncEngine, events: Sequence[Event], *, applies: bool = False) -> ingest.Outcome:
    return await ingest.take_over(engine, events, now=NOW, rules=RULES if applies else None)


async def differences(engine: AsyncEngine) -> audit.Report:
    async with driver_connection(engine) as connection:
        return await audit.check(connection, SCOPE)


async def rows(engine: AsyncEngine, query: str) -> list[dict[str, Any]]:
    async with driver_connection(engine) as connection:
        return [dict(row) for row in await connection.fetch(query)]


async def ledger(engine: AsyncEngine, account: MadeAccount) -> dict[str, list[str]]:
    """Return all that was written for an account, without the numbers that depend on order and account."""
    mine = f"account_id = {account.id}"
    named = "SELECT message_id, email_id, given FROM foreign_email_ids WHERE "
    names = {row["message_id"]: row["email_id"] if row["given"] else "" for row in await rows(engine, named + mine)}
    found: dict[str, list[str]] = {}
    for table in TABLES:
        where = f"message_id IN (SELECT id FROM messages WHERE {mine})" if table == "attempts" else mine  # noqa: S608 ours
        written = await rows(engine, f"SELECT * FROM {table} WHERE {where}")  # noqa: S608 ours
        found[table] = sorted(
            f"{names.get(row.get('message_id', row.get('id')), '')} {kept}" for row in written if (kept := _stable(row))
        )
    return found


def _stable(row: dict[str, Any]) -> str:
    kept = {name: str(value) for name, value in sorted(row.items()) if name not in UNSTABLE and value}
    return "" if kept.keys() <= {"hour", "day"} else json.dumps(kept)


BOUNCED = ingest.Bounced(BounceType.HARD, Category.BAD_MAILBOX, "5.1.1", diagnostic="550 5.1.1 User unknown")
SOFT = ingest.Bounced(BounceType.SOFT, Category.QUOTA_ISSUES, "4.2.2", diagnostic="452 4.2.2 full")


async def test_each_kind_is_in_the_ledger_and_counted_at_its_own_time(
    engine: AsyncEngine, account: MadeAccount
) -> None:
    hour = timedelta(hours=1)
    events = [
        event(account, EventKind.ACCEPTED, x_headers={"X-Campaign": "spring"}),
        event(account, EventKind.DEFERRED, AT + hour, facts=ingest.Deferred("4.2.0", "later", "mx.example.org")),
        event(account, EventKind.DELIVERED, AT + 2 * hour),
        event(account, EventKind.OPENED, AT + 3 * hour, facts=ingest.Visited("192.0.2.1", "Mail/1")),
        event(
            account, EventKind.CLICKED, AT + 4 * hour, facts=ingest.Visited("192.0.2.1", "Mail/1", "https://x.example/")
        ),
        event(
            account, EventKind.CLICKED, AT + 5 * hour, facts=ingest.Visited("192.0.2.1", "Mail/1", "https://x.example/")
        ),
        event(account, EventKind.COMPLAINED, AT + 6 * hour, facts=ingest.Complained("isp.example", "report")),
        event(account, EventKind.UNSUBSCRIBED, AT + 7 * hour, facts=ingest.Unsubscribed()),
        event(account, EventKind.BOUNCED, AT + 8 * hour, facts=BOUNCED),
        event(account, EventKind.BLOCKED, email_id="them-2", facts=ingest.Blocked(Reason.MANUAL)),
        event(account, EventKind.REFUSED, facts=ingest.Refused(IssueType.REFUSED, "no"), sender="nobody@example.com"),
    ]
    assert await take_over(engine, events) == ingest.Outcome(len(events), ())
    first, second = await rows(engine, "SELECT * FROM messages ORDER BY id")
    assert (first["state"], first["accepted_at"], first["accepted_ms"]) == ("bounced", AT.replace(microsecond=0), 250)
    assert (first["delivered_at"], first["bounced_at"]) == (AT + 2 * hour, AT + 8 * hour)
    assert first["finished_at"] == first["delivered_at"]
    assert first["x_headers"] == {"X-Campaign": "spring"}
    assert (second["state"], second["blocked_reason"], second["finished_at"]) == ("blocked", "manual", AT)
    counted = await rows(
        engine,
        "SELECT sum(accepted) accepted, sum(delivered) delivered, sum(deferred) deferred,"
        " sum(opens) opens, sum(unique_opens) unique_opens, sum(clicks) clicks,"
        " sum(unique_clicks) unique_clicks, sum(complaints) complaints,"
        " sum(unsubscribes) unsubscribes, sum(hard_bounces) hard, sum(blocked_manual) blocked"
        " FROM hourly_counts",
    )
    assert counted == [
        {
            "accepted": 2,
            "delivered": 1,
            "deferred": 1,
            "opens": 1,
            "unique_opens": 1,
            "clicks": 2,
            "unique_clicks": 1,
            "complaints": 1,
            "unsubscribes": 1,
            "hard": 1,
            "blocked": 1,
        }
    ]
    assert await rows(engine, "SELECT address, sender, issue_type FROM issues") == [
        {"address": "jo@example.org", "sender": "nobody@example.com", "issue_type": "refused"}
    ]
    assert not await rows(engine, "SELECT * FROM domain_events")
    assert not await rows(engine, "SELECT * FROM suppressions")
    assert (await differences(engine)).total == 0


async def test_a_mail_of_ours_can_fail_elsewhere(engine: AsyncEngine, make: Factories, account: MadeAccount) -> None:
    copy = await make.sent(account.id, account.senders[SENDER], AT, "jo@example.org")
    async with driver_connection(engine) as connection:
        await connection.execute(
            "INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site)"
            " VALUES ($1, $2, now(), 1, 1, 'example.org')",
            copy.message_id,
            copy.accepted_at,
        )
    ours = {"email_id": email_id(copy.accepted_at, copy.message_id, "mail-1"), "sender": None, "recipient": None}
    events = [
        event(account, EventKind.BOUNCED, AT + timedelta(hours=1), facts=BOUNCED, **ours),
        event(account, EventKind.DELIVERED, AT - timedelta(seconds=1), **ours),
        event(account, EventKind.DEFERRED, AT, facts=ingest.Deferred(), **ours),
        event(account, EventKind.ACCEPTED, AT, **ours),
        event(account, EventKind.DELIVERED, AT, **{**ours, "recipient": "else@example.org"}),
    ]
    outcome = await take_over(engine, events)
    assert outcome.accepted == 2
    fields = [(rejection.index, rejection.faults[0].field) for rejection in outcome.rejected]
    assert fields == [(1, "occurred_at"), (2, "type"), (4, "recipient")]
    (row,) = await rows(engine, "SELECT state, bounced_at, delivered_at, finished_at FROM messages")
    assert row == {
        "state": "bounced",
        "bounced_at": AT + timedelta(hours=1),
        "delivered_at": None,
        "finished_at": NOW,
    }
    assert not await rows(engine, "SELECT * FROM delivery_queue UNION ALL SELECT * FROM delivery_queue")
    assert not await rows(engine, "SELECT * FROM foreign_email_ids")
    assert (await differences(engine)).total == 0


async def test_mails_of_campaigns_and_their_runs_stay_in_line(engine: AsyncEngine, make: Factories) -> None:
    world = await build(engine, make)
    copies = await rows(engine, "SELECT id, accepted_at, recipient, state FROM messages")
    told = [
        Event(
            kind, NOON + timedelta(minutes=90), world.account_id, email_id=email_id(NOON, copy["id"], "m"), facts=facts
        )
        for copy in copies
        for kind, facts in (
            (EventKind.DELIVERED, None),
            (EventKind.OPENED, ingest.Visited("192.0.2.9")),
            (EventKind.CLICKED, ingest.Visited("", "", "https://x.example/")),
            (EventKind.UNSUBSCRIBED, ingest.Unsubscribed()),
        )
    ]
    assert (await take_over(engine, told)).accepted == len(told)
    assert {row["state"] for row in await rows(engine, "SELECT DISTINCT state FROM messages")} <= {
        "delivered",
        "bounced",
    }
    report = await differences(engine)
    assert [difference for difference in report.shown if "run total" not in difference.what] == []


async def test_the_id_of_another_accounts_mail_names_nothing(
    engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    other = await make.account(senders=[SENDER])
    copy = await make.sent(other.id, other.senders[SENDER], AT, "jo@example.org")
    name = email_id(copy.accepted_at, copy.message_id, "mail-1")
    await take_over(engine, [event(account, EventKind.DELIVERED, email_id=name)])
    found = await rows(engine, "SELECT account_id, state FROM messages ORDER BY id")
    assert found == [
        {"account_id": other.id, "state": "queued"},
        {"account_id": account.id, "state": "delivered"},
    ]


async def test_what_cannot_be_taken_over_is_told_and_the_rest_is_taken(
    engine: AsyncEngine, account: MadeAccount
) -> None:
    wrong = [
        event(account, EventKind.DELIVERED, NOW + timedelta(hours=1)),
        event(account, EventKind.DELIVERED, datetime(1999, 12, 31, tzinfo=UTC)),
        event(account, EventKind.DELIVERED, accepted_at=AT + timedelta(seconds=1)),
        event(account, EventKind.DELIVERED, sender="nobody@example.com"),
        event(account, EventKind.DELIVERED, sender=None, email_id="other"),
        event(account, EventKind.DELIVERED, recipient=None, email_id="another"),
        Event(EventKind.DELIVERED, AT, 999_999, sender=SENDER, recipient="jo@example.org"),
        event(account, EventKind.REFUSED, recipient=None, facts=ingest.Refused(IssueType.REFUSED)),
    ]
    outcome = await take_over(engine, [*wrong, event(account, EventKind.DELIVERED)])
    assert outcome.accepted == 1
    faults = [(rejection.faults[0].field, rejection.faults[0].fault) for rejection in outcome.rejected]
    assert faults == [
        ("occurred_at", Fault.INVALID),
        ("occurred_at", Fault.INVALID),
        ("data.accepted_at", Fault.INVALID),
        ("sender", Fault.NOT_FOUND),
        ("sender", Fault.REQUIRED),
        ("recipient", Fault.REQUIRED),
        ("account_id", Fault.NOT_FOUND),
        ("recipient", Fault.REQUIRED),
    ]
    with pytest.raises(ValueError, match="too many"):
        await take_over(engine, [event(account, EventKind.DELIVERED)] * 1001)


async def test_events_without_an_id_are_known_again_and_months_are_made(
    engine: AsyncEngine, account: MadeAccount
) -> None:
    old = datetime(2009, 3, 1, tzinfo=UTC)
    bare = event(account, EventKind.BOUNCED, old, email_id=None, facts=BOUNCED, accepted_at=old - timedelta(hours=1))
    for _ in range(2):
        assert (await take_over(engine, [bare, bare])).accepted == 2
    (row,) = await rows(engine, "SELECT accepted_at, state FROM messages")
    assert row == {"accepted_at": old - timedelta(hours=1), "state": "bounced"}
    (count,) = await rows(engine, "SELECT sum(hard_bounces) AS bounces, sum(accepted) AS accepted FROM daily_counts")
    assert count == {"bounces": 1, "accepted": 1}


async def test_what_acts_is_on_the_list_and_contacts_follow(
    engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    audience = await make.audience(account)
    await make.contact(audience, "jo@example.org")
    soft = [
        event(
            account,
            EventKind.BOUNCED,
            AT + timedelta(hours=n),
            recipient="soft@example.org",
            email_id=f"s{n}",
            facts=SOFT,
        )
        for n in range(3)
    ]
    said = [
        event(account, EventKind.BOUNCED, facts=BOUNCED),
        event(account, EventKind.COMPLAINED, recipient="c@example.org", email_id="c", facts=ingest.Complained()),
        event(account, EventKind.UNSUBSCRIBED, recipient="u@example.org", email_id="u", facts=ingest.Unsubscribed()),
    ]
    await take_over(engine, [*soft, *said])
    assert not await rows(engine, "SELECT * FROM suppressions")
    for _ in range(2):
        await take_over(engine, [*soft, *said], applies=True)
    assert await rows(engine, "SELECT address, reason FROM suppressions ORDER BY address") == [
        {"address": "c@example.org", "reason": "complaint"},
        {"address": "jo@example.org", "reason": "hardbounce"},
        {"address": "soft@example.org", "reason": "softbounce"},
        {"address": "u@example.org", "reason": "unsubscribe"},
    ]
    assert await rows(engine, "SELECT status FROM contacts") == [{"status": "blacklisted"}]
    told = await rows(engine, "SELECT DISTINCT type FROM domain_events")
    assert not any(row["type"].startswith("email.") for row in told), "no postback comes of it"


async def test_visits_that_are_recorded_meanwhile_are_counted_once(
    engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    copy = await make.delivered(account.id, account.senders[SENDER], AT, "jo@example.org")
    name = email_id(copy.accepted_at, copy.message_id, "mail-1")

    async def visit(number: int) -> None:
        at = AT + timedelta(minutes=number)
        async with driver_connection(engine) as connection:
            await tracking.record_events(
                connection, [tracking.Opened(None, copy.message_id, copy.accepted_at, at, "192.0.2.1", "")]
            )

    told = [
        event(account, EventKind.OPENED, AT + timedelta(hours=n), email_id=name, facts=ingest.Visited())
        for n in range(9)
    ]
    await asyncio.gather(*(take_over(engine, [one]) for one in told), *map(visit, range(1, 10)))
    (row,) = await rows(engine, "SELECT opens, opened_at FROM engagements")
    assert row["opens"] == 18
    assert (await differences(engine)).total == 0


KINDS = st.sampled_from([kind for kind in EventKind if kind is not EventKind.REFUSED])
FACTS: dict[EventKind, tuple[Any, Any]] = {
    EventKind.DEFERRED: (ingest.Deferred("4.2.0", "a"), ingest.Deferred("4.2.0", "b")),
    EventKind.BOUNCED: (BOUNCED, SOFT),
    EventKind.BLOCKED: (ingest.Blocked(Reason.MANUAL), ingest.Blocked(Reason.COMPLAINT)),
    EventKind.OPENED: (ingest.Visited("192.0.2.1"), ingest.Visited("192.0.2.2", "Mail/1")),
    EventKind.CLICKED: (ingest.Visited("", "", "https://x.example/"), ingest.Visited("", "", "https://y.example/")),
    EventKind.COMPLAINED: (ingest.Complained("a"), ingest.Complained("b")),
    EventKind.UNSUBSCRIBED: (ingest.Unsubscribed(), ingest.Unsubscribed(ip="192.0.2.1")),
}
NEW_MONTH = datetime(2016, 11, 1, tzinfo=UTC)
minutes = st.sampled_from([-61, -1, 0, 0.001, 59, 1500])
told = st.tuples(KINDS, minutes, st.integers(0, 1), st.sampled_from(["a", "a", "b", None]), st.booleans())
histories = st.lists(told, min_size=1, max_size=10)


def _events(account: MadeAccount, history: Sequence[tuple[EventKind, float, int, str | None, bool]]) -> list[Event]:
    return [
        event(
            account,
            kind,
            NEW_MONTH + timedelta(minutes=offset),
            facts=FACTS[kind][choice] if kind in FACTS else None,
            email_id=name,
            x_headers={"X-Campaign": str(choice)} if marked else None,
        )
        for kind, offset, choice, name, marked in history
    ]


class TestAnyOrder:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(history=histories, data=st.data())
    async def test_and_repetition_give_the_same_ledger(
        self, engine: AsyncEngine, make: Factories, history: list[Any], data: st.DataObject
    ) -> None:
        """One account is told all at once, the other in pieces, in another order, by several at a time, and again."""
        one, other = [await make.account(senders=[SENDER]) for _ in range(2)]
        assert (await take_over(engine, _events(one, history))).rejected == ()
        shuffled = data.draw(st.permutations([*history, *data.draw(st.lists(st.sampled_from(history), max_size=4))]))
        cuts = sorted({0, len(shuffled), *data.draw(st.sets(st.integers(0, len(shuffled)), max_size=4))})
        pieces = [_events(other, shuffled[start:end]) for start, end in pairwise(cuts)]
        outcomes = await asyncio.gather(*(take_over(engine, piece) for piece in pieces))
        assert sum(outcome.accepted for outcome in outcomes) == len(shuffled)
        assert await ledger(engine, one) == await ledger(engine, other)
        assert (await differences(engine)).total == 0

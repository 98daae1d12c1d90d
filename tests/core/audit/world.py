"""A ledger with a copy in every state, laid down row by row, with the counters that belong to it counted beside."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import Connection
from tests.factories import Factories

NOON = datetime(2016, 11, 22, 12, tzinfo=UTC)
OWNER = UUID(int=7)
UNFINISHED = {"queued", "sending", "deferred", "uncertain"}
METRICS = (
    "accepted", "delivered", "deferred", "hard_bounces", "soft_bounces", "blocked_complaint", "blocked_hardbounce",
    "blocked_manual", "blocked_softbounce", "blocked_unsubscribe", "opens", "unique_opens", "clicks", "unique_clicks",
    "complaints", "unsubscribes",
)  # fmt: skip
RUN_COLUMNS = (
    "claimed", "delivered", "hard_bounces", "soft_bounces", "blocked", "failed", "cancelled", "deferrals", "opens",
    "opened", "clicks", "clicked", "complaints", "unsubscribes",
)  # fmt: skip


@dataclass
class World:
    """Lays copies and runs down on one connection; `count` writes the counters."""

    connection: Connection
    account_id: int
    sender_id: int
    campaign_id: int = 0
    audience_id: int = 0
    hours: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    run_counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    copies: int = 0

    async def insert(self, table: str, **values: Any) -> Any:
        """Insert a row; return its first column."""
        names = ", ".join(values)
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        return await self.connection.fetchval(
            f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *",  # noqa: S608 names are ours
            *values.values(),
        )

    async def run(self, state: str, total: int | None, next_seq: int = 1, **values: Any) -> int:
        """Make a run; with a total it has targets, unless it is settled, and a row of counters."""
        started = {} if total is None else {"started_at": NOON}
        run_id: int = await self.insert(
            "runs", campaign_id=self.campaign_id, account_id=self.account_id, sender_id=self.sender_id, state=state,
            total=total, next_seq=next_seq, **{**started, **values},
        )  # fmt: skip
        for seq in range(1, (0 if values.get("settled") else total or 0) + 1):
            await self.insert(
                "run_targets", run_id=run_id, seq=seq, contact_id=seq, audience_id=self.audience_id,
                address=f"target{seq}@example.com",
            )  # fmt: skip
        if total is not None:
            self.run_counts[run_id, "claimed"] += 0
        return run_id

    async def copy(
        self,
        state: str,
        *,
        run_id: int | None = None,
        recipient: str = "",
        place: str = "",
        after: timedelta = timedelta(),
        deferrals: int = 0,
        last: str = "",
        bounce: str = "",
        reason: str | None = None,
        delivered: bool = False,
        **values: Any,
    ) -> int:
        """Lay one copy down.

        Args:
            state: Of the ledger.
            run_id: Run it belongs to.
            recipient: Made when empty.
            place: `queue`, `lease`, or nowhere.
            after: From its acceptance to its end.
            deferrals: Attempts that were put off, an hour apart.
            last: Outcome of the last attempt, at its end.
            bounce: hard or soft.
            reason: Of a blocked copy.
            delivered: Whether a server took it (before it bounced).
            values: Other columns of `messages`.
        """
        self.copies += 1
        ended = NOON + after
        attempts = deferrals + bool(last)
        row: dict[str, Any] = {
            "accepted_at": NOON, "accepted_ms": 0, "account_id": self.account_id, "sender_id": self.sender_id,
            "kind": "campaign" if run_id else "send", "state": state, "run_id": run_id, "attempts": attempts,
            "recipient": recipient or f"copy{self.copies}@example.com", "blocked_reason": reason,
            "finished_at": None if state in UNFINISHED else ended,
            "delivered_at": NOON + timedelta(minutes=30) if delivered else None,
            "bounced_at": ended if bounce else None,
        }  # fmt: skip
        row["id"] = await self.connection.fetchval("SELECT nextval('message_ids')")
        await self.insert("messages", **{**row, **values})
        copy_id: int = row["id"]
        for number in range(1, deferrals + 1):
            await self.attempt(copy_id, number, NOON + timedelta(hours=number - 1), "deferred", 451, "4.3.0 later")
        if last:
            await self.attempt(copy_id, attempts, ended, last, 250 if last == "delivered" else 550, "said so")
        if bounce:
            await self.insert(
                "bounces", message_id=copy_id, accepted_at=NOON, account_id=self.account_id, sender_id=self.sender_id,
                bounced_at=ended, bounce_type=bounce, category="bad-mailbox", code="5.1.1", regex_name="x",
                recipient=row["recipient"], diagnostic="550 5.1.1 no such user", full_content="",
            )  # fmt: skip
        if place:
            await getattr(self, place)(copy_id, attempts + 1, run_id)
        self._count(row, deferrals, bounce)
        return copy_id

    def _count(self, row: dict[str, Any], deferrals: int, bounce: str) -> None:
        events = [(row["accepted_at"], "accepted")]
        events += [(NOON + timedelta(hours=number), "deferred") for number in range(deferrals)]
        if row["delivered_at"]:
            events.append((row["delivered_at"], "delivered"))
        if bounce:
            events.append((row["bounced_at"], f"{bounce}_bounces"))
        if reason := row["blocked_reason"]:
            events.append((row["finished_at"], f"blocked_{'manual' if reason == 'deleted' else reason}"))
        for moment, metric in events:
            self.hours[moment.replace(minute=0, second=0, microsecond=0), metric] += 1
            if run_id := row["run_id"]:
                column = {"accepted": "claimed", "deferred": "deferrals"}.get(metric, metric.partition("ed_")[0])
                self.run_counts[run_id, "blocked" if column == "block" else column] += 1
        if row["run_id"] and row["state"] in {"failed", "cancelled"}:
            self.run_counts[row["run_id"], row["state"]] += 1

    async def react(self, copy_id: int, run_id: int | None = None) -> None:
        """Let the recipient open a copy twice, click three times, two of them on one link, complain and unsubscribe.

        The first of each is at noon, one more an hour later.
        """
        key = {"message_id": copy_id, "accepted_at": NOON, "account_id": self.account_id, "sender_id": self.sender_id}
        event = {**key, "run_id": run_id}
        later = NOON + timedelta(hours=1)
        visit = {**event, "ip": "192.0.2.1", "user_agent": ""}
        clicks = [(NOON, 0), (later, 0), (later, 1)]
        for number, at in enumerate((NOON, later), 1):
            await self.insert("opens", **visit, id=copy_id * 10 + number, occurred_at=at, machine=False)
        for number, (at, link) in enumerate(clicks, 3):
            click = {"id": copy_id * 10 + number, "occurred_at": at, "link": link, "url": "", "machine": False}
            await self.insert("clicks", **visit, **click)
        await self.insert("engagements", **event, opens=2, clicks=3, opened_at=NOON, clicked_at=NOON)
        for link, at in enumerate((NOON, later)):
            link_click = {"link": link, "url": "", "clicks": 2 - link, "clicked_at": at, "ip": ""}
            await self.insert("link_clicks", **event, **link_click)
        told = {"recipient": "jo@example.com"}
        await self.insert("complaints", **event, **told, complained_at=later, source="test", full_content="")
        left = {"id": copy_id * 10 + 6, "occurred_at": later, "means": "page"}
        await self.insert("unsubscriptions", **visit, **told, **left)
        for hour, found in (
            (NOON, {"opens": 1, "unique_opens": 1, "clicks": 1, "unique_clicks": 1}),
            (later, {"opens": 1, "clicks": 2, "unique_clicks": 1, "complaints": 1, "unsubscribes": 1}),
        ):
            for metric, number in found.items():
                self.hours[hour, metric] += number
        if run_id:
            counted = {"opens": 2, "opened": 1, "clicks": 3, "clicked": 1, "complaints": 1, "unsubscribes": 1}
            for column, number in counted.items():
                self.run_counts[run_id, column] += number

    async def attempt(  # noqa: PLR0917 a row
        self, copy_id: int, number: int, at: datetime, outcome: str, code: int, reply: str, *, lease_id: int = 1
    ) -> None:
        await self.insert(
            "attempts", message_id=copy_id, accepted_at=NOON, attempt=number, lease_id=lease_id, attempted_at=at,
            outcome=outcome, code=code, enhanced="", reply=reply, host="mx.example.com", duration_ms=12,
        )  # fmt: skip

    async def queue(self, copy_id: int, attempt: int = 1, run_id: int | None = None) -> None:
        await self.insert(
            "delivery_queue", message_id=copy_id, accepted_at=NOON, due_at=NOON + timedelta(hours=6), lane=1,
            attempt=attempt, site="example.com", run_id=run_id,
        )  # fmt: skip

    async def lease(self, copy_id: int, attempt: int = 1, run_id: int | None = None) -> int:
        lease_id: int = await self.insert(
            "delivery_leases", host="here", incarnation=OWNER, claimed_at=NOON, lease_until=NOON, run_id=run_id,
            epoch=1 if run_id else None, message_ids=[copy_id], accepted_ats=[NOON], attempts=[attempt], lanes=[1],
        )  # fmt: skip
        return lease_id

    async def count(self) -> None:
        """Write the counters."""
        for table, bucket in (("hourly_counts", "hour"), ("daily_counts", "day")):
            rows: dict[Any, Counter[str]] = {}
            for (hour, metric), number in self.hours.items():
                rows.setdefault(hour if bucket == "hour" else hour.date(), Counter())[metric] += number
            for start, found in rows.items():
                given = {bucket: start, **{metric: found[metric] for metric in METRICS}}
                await self.insert(table, account_id=self.account_id, sender_id=self.sender_id, **given)
        for run_id in {run_id for run_id, _ in self.run_counts}:
            given = {column: self.run_counts[run_id, column] for column in RUN_COLUMNS}
            await self.insert("run_counts", run_id=run_id, **given)


async def begin(connection: Connection, make: Factories) -> World:
    """Return an empty world with an account, an audience and a campaign."""
    account = await make.account(senders=["news@example.com"])
    world = World(connection, account.id, account.senders["news@example.com"])
    world.audience_id = await world.insert("audiences", account_id=account.id, name="Readers")
    world.campaign_id = await world.insert(
        "campaigns", account_id=account.id, name="Spring", audience_ids=[world.audience_id]
    )
    return world


async def build(engine: AsyncEngine, make: Factories) -> World:
    """Lay down a world in which all agrees; ids of copies and runs rise from 1 in the order written here."""
    async with driver_connection(engine) as connection:
        world = await begin(connection, make)
        hours = timedelta(hours=1)
        await world.copy("queued", place="queue")
        await world.copy("queued", place="lease")
        await world.copy("deferred", place="queue", deferrals=2)
        await world.react(await world.copy("delivered", last="delivered", delivered=True, after=hours / 2))
        await world.copy("bounced", delivered=True, bounce="hard", after=30 * hours)
        await world.copy("bounced", deferrals=3, last="deferred", bounce="soft", after=26 * hours)
        await world.copy("blocked", reason="unsubscribe")
        await world.copy("failed", last="failed")
        await world.copy("uncertain", place="queue", last="in_doubt", possible_duplicate=True)
        await _with_marks_of_crashes(world)
        await _with_runs(world)
        await world.count()
        return world


async def _with_marks_of_crashes(world: World) -> None:
    """Add what a lost and found delivery process leaves behind for a while."""
    # Recorded by its owner after another had taken it over: the second lease still has it.
    late = await world.copy("delivered", last="delivered", delivered=True, after=timedelta(minutes=30))
    await world.lease(late, 1)
    # In doubt, to be sent again, and then heard of as delivered.
    await world.copy("delivered", place="queue", last="delivered", delivered=True, possible_duplicate=True)
    # Put off by two owners: both attempts count.
    twice = await world.copy("deferred", place="queue", deferrals=1)
    await world.attempt(twice, 1, NOON, "deferred", 451, "later", lease_id=2)
    world.hours[NOON, "deferred"] += 1


async def _with_runs(world: World) -> None:
    sending = await world.run("sending", total=8, next_seq=7)
    await world.copy("sending", run_id=sending, place="lease")
    await world.copy("deferred", run_id=sending, place="queue", deferrals=1)
    await world.react(await world.copy("delivered", run_id=sending, last="delivered", delivered=True), sending)
    await world.copy("bounced", run_id=sending, last="rejected", bounce="soft")
    await world.copy("blocked", run_id=sending, reason="deleted")
    await world.copy("failed", run_id=sending, last="failed")
    stopped = await world.run("stopped", total=5, next_seq=3, unreached=3, finished_at=NOON)
    await world.copy("cancelled", run_id=stopped, deferrals=1, after=timedelta(hours=1))
    await world.copy("delivered", run_id=stopped, last="delivered", delivered=True)
    settled = await world.run("stopped", total=4, next_seq=2, unreached=3, finished_at=NOON, settled=True)
    await world.copy("delivered", run_id=settled, last="delivered", delivered=True)
    done = await world.run("done", total=1, next_seq=2, finished_at=NOON, settled=True)
    await world.copy("delivered", run_id=done, last="delivered", delivered=True)
    await world.run("paused", total=3)
    await world.run("queued", total=None)

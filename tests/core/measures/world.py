"""Mail of some accounts at random, and everything that happened to it, with a plain recount beside it."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.events import EventType
from app.core.measures import By, Filters, Metric
from app.db.unit_of_work import unit_of_work
from app.models import Attempt, DomainEvent, Issue, Run
from app.models.message import Kind
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec
from tests.factories.history import BounceSpec, LaidCopy, _count, _tally

START = datetime(2016, 11, 5, tzinfo=UTC)
SPAN = 20 * 86_400
DOMAINS = ["a.example", "B.example", "c.example"]
Step = Callable[[], timedelta]


@dataclass(frozen=True)
class Fact:
    """One thing that counts."""

    metric: Metric
    at: datetime
    account_id: int
    sender_id: int | None = None
    campaign_id: int | None = None
    audience_id: int | None = None
    domain: str | None = None
    kind: Kind | None = None
    category: str | None = None
    link: str | None = None

    def key(self, by: By) -> str | None:
        values = {
            By.ACCOUNT: self.account_id,
            By.SENDER: self.sender_id,
            By.CAMPAIGN: self.campaign_id,
            By.DOMAIN: self.domain,
            By.CATEGORY: self.category,
            By.LINK: self.link,
        }
        value = values.get(by)
        return None if value is None else str(value)

    def meets(self, filters: Filters) -> bool:
        pairs = (
            (filters.account, self.account_id),
            (filters.sender_id, self.sender_id),
            (filters.campaign_id, self.campaign_id),
            (filters.audience_id, self.audience_id),
            (filters.domain, self.domain),
            (filters.kind, self.kind),
        )
        return all(wanted is None or wanted == has for wanted, has in pairs)


@dataclass
class World:
    """What there is, and what happened."""

    accounts: list[MadeAccount]
    campaigns: list[int] = field(default_factory=list)
    audiences: list[int] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def recount(
        self, seen: set[int], start: datetime, end: datetime, filters: Filters, by: By = By.NONE
    ) -> Counter[tuple[str | None, Metric]]:
        found: Counter[tuple[str | None, Metric]] = Counter()
        for fact in self.facts:
            if fact.account_id in seen and start <= fact.at < end and fact.meets(filters):
                key = fact.key(by)
                if key is not None or by is By.NONE:
                    found[key, fact.metric] += 1
        return found


async def build(make: Factories, engine: AsyncEngine, copies: int = 110) -> World:
    """Lay down a master with a sub and a stranger, and all that happened to them."""
    chance = random.Random(20261122)
    master = await make.account(senders=["a@x.example", "b@x.example"])
    sub = await make.account(parent=master, senders=["a@x.example"])
    world = World([master, sub, await make.account(senders=["o@x.example"])])
    builder = _Builder(make, engine, world, chance)
    await builder.prepare()
    for _ in range(copies):
        await builder.copy()
    await builder.others()
    return world


class _Builder:
    def __init__(self, make: Factories, engine: AsyncEngine, world: World, chance: random.Random) -> None:
        self.make, self.engine, self.world, self.chance = make, engine, world, chance
        self.runs: dict[int, list[tuple[int, int]]] = {}
        self.contacts: dict[int, list[tuple[int, int]]] = {}

    async def prepare(self) -> None:
        for account in self.world.accounts:
            for _ in range(2):
                audience = await self.make.audience(account)
                campaign = await self.make.campaign(account, [audience], from_email=next(iter(account.senders)))
                run = await self.make.run(campaign)
                async with unit_of_work(self.engine) as write:
                    await write.execute(update(Run).where(Run.id == run.id).values(started_at=START))
                contact = await self.make.contact(audience)
                self.runs.setdefault(account.id, []).append((run.id, campaign.id))
                self.contacts.setdefault(account.id, []).append((contact.id, audience.id))
                self.world.campaigns.append(campaign.id)
                self.world.audiences.append(audience.id)
        async with unit_of_work(self.engine) as write:
            # What making them told is not of this time, but of now.
            await write.execute(DomainEvent.__table__.delete())  # type: ignore[attr-defined]

    def moment(self) -> datetime:
        width = self.chance.choice([1, 1, 60, 3600, 86_400])
        return START + timedelta(
            seconds=self.chance.randrange(0, SPAN, width), milliseconds=self.chance.randrange(1000)
        )

    def later(self) -> Iterator[timedelta]:
        while True:
            yield timedelta(seconds=self.chance.choice([0, 1, 59, 3600, self.chance.randrange(2 * 86_400)]))

    async def copy(self) -> None:
        chance = self.chance
        account = chance.choice(self.world.accounts)
        run_id, campaign_id = chance.choice([(None, None), *self.runs[account.id]])
        contact_id, audience_id = chance.choice([(None, None), *self.contacts[account.id]])
        domain = chance.choice(DOMAINS)
        reason = chance.choice([None, None, None, "manual", "unsubscribe", "deleted"])
        kind = Kind.CAMPAIGN if run_id else chance.choice([Kind.SEND, Kind.TRANSACTIONAL])
        delivered = chance.random() < 0.8
        extra: dict[str, object] = {"run_id": run_id, "contact_id": contact_id, "kind": kind}
        at = self.moment()
        sender_id = chance.choice(list(account.senders.values()))
        spec = CopySpec(
            account.id, sender_id, at, f"r@{domain}", delivered=delivered, blocked_reason=reason, extra=extra
        )
        copy = (await self.make.lay([spec]))[0]

        def note(metric: Metric, when: datetime, category: str | None = None, link: str | None = None) -> None:
            whose = (account.id, sender_id, campaign_id, audience_id, domain.lower(), kind)
            self.world.facts.append(Fact(metric, when, *whose, category, link))

        note(Metric.ACCEPTED, copy.accepted_at)
        if reason:
            note(Metric.BLOCKED, copy.accepted_at)
            return
        if delivered:
            note(Metric.DELIVERED, copy.accepted_at)
        await self._happenings(copy, note)

    async def _happenings(self, copy: LaidCopy, note: Callable[..., None]) -> None:
        chance, make, later = self.chance, self.make, self.later()

        def when() -> datetime:
            return copy.spec.accepted_at + next(later)

        at = copy.spec.accepted_at
        if chance.random() < 0.3:
            at = when()
            await self._defer(copy, at)
            note(Metric.DEFERRED, at)
        if chance.random() < 0.3:
            bounce = BounceSpec(
                at + next(later) + timedelta(seconds=1),
                chance.choice(["hard", "soft"]),
                chance.choice(["bad-mailbox", "other"]),
            )
            await make.bounced(copy, bounce)
            metric = Metric.HARD_BOUNCES if bounce.type == "hard" else Metric.SOFT_BOUNCES
            note(metric, bounce.at, category=bounce.category)
        for number in range(chance.randrange(3)):
            at = when()
            await make.opened(copy, at)
            note(Metric.OPENS, at)
            if number == 0:
                note(Metric.UNIQUE_OPENS, at)
        seen: set[int] = set()
        for _ in range(chance.randrange(3)):
            at, link = when(), chance.randrange(2)
            url = f"https://shop.example/{link}"
            await make.clicked(copy, at, url, link=link)
            note(Metric.CLICKS, at, link=url)
            if link not in seen:
                note(Metric.UNIQUE_CLICKS, at, link=url)
            seen.add(link)
        if chance.random() < 0.2:
            at = when()
            await make.complained(copy, at)
            note(Metric.COMPLAINTS, at)
        if chance.random() < 0.2:
            at = when()
            await make.unsubscribed(copy, at)
            note(Metric.UNSUBSCRIBES, at)

    async def _defer(self, copy: LaidCopy, at: datetime) -> None:
        row = {"message_id": copy.message_id, "accepted_at": copy.accepted_at, "attempt": 1, "lease_id": 1}
        said = {"code": 451, "enhanced": "", "reply": "later", "host": "mx", "duration_ms": 1}
        async with unit_of_work(self.engine) as write:
            await write.execute(insert(Attempt).values(**row, **said, outcome="deferred", attempted_at=at))
            await _count(write, _tally(copy, at, "deferred"))

    async def others(self) -> None:
        """Write what is about no copy."""
        chance = self.chance
        async with unit_of_work(self.engine) as write:
            for _ in range(60):
                account, domain, at = chance.choice(self.world.accounts), chance.choice(DOMAINS), self.moment()
                address, number = chance.choice([*account.senders.items(), ("nobody@x.example", None)])
                row = {"account_id": account.id, "occurred_at": at, "issue_type": "refused", "description": ""}
                sender = f"Us <{address.upper()}>"
                await write.execute(insert(Issue).values(**row, address=f"r@{domain}", sender=sender))
                self.world.facts.append(Fact(Metric.REFUSED, at, account.id, number, domain=domain.lower()))
            for _ in range(60):
                account, domain, at = chance.choice(self.world.accounts), chance.choice(DOMAINS), self.moment()
                contact_id, audience_id = chance.choice(self.contacts[account.id])
                kind = chance.choice(list(_CONTACT_EVENTS))
                row = {"account_id": account.id, "occurred_at": at, "type": kind, "contact_id": contact_id}
                more = {"audience_id": audience_id, "address": f"r@{domain}"}
                await write.execute(insert(DomainEvent).values(**row, **more, routed=True))
                if metric := _CONTACT_EVENTS[kind]:
                    fact = Fact(metric, at, account.id, audience_id=audience_id, domain=domain.lower())
                    self.world.facts.append(fact)


_CONTACT_EVENTS = {
    EventType.CONTACT_SUBSCRIBED: Metric.SUBSCRIBED,
    EventType.CONTACT_UNSUBSCRIBED: Metric.UNSUBSCRIBED,
    EventType.CONTACT_TAGGED: None,
}

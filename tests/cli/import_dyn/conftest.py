"""A source with a history, and an empty installation to bring it to."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts
from app.core.suppressions import NewEntry, Reason
from app.db.engine import make_engine
from app.db.unit_of_work import unit_of_work
from app.main import Application
from app.models.account import Account
from app.models.issue import Issue
from app.settings import Retention, Settings
from tests.contract.wire import Listener
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec
from tests.fixtures.database import administer, settings_for, with_database

AT = datetime(2016, 11, 22, 10, 0, 5, 250_000, tzinfo=UTC)
FULL = "552 5.2.2 Mailbox full"


@dataclass(frozen=True)
class Target:
    """Where things are brought to."""

    settings: Settings
    engine: AsyncEngine


@pytest.fixture
async def target(
    database_server_url: str, template_database: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    """An installation without any account."""
    name = f"trireme_target_{os.getpid()}"
    await administer(database_server_url, f"CREATE DATABASE {name} TEMPLATE {template_database}")
    settings = settings_for(with_database(database_server_url, name), broker_url, tmp_path_factory.mktemp("target"))
    settings = settings.model_copy(update={"retention": Retention(detail_days=0)})
    engine = make_engine(settings)
    yield Target(settings, engine)
    await engine.dispose()
    await administer(database_server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def source(app: Application) -> AsyncIterator[Listener]:
    """The source, which answers."""
    listener = Listener()
    listener.app = app
    async with listener.listening():
        yield listener


@pytest.fixture
def source_url(source: Listener) -> str:
    """Where it answers."""
    return f"http://127.0.0.1:{source.port}"


@pytest.fixture
async def master(make: Factories, engine: AsyncEngine) -> MadeAccount:
    """A master with a sub-account, senders, suppressions and a history in November 2016."""
    master = await make.account(
        "owner@accounts.example", x_headers=["X-Campaign", "X-Region"], senders=["news@x.example", "shop@x.example"],
        company_name="Example, Inc.", phone="603-555-0100", utc_offset_minutes=-300, monthly_cap=100_000,
        track_opens=True, track_links=True, bounce_url="https://hooks.example/b?e=@email", bounce_url_active=True,
    )  # fmt: skip
    sub = await make.account("sub@accounts.example", parent=master, account_name="Sub, the", senders=["sub@x.example"])
    async with unit_of_work(engine) as write:
        await write.execute(update(Account).where(Account.id == sub.id).values(created_at=AT))
        entries = [
            NewEntry("hard@y.example", Reason.HARDBOUNCE, created_at=AT),
            NewEntry("active@y.example", Reason.COMPLAINT, created_at=AT + timedelta(days=1)),
            NewEntry("away@y.example", Reason.UNSUBSCRIBE, created_at=AT + timedelta(days=2)),
        ]
        await contacts.suppress_many(write, master.id, entries)
        await contacts.suppress_many(write, sub.id, [NewEntry("bad@y.example", Reason.MANUAL, created_at=AT)])
        issue = {"account_id": master.id, "issue_type": "unapprovedsender", "address": "a@y.example", "sender": "z@z.example",
                 "description": "503 5.5.1 Error: need MAIL command", "occurred_at": AT, "x_headers": {"X-Campaign": "c"}}  # fmt: skip
        await write.execute(insert(Issue), [issue, issue])
    for account in (master, sub):
        for number, sender_id in enumerate(account.senders.values()):
            await _lay(make, account.id, sender_id, AT + timedelta(hours=number))
    return master


async def _lay(make: Factories, account_id: int, sender_id: int, at: datetime) -> None:
    """Lay down what can happen to mail."""
    second = timedelta(seconds=1)
    for number in range(3):
        headers = {"X-Campaign": f"c{number % 2}"}
        copy = await make.delivered(account_id, sender_id, at + number * second, "ann@y.example", x_headers=headers)
        for late in (0, 0, 90):
            await make.opened(copy, copy.accepted_at + timedelta(minutes=5 + late), ip="192.0.2.7")
        await make.clicked(copy, copy.accepted_at + timedelta(minutes=6), "https://x.example/sale", ip="192.0.2.7")
    hard = await make.sent(account_id, sender_id, at, "hard@y.example", x_headers={"X-Campaign": "c0"})
    await make.bounced(hard, BounceSpec(hard.accepted_at))
    for number in range(2):
        soft = await make.sent(account_id, sender_id, at + number * timedelta(hours=2), "full@y.example")
        await make.bounced(soft, _full(soft.accepted_at + timedelta(hours=1)))
    for reason in ("hardbounce", "complaint", "manual", "unsubscribe"):
        await make.blocked(account_id, sender_id, at + second, f"{reason}@y.example", reason=reason)
    complained = await make.delivered(account_id, sender_id, at, "cross@y.example")
    await make.complained(complained, at + timedelta(hours=3))
    await make.sent(account_id, sender_id, at, "waiting@y.example")


def _full(at: datetime) -> BounceSpec:
    return BounceSpec(at, "soft", "quota-issues", "5.2.2", "quotaissues02", f"smtp;{FULL}", FULL)

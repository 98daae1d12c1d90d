"""A copy of a closed hour whose acceptance turns out to have been earlier counts there, and nowhere else."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, ingest, metrics
from app.core.ingest import Event, EventKind
from app.core.metrics import Step, window
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from tests.core.metrics.pieces import close
from tests.factories import Factories, MadeAccount

AT = datetime(2016, 11, 22, 14, 10, tzinfo=UTC)
EARLIER = AT - timedelta(hours=26)
DAY = date(2016, 11, 22)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["a@x.example", "b@x.example"])


async def take_over(engine: AsyncEngine, account: MadeAccount, *events: tuple[EventKind, datetime, str, str]) -> None:
    given = [
        Event(kind, at, account.id, sender=sender, recipient="jo@example.org", email_id=name)
        for kind, at, sender, name in events
    ]
    outcome = await ingest.take_over(engine, given, now=AT + timedelta(days=5), rules=None)
    assert outcome.accepted == len(events)


async def told(engine: AsyncEngine, account: MadeAccount) -> list[dict[int, int]]:
    """Return the copies by sender: of the second, of its hour, its day, the hour before, and of both in series."""
    hour = AT.replace(minute=0)
    whole = window(EARLIER - timedelta(days=1), AT + timedelta(days=2))
    found: list[dict[int, int]] = []
    async with reading(engine) as read:
        for start, length in ((AT, 1), (hour, 3600), (hour.replace(hour=0), 86_400), (EARLIER, 1)):
            rows = await metrics.email_counts(read, account.caller, window(start, start + timedelta(seconds=length)))
            found.append({row.key: row.copies for row in rows})
        for step in Step:
            series = await metrics.email_series(read, account.caller, whole, step=step)
            found.append({key: sum(numbers) for key, (numbers,) in series.columns.items()})
    return found


@pytest.mark.parametrize("others", [0, 2])
async def test_it_moves(
    engine: AsyncEngine, account: MadeAccount, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    first, second = account.senders.values()
    stays = [(EventKind.DELIVERED, AT, "a@x.example", f"other-{number}") for number in range(others)]
    kept = {first: others} if others else {}
    quiet = (EventKind.DELIVERED, AT, "b@x.example", "them-2")
    await take_over(engine, account, (EventKind.DELIVERED, AT, "a@x.example", "them-1"), quiet, *stays)
    await close(engine, AT + timedelta(days=2), monkeypatch=monkeypatch)
    here, both = {first: others + 1, second: 1}, {first: others + 1, second: 1}
    assert await told(engine, account) == [here, here, here, {}, both, both]
    await take_over(engine, account, (EventKind.ACCEPTED, EARLIER, "a@x.example", "them-1"))
    left = kept | {second: 1}
    for _ in range(2):  # before and after its hours are closed again
        assert await told(engine, account) == [left, left, left, {first: 1}, both, both]
        await close(engine, AT + timedelta(days=2), monkeypatch=monkeypatch)
    async with driver_connection(engine) as connection:
        assert not await connection.fetchval("SELECT count(*) FROM hourly_counts")
        assert (await audit.check(connection, audit.Scope.from_day(DAY - timedelta(days=9)))).total == 0

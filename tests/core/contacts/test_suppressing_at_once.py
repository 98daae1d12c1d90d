"""The suppression list and the contacts agree, whoever changes them at the same time."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress as ignoring

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, suppressions
from app.core.audiences import Audience
from app.core.errors import Invalid
from app.core.suppressions import Reason
from app.db.engine import driver_connection, make_engine
from app.db.unit_of_work import WriteSession, reading, unit_of_work
from app.settings import Settings
from tests.factories import Factories

ANN = "ann@x.example"
SECONDS = 20
Deed = Callable[[WriteSession], Awaitable[object]]


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that lends a connection to everybody at once."""
    engine = make_engine(settings, pool_size=20)
    yield engine
    await engine.dispose()


async def waiting(engine: AsyncEngine) -> None:
    """Return when a transaction of the database waits for another."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with driver_connection(engine) as connection, asyncio.timeout(SECONDS):
        while not await connection.fetchval(query):  # noqa: ASYNC110 the server tells nobody
            await asyncio.sleep(0.01)


async def one_after_the_other(engine: AsyncEngine, first: Deed, second: Deed) -> object:
    """Let the second begin before the first has committed, and wait for it; return what it gave or raised."""

    async def run() -> object:
        async with unit_of_work(engine) as write:
            return await second(write)

    async with unit_of_work(engine) as write:
        await first(write)
        later = asyncio.create_task(run())
        await waiting(engine)
    async with asyncio.timeout(SECONDS):
        [result] = await asyncio.gather(later, return_exceptions=True)
    return result


async def state(engine: AsyncEngine, audience: Audience, address: str = ANN) -> tuple[str, str | None, str | None]:
    """Return status, status before and the reason on the list."""
    async with reading(engine) as read:
        contact = await contacts.get(read, audience.account_id, audience.id, address)
        reasons = await suppressions.reasons(read, audience.account_id, [address])
    return contact.status, contact.status_before, reasons.get(address)


class TestOneAfterTheOther:
    @pytest.fixture
    async def audience(self, make: Factories) -> Audience:
        audience = await make.audience(await make.account())
        await make.contact(audience, ANN, status="unsubscribed")
        return audience

    async def test_who_is_suppressed_while_subscribing_waits_is_refused(
        self, engine: AsyncEngine, audience: Audience
    ) -> None:
        refused = await one_after_the_other(
            engine,
            lambda write: contacts.suppress(write, audience.account_id, [ANN], Reason.MANUAL),
            lambda write: contacts.subscribe(write, audience.account_id, audience.id, ANN),
        )
        assert isinstance(refused, Invalid)
        assert await state(engine, audience) == ("unsubscribed", None, "manual")

    async def test_who_unsubscribes_while_subscribing_waits_is_subscribed_without_an_entry(
        self, engine: AsyncEngine, audience: Audience
    ) -> None:
        done = await one_after_the_other(
            engine,
            lambda write: contacts.suppress(write, audience.account_id, [ANN], Reason.UNSUBSCRIBE),
            lambda write: contacts.subscribe(write, audience.account_id, audience.id, ANN),
        )
        assert done is True
        assert await state(engine, audience) == ("subscribed", None, None)

    @pytest.mark.parametrize("reason", [Reason.MANUAL, Reason.UNSUBSCRIBE])
    async def test_who_subscribes_while_suppressing_waits_is_suppressed(
        self, engine: AsyncEngine, audience: Audience, reason: Reason
    ) -> None:
        await one_after_the_other(
            engine,
            lambda write: contacts.subscribe(write, audience.account_id, audience.id, ANN),
            lambda write: contacts.suppress(write, audience.account_id, [ANN], reason),
        )
        manual = reason is Reason.MANUAL
        expected = ("blacklisted", "subscribed", "manual") if manual else ("unsubscribed", None, "unsubscribe")
        assert await state(engine, audience) == expected

    async def test_who_is_suppressed_while_the_entry_goes_is_suppressed(
        self, engine: AsyncEngine, audience: Audience
    ) -> None:
        async with unit_of_work(engine) as write:
            await contacts.subscribe(write, audience.account_id, audience.id, ANN)
            await contacts.suppress(write, audience.account_id, [ANN], Reason.MANUAL)
        await one_after_the_other(
            engine,
            lambda write: contacts.unsuppress(write, audience.account_id, [ANN]),
            lambda write: contacts.suppress(write, audience.account_id, [ANN], Reason.COMPLAINT),
        )
        assert await state(engine, audience) == ("blacklisted", "subscribed", "complaint")

    async def test_who_is_suppressed_again_while_the_entry_goes_leaves_it_gone(
        self, engine: AsyncEngine, audience: Audience
    ) -> None:
        async with unit_of_work(engine) as write:
            await contacts.subscribe(write, audience.account_id, audience.id, ANN)
            await contacts.suppress(write, audience.account_id, [ANN], Reason.MANUAL)
        done = await one_after_the_other(
            engine,
            lambda write: contacts.suppress(write, audience.account_id, [ANN], Reason.COMPLAINT),
            lambda write: contacts.unsuppress(write, audience.account_id, [ANN]),
        )
        assert done == [ANN]
        assert await state(engine, audience) == ("subscribed", None, None)

    async def test_who_unsubscribes_while_confirming_waits_stays_unsubscribed(
        self, engine: AsyncEngine, make: Factories, audience: Audience
    ) -> None:
        made = await make.contact(audience, "ben@x.example", status="unconfirmed")
        await one_after_the_other(
            engine,
            lambda write: contacts.unsubscribe(write, audience.account_id, audience.id, made.id),
            lambda write: contacts.confirm(write, audience.account_id, made.id),
        )
        assert await state(engine, audience, made.address) == ("unsubscribed", None, None)


async def test_whatever_happens_at_once_nobody_waits_for_ever_and_all_agree(
    make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account()
    audiences = [await make.audience(account), await make.audience(account)]
    emails = [f"p{number}@x.example" for number in range(8)]
    for audience in audiences:
        for email in emails:
            await make.contact(audience, email)
    chance = random.Random(7)

    def deed() -> Deed:
        some = chance.sample(emails, 5)
        email, audience = some[0], chance.choice(audiences)
        return chance.choice([
            lambda write: contacts.suppress(write, account.id, some, Reason.MANUAL),
            lambda write: contacts.suppress(write, account.id, some, Reason.HARDBOUNCE),
            lambda write: contacts.suppress(write, account.id, some, Reason.UNSUBSCRIBE),
            lambda write: contacts.unsuppress(write, account.id, some, clear_marks=True),
            lambda write: suppressions.activate(write, account.id, some),
            lambda write: contacts.subscribe(write, account.id, audience.id, email),
            lambda write: contacts.unsubscribe(write, account.id, audience.id, email),
        ])  # fmt: skip

    async def worker(deeds: list[Deed]) -> None:
        for each in deeds:
            with ignoring(Invalid):  # subscribing is refused now and then
                async with unit_of_work(engine) as write:
                    await each(write)

    async with asyncio.timeout(60):
        await asyncio.gather(*(worker([deed() for _ in range(25)]) for _ in range(8)))
    for audience in audiences:
        for email in emails:
            status, before, reason = await state(engine, audience, email)
            if reason in {None, Reason.UNSUBSCRIBE}:
                assert (status in {"subscribed", "unsubscribed"}, before) == (True, None)
            else:
                assert (status, before) in {
                    ("blacklisted", "subscribed"), ("blacklisted", "unsubscribed"), ("unsubscribed", None),
                }  # fmt: skip
            assert reason != Reason.UNSUBSCRIBE or status == "unsubscribed"

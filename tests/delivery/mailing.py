"""Campaigns for tests of the delivery process: made, steered, awaited, and audited against their ledger."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Unpack

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audit, campaigns, contacts
from app.core.audiences import Audience
from app.core.audit import Scope
from app.core.campaigns import Campaign, Fields, Overrides, Run
from app.core.contacts import ContactRow
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.settings import Settings
from tests.factories import Factories, MadeAccount
from tests.fixtures.smtp_server import Received, Session, SmtpServer

LONGEST_SECONDS = 25
LOOK_SECONDS = 0.02
HTML = '<html><body><p>Dear {FIRST_NAME}</p><a href="https://shop.example/sale">Sale</a></body></html>'


def tuned(settings: Settings, **changes: Any) -> Settings:
    """The settings with other ones for delivery."""
    return settings.model_copy(update={"delivery": settings.delivery.model_copy(update=changes)})


def read(message: Received) -> EmailMessage:
    """What a server got, parsed."""
    parsed = email.message_from_bytes(message.data, policy=email.policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    return parsed


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something in this process is so."""
    for _ in range(int(LONGEST_SECONDS / LOOK_SECONDS)):
        if condition():
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise AssertionError("it never came to be")


class HoldingServer(SmtpServer):
    """An SMTP server that holds its answers to the final dot back while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[str] = []
        """Recipients whose mail came in whole while answers were held."""
        self._may_answer = asyncio.Event()
        self._may_answer.set()
        self._first = 0

    def hold(self, *, after: int = 0) -> None:
        """Hold answers back from now on, but for so many first ones."""
        self._first = after
        self._may_answer.clear()

    def let_go(self) -> None:
        self._may_answer.set()

    async def _body(self, session: Session) -> bytes:
        data = await super()._body(session)
        self._first -= 1
        if self._first < 0 and not self._may_answer.is_set():
            self.held.extend(session.recipients)
            await self._may_answer.wait()
        return data

    async def holds(self, count: int) -> None:
        """Wait until so many answers are held."""
        await eventually(lambda: len(self.held) >= count)

    async def has(self, count: int) -> None:
        """Wait until so many mails have come in."""
        await eventually(lambda: len(self.messages) >= count)


class Mailing:
    """Makes campaigns of one account and steers them as people do."""

    def __init__(self, engine: AsyncEngine, make: Factories) -> None:
        self.engine = engine
        self.make = make
        self._account: MadeAccount | None = None

    async def account(self) -> MadeAccount:
        if self._account is None:
            self._account = await self.make.account(senders=["news@example.com"])
        return self._account

    async def audience(
        self, people: int | Mapping[str, Mapping[str, object]], *, account: MadeAccount | None = None, domain: str = ""
    ) -> Audience:
        """Make an audience of person1@DOMAIN ... or of these addresses with their fields."""
        account = account or await self.account()
        audience = await self.make.audience(account, fields=["FIRST_NAME"])
        if isinstance(people, int):
            domain = domain or "contacts.example"
            numbers = range(1, people + 1)
            people = {f"person{number}@{domain}": {"FIRST_NAME": f"Name{number}"} for number in numbers}
        await self.add(audience, people)
        return audience

    async def add(self, audience: Audience, people: Mapping[str, Mapping[str, object]]) -> None:
        rows = [ContactRow(address, fields) for address, fields in people.items()]
        async with driver_connection(self.engine) as connection:
            await contacts.add_many(connection, audience.account_id, audience.id, rows)

    async def campaign(
        self,
        people: int | Mapping[str, Mapping[str, object]] | Sequence[Audience],
        *,
        account: MadeAccount | None = None,
        domain: str = "",
        **fields: Unpack[Fields],
    ) -> Campaign:
        """Make a campaign for so many people, or for these audiences."""
        account = account or await self.account()
        if isinstance(people, int | Mapping):
            people = [await self.audience(people, account=account, domain=domain)]
        given: Fields = {"from_email": next(iter(account.senders)), "html": HTML, "subject": "First", **fields}
        return await self.make.campaign(account, people, **given)

    async def pause(self, campaign: Campaign) -> Run:
        async with unit_of_work(self.engine) as write:
            return await campaigns.pause(write, campaign.account_id, campaign.id)

    async def resume(self, campaign: Campaign) -> Run:
        async with unit_of_work(self.engine) as write:
            return await campaigns.resume(write, campaign.account_id, campaign.id)

    async def say(self, campaign: Campaign, subject: str) -> Run:
        """Update and resume."""
        async with unit_of_work(self.engine) as write:
            return await campaigns.update_and_resume(
                write, campaign.account_id, campaign.id, overrides=Overrides(subject=subject)
            )

    async def stop(self, campaign: Campaign) -> Run:
        async with unit_of_work(self.engine) as write:
            return await campaigns.stop(write, campaign.account_id, campaign.id)

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def value(self, query: str, *args: object) -> Any:
        rows = await self.rows(query, *args)
        return next(iter(rows[0].values())) if rows else None

    async def until(self, query: str, expected: object, *args: object) -> None:
        """Wait until the query's one value is as expected; say what it was when it never is."""
        value: object = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SECONDS):
                while True:
                    value = await self.value(query, *args)
                    if value == expected:
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError(f"{query}: {value!r}, expected {expected!r}")

    async def states(self, run: Run) -> dict[str, int]:
        """Copies of a run by state."""
        rows = await self.rows("SELECT state, count(*) AS n FROM messages WHERE run_id = $1 GROUP BY 1", run.id)
        return {row["state"]: row["n"] for row in rows}

    async def idle(self, run: Run) -> None:
        """Wait until no delivery process has copies of a run."""
        await self.until("SELECT count(*) FROM delivery_leases WHERE run_id = $1", 0, run.id)

    async def done(self, run: Run) -> None:
        """Wait until a run is done, as the scheduler would find it; then its ledger must be right."""
        state = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SECONDS):
                while (state := await self.value("SELECT state FROM runs WHERE id = $1", run.id)) != "done":
                    await asyncio.sleep(LOOK_SECONDS)
                    await campaigns.finish(self.engine)
        assert state == "done", await self.states(run)
        await self.sound()

    async def due(self) -> None:
        """Let the time of whatever waits for a further attempt come."""
        await self.rows("UPDATE delivery_queue SET due_at = now()")

    async def sound(self) -> None:
        """Ledger, queue, leases and all counters agree."""
        async with driver_connection(self.engine) as connection:
            report = await audit.check(connection, Scope.recent(datetime.now(UTC)))
        assert report.shown == ()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look at ledger and counters all the time meanwhile; each look is one snapshot and must agree."""
        looks = 0

        async def watch() -> None:
            nonlocal looks
            while True:
                await self.sound()
                looks += 1
                await asyncio.sleep(LOOK_SECONDS)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        assert looks

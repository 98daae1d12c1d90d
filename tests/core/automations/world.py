"""An account with an audience and automations, and a clock that a test moves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import automations, contacts
from app.core.audiences import Audience
from app.core.automations import Automation
from app.core.contacts import Contact
from app.core.templates import Template
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid
from app.settings import Settings
from tests.factories import Factories, MadeAccount
from workers.automation_runner import AutomationRunner
from workers.event_router import EventRouter, consumers_of

FROM = "team@acme.example"
HTML = '<html><body><p>Hello {{ FIRST_NAME }}</p><a href="https://shop.example/a">A</a></body></html>'


class World:
    """Automations of one audience."""

    account: MadeAccount
    audience: Audience
    template: Template

    def __init__(self, make: Factories, engine: AsyncEngine, settings: Settings) -> None:
        self.make = make
        self.engine = engine
        self.settings = settings
        self.ahead = timedelta()

    async def open(self, **fields: Any) -> "World":
        self.account = await self.make.account(senders=[FROM], **fields)
        self.audience = await self.make.audience(self.account, fields={"FIRST_NAME": "text", "AGE": "number"})
        self.template = await self.make.template(self.account, html=HTML)
        return self

    def send(self, **values: Any) -> dict[str, Any]:
        template_id = uid(Noun.TEMPLATE, self.template.id)
        return {"type": "send", "template_id": template_id, "from_email": FROM, "from_name": "Acme", **values}

    async def automation(
        self,
        *steps: Mapping[str, Any],
        trigger: str | Mapping[str, Any] = "subscribed",
        reentry: bool = False,
        active: bool = True,
    ) -> Automation:
        given = {"type": trigger} if isinstance(trigger, str) else trigger
        async with unit_of_work(self.engine) as write:
            made = await automations.create(
                write,
                self.account.id,
                name="Onboarding",
                audience_id=self.audience.id,
                trigger=given,
                steps=steps,
                reentry=reentry,
            )
            if active:
                await automations.activate(write, self.account.id, made.id)
        return made

    async def contact(self, email: str = "jo@example.org", **values: Any) -> Contact:
        async with unit_of_work(self.engine) as write:
            return await contacts.add(write, self.account.id, self.audience.id, email=email, source="api", **values)

    async def do(self, verb: Callable[..., Any], *args: Any, **values: Any) -> Any:
        """Do a verb on the audience: `await world.do(contacts.add_tags, contact.id, ["x"])`."""
        async with unit_of_work(self.engine) as write:
            return await verb(write, self.account.id, self.audience.id, *args, **values)

    async def of(self, verb: Callable[..., Any], automation: Automation, *args: Any, **values: Any) -> Any:
        """Do a verb on an automation."""
        async with unit_of_work(self.engine) as write:
            return await verb(write, self.account.id, automation.id, *args, **values)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def route(self) -> int:
        router = EventRouter(self.engine, on_routed=lambda: None, consumers=consumers_of(self.settings))
        return await router.route()

    async def move(self) -> int:
        """Move on once whoever is due; return how many there were."""
        runner = AutomationRunner(self.engine, self.settings, clock=self.now)
        return (await runner.advance()).runs

    async def settle(self, most: int = 200) -> None:
        """Route and move on until nothing is to be done now."""
        for _ in range(most):
            routed, moved = await self.route(), await self.move()
            if not routed and not moved:
                return
        raise AssertionError("it does not come to an end")

    async def later(self, **time: float) -> None:
        """Let time pass, and what is due by then happen."""
        self.ahead += timedelta(**time)
        await self.settle()

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    async def runs(self) -> list[tuple[str, str]]:
        """Status and reason of all runs, in order."""
        rows = await self.rows("SELECT status, reason FROM automation_runs ORDER BY id")
        return [(row["status"], row["reason"]) for row in rows]

    async def mails(self) -> list[dict[str, Any]]:
        rows = await self.rows(
            "SELECT messages.*, mails.headers, mails.html, mails.text, mails.tracking FROM messages"
            " JOIN mails ON mails.id = messages.mail_id WHERE kind = 'automation' ORDER BY messages.id"
        )
        return [{**row, "headers": dict(row["headers"])} for row in rows]

    async def counts(self, automation: Automation) -> Sequence[int]:
        """Entered, active, finished, stopped; equal to what counting gives."""
        async with unit_of_work(self.engine) as write:
            [found] = (await automations.counts(write, [automation])).values()
        [counted] = await self.rows(
            "SELECT count(*) AS entered, count(*) FILTER (WHERE status = 'active') AS active,"
            " count(*) FILTER (WHERE status = 'finished') AS finished,"
            " count(*) FILTER (WHERE status = 'stopped') AS stopped FROM automation_runs WHERE automation_id = $1",
            automation.id,
        )
        told = (found.entered, found.active, found.finished, found.stopped)
        assert told == tuple(counted.values())
        return told

    async def finished(self) -> int:
        """How many runs have gone through."""
        rows = await self.rows("SELECT FROM automation_runs WHERE status = 'finished'")
        return len(rows)

    async def seen(self, contact: Contact) -> Contact:
        async with unit_of_work(self.engine) as write:
            return await contacts.get(write, self.account.id, self.audience.id, contact.id)

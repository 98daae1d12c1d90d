"""Automations in the outbox process: from a request to what a reader's server gets, and back by the mail's own links."""

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.kit.uids import Noun, uid
from app.settings import Outbound, Settings
from tests.api.native.calling import Native
from tests.core.automations.world import World
from tests.delivery.conftest import running
from tests.factories import Factories
from tests.fixtures.smtp_server import SmtpServer
from tests.fixtures.web_server import Writer, status, web_server
from tests.workers.test_outbox import until
from workers import outbox


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine, settings: Settings) -> World:
    return await World(make, engine, settings).open()


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@pytest.fixture
def to_server(settings: Settings, server: SmtpServer) -> Settings:
    """The test's settings, with everything going to its SMTP server."""
    relay = {"route": "relay", "relay_url": f"smtp://127.0.0.1:{server.port}"}
    return settings.model_copy(update={"delivery": settings.delivery.model_copy(update=relay)})


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    groups = {"outbound": Outbound(allow_private_networks=True)}
    task = asyncio.create_task(outbox.work(settings.model_copy(update=groups), stopping))
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(20):
            await task


async def test_from_a_request_to_a_mail_and_back(
    client: httpx2.AsyncClient, to_server: Settings, server: SmtpServer, world: World
) -> None:
    call = Native(client, world.account.key)
    audience = uid(Noun.AUDIENCE, world.audience.id)
    body = {
        "name": "Onboarding",
        "audience_id": audience,
        "trigger": {"type": "event", "name": "signed_up", "properties": {"plan": "pro"}},
        "steps": [world.send(), {"type": "add_tag", "tag": "greeted"}],
    }
    made = (await call("POST", "/automations", body)).json()
    await call("POST", f"/automations/{made['id']}/activate")
    path = f"/audiences/{audience}/contacts"
    await call("POST", path, {"email": "jo@example.org", "fields": {"FIRST_NAME": "Jo"}})
    event = {"name": "signed_up", "properties": {"plan": "pro"}}
    assert (await call("POST", f"{path}/jo@example.org/events", event)).status_code == 201

    async def through() -> bool:
        counts = (await call("GET", f"/automations/{made['id']}")).json()["counts"]
        return bool(counts == {"entered": 1, "active": 0, "finished": 1, "stopped": 0} and server.messages)

    async with working(to_server), running(to_server):
        await until(through)
    [mail] = server.messages
    head = email.message_from_bytes(mail.data, policy=email.policy.SMTP)
    assert head["Subject"] == "Hello Jo"
    assert head["Precedence"] == "bulk"
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert head["X-Dynosend-Campaign-Id"]
    assert head.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in head.iter_parts()] == ["text/plain", "text/html"]
    [link] = re.findall(rf"<{to_server.public_url}(/u/\w+)>", head["List-Unsubscribe"])
    answer = await client.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200, answer.text
    contact = (await call("GET", f"{path}/jo@example.org")).json()
    assert (contact["status"], contact["tags"]) == ("unsubscribed", ["greeted"])
    assert (await call("GET", "/suppressions")).json()["data"] == [], "one list's mail ends, not all"
    [run] = (await call("GET", f"/automations/{made['id']}/runs")).json()["data"]
    [seen] = (await call("GET", "/messages", kind="automation")).json()["data"]
    assert [one["email_id"] for one in run["sent"]] == [seen["email_id"]]
    assert (seen["status"], seen["kind"]) == ("delivered", "automation")


async def test_a_url_is_called_until_it_answers_well(settings: Settings, world: World) -> None:
    codes = iter((500, 302, 204))

    async def answer(head: bytes, writer: Writer) -> None:
        await status(next(codes))(head, writer)

    async with web_server(answer) as server:
        await world.automation({"type": "webhook", "url": f"http://127.0.0.1:{server.port}/a?b=c"})
        await world.contact()
        async with working(settings):
            for tries in (1, 2):
                await until(lambda tries=tries: tried(world, tries))  # type: ignore[misc]
                await world.rows("UPDATE automation_calls SET due_at = now()")
            await until(lambda: nothing_waits(world))
    assert await world.runs() == [("finished", "")]
    heads = [head for head in server.requests if head.startswith(b"POST /a?b=c ")]
    assert len(heads) == 3
    assert len({name for head in heads for name in re.findall(rb"(?i)webhook-id: (\S+)", head)}) == 1


async def tried(world: World, times: int) -> bool:
    rows = await world.rows("SELECT attempts FROM automation_calls")
    return bool(rows) and rows[0]["attempts"] >= times


async def nothing_waits(world: World) -> bool:
    rows: list[dict[str, Any]] = await world.rows("SELECT FROM automation_calls")
    return not rows


async def test_private_networks_are_not_called(settings: Settings, world: World) -> None:
    async with web_server() as server:
        await world.automation({"type": "webhook", "url": f"http://127.0.0.1:{server.port}/"})
        await world.contact()
        stopping = asyncio.Event()
        task = asyncio.create_task(outbox.work(settings, stopping))
        await until(lambda: tried(world, 1))
        stopping.set()
        await task
        [row] = await world.rows("SELECT last_error FROM automation_calls")
    assert server.connections == 0
    assert "network" in row["last_error"]


async def test_several_outboxes_share_the_work(settings: Settings, world: World) -> None:
    automation = await world.automation({"type": "add_tag", "tag": "a"}, world.send(), {"type": "add_tag", "tag": "b"})
    for number in range(40):
        await world.contact(f"p{number}@example.org")

    async def through() -> bool:
        return await world.finished() == 40

    async with working(settings), working(settings), working(settings):
        await until(through)
    assert len({mail["recipient"] for mail in await world.mails()}) == len(await world.mails()) == 40
    assert await world.counts(automation) == (40, 0, 40, 0)

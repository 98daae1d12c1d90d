"""Double opt-in from the call to the welcome, by the mail's own link."""

import re

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.audiences import Audience
from app.kit.uids import Noun, uid
from app.settings import Settings
from tests.api.dynosend.conftest import Ask
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.factories import Factories, MadeAccount


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["shop@example.org"])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(
        account, name="News", from_email="shop@example.org", settings={"double_opt_in": True, "send_welcome": True}
    )


async def test_a_journey(ask: Ask, audience: Audience, mailroom: Mailroom, client: httpx2.AsyncClient) -> None:
    where = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
    created = (await ask("POST /contacts", {**where, "EMAIL": "Jo@example.org"})).json()
    await mailroom.route_events()
    (received,) = await mailroom.delivered()
    mail = parsed(received)
    assert (received.recipient, mail["Subject"]) == ("jo@example.org", "Please confirm your subscription to News")
    assert mail["X-Dynosend-Contact-Id"] == created["contact_uid"]
    assert mail["Auto-Submitted"] == "auto-generated"
    text = next(iter(mail.iter_parts())).get_content()
    (link,) = re.findall(r"http://mail\.example\.com\S+", text)

    async def status() -> str:
        answer = await ask("GET /contacts", {**where, "contact_uid": created["contact_uid"]})
        return str(answer.json()["contact"]["status"])

    assert (await client.head(link)).status_code == 200
    assert await status() == "unconfirmed"
    assert (await client.get(link)).status_code == 200
    assert await status() == "subscribed"
    await mailroom.route_events()
    (welcome,) = await mailroom.delivered()
    assert parsed(welcome)["Subject"] == "Welcome to News"

    assert (await client.get(link)).status_code == 200
    await ask("PATCH /contacts/unsubscribe", {**where, "email": "jo@example.org"})
    assert (await client.get(link)).status_code == 200
    assert await status() == "unsubscribed", "later clicks change nothing"
    await mailroom.route_events()
    assert await mailroom.delivered() == []


async def test_subscribing_welcomes_and_passes_the_confirmation_by(
    ask: Ask, audience: Audience, mailroom: Mailroom
) -> None:
    where = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
    await ask("POST /contacts", {**where, "EMAIL": "one@example.org", "ignore_doi": True})
    await ask("POST /contacts", {**where, "EMAIL": "two@example.org"})
    for _ in range(2):
        await ask("PATCH /contacts/subscribe", {**where, "email": "two@example.org"})
    await mailroom.route_events()
    found = await mailroom.delivered()
    assert sorted((one.recipient, parsed(one)["Subject"]) for one in found) == [
        ("one@example.org", "Welcome to News"),
        ("two@example.org", "Welcome to News"),
    ]

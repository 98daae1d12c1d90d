"""`/api/v2/campaigns`: states and their sentences, and insights against the ledger."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, tracking
from app.core.accounts import Scope
from app.core.audiences import Audience
from app.core.campaigns import Campaign
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid
from app.settings import Settings
from tests.api.dynosend.conftest import Ask
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.factories import Factories, MadeAccount
from tests.fixtures.smtp_server import SmtpServer

LEDGER = """
    SELECT count(*) AS recipients, count(delivered_at) AS delivered, count(bounced_at) AS bounce_count,
        (SELECT count(*) FROM opens) AS open_count, (SELECT count(DISTINCT message_id) FROM opens) AS unique_open_count,
        (SELECT count(*) FROM clicks) AS click_count,
        (SELECT count(DISTINCT message_id) FROM clicks) AS unique_click_count,
        (SELECT count(*) FROM complaints) AS spam_report_count,
        (SELECT count(*) FROM unsubscriptions) AS unsubscribed_count
    FROM messages
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without the limit of requests per second."""
    return settings.model_copy(update={"limits": settings.limits.model_copy(update={"dynosend_per_second": 0})})


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["team@example.org"])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    """Of five people, four of them subscribed."""
    audience = await make.audience(account, fields=["FIRST_NAME"])
    await make.contacts(audience, 4)
    await make.contact(audience, status="unconfirmed")
    return audience


@pytest.fixture
async def campaign(make: Factories, audience: Audience) -> Campaign:
    return await make.campaign(audience.account_id, [audience], from_email="team@example.org", from_name="Team")


def named(campaign: Campaign) -> dict[str, str]:
    return {"campaign_uid": uid(Noun.CAMPAIGN, campaign.id)}


async def said(ask: Ask, verb: str, campaign: Campaign) -> tuple[int, str]:
    answer = await ask(f"POST /campaigns/{verb}", named(campaign))
    return answer.status_code, answer.json()["message"]


async def status(ask: Ask, campaign: Campaign) -> str:
    answer = await ask("GET /campaigns", named(campaign))
    return str(answer.json()["campaign"]["status"])


async def test_a_campaign_as_it_is_shown(ask: Ask, campaign: Campaign) -> None:
    body = (await ask("GET /campaigns", named(campaign))).json()
    created = campaign.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert list(body["campaign"].items()) == [
        ("uid", uid(Noun.CAMPAIGN, campaign.id)),
        ("name", campaign.name),
        ("type", "regular"),
        ("subject", campaign.subject),
        ("from_email", "team@example.org"),
        ("from_name", "Team"),
        ("reply_to", "team@example.org"),
        ("status", "ready"),
        ("delivered_at", None),
        ("created_at", created),
        ("updated_at", created),
    ]
    assert body["insights"]["recipients"] == 4, "those it would be sent to now"
    assert {type(value) for value in body["insights"].values()} == {int}
    assert set(list(body["insights"].values())[1:]) == {0}


async def test_before_sending_an_address_counts_once_and_suppressed_ones_do_not(
    ask: Ask, make: Factories, audience: Audience
) -> None:
    second = await make.audience(audience.account_id)
    await make.contacts(second, 5)
    await make.suppression(audience.account_id, "person2@contacts.example")
    campaign = await make.campaign(audience.account_id, [audience, second], from_email="team@example.org")
    assert (await ask("GET /campaigns", named(campaign))).json()["insights"]["recipients"] == 4
    nowhere = await make.campaign(audience.account_id)
    assert (await ask("GET /campaigns", named(nowhere))).json()["insights"]["recipients"] == 0


async def test_what_a_draft_lacks_is_named(ask: Ask, make: Factories, account: MadeAccount, audience: Audience) -> None:
    empty = await make.campaign(account, subject="", html="", from_email="stranger@example.org")
    assert await status(ask, empty) == "new"
    lacks = "audience, subject, from_email, content"
    assert await said(ask, "start", empty) == (400, f"The campaign is not ready: {lacks}")
    broken = await make.campaign(account, [audience], html="{% if %}", from_email="team@example.org")
    assert await said(ask, "start", broken) == (400, "The campaign is not ready: content")
    shown = (await ask("GET /campaigns", named(empty))).json()["campaign"]
    assert shown["subject"] is None


async def test_start_pause_resume_and_again(ask: Ask, campaign: Campaign) -> None:
    assert await said(ask, "pause", campaign) == (400, "Only a sending campaign can be paused")
    assert await said(ask, "resume", campaign) == (400, "Only a paused campaign can be resumed")
    assert await said(ask, "start", campaign) == (200, "Campaign started")
    assert await status(ask, campaign) == "queued"
    assert await said(ask, "start", campaign) == (400, "Only a ready campaign can be started")
    assert await said(ask, "resume", campaign) == (200, "Campaign resumed")
    for _ in range(2):
        assert await said(ask, "pause", campaign) == (200, "Campaign paused")
    assert await status(ask, campaign) == "paused"
    for _ in range(2):
        assert await said(ask, "resume", campaign) == (200, "Campaign resumed")
    assert await status(ask, campaign) == "queued"


async def test_a_time_ahead_is_waited_for(ask: Ask, make: Factories, audience: Audience) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    campaign = await make.campaign(audience.account_id, [audience], from_email="team@example.org", start_at=later)
    assert await said(ask, "start", campaign) == (200, "Campaign started")
    assert await status(ask, campaign) == "scheduled"
    assert await said(ask, "start", campaign) == (400, "Only a ready campaign can be started")
    assert await said(ask, "pause", campaign) == (200, "Campaign paused")
    assert await said(ask, "resume", campaign) == (200, "Campaign resumed")
    assert await status(ask, campaign) == "scheduled"


async def test_a_spent_quota_is_told_after_the_state(
    ask: Ask, make: Factories, account: MadeAccount, campaign: Campaign, mailroom: Mailroom
) -> None:
    incomplete = await make.campaign(account, [], from_email="team@example.org")
    await mailroom.rows("UPDATE accounts SET monthly_cap = 0 WHERE id = $1", account.id)
    assert await said(ask, "start", campaign) == (401, "You have reached your monthly quota")
    assert await said(ask, "start", incomplete) == (400, "The campaign is not ready: audience")
    await mailroom.rows("UPDATE accounts SET monthly_cap = NULL WHERE id = $1", account.id)
    assert await said(ask, "start", campaign) == (200, "Campaign started")
    assert await said(ask, "pause", campaign) == (200, "Campaign paused")
    await mailroom.rows("UPDATE accounts SET monthly_cap = 0 WHERE id = $1", account.id)
    assert await said(ask, "resume", campaign) == (401, "You have reached your monthly quota")
    assert (await ask("GET /campaigns", named(campaign))).status_code == 200


async def test_the_list_is_by_creation_and_knows_no_pages(
    ask: Ask, make: Factories, account: MadeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.dynosend.campaigns.PAGE", 2)
    made = [await make.campaign(account) for _ in range(5)]
    found = (await ask("GET /campaigns", {"campaign_uid": " "})).json()
    assert [one["uid"] for one in found] == [uid(Noun.CAMPAIGN, one.id) for one in made]


async def test_rights_and_tenancy(ask: Ask, make: Factories, account: MadeAccount, campaign: Campaign) -> None:
    other, reader = await make.account(), await make.api_key(account.id, Scope.READ)
    assert (await ask("GET /campaigns", key=other.key)).json() == []
    for verb in ("start", "pause", "resume"):
        answer = await ask(f"POST /campaigns/{verb}", named(campaign), key=other.key)
        assert (answer.status_code, answer.json()["message"]) == (404, "Campaign not found")
        answer = await ask(f"POST /campaigns/{verb}", named(campaign), key=reader)
        assert (answer.status_code, answer.json()["message"]) == (401, "You are not authorized to access this resource")
    sender = await make.api_key(account.id, Scope.SEND)
    assert (await ask("GET /campaigns", key=sender)).status_code == 401


async def test_insights_equal_the_ledger(
    ask: Ask, campaign: Campaign, mailroom: Mailroom, client: httpx2.AsyncClient
) -> None:
    assert await said(ask, "start", campaign) == (200, "Campaign started")
    (run,) = await mailroom.rows("SELECT id FROM runs")
    await campaigns.snapshot(mailroom.engine, run["id"])
    async with SmtpServer() as server:
        server.on("rcpt", "550 5.1.1 No such user", match="person4@")
        await mailroom.deliver(server)
        mails = {one.recipient.partition("@")[0]: parsed(one) for one in server.messages}
    assert set(mails) == {"person1", "person2", "person3"}
    assert {mail["X-Dynosend-Campaign-Id"] for mail in mails.values()} == set(named(campaign).values())
    for person, opens, clicks in (("person1", 3, 2), ("person2", 1, 0), ("person3", 0, 1)):
        for _ in range(opens):
            assert (await client.get(_link(mails[person], "/t/o/"))).status_code == 200
        for _ in range(clicks):
            answer = await client.get(_link(mails[person], "/t/c/"), follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/sale")
    one_click = {"List-Unsubscribe": "One-Click"}
    answer = await client.post(re.findall(r"<(http[^>]+)>", mails["person3"]["List-Unsubscribe"])[0], data=one_click)
    assert answer.status_code == 200
    (copy,) = await mailroom.rows("SELECT id, accepted_at FROM messages WHERE recipient LIKE 'person2@%'")
    async with unit_of_work(mailroom.engine) as write:
        assert await tracking.complain(write, copy["id"], copy["accepted_at"], source="test")

    insights = (await ask("GET /campaigns", named(campaign))).json()["insights"]
    (counted,) = await mailroom.rows(LEDGER)
    delivered = counted.pop("delivered")
    assert {name: insights[name] for name in counted} == counted
    assert delivered == 3
    assert insights == {
        "recipients": 4, "delivery_rate": 0.75, "open_count": 4, "unique_open_count": 2, "unique_open_rate": 0.67,
        "click_count": 3, "unique_click_count": 2, "click_rate": 0.67, "click_per_unique_open": 1,
        "spam_report_count": 1, "spam_report_rate": 0.33, "bounce_count": 1, "bounce_rate": 0.33,
        "unsubscribed_count": 1, "unsubscribed_rate": 0.33,
    }  # fmt: skip


def _link(mail: EmailMessage, path: str) -> str:
    """Return our own link of that kind in the HTML part."""
    html = next(part.get_content() for part in mail.walk() if part.get_content_type() == "text/html")
    found = re.search(rf'http://mail\.example\.com{path}[^"\s]+', html)
    assert found, html
    return found[0]

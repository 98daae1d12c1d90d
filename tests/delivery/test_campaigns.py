"""A campaign from its targets to a real SMTP server, and back into the ledger."""

import re
from urllib.parse import urlsplit

import pytest

from app.core import campaigns, messages
from app.core.messages import Lane
from app.core.suppressions import Reason
from app.kit.secrets import derive
from app.kit.uids import Noun, uid
from app.mail import verp
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing, read, tuned


async def test_each_target_gets_its_own_mail_once(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    campaign = await mailing.campaign(300)
    run = await mailing.make.sending(campaign)
    async with mailing.watched(), running(tuned(to_server, chunk_size=70)):
        await mailing.done(run)

    by_recipient = {message.recipient: message for message in server.messages}
    assert len(server.messages) == len(by_recipient) == 300
    keys = [derive(key, "verp") for key in to_server.secret_keys]
    rows = await mailing.rows("SELECT id, accepted_at, recipient, contact_id FROM messages")
    for row in rows:
        message = by_recipient[row["recipient"]]
        mail = read(message)
        number = row["recipient"].removeprefix("person").partition("@")[0]
        html = mail.get_body(("html",))
        assert html is not None
        assert f"Dear Name{number}<" in html.get_content()
        assert mail["Subject"] == "First"
        assert mail["To"] == row["recipient"]
        assert mail["Message-ID"] == f"<{messages.email_id(row['accepted_at'], row['id'], to_server.bounce_domain)}>"
        assert mail["X-Dynosend-Campaign-Id"] == uid(Noun.CAMPAIGN, campaign.id)
        token = verp.token_of(message.mail_from)
        assert token is not None
        assert mail["X-Trireme-Message"] == token
        assert verp.decode(keys, token) == (int(row["accepted_at"].timestamp()), row["id"])
    found = await mailing.rows("SELECT total, claimed, delivered FROM runs JOIN run_counts ON run_id = id")
    assert found == [{"total": 300, "claimed": 300, "delivered": 300}]
    for table in ("hourly_counts", "daily_counts"):
        counted = await mailing.rows(f"SELECT sum(accepted) AS a, sum(delivered) AS d FROM {table}")  # noqa: S608
        assert counted == [{"a": 300, "d": 300}]


async def test_each_copy_can_be_unsubscribed_by_itself(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    run = await mailing.make.sending(await mailing.campaign(3))
    async with running(to_server):
        await mailing.done(run)
    pages = set()
    for message in server.messages:
        mail = read(message)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        links = re.findall(r"<([^>]+)>", str(mail["List-Unsubscribe"]))
        pages.add(links[0])
        assert urlsplit(links[0]).hostname == "mail.example.com"
        assert links[1].startswith("mailto:")
    assert len(pages) == 3


async def test_what_the_servers_say_is_counted(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    server.on("rcpt", "550 5.1.1 User unknown", match="person1@")
    server.on("rcpt", "452 4.2.2 Mailbox full", match="person2@")
    run = await mailing.make.sending(await mailing.campaign(5))
    async with mailing.watched(), running(to_server):
        await mailing.until("SELECT count(*) FROM attempts", 5)
        await mailing.idle(run)
        assert await mailing.states(run) == {"bounced": 1, "deferred": 1, "delivered": 3}
        assert await campaigns.finish(mailing.engine) == []
        await mailing.make.suppression(run.account_id, "person2@contacts.example", reason=Reason.COMPLAINT)
        await mailing.due()
        await mailing.done(run)
    assert await mailing.states(run) == {"bounced": 1, "blocked": 1, "delivered": 3}
    counts = await mailing.rows("SELECT delivered, hard_bounces, blocked, deferrals FROM run_counts")
    assert counts == [{"delivered": 3, "hard_bounces": 1, "blocked": 1, "deferrals": 1}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE contacts SET status = 'unsubscribed'", "unsubscribe"),
        ("UPDATE contacts SET status = 'spam-reported'", "complaint"),
        ("UPDATE contacts SET removed_at = now()", "deleted"),
        ("DELETE FROM contacts", "deleted"),
    ],
)
async def test_a_further_attempt_asks_again_who_may_be_mailed(
    to_server: Settings, server: HoldingServer, mailing: Mailing, change: str, reason: str
) -> None:
    server.on("rcpt", "452 4.2.2 Mailbox full")
    run = await mailing.make.sending(await mailing.campaign(1))
    async with running(to_server):
        await mailing.until("SELECT state FROM messages", "deferred")
        await mailing.rows(change)
        await mailing.due()
        await mailing.done(run)
    assert await mailing.rows("SELECT state, blocked_reason FROM messages") == [
        {"state": "blocked", "blocked_reason": reason}
    ]
    assert server.messages == []


async def test_a_retry_is_the_same_mail(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    server.on("dot", "451 4.3.0 later", times=1)
    run = await mailing.make.sending(await mailing.campaign(1))
    async with running(to_server):
        await mailing.until("SELECT state FROM messages", "deferred")
        name = await mailing.value("SELECT fields->>'FIRST_NAME' FROM messages")
        await mailing.rows("UPDATE contacts SET fields = '{}'")
        await mailing.due()
        await mailing.done(run)
    html = read(server.messages[0]).get_body(("html",))
    assert name == "Name1"
    assert html is not None
    assert "Dear Name1<" in html.get_content()
    assert [row["attempt"] for row in await mailing.rows("SELECT attempt FROM attempts ORDER BY attempt")] == [1, 2]


async def test_each_audience_says_its_own_name(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    first = await mailing.audience({"jo@contacts.example": {"FIRST_NAME": "Jo"}})
    second = await mailing.audience(
        {"jo@contacts.example": {"FIRST_NAME": "Joseph"}, "ann@contacts.example": {"FIRST_NAME": "Ann"}}
    )
    html = "<html><body><p>{FIRST_NAME} of {LIST_NAME}</p></body></html>"
    run = await mailing.make.sending(await mailing.campaign([first, second], html=html))
    async with running(to_server):
        await mailing.done(run)
    said = {}
    for message in server.messages:
        body = read(message).get_body(("html",))
        assert body is not None
        said[message.recipient] = body.get_content()
    assert len(server.messages) == 2
    assert f"Jo of {first.name}<" in said["jo@contacts.example"]
    assert f"Ann of {second.name}<" in said["ann@contacts.example"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE run_contents SET html = '{{ IF }', text = ''",
        "DELETE FROM run_contents",
    ],
)
async def test_a_content_that_can_not_be_sent_fails_its_run_alone(
    to_server: Settings, server: HoldingServer, mailing: Mailing, post: Post, damage: str
) -> None:
    run = await mailing.make.sending(await mailing.campaign(10))
    await mailing.rows(damage)
    async with running(to_server):
        await mailing.until("SELECT state FROM runs WHERE id = $1", "failed", run.id)
        await mailing.until("SELECT count(*) FROM delivery_queue WHERE attempt = 1 AND run_id = $1", 10, run.id)
        await mailing.idle(run)
        await post.accept("jo@example.org", lane=Lane.NORMAL)
        await mailing.until("SELECT count(*) FROM messages WHERE state = 'delivered'", 1)
    assert "can't be composed" in await mailing.value("SELECT error FROM runs WHERE id = $1", run.id)
    assert [message.recipient for message in server.messages] == ["jo@example.org"]
    await mailing.sound()


async def test_a_spent_quota_pauses_at_the_limit_and_more_of_it_goes_on(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    account = await mailing.account()
    await mailing.rows("UPDATE accounts SET monthly_cap = 25 WHERE id = $1", account.id)
    campaign = await mailing.campaign(40)
    run = await mailing.make.sending(campaign)
    async with mailing.watched(), running(tuned(to_server, chunk_size=10)):
        await mailing.until("SELECT state FROM runs WHERE id = $1", "paused", run.id)
        await mailing.idle(run)
        assert len(server.messages) == 25
        assert await mailing.value("SELECT error FROM runs WHERE id = $1", run.id) == "monthly quota spent"
        await mailing.rows("UPDATE accounts SET monthly_cap = 40 WHERE id = $1", account.id)
        assert (await mailing.resume(campaign)).error is None
        await mailing.done(run)
    assert len({message.recipient for message in server.messages}) == len(server.messages) == 40


async def test_a_quota_that_is_just_enough_is_enough(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    account = await mailing.account()
    await mailing.rows("UPDATE accounts SET monthly_cap = 20 WHERE id = $1", account.id)
    run = await mailing.make.sending(await mailing.campaign(20))
    async with running(tuned(to_server, chunk_size=10)):
        await mailing.done(run)
    assert len(server.messages) == 20

"""A sender's own return path and an account's own host for links, as a real SMTP server sees them."""

import re

import pytest

from app.kit.secrets import derive
from app.mail import tracking, verp
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing, read
from tests.delivery.test_tracked import HTML, STATES, part
from tests.fixtures.smtp_server import SmtpServer

VERIFIED = "UPDATE senders SET return_path_ok = $2 WHERE account_id = $1"
LEADS = "UPDATE accounts SET tracking_domain = 'links.example.com' WHERE id = $1"
URL = "http://links.example.com"
RUN_HTML = (
    '<html><body><a href="http://mail.example.com/u/old">old</a><a href="https://shop.example/a">a</a>'
    '<a href="{WEB_VIEW_URL}">w</a><a href="https://shop.example/b">b</a></body></html>'
)


@pytest.mark.parametrize(("verified", "domain"), [(False, "bounces.example.com"), (True, "dynrp.example.com")])
async def test_a_single_mail_leaves_from_the_senders_return_path_once_that_is_verified(
    to_server: Settings, server: SmtpServer, post: Post, verified: bool, domain: str
) -> None:
    await post.rows(VERIFIED, (await post.account()).id, verified)
    accepted = await post.accept("jo@example.org", text="Good day")
    tracked = await post.accept("ann@example.org", html=HTML, tracking=7, links=("https://shop.example/b",))
    async with running(to_server):
        await post.until(STATES, "delivered,delivered")
    keys = [derive(key, "verp") for key in to_server.secret_keys]
    senders = {message.recipient: message.mail_from for message in server.messages}
    for recipient, one in (("jo@example.org", accepted), ("ann@example.org", tracked)):
        token = verp.token_of(senders[recipient]) or ""
        assert senders[recipient] == f"bounces+{token}+{recipient.replace('@', '=')}@{domain}"
        assert verp.decode(keys, token) == (int(one.accepted_at.timestamp()), one.message_ids[0])


async def test_copies_of_a_run_leave_from_the_senders_return_path(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    await mailing.rows(VERIFIED, (await mailing.account()).id, True)
    run = await mailing.make.sending(await mailing.campaign(2))
    async with running(to_server):
        await mailing.done(run)
    assert {message.mail_from.rpartition("@")[2] for message in server.messages} == {"dynrp.example.com"}


async def test_links_of_a_tracked_mail_lead_to_the_accounts_host(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    await post.rows(LEADS, (await post.account()).id)
    await post.accept("jo@example.org", html=HTML, tracking=7, links=("https://shop.example/b",))
    async with running(to_server):
        await post.until(STATES, "delivered")
    html, head = part(server.messages[0], "html"), read(server.messages[0])
    assert f'<img src="{URL}/t/o/' in html
    assert html.count(f'href="{URL}/t/c/') == 1
    assert to_server.public_url not in html
    assert str(head["List-Unsubscribe"]).startswith(f"<{URL}/u/")
    assert f"@{to_server.bounce_domain}>" in str(head["List-Unsubscribe"])


@pytest.mark.parametrize("own_host", [False, True])
async def test_a_number_means_the_stored_link_wherever_links_lead(
    to_server: Settings, server: HoldingServer, mailing: Mailing, own_host: bool
) -> None:
    url = URL if own_host else to_server.public_url
    if own_host:
        await mailing.rows(LEADS, (await mailing.account()).id)
    run = await mailing.make.sending(await mailing.campaign(1, html=RUN_HTML))
    async with running(to_server):
        await mailing.done(run)
    (message,) = server.messages
    html = part(message, "html")
    links = await mailing.value("SELECT links FROM run_contents WHERE run_id = $1", run.id)
    keys = [derive(key, "tracking") for key in to_server.secret_keys]
    for target, text in (("https://shop.example/a", "a"), ("https://shop.example/b", "b")):
        (token,) = re.findall(rf'<a href="{url}/t/c/(\w+)">{text}</a>', html)
        found = tracking.read_click(keys, token)
        assert found is not None
        assert links[found[2]] == target
    assert f'<a href="{url}/w/' in html
    assert f'<img src="{url}/t/o/' in html


async def test_a_change_of_the_host_counts_for_a_run_that_is_in_memory(
    to_server: Settings, server: HoldingServer, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.delivery.identities.BELIEVED_SECONDS", -1.0)
    server.on("rcpt", "452 4.2.2 Mailbox full", match="person2@", times=1)
    campaign = await mailing.campaign(2)
    run = await mailing.make.sending(campaign)
    async with running(to_server):
        await server.has(1)
        await mailing.idle(run)
        await mailing.rows(LEADS, campaign.account_id)
        await mailing.rows(VERIFIED, campaign.account_id, True)
        await mailing.due()
        await mailing.done(run)
    first, second = server.messages
    assert (URL in part(first, "html"), URL in part(second, "html")) == (False, True)
    assert second.mail_from.endswith("@dynrp.example.com")

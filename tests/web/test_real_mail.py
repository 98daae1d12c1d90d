"""What is in a delivered mail works: its pixel, links, headers and pages, as a mail program would use them."""

import re
from email.message import EmailMessage
from html import unescape

import httpx2
import pytest

from app.settings import Settings
from tests.delivery.conftest import mailing, running, server, to_server
from tests.delivery.mailing import HoldingServer, Mailing, read
from tests.web.conftest import Stage
from tests.web.test_profile import Form

__all__ = ["mailing", "server", "to_server"]

HOST = "http://mail.example.com"
HTML = (
    '<html><body><p>Dear {FIRST_NAME}</p><a href="https://shop.example/sale?for={FIRST_NAME}">Sale</a>'
    '<a href="{UNSUBSCRIBE_URL}">Leave</a><a href="{UPDATE_PROFILE_URL}">You</a><a href="{WEB_VIEW_URL}">Web</a>'
    "</body></html>"
)


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def path_of(html: str, place: str) -> str:
    """The one link of ours at that place, without the host."""
    found = re.findall(rf'{HOST}(/{place}/[^"]+)"', html)
    assert len(found) == 1, f"{place}: {found}"
    return unescape(str(found[0]))


def button_of(mail: EmailMessage) -> str:
    """Where a mail program's own button posts to (RFC 8058)."""
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.match(rf"<{HOST}(/u/[a-z2-7]+)>", str(mail["List-Unsubscribe"]))
    assert found
    return found[1]


@pytest.fixture
async def bulk(to_server: Settings, server: HoldingServer, mailing: Mailing, stage: Stage) -> EmailMessage:
    """A campaign's mail as it was delivered."""
    campaign = await stage.make.campaign(stage.account, [stage.audience], html=HTML, from_email="news@example.com")
    run = await stage.make.sending(campaign)
    async with running(to_server):
        await mailing.done(run)
    return read(server.messages[0])


async def test_a_campaign_s_mail(client: httpx2.AsyncClient, stage: Stage, bulk: EmailMessage) -> None:
    html = html_of(bulk)
    assert (await client.get(path_of(html, "t/o"))).status_code == 200
    location = (await client.get(path_of(html, "t/c"))).headers["location"]
    assert location == "https://shop.example/sale?for=Jo%20&%20%3Cb%3ECo%3C/b%3E"
    assert "Dear Jo &amp; &lt;b&gt;" in (await client.get(path_of(html, "w"))).text
    profile = path_of(html, "p")
    values = Form((await client.get(profile)).text).values()
    assert (await client.post(profile, data={**values, "FIRST_NAME": "Ann"})).status_code == 200
    assert (await stage.contact_row())["fields"]["FIRST_NAME"] == "Ann"
    assert path_of(html, "u") == button_of(bulk)
    assert (await client.post(button_of(bulk), data={"List-Unsubscribe": "One-Click"})).status_code == 200
    assert (await stage.contact_row())["status"] == "unsubscribed"
    (row,) = await stage.fetch("SELECT sum(opens) o, sum(clicks) c, sum(unsubscribes) u FROM daily_counts")
    assert tuple(row) == (1, 1, 1)


async def test_a_single_mail(
    client: httpx2.AsyncClient, stage: Stage, to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    account = await stage.make.account(
        senders=["shop@example.com"], track_opens=True, track_links=True, track_unsubscribes=True
    )
    sent = {
        "apikey": account.key,
        "from": "shop@example.com",
        "to": "buyer@readers.example",
        "subject": "Receipt",
        "bodyhtml": '<html><body>Thanks. <a href="https://shop.example/receipt?a=1&amp;b=2">It</a></body></html>',
    }
    assert (await client.post("/rest/json/send", data=sent)).json()["response"]["status"] == 200
    async with running(to_server):
        await mailing.until("SELECT count(*) FROM messages WHERE delivered_at IS NOT NULL AND kind = 'send'", 1)
    mail = read(server.messages[0])
    html = html_of(mail)
    assert (await client.get(path_of(html, "t/o"))).status_code == 200
    assert (await client.get(path_of(html, "t/c"))).headers["location"] == "https://shop.example/receipt?a=1&b=2"
    assert (await client.post(button_of(mail), data={"List-Unsubscribe": "One-Click"})).status_code == 200
    (row,) = await stage.fetch("SELECT account_id, address, reason FROM suppressions")
    assert tuple(row) == (account.id, "buyer@readers.example", "unsubscribe")
    (row,) = await stage.fetch("SELECT sum(opens) o, sum(clicks) c, sum(unsubscribes) u FROM daily_counts")
    assert tuple(row) == (1, 1, 1)

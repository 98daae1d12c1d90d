"""The effects that Dynosend's vectors state in words: mail at an SMTP server, and what following its links does."""

import asyncio
import email
import email.policy
import re
from email.message import EmailMessage

from app.core import campaigns
from tests.contract.runner import parse
from tests.contract.stage import Scene
from tests.fixtures.smtp_server import Received
from workers.outbox import work

OUTBOX_SECONDS = 20
UNROUTED = "SELECT count(*) AS events FROM domain_events WHERE NOT routed"


async def confirmed_by_its_link(scene: Scene) -> None:
    """Vector 06: one confirmation mail, to one@example.org; following its link makes the contact subscribed."""
    await route_events(scene)
    (received,) = await scene.delivered()
    assert received.recipient == "one@example.org"
    mail = parsed(received)
    assert mail["From"] == "Company <shop@example.org>"
    links = {
        link for part in mail.iter_parts() for link in re.findall(r"http://mail\.example\.com(/c/[a-z2-7]+)", str(part))
    }
    (link,) = links
    before = await contact(scene, "audience_doi", "one@example.org")
    async with scene.connection() as connection:
        assert (await connection.ask("GET", link)).status == 200
    after = await contact(scene, "audience_doi", "one@example.org")
    assert (before["status"], after["status"]) == ("unconfirmed", "subscribed")
    await route_events(scene)
    assert len(await scene.rows("SELECT id FROM messages WHERE kind = 'system'")) == 1, "no welcome: that is off"


async def two_copies_for_the_only_subscribed(scene: Scene) -> None:
    """Vector 13: jake@example.org gets one copy of each campaign; blocked@example.org and finn@example.org none."""
    runs = await scene.rows("SELECT id FROM runs WHERE state = 'queued' ORDER BY id")
    for run in runs:
        await campaigns.snapshot(scene.engine, run["id"])
    received = await scene.delivered()
    assert [one.recipient for one in received] == ["jake@example.org"] * 2
    uids = {parsed(one)["X-Dynosend-Campaign-Id"] for one in received}
    assert uids == {scene.world.value("campaign.uid"), scene.world.value("campaign_paused.uid")}


async def one_transactional_mail(scene: Scene) -> None:
    """Vector 14: subject Own subject, link in both parts, X-Header-Name present, Message-ID ours."""
    (received,) = await scene.delivered()
    assert received.recipient == "new-person@example.org"
    mail = parsed(received)
    assert mail["Subject"] == "Own subject"
    assert mail["X-Header-Name"] == "Header value"
    assert mail.get_all("Message-ID") != ["<x@y>"]
    assert len(mail.get_all("Message-ID", [])) == 1
    text, html = (part.get_content() for part in mail.iter_parts())
    assert text.strip() == "Go to https://app.example.org/r"
    assert "<html>https://app.example.org/r" in html
    found = await contact(scene, "audience", "new-person@example.org")
    assert mail["X-Dynosend-Contact-Id"] == found["contact_uid"]
    await route_events(scene)
    assert len(await scene.rows("SELECT id FROM mails")) == 1, "no confirmation mail"


async def route_events(scene: Scene) -> None:
    """Let an outbox process work until nothing waits to be routed."""
    stopping = asyncio.Event()
    outbox = asyncio.create_task(work(scene.settings, stopping))
    try:
        async with asyncio.timeout(OUTBOX_SECONDS):
            events = -1
            while events:
                await asyncio.sleep(0.02)
                events = (await scene.rows(UNROUTED))[0]["events"]
    finally:
        stopping.set()
        await outbox


async def contact(scene: Scene, audience: str, address: str) -> dict[str, str]:
    """Ask for a contact as its owner does."""
    target = f"/api/v2/contacts?audience_uid={scene.world.value(f'{audience}.uid')}&email={address}"
    async with scene.connection() as connection:
        answer = await connection.ask("GET", target, {"Authorization": f"Bearer {scene.world.value('key.app')}"})
    found: dict[str, str] = parse(answer.body)["contact"]
    return found


def parsed(received: Received) -> EmailMessage:
    """Return what a server got, parsed."""
    mail = email.message_from_bytes(received.data, policy=email.policy.SMTP)
    assert isinstance(mail, EmailMessage)
    return mail

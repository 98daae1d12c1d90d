"""Single mails that are tracked, from acceptance to a real SMTP server."""

import re
from dataclasses import replace

from app.core.messages import tracking_of
from app.kit.secrets import derive
from app.mail import tracking
from app.mail.tracking import Purpose
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import read
from tests.delivery.test_identities import sign
from tests.factories import Factories
from tests.fixtures.smtp_server import Received, SmtpServer
from tests.mail import verifying

STATES = "SELECT string_agg(state, ',' ORDER BY id) FROM messages"
RECIPIENTS = ("jo@example.org", "ann@example.net", "bob@example.com")
HTML = (
    '<html><body><p>Dear {FIRST_NAME} {{ name }}</p><a href="https://shop.example/a?x=1&amp;y=2">A</a>'
    '<a href="https://shop.example/b">B</a><a href="https://shop.example/a?x=1&amp;y=2">A</a></body></html>'
)


def part(message: Received, kind: str) -> str:
    for one in read(message).walk():
        if one.get_content_type() == f"text/{kind}":
            content = one.get_content()
            assert isinstance(content, str)
            return content
    raise AssertionError(f"no text/{kind}")


async def tracked(post: Post, settings: Settings, html: str) -> dict[str, object]:
    caller = (await post.account()).caller
    caller = replace(caller, track_opens=True, track_links=True, track_unsubscribes=True)
    found = await tracking_of(caller, headers=(), html=html, public_url=settings.public_url)
    return {"html": html, "tracking": found.tracking, "links": found.links}


async def test_three_recipients_have_three_sets_of_tokens(to_server: Settings, server: SmtpServer, post: Post) -> None:
    draft = await tracked(post, to_server, HTML)
    accepted = await post.accept(*RECIPIENTS, text="Good day, {FIRST_NAME}.", **draft)
    async with running(to_server):
        await post.until(STATES, "delivered,delivered,delivered")
    keys = [derive(key, "tracking") for key in to_server.secret_keys]
    second = int(accepted.accepted_at.timestamp())
    messages = {message.recipient: message for message in server.messages}
    assert sorted(messages) == sorted(RECIPIENTS)
    tokens: set[str] = set()
    for message_id, recipient in zip(accepted.message_ids, RECIPIENTS, strict=True):
        html, head = part(messages[recipient], "html"), read(messages[recipient])
        (opened,) = re.findall(rf'<img src="{to_server.public_url}/t/o/(\w+)\.gif"', html)
        clicked = re.findall(rf'href="{to_server.public_url}/t/c/(\w+)"', html)
        (gone,) = re.findall(rf"<{to_server.public_url}/u/(\w+)>", head["List-Unsubscribe"])
        assert tracking.read(keys, opened, Purpose.OPEN) == (second, message_id)
        assert [tracking.read_click(keys, one) for one in clicked] == [(second, message_id, link) for link in (0, 1, 0)]
        assert tracking.read(keys, gone, Purpose.UNSUBSCRIBE) == (second, message_id)
        assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f"<mailto:unsubscribe+{gone}@{to_server.bounce_domain}>" in head["List-Unsubscribe"]
        assert "<p>Dear {FIRST_NAME} {{ name }}</p>" in html
        assert part(messages[recipient], "plain").strip() == "Good day, {FIRST_NAME}."
        assert "href" not in part(messages[recipient], "plain")
        tokens.update((opened, *clicked, gone))
    assert len(tokens) == 3 * 4
    stored = await post.rows("SELECT tracking, links FROM mails")
    assert stored == [{"tracking": 7, "links": ["https://shop.example/a?x=1&y=2", "https://shop.example/b"]}]


async def test_what_was_stored_decides_about_links(to_server: Settings, server: SmtpServer, post: Post) -> None:
    await post.accept("jo@example.org", html=HTML, tracking=2, links=("https://shop.example/b",))
    async with running(to_server):
        await post.until(STATES, "delivered")
    html = part(server.messages[0], "html")
    assert html.count("https://shop.example/a?x=1&amp;y=2") == 2
    assert html.count("/t/c/") == 1
    assert "/t/o/" not in html
    assert read(server.messages[0])["List-Unsubscribe"] is None


async def test_each_copy_is_signed_over_its_own_bytes(
    to_server: Settings, server: SmtpServer, post: Post, make: Factories
) -> None:
    account = await post.account()
    details = await sign(make, account.id, "news@example.com")
    caller = await make.caller(account.key)
    await post.accept(*RECIPIENTS, html=HTML, tracking=7, links=("https://shop.example/b",), caller=caller)
    await post.accept("text@example.org", text="Text alone", tracking=4, caller=caller)
    async with running(to_server):
        await post.until(STATES, "delivered,delivered,delivered,delivered")
    records = {details.dkim_name: details.dkim_record}
    assert [verifying.verify(message.data, records) for message in server.messages] == [True] * 4
    signed = [re.sub(r"\s", "", read(message)["DKIM-Signature"]) for message in server.messages]
    assert all(":list-unsubscribe-post:" in one and ":list-unsubscribe;" in one for one in signed)
    hashes = {found[1] for one in signed if (found := re.search(r"bh=([^;]+);", one))}
    assert len(hashes) == 4


async def test_untracked_mails_are_as_before(to_server: Settings, server: SmtpServer, post: Post) -> None:
    await post.accept("jo@example.org", html=HTML)
    async with running(to_server):
        await post.until(STATES, "delivered")
    assert part(server.messages[0], "html").strip() == HTML
    assert await post.rows("SELECT tracking, links FROM mails") == [{"tracking": 0, "links": None}]

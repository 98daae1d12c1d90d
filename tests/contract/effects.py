"""The effects that vectors.yaml states in words, checked against rows and against the bytes at an SMTP server."""

import asyncio
import email
import email.policy
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote, urlencode

from tests.contract import dynosend_effects
from tests.contract.fixtures import CATCHER
from tests.contract.stage import Scene
from tests.fixtures.web_server import OK, web_server
from workers.outbox import work

OUTBOX_SECONDS = 20

COPIES = "SELECT id, recipient, mail_id, x_headers FROM messages WHERE mail_id > 0 ORDER BY id"


async def _mails(scene: Scene, *recipients: str, leaving: Sequence[str] | None = None) -> list[EmailMessage]:
    """Deliver; check that these recipients have a copy each, and return what they got in their order.

    With `leaving` only those got theirs; the others' were blocked.
    """
    received = {message.recipient: message.data for message in await scene.delivered()}
    assert set(received) == set(recipients if leaving is None else leaving)
    copies = await scene.rows(COPIES)
    assert sorted(copy["recipient"] for copy in copies) == sorted(recipients)
    assert len({copy["id"] for copy in copies}) == len(recipients)
    return [
        email.message_from_bytes(received[recipient], policy=email.policy.SMTP)
        for recipient in recipients
        if recipient in received
    ]


def _raw(data: EmailMessage, name: str) -> str:
    """Return a header as it was written, unfolded."""
    found = [value for key, value in data.raw_items() if key.lower() == name.lower()]
    assert len(found) == 1, f"{name}: {found}"
    return str(found[0]).replace("\r\n", "").strip()


async def _one_mail_for_three(scene: Scene) -> None:
    recipients = [f"customer{number}@domain.example" for number in (1, 2, 3)]
    mails = await _mails(scene, *recipients)
    assert len(await scene.rows("SELECT id FROM mails")) == 1
    assert len({_raw(mail, "Message-ID") for mail in mails}) == 1
    assert len({_raw(mail, "X-Trireme-Message") for mail in mails}) == len(recipients)
    for mail in mails:
        assert _raw(mail, "To") == ", ".join(recipients)
        assert _raw(mail, "Subject") == "New Sale Coming Friday"
        assert mail.get_content_type() == "text/plain"
        assert mail.get_content().strip() == "You will love this sale."


async def _names_and_blind_copies(scene: Scene) -> None:
    for mail in await _mails(scene, "a@domain.example", "b@domain.example", "c@domain.example"):
        assert _raw(mail, "To") == 'a@domain.example, "Doe, Jo" <b@domain.example>'
        assert mail["Cc"] is None
        assert mail["Bcc"] is None
        assert ("x-demonheader", "zoom") in list(mail.raw_items())
        assert _raw(mail, "Reply-To") == "sender1@example.com"


async def _lists_as_text(scene: Scene) -> None:
    for mail in await _mails(scene, "b@domain.example", "c@domain.example"):
        assert _raw(mail, "To") == "b@domain.example, c@domain.example"
        assert _raw(mail, "X-Campaign") == "spring"
    stored = [
        row["x_headers"] for row in await scene.rows(COPIES.replace("x_headers", "x_headers->>'X-Campaign' x_headers"))
    ]
    assert stored == ["spring", "spring"]


async def _from_unchanged(scene: Scene) -> None:
    (mail,) = await _mails(scene, "only@recipient.example")
    assert _raw(mail, "From") == "=?UTF-8?B?4p2k77iP?= <sender1@example.com>"


async def _refused(scene: Scene) -> None:
    assert not await scene.rows(COPIES)
    issues = await scene.rows("SELECT account_id, issue_type, address, sender FROM issues")
    assert issues == [
        {
            "account_id": scene.world.accounts["master"].id,
            "issue_type": "unapprovedsender",
            "address": "jo@example.org",
            "sender": "stranger@example.net",
        }
    ]


async def _decoded(scene: Scene) -> None:
    (mail,) = await _mails(scene, "jo@example.org")
    assert mail.get_content().strip() == "Grüße"
    issues = await scene.rows("SELECT issue_type, address FROM issues")
    assert issues == [{"issue_type": "invalidmessage", "address": "jo@example.org"}]


async def _a_hard_bounce_is_told(scene: Scene) -> None:
    address = "hardbounce+v23@simulator.test"
    key = scene.world.value("key.master")
    seen: list[dict[str, Any]] = []
    told = asyncio.Event()

    async def look(_: bytes, writer: asyncio.StreamWriter) -> None:
        told.set()
        seen.append(await _asked(scene, f"/rest/json/reports/bounces?apikey={key}&recipient={quote(address)}"))
        writer.write(OK)

    async with web_server(look) as catcher:
        here = f"http://127.0.0.1:{catcher.port}"
        await scene.rows("UPDATE accounts SET bounce_url = replace(bounce_url, $1, $2)", CATCHER, here)
        assert await scene.delivered() == []  # it never leaves
        stopping = asyncio.Event()
        outbox = asyncio.create_task(work(scene.settings, stopping))
        await asyncio.wait_for(told.wait(), OUTBOX_SECONDS)
        stopping.set()  # the call that is open ends
        await outbox
    assert catcher.paths == [
        "/b?e=hardbounce%2Bv23%40simulator.test&r=emaildoesntexist&t=hard&c=5.1.1&x=two%20words&y=one&z=@nothing"
    ]
    assert [one["emailaddress"] for one in seen[0]["response"]["data"]["bounces"]] == [address]
    found = await _asked(scene, f"/rest/json/suppressions?apikey={key}")
    assert (address, "hardbounce") in [
        (one["emailaddress"], one["reasontype"]) for one in found["response"]["data"]["suppressions"]
    ]
    found = await _asked(scene, f"/rest/json/recipients/status?apikey={key}&emailaddress={quote(address)}")
    (status,) = found["response"]["data"]["recipients"]
    assert (status["status"], status["suppressionstatus"]) == ("inactive", "suppressed")
    mail = {"from": "sender1@example.com", "to": address, "subject": "S", "bodytext": "t"}
    found = await _asked(scene, f"/rest/json/send?{urlencode({'apikey': str(key)} | mail)}", "POST")
    assert found["response"]["data"] == "250 2.1.0 Ok"
    now = int(time.time())
    found = await _asked(scene, f"/blocked-emails?apikey={key}&start_time={now - 60}&end_time={now + 60}")
    assert [(one["email_address"], one["blocked_reason"]) for one in found["data"]] == [(address, "hardbounce")]


async def _one_mail_says_hello(scene: Scene) -> None:
    (mail,) = await _mails(scene, "a@x.example", "banned@example.org", leaving=["a@x.example"])
    assert _raw(mail, "To") == "Ann <a@x.example>"
    text, html = (part.get_content().strip() for part in mail.iter_parts())
    assert (text, html) == ("Hello Ann", "<p>Hello Ann</p>")


async def _asked(scene: Scene, target: str, method: str = "GET") -> Any:
    async with scene.connection() as connection:
        answer = await connection.ask(method, target)
    return json.loads(answer.body)


EFFECTS: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    "dyn-email-09": _one_mail_for_three,
    "dyn-email-10": _names_and_blind_copies,
    "dyn-email-11": _lists_as_text,
    "dyn-email-12": _from_unchanged,
    "dyn-email-13": _refused,
    "dyn-email-14": _decoded,
    "dyn-email-23": _a_hard_bounce_is_told,
    "dyno-12": _one_mail_says_hello,
    "dynosend-06": dynosend_effects.confirmed_by_its_link,
    "dynosend-13": dynosend_effects.two_copies_for_the_only_subscribed,
    "dynosend-14": dynosend_effects.one_transactional_mail,
}
"""By vector, for all that it asks for."""

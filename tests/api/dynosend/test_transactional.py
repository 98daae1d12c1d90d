"""`POST /api/v2/transactional`: what is refused, what is accepted, and the very bytes that arrive."""

import asyncio
import json
import re
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Scope
from app.core.audiences import Audience
from app.core.suppressions import Reason
from app.core.transactional import TransactionalMessage
from app.kit.uids import Noun, uid
from app.settings import Settings
from tests.api.dynosend.conftest import Ask
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.factories import Factories, MadeAccount

SEND = "POST /transactional"
BODIES = {"htmlBody": "<p>Hi {FIRST_NAME}</p>", "textBody": "Hi {FIRST_NAME}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without the limit of requests per second."""
    return settings.model_copy(update={"limits": settings.limits.model_copy(update={"dynosend_per_second": 0})})


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["app@example.org"])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account, name="Customers", fields=["FIRST_NAME"])


@pytest.fixture
async def message(make: Factories, audience: Audience) -> TransactionalMessage:
    """One with external content."""
    return await make.message(
        audience,
        from_email="app@example.org",
        from_name="Acme, Inc.",
        reply_to="help@example.org",
        subject="Hi {EMAIL}",
    )


def named(message: TransactionalMessage, recipient: str = "jo@example.org", **more: Any) -> dict[str, Any]:
    return {"recipient": recipient, "transactional_uid": uid(Noun.TRANSACTIONAL, message.id), **more}


async def test_every_part_is_personalised_and_the_bytes_are_as_asked_for(
    ask: Ask,
    make: Factories,
    audience: Audience,
    message: TransactionalMessage,
    mailroom: Mailroom,
) -> None:
    contact = await make.contact(audience, "jo@example.org", fields={"FIRST_NAME": "Jo <3"})
    answer = await ask(
        SEND,
        named(
            message,
            "Jo@Example.org",
            htmlBody='<html><body><p>{FIRST_NAME} {{ code | downcase }}</p><a href="https://shop.example/x">x</a></body></html>',
            textBody="{FIRST_NAME} {CODE} {UNKNOWN} {LIST_NAME} {% if nothing %}no{% else %}yes{% endif %}",
            customTags=[{"Name": "code", "Value": "A&B"}, {"name": "EMAIL", "value": "tag wins"}],
            customHeaders=[
                {"Name": "X-Order", "Value": "4711"},
                {"Name": "Subject", "Value": "mine"},
                {"Name": "X-Dynosend-Message-Id", "Value": "mine"},
                {"Name": "X-Split", "Value": "a\r\nBcc: x@example.org"},
            ],
        ),
    )
    assert (answer.status_code, list(answer.json())) == (200, ["status", "message", "sending_time"])
    (received,) = await mailroom.delivered()
    assert received.recipient == "Jo@example.org"
    mail = parsed(received)
    (copy,) = await mailroom.rows("SELECT id, accepted_at, kind, contact_id, state FROM messages")
    assert (copy["kind"], copy["contact_id"], copy["state"]) == ("transactional", contact.id, "delivered")
    assert answer.json()["sending_time"] == int(copy["accepted_at"].timestamp())
    assert mail["From"] == '"Acme, Inc." <app@example.org>'
    assert (mail["To"], mail["Reply-To"], mail["Subject"]) == ("Jo@example.org", "help@example.org", "Hi tag wins")
    assert (mail["X-Order"], mail["X-Split"], mail["Bcc"]) == ("4711", None, None)
    email_id = f"{copy['accepted_at']:%Y%m%d%H%M%S}.{copy['id']:012x}@{mailroom.settings.node_name}"
    assert mail.get_all("X-Dynosend-Message-Id") == [email_id]
    assert mail.get_all("X-Dynosend-Contact-Id") == [uid(Noun.CONTACT, contact.id)]
    assert mail["List-Unsubscribe"] is None
    text, html = (part.get_content() for part in mail.iter_parts())
    assert text.strip() == "Jo <3 A&B {UNKNOWN} Customers yes"
    assert "<p>Jo &lt;3 a&amp;b</p>" in html
    assert re.search(r'<a href="http://mail\.example\.com/t/c/[a-z2-7]{28}">x</a>', html)
    assert "/t/o/" in html


async def test_internal_content_ignores_what_is_sent_and_its_own_switches_decide(
    ask: Ask, make: Factories, audience: Audience, mailroom: Mailroom
) -> None:
    message = await make.message(
        audience,
        from_email="app@example.org",
        html='<a href="https://shop.example/">{NAME}</a>{CODE}',
        track_opens=False,
        track_clicks=False,
    )
    given = named(message, htmlBody="other", customTags={"CODE": "1<2"}, customHeaders={"X-Order": "7"}, subject="Own")
    assert (await ask(SEND, given)).status_code == 200
    mail = parsed((await mailroom.delivered())[0])
    text, html = (part.get_content() for part in mail.iter_parts())
    assert (mail["Subject"], mail["X-Order"]) == ("Own", "7")
    assert html.strip() == '<a href="https://shop.example/"></a>1&lt;2'
    assert "1<2" in text


async def test_an_unknown_recipient_becomes_an_unconfirmed_contact(
    ask: Ask, make: Factories, account: MadeAccount, mailroom: Mailroom
) -> None:
    audience = await make.audience(account, settings={"double_opt_in": True})
    await mailroom.rows(
        "INSERT INTO audience_fields (audience_id, tag, label, type, required) VALUES ($1, 'CITY', 'City', 'text', true)",
        audience.id,
    )
    message = await make.message(audience, from_email="app@example.org", text="Hi")
    for _ in range(2):
        assert (await ask(SEND, named(message, "New@example.org"))).status_code == 200
    assert await mailroom.rows("SELECT address, status, source FROM contacts") == [
        {"address": "new@example.org", "status": "unconfirmed", "source": "transactional"}
    ]
    assert len(await mailroom.rows("SELECT id FROM messages")) == 2


@pytest.mark.parametrize(
    "case",
    [
        (Reason.HARDBOUNCE, 400),
        (Reason.SOFTBOUNCE, 400),
        (Reason.COMPLAINT, 400),
        (Reason.MANUAL, 400),
        (Reason.UNSUBSCRIBE, 200),
    ],
)
async def test_the_suppression_list_decides(
    ask: Ask, make: Factories, message: TransactionalMessage, mailroom: Mailroom,
    case: tuple[Reason, int],
) -> None:  # fmt: skip
    reason, status = case
    await make.suppression(message.account_id, "jo@example.org", reason=reason)
    answer = await ask(SEND, named(message, **BODIES))
    assert answer.status_code == status
    if status == 400:
        assert answer.json() == {"status": "error", "message": "The email address is blacklisted"}
        assert await mailroom.rows("SELECT id FROM messages") == []
        assert await mailroom.rows("SELECT id FROM contacts") == []
    else:
        assert [one.recipient for one in await mailroom.delivered()] == ["jo@example.org"]


async def test_bodies_are_checked_once_the_message_is_known_and_before_the_blacklist(
    ask: Ask, make: Factories, message: TransactionalMessage
) -> None:
    await make.suppression(message.account_id, "jo@example.org")
    answer = await ask(SEND, named(message))
    assert answer.json()["errors"] == {
        "htmlBody": ["The htmlBody field is required."],
        "textBody": ["The textBody field is required."],
    }


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"htmlBody": "{% if %}", "textBody": "t"}, "The htmlBody format is invalid."),
        ({"textBody": "{{ a | nothing }}", "htmlBody": "h"}, "The textBody format is invalid."),
        ({**BODIES, "subject": "{% endif %}"}, "The subject format is invalid."),
        ({**BODIES, "customTags": "text"}, "The customTags format is invalid."),
        ({**BODIES, "customHeaders": ["x"]}, "The customHeaders format is invalid."),
        ({**BODIES, "customTags": {"A": {"B": "c"}}}, "The customTags format is invalid."),
    ],
)
async def test_what_is_malformed_is_named(
    ask: Ask, message: TransactionalMessage, mailroom: Mailroom, more: dict[str, Any], sentence: str
) -> None:
    answer = await ask(SEND, named(message, **more))
    assert (answer.status_code, answer.json()["message"]) == (400, sentence)
    assert await mailroom.rows("SELECT id FROM messages") == []


async def test_form_fields_with_nested_names(ask: Ask, message: TransactionalMessage, mailroom: Mailroom) -> None:
    given = named(message, htmlBody="<p>{A}</p>", textBody="{A}{B}")
    given |= {"customTags[0][Name]": "A", "customTags[0][Value]": "1", "customTags[1][name]": "B"}
    given |= {"customTags[1][value]": "2", "customHeaders[X-Plain]": "yes"}
    assert (await ask(SEND, data=given)).status_code == 200
    mail = parsed((await mailroom.delivered())[0])
    assert mail["X-Plain"] == "yes"
    assert next(iter(mail.iter_parts())).get_content().strip() == "12"


async def test_state_then_quota(
    ask: Ask, make: Factories, audience: Audience, message: TransactionalMessage, mailroom: Mailroom
) -> None:
    asleep = await make.message(audience, from_email="app@example.org", text="t", status="inactive")
    stranger = await make.message(audience, from_email="nobody@example.org", text="t")
    await mailroom.rows("UPDATE accounts SET monthly_cap = 1 WHERE id = $1", audience.account_id)
    assert (await ask(SEND, named(message, **BODIES))).status_code == 200
    for one, status, sentence in (
        (asleep, 400, "The transactional message is not active"),
        (stranger, 400, "The sending address is not verified"),
        (message, 401, "You have reached your monthly quota"),
    ):
        answer = await ask(SEND, named(one, "late@example.org", **BODIES))
        assert (answer.status_code, answer.json()) == (status, {"status": "error", "message": sentence})
    answer = await ask(SEND, named(message, **BODIES))
    assert answer.status_code == 401, "a contact that is there, too"
    assert [one["address"] for one in await mailroom.rows("SELECT address FROM contacts")] == ["jo@example.org"]


async def test_rights_and_tenancy(
    ask: Ask, make: Factories, account: MadeAccount, message: TransactionalMessage
) -> None:
    reader = await make.api_key(account.id, Scope.READ)
    answer = await ask(SEND, named(message, **BODIES), key=reader)
    assert (answer.status_code, answer.json()["message"]) == (401, "You are not authorized to access this resource")
    other = await make.account()
    answer = await ask(SEND, named(message), key=other.key)
    assert (answer.status_code, answer.json()["message"]) == (404, "Transactional message not found")


async def test_a_key_that_went_stale_is_read_anew(
    ask: Ask, make: Factories, account: MadeAccount, message: TransactionalMessage
) -> None:
    assert (await ask(SEND, named(message, **BODIES))).status_code == 200
    await make.sender(account.id, "second@example.org")  # raises the revision
    assert (await ask(SEND, named(message, **BODIES))).status_code == 200


async def test_first_mails_to_a_new_recipient_at_the_same_time_share_one_contact(
    ask: Ask, message: TransactionalMessage, mailroom: Mailroom
) -> None:
    answers = await asyncio.gather(*(ask(SEND, named(message, "New@example.org", **BODIES)) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    (contact,) = await mailroom.rows("SELECT id FROM contacts")
    assert (
        await mailroom.rows("SELECT contact_id, state FROM messages")
        == [{"contact_id": contact["id"], "state": "queued"}] * 6
    )


async def test_a_value_can_end_no_header_and_is_never_scanned_again(
    ask: Ask, message: TransactionalMessage, mailroom: Mailroom
) -> None:
    tags = {"EVIL": "a\r\nBcc: victim@example.org", "NESTED": "{EVIL}{{ EVIL }}"}
    given = named(message, subject="Hi {EVIL}", htmlBody="<p>{NESTED}</p>", textBody="{NESTED}", customTags=tags)
    assert (await ask(SEND, given)).status_code == 200
    (received,) = await mailroom.delivered()
    mail = parsed(received)
    assert (mail["Subject"], mail["Bcc"]) == ("Hi a Bcc: victim@example.org", None)
    assert next(iter(mail.iter_parts())).get_content().strip() == "{EVIL}{{ EVIL }}"


HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1.5, 10**400, "", " ", "\u0000", "\ud800", "a" * 200_000, "{" * 5000, "{% if a %}" * 3000, "\u202e@x",
    "Jo <jo@example.org>", "jo@example.org\r\nBcc: x@example.org", "a@b", '"a b"@example.org', "jo@ex\u00e4mple.org",
    [], {}, [[]], [None], [{}], [{"Name": None, "Value": None}], [{"Name": ["x"], "Value": {}}], {"": ""}, {"a": None},
    [{"Name": "X-A"}], [{"Value": "v"}], {"Name": "X-A", "Value": "v"}, {f"X-{n}": "v" for n in range(150)},
    {"\u0000": "\u0000"}, {"X-\u00e9": "\u00e9"}, {"X-Long": "v" * 20_000}, {"X-Words": "\u00e9 " * 4000},
)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["recipient", "transactional_uid", "subject", "htmlBody", "textBody", "customTags", "customHeaders"]
)
async def test_no_value_breaks_it_and_what_was_accepted_leaves(
    ask: Ask, message: TransactionalMessage, mailroom: Mailroom, name: str, subtests: pytest.Subtests
) -> None:
    accepted = 0
    for value in HOSTILE:
        with subtests.test(repr(value)[:60]):
            body = json.dumps({**named(message, **BODIES), name: value})
            answer = await ask(SEND, content=body, headers={"content-type": "application/json"})
            assert answer.status_code in {200, 400, 404, 413}, answer.text
            accepted += answer.status_code == 200
    assert len(await mailroom.delivered()) == accepted

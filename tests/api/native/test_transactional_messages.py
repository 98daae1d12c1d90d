"""`/transactional-messages`: editing, and sending one mail inside the request's own transaction."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Scope
from app.core.audiences import Audience
from app.kit.uids import Noun, uid, uuid
from app.settings import Settings
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

SENDER = "app@acme.example"


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account, fields=["FIRST_NAME"])


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


def members(audience: Audience, **more: object) -> dict[str, object]:
    return {
        "name": "Reset",
        "audience_id": str(uuid(Noun.AUDIENCE, audience.id)),
        "from_email": SENDER,
        "subject": "Reset {FIRST_NAME}",
        "html": '<a href="{{ PASSWORD_LINK }}">Reset</a>',
        **more,
    }


async def made(call: Native, audience: Audience, **more: object) -> dict[str, Any]:
    answer = await call("POST", "/transactional-messages", members(audience, **more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{BASE}/transactional-messages/{found['id']}"
    return found


async def test_a_message_from_creation_to_deletion(call: Native, audience: Audience) -> None:
    message = await made(call, audience)
    assert list(message) == [
        "id", "uid", "name", "status", "audience_id", "from_email", "from_name", "reply_to", "subject", "content",
        "html", "text", "track_opens", "track_clicks", "created_at", "updated_at",
    ]  # fmt: skip
    assert (message["status"], message["content"], message["text"]) == ("active", "internal", None)
    path = f"/transactional-messages/{message['uid']}"
    assert (await call("GET", path)).json() == message
    changed = (await call("PATCH", path, {"reply_to": "re@acme.example", "status": "inactive"})).json()
    assert (changed["reply_to"], changed["status"], changed["name"]) == ("re@acme.example", "inactive", "Reset")
    changed = (await call("PATCH", path, {"reply_to": None, "status": None})).json()
    assert (changed["reply_to"], changed["status"]) == (None, "active")
    assert names_of(await call("PATCH", path, {"html": None})) == {"html": "required"}
    assert (await call("PATCH", path, {"html": None, "text": "Hi"})).json()["html"] is None
    assert (await call("DELETE", path)).status_code == 204
    assert (await call("GET", path)).status_code == 404


async def test_what_cannot_be_accepted_is_named(call: Native, make: Factories, audience: Audience) -> None:
    foreign = await make.audience(await make.account())
    for more, expected in (
        ({"name": ""}, {"name": "required"}),
        ({"from_email": "nobody"}, {"from_email": "invalid"}),
        ({"subject": " "}, {"subject": "required"}),
        ({"audience_id": "x"}, {"audience_id": "not_found"}),
        ({"audience_id": str(uuid(Noun.AUDIENCE, foreign.id))}, {"audience_id": "not_found"}),
        ({"html": "{% if %}"}, {"html": "syntax"}),
        ({"html": None}, {"html": "required"}),
        ({"content": "other"}, {"content": "invalid"}),
        ({"uid": "x"}, {"uid": "unknown"}),
    ):
        answer = await call("POST", "/transactional-messages", members(audience, **more))
        assert names_of(answer) == expected, more
    missing = dict.fromkeys(("name", "audience_id", "from_email", "subject"), "required")
    assert names_of(await call("POST", "/transactional-messages", {})) == missing


async def test_the_list_is_filtered_and_paged(call: Native, make: Factories, audience: Audience) -> None:
    second = await make.audience(audience.account_id)
    for number in range(3):
        await made(call, audience if number else second, name=f"M{number}")
    page = (await call("GET", "/transactional-messages", limit="2", sort="-created_at", count="true")).json()
    assert ([one["name"] for one in page["data"]], page["total"]) == (["M2", "M1"], 3)
    query = {"limit": "2", "sort": "-created_at", "cursor": page["next_cursor"]}
    assert [
        one["name"] for one in (await call("GET", f"/transactional-messages?{urlencode(query)}")).json()["data"]
    ] == ["M0"]
    for query, names in (({"q": "m1"}, ["M1"]), ({"audience_id": uid(Noun.AUDIENCE, second.id)}, ["M0"])):
        assert [
            one["name"] for one in (await call("GET", f"/transactional-messages?{urlencode(query)}")).json()["data"]
        ] == names


async def test_a_mail_is_made_delivered_and_its_contact_with_it(
    call: Native, audience: Audience, mailroom: Mailroom
) -> None:
    message = await made(call, audience, from_name="Acme", reply_to="re@acme.example")
    body = {
        "recipient": "Jo@Example.org",
        "tags": {"password_link": "https://acme.example/r?a=1&b=2", "n": 7},
        "headers": {"X-Order": "42"},
        "fields": {"FIRST_NAME": "Jo"},
    }
    answer = await call("POST", f"/transactional-messages/{message['uid']}/send", body)
    assert answer.status_code == 202, answer.text
    sent = answer.json()
    (contact,) = await mailroom.rows("SELECT id, address, status, source, fields FROM contacts")
    assert sent["contact_id"] == str(uuid(Noun.CONTACT, contact["id"]))
    assert (contact["address"], contact["status"], contact["source"]) == (
        "jo@example.org",
        "unconfirmed",
        "transactional",
    )
    (mail,) = [parsed(one) for one in await mailroom.delivered()]
    assert (mail["Subject"], mail["X-Order"], mail["Reply-To"]) == ("Reset Jo", "42", "re@acme.example")
    assert mail["X-Dynosend-Message-Id"] == sent["email_id"]
    part = mail.get_body(("html",))
    assert part is not None
    assert "https://acme.example/r?a=1&amp;b=2" in part.get_content() or "/t/c/" in part.get_content()
    (copy,) = await mailroom.rows("SELECT kind, contact_id FROM messages")
    assert copy == {"kind": "transactional", "contact_id": contact["id"]}


async def test_external_content_comes_with_the_call(call: Native, audience: Audience, mailroom: Mailroom) -> None:
    message = await made(call, audience, content="external", html=None)
    path = f"/transactional-messages/{message['id']}/send"
    assert names_of(await call("POST", path, {"recipient": "jo@example.org"})) == {
        "html": "required",
        "text": "required",
    }
    body = {"recipient": "jo@example.org", "html": "<p>{CODE}</p>", "text": "{CODE}", "tags": {"CODE": "1"}}
    assert (await call("POST", path, {**body, "subject": "Yours"})).status_code == 202
    (mail,) = [parsed(one) for one in await mailroom.delivered()]
    assert mail["Subject"] == "Yours"
    broken = {**body, "html": "{{ a"}
    assert names_of(await call("POST", path, broken)) == {"html": "syntax"}


async def test_what_may_not_be_sent_is_refused_and_leaves_nothing(
    call: Native, make: Factories, account: MadeAccount, audience: Audience, mailroom: Mailroom
) -> None:
    message = await made(call, audience)
    path = f"/transactional-messages/{message['id']}"
    await make.suppression(account.id, "gone@example.org", reason="hardbounce")
    await make.suppression(account.id, "left@example.org", reason="unsubscribe")
    for body, expected in (
        ({}, {"recipient": "required"}),
        ({"recipient": "nobody"}, {"recipient": "invalid"}),
        ({"recipient": "gone@example.org"}, {"recipient": "suppressed"}),
        ({"recipient": "jo@example.org", "headers": {"Subject": "x"}}, {"headers.Subject": "invalid"}),
        ({"recipient": "jo@example.org", "headers": {"X-A": "a\r\nB: c"}}, {"headers.X-A": "invalid"}),
        ({"recipient": "jo@example.org", "headers": {"DKIM-Signature": "x"}}, {"headers.DKIM-Signature": "invalid"}),
        ({"recipient": "jo@example.org", "fields": {"NOPE": {"a": 1}}}, None),
        ({"recipient": "jo@example.org", "cc": "x"}, {"cc": "unknown"}),
    ):
        answer = await call("POST", f"{path}/send", body)
        if expected is not None:
            assert names_of(answer) == expected
            assert await mailroom.rows("SELECT id FROM messages") == []
    assert (await call("POST", f"{path}/send", {"recipient": "left@example.org"})).status_code == 202
    await call("PATCH", path, {"status": "inactive"})
    answer = await call("POST", f"{path}/send", {"recipient": "jo@example.org"})
    assert (answer.status_code, answer.json()["state"]) == (409, "inactive")
    other = await made(call, audience, from_email="else@acme.example")
    answer = await call("POST", f"/transactional-messages/{other['id']}/send", {"recipient": "jo@example.org"})
    assert names_of(answer) == {"from_email": "not_approved"}


async def test_a_spent_quota_is_403_for_old_and_new_recipients(
    call: Native, make: Factories, account: MadeAccount, audience: Audience, mailroom: Mailroom
) -> None:
    message = await made(call, audience)
    await make.contact(audience, "known@example.org")
    await mailroom.rows("UPDATE accounts SET monthly_cap = 1 WHERE id = $1", account.id)
    path = f"/transactional-messages/{message['id']}/send"
    assert (await call("POST", path, {"recipient": "known@example.org"})).status_code == 202
    for recipient in ("known@example.org", "new@example.org"):
        answer = await call("POST", path, {"recipient": recipient})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/quota-exceeded")
    assert len(await mailroom.rows("SELECT id FROM messages")) == 1
    assert len(await mailroom.rows("SELECT id FROM contacts")) == 1


async def test_a_repeated_send_with_a_key_is_one_mail_and_one_contact(
    call: Native, audience: Audience, mailroom: Mailroom
) -> None:
    message = await made(call, audience)
    path, body = f"/transactional-messages/{message['id']}/send", {"recipient": "jo@example.org"}
    answers = [await call("POST", path, body, headers={"Idempotency-Key": "order 42"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert answers[2].headers["idempotency-replayed"] == "true"
    assert len(await mailroom.rows("SELECT id FROM messages")) == 1
    changed = await call("POST", path, {"recipient": "ann@example.org"}, headers={"Idempotency-Key": "order 42"})
    assert (changed.status_code, changed.json()["type"]) == (409, "/problems/idempotency-conflict")


async def test_an_account_that_changed_meanwhile_still_sends(
    call: Native, audience: Audience, account: MadeAccount, mailroom: Mailroom
) -> None:
    message = await made(call, audience)  # the key is known to the process now
    await mailroom.rows("UPDATE accounts SET revision = revision + 1 WHERE id = $1", account.id)
    path = f"/transactional-messages/{message['id']}/send"
    assert (await call("POST", path, {"recipient": "jo@example.org"})).status_code == 202


async def test_scopes_and_tenancy(
    client: httpx2.AsyncClient, call: Native, make: Factories, account: MadeAccount, audience: Audience
) -> None:
    message = await made(call, audience)
    path = f"/transactional-messages/{message['id']}"
    stranger = Native(client, (await make.account(senders=["x@x.example"])).key)
    sender = Native(client, await make.api_key(account.id, Scope.SEND))
    reader = Native(client, await make.api_key(account.id, Scope.READ))
    send = {"recipient": "jo@example.org"}
    for method, end, body in (("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/send", send)):
        assert (await stranger(method, path + end, body)).status_code == 404
    for method, end, body in (("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None)):
        assert (await sender(method, path + end, body)).status_code == 403
    assert (await reader("POST", f"{path}/send", send)).status_code == 403
    assert (await sender("POST", f"{path}/send", send)).status_code == 202

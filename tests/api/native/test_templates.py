"""`/templates`: content, what it looks like, and test mails of it."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Scope
from app.kit.uids import Noun, uid, uuid
from app.settings import Settings
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

SENDER = "news@acme.example"
HTML = '<html><body><p>Hello {{ FIRST_NAME | default: "you" }}</p><a href="{UNSUBSCRIBE_URL}">Leave</a></body></html>'


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


async def made(call: Native, **members: object) -> dict[str, Any]:
    answer = await call("POST", "/templates", {"name": "Welcome", "subject": "Hi", "html": HTML, **members})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{BASE}/templates/{found['id']}"
    return found


async def test_a_template_from_creation_to_deletion(call: Native) -> None:
    template = await made(call, preheader="Look")
    assert set(template) == {"id", "name", "subject", "preheader", "html", "text", "created_at", "updated_at"}
    assert (template["html"], template["text"], template["preheader"]) == (HTML, None, "Look")
    path = f"/templates/{template['id']}"
    assert (await call("GET", path)).json() == template
    changed = (await call("PATCH", path, {"preheader": None, "text": "Hello", "name": " New "})).json()
    assert (changed["preheader"], changed["text"], changed["name"]) == ("", "Hello", "New")
    assert changed["html"] == HTML
    assert changed["updated_at"] >= template["updated_at"]
    assert (await call("PATCH", path, {"text": None})).json()["text"] is None
    assert (await call("DELETE", path)).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await call(method, path)).status_code == 404


async def test_what_cannot_be_accepted_is_named(call: Native) -> None:
    answer = await call("POST", "/templates", {"name": "x", "html": "<p>\n{% if %}</p>"})
    assert names_of(answer) == {"html": "syntax"}
    assert "line 2" in answer.json()["errors"][0]["message"]
    assert names_of(await call("POST", "/templates", {})) == {"name": "required"}
    assert names_of(await call("POST", "/templates", {"name": "  "})) == {"name": "required"}
    assert names_of(await call("POST", "/templates", {"name": "x" * 256})) == {"name": "too_long"}
    assert names_of(await call("POST", "/templates", {"name": "x", "body": ""})) == {"body": "unknown"}
    assert names_of(await call("POST", "/templates", {"name": 7})) == {"name": "invalid"}
    template = await made(call)
    assert names_of(await call("PATCH", f"/templates/{template['id']}", {"name": None})) == {"name": "invalid"}
    assert names_of(await call("PATCH", f"/templates/{template['id']}", {"name": ""})) == {"name": "required"}
    assert (await call("GET", "/templates/none")).status_code == 404


async def test_the_list_goes_by_creation_in_both_directions(call: Native) -> None:
    names = [(await made(call, name=f"T{number}"))["name"] for number in range(5)]
    page = (await call("GET", "/templates", limit="2", count="true")).json()
    assert ([one["name"] for one in page["data"]], page["has_more"], page["total"]) == (names[:2], True, 5)
    found: list[str] = []
    cursor = ""
    while True:
        query = {"limit": "2", "sort": "-created_at"} | ({"cursor": cursor} if cursor else {})
        page = (await call("GET", f"/templates?{urlencode(query)}")).json()
        found += [one["name"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert found == names[::-1]
    assert [one["name"] for one in (await call("GET", "/templates", q="t3")).json()["data"]] == ["T3"]
    for query in ({"sort": "name"}, {"cursor": "x"}, {"limit": "0"}):
        assert (await call("GET", f"/templates?{urlencode(query)}")).status_code == 400


async def test_a_template_is_rendered_for_a_contact_or_with_values(
    call: Native, make: Factories, account: MadeAccount
) -> None:
    audience = await make.audience(account, fields=["FIRST_NAME"], name="Club")
    contact = await make.contact(audience, "jo@example.org", fields={"FIRST_NAME": "<Jo>"})
    html = '<p>{FIRST_NAME} {{ contact.email }} of {LIST_NAME}</p><a href="{UNSUBSCRIBE_URL}">x</a>'
    template = await made(call, subject="Hi {FIRST_NAME}", preheader="For {{ first_name }}", html=html)
    path = f"/templates/{template['id']}/render"
    for name in (str(uuid(Noun.CONTACT, contact.id)), uid(Noun.CONTACT, contact.id)):
        shown = (await call("POST", path, {"contact_id": name})).json()
        assert (shown["subject"], shown["preheader"]) == ("Hi <Jo>", "For <Jo>")
        assert shown["html"].startswith("<p>&lt;Jo&gt; jo@example.org of Club</p>")
        assert shown["text"].startswith("<Jo> jo@example.org of Club")
        assert shown["warnings"] == []
    shown = (await call("POST", path, {"values": {"first_name": "Ann", "LIST_NAME": 7, "email": None}})).json()
    assert (shown["subject"], shown["html"].partition("</p>")[0]) == ("Hi Ann", "<p>Ann  of 7")
    assert (await call("POST", path, {})).json()["subject"] == "Hi "
    assert names_of(await call("POST", path, {"contact_id": "0000000000000"})) == {"contact_id": "not_found"}


async def test_links_of_a_preview_do_nothing_to_anybody(
    call: Native, make: Factories, account: MadeAccount, client: httpx2.AsyncClient, mailroom: Mailroom
) -> None:
    contact = await make.contact(await make.audience(account), status="unconfirmed")
    text = "{UNSUBSCRIBE_URL} {SUBSCRIBE_CONFIRM_URL} {UPDATE_PROFILE_URL} {WEB_VIEW_URL}"
    body = {"text": text, "contact_id": uid(Noun.CONTACT, contact.id)}
    shown = (await call("POST", "/templates/render", body)).json()
    assert shown["html"] is None
    for url in shown["text"].split():
        assert (await client.get(url)).status_code == 404
        assert (await client.post(url)).status_code in {404, 405}
    (row,) = await mailroom.rows("SELECT status FROM contacts WHERE id = $1", contact.id)
    assert row["status"] == "unconfirmed"


@pytest.mark.parametrize(
    ("members", "warning"),
    [
        ({"html": "<p>{{ frist_name }}</p>"}, "unknown name: FRIST_NAME"),
        ({"subject": "Dear {FRIST_NAME}"}, "unknown name: FRIST_NAME"),
        ({"text": "{% if frist_name %}x{% endif %}"}, "unknown name: FRIST_NAME"),
        ({"html": '<a href="www.shop.example/a">x</a>'}, "link without scheme: www.shop.example/a"),
        ({"html": '<a href="{{ url }}">x</a>'}, "unknown name: URL"),
        ({"html": "<p>x</p>"}, "no unsubscribe link"),
        ({"html": "<p>" + "é" * 50_000 + "</p>"}, "HTML of more than 100 kB"),
    ],
)
async def test_what_looks_wrong_is_told(
    call: Native, make: Factories, account: MadeAccount, members: dict[str, str], warning: str
) -> None:
    await make.audience(account, fields=["FIRST_NAME"])
    shown = (await call("POST", "/templates/render", members)).json()
    assert warning in shown["warnings"]
    fine = {"html": f'{HTML}<a href="mailto:a@b.example">m</a><a href="#top">t</a><a href="{{{{ first_name }}}}">f</a>'}
    assert (await call("POST", "/templates/render", fine)).json()["warnings"] == []


async def test_malformed_and_endless_content_is_refused_inline_too(call: Native) -> None:
    assert names_of(await call("POST", "/templates/render", {"preheader": "{{ a "})) == {"preheader": "syntax"}
    assert names_of(await call("POST", "/templates/render", {"html": "x" * 1_048_577})) == {"html": "too_long"}
    values = {str(number): "x" for number in range(1001)}
    assert names_of(await call("POST", "/templates/render", {"values": values})) == {"values": "too_long"}
    answer = await call("POST", "/templates/render", {"html": "{{ A }}" * 500, "values": {"A": "x" * 10_000}})
    assert names_of(answer) == {"html": "syntax"}


async def test_a_test_mail_is_delivered_untracked_and_counts_against_the_quota(
    call: Native, account: MadeAccount, mailroom: Mailroom
) -> None:
    html = f'{HTML}<a href="https://shop.example/">Shop</a>'
    template = await made(call, subject="Hi {{ FIRST_NAME }}", preheader="Psst {{ FIRST_NAME }}", html=html)
    path = f"/templates/{template['id']}/test-send"
    await mailroom.rows("UPDATE accounts SET monthly_cap = 2 WHERE id = $1", account.id)
    recipients = ["me@acme.example", "you@acme.example", "ME@ACME.example"]
    body = {"from_email": SENDER, "recipients": recipients, "values": {"FIRST_NAME": "Ann"}}
    answer = await call("POST", path, body)
    assert answer.status_code == 202, answer.text
    sent = answer.json()["messages"]
    assert [one["recipient"] for one in sent] == ["me@acme.example", "you@acme.example"]
    rows = await mailroom.rows("SELECT kind, run_id, contact_id FROM messages")
    assert rows == [{"kind": "test", "run_id": None, "contact_id": None}] * 2
    refused = await call("POST", path, body)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/quota-exceeded")
    mails = {one.recipient: parsed(one) for one in await mailroom.delivered()}
    assert set(mails) == {"me@acme.example", "you@acme.example"}
    mail = mails["me@acme.example"]
    assert (mail["Subject"], mail["From"], mail["To"]) == ("Hi Ann", SENDER, "me@acme.example")
    content = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one
    assert '<a href="https://shop.example/">' in content
    assert "Hello Ann" in content
    assert content.index("Psst Ann") < content.index("Hello")
    assert "/t/" not in content
    assert mail["List-Unsubscribe"] is None


async def test_a_bad_test_mail_is_refused_and_nothing_is_written(call: Native, mailroom: Mailroom) -> None:
    template = await made(call)
    path = f"/templates/{template['id']}/test-send"
    good = {"from_email": SENDER, "recipients": ["me@acme.example"]}
    for change, expected in (
        ({"from_email": "stranger@acme.example"}, {"from_email": "not_approved"}),
        ({"recipients": []}, {"recipients": "required"}),
        ({"recipients": [f"r{n}@acme.example" for n in range(11)]}, {"recipients": "too_long"}),
        ({"recipients": ["me@acme.example", "no address"]}, {"recipients.1": "invalid"}),
        ({"contact_id": "x"}, {"contact_id": "not_found"}),
    ):
        assert names_of(await call("POST", path, {**good, **change})) == expected
    empty = await made(call, html="")
    assert names_of(await call("POST", f"/templates/{empty['id']}/test-send", good)) == {"html": "required"}
    assert await mailroom.rows("SELECT id FROM messages") == []


async def test_scopes_and_tenancy(
    client: httpx2.AsyncClient, call: Native, make: Factories, account: MadeAccount
) -> None:
    template = await made(call)
    path = f"/templates/{template['id']}"
    stranger = Native(client, (await make.account(senders=["x@other.example"])).key)
    body = {"from_email": "x@other.example", "recipients": ["x@other.example"]}
    for method, end, given in (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("POST", "/render", {}),
        ("POST", "/test-send", body),
    ):
        assert (await stranger(method, path + end, given)).status_code == 404
    assert (await stranger("GET", "/templates")).json()["data"] == []
    reader = Native(client, await make.api_key(account.id, Scope.READ))
    sender = Native(client, await make.api_key(account.id, Scope.SEND))
    assert (await reader("GET", path)).status_code == 200
    assert (await sender("GET", path)).status_code == 403
    assert (await reader("PATCH", path, {})).status_code == 403
    own = {"from_email": SENDER, "recipients": ["me@acme.example"]}
    assert (await reader("POST", f"{path}/test-send", own)).status_code == 403
    assert (await sender("POST", f"{path}/test-send", own)).status_code == 202


async def test_a_repeated_test_mail_with_a_key_is_sent_once(call: Native, mailroom: Mailroom) -> None:
    template = await made(call)
    body = {"from_email": SENDER, "recipients": ["me@acme.example"]}
    answers = [
        await call("POST", f"/templates/{template['id']}/test-send", body, headers={"Idempotency-Key": "one"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert len(await mailroom.rows("SELECT id FROM messages")) == 1

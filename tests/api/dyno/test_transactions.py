"""`POST /transactions`: one mail for each, what is rejected and where that is seen, and the very bytes that arrive."""

from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import httpx2
import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Scope
from app.core.suppressions import Reason
from app.settings import Settings
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.factories import Factories, MadeAccount

TRANSACTION = [
    *("id", "status", "subject", "from_name", "from_email", "preview_message", "recipients", "accepted", "rejected"),
    "created",
]
GOOD: dict[str, Any] = {"email_content": "<p>Hello {{name}}</p>", "subject": "Order", "email_list": "a@x.example"}

Ask = Callable[..., Awaitable[httpx2.Response]]


async def delivered(post: Mailroom) -> dict[str, EmailMessage]:
    """Deliver all that waits; return it by recipient."""
    received = await post.delivered()
    found = {one.recipient: parsed(one) for one in received}
    assert len(found) == len(received)
    return found


@pytest.fixture
def post(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["first@acme.example", "shop@acme.example"])


@pytest.fixture
def ask(client: httpx2.AsyncClient, account: MadeAccount) -> Ask:
    async def send(given: object, *, key: str | None = None) -> httpx2.Response:
        return await client.post("/transactions", json=given, headers={"User-Api-Key": key or account.key})

    return send


async def transaction(ask: Ask, **more: object) -> dict[str, Any]:
    """Send one that is accepted; return what the answer says of it."""
    answer = await ask({**GOOD, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]["transaction"]
    return found


async def error(ask: Ask, given: object, **more: Any) -> tuple[int, str, str]:
    answer = await ask(given, **more)
    body = answer.json()
    return answer.status_code, body["error_code"], body["error_message"]


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Return text and HTML."""
    text, html = (part.get_content() for part in mail.iter_parts())
    return text.strip(), html.strip()


async def test_one_mail_for_each_with_their_own_fields(ask: Ask, account: MadeAccount, post: Mailroom) -> None:
    answer = await ask(
        {
            "email_content": "<html><body><p>Hello {{Name}} of {{ city }}, {NAME}</p></body></html>",
            "subject": "Order {{NO}}",
            "preview_message": "For {{name}} & friends",
            "from_email": "Shop@acme.example",
            "from_name": "Acme, Inc.",
            "email_list": [
                {"email": "a@x.example", "name": "Ann <3", "City": "Hue", "no": 7},
                {"email": "b@x.example", "NO": True, "city": None},
                "Cid <c@x.example>",
            ],
        }
    )
    data = answer.json()["data"]
    assert list(data) == ["user_id", "transaction_id", "id", "transaction"]
    assert data["user_id"] == str(account.public_id)
    assert list(data["transaction"]) == TRANSACTION
    assert data["id"] == data["transaction_id"] == data["transaction"]["id"]
    assert data["transaction"]["recipients"] == ["a@x.example", "b@x.example", "c@x.example"]
    assert (data["transaction"]["accepted"], data["transaction"]["rejected"]) == (3, [])
    assert await post.rows("SELECT DISTINCT kind, sender_id FROM messages") == [
        {"kind": "transaction", "sender_id": account.senders["shop@acme.example"]}
    ]
    mails = await delivered(post)
    assert {name: (mail["To"], mail["Subject"]) for name, mail in mails.items()} == {
        "a@x.example": ('"Ann <3" <a@x.example>', "Order 7"),
        "b@x.example": ("b@x.example", "Order true"),
        "c@x.example": ("Cid <c@x.example>", "Order"),
    }
    assert {mail["From"] for mail in mails.values()} == {'"Acme, Inc." <Shop@acme.example>'}
    text, html = parts(mails["a@x.example"])
    assert text == "Hello Ann <3 of Hue, {NAME}"
    hidden = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">For Ann &lt;3 &amp; friends</div>'
    assert html == f"<html><body>{hidden}<p>Hello Ann &lt;3 of Hue, {{NAME}}</p></body></html>"
    assert parts(mails["b@x.example"])[0] == "Hello  of , {NAME}"


@pytest.mark.parametrize(
    "given",
    ["a@x.example, b@x.example,A@X.example,", ["a@x.example", "b@x.example", "A@X.EXAMPLE"]],
)
async def test_doubles_get_one_copy(ask: Ask, given: object, post: Mailroom) -> None:
    found = await transaction(ask, email_list=given)
    assert found["recipients"] == ["a@x.example", "b@x.example"]
    assert len(await post.rows("SELECT id FROM messages")) == 2


async def test_the_accounts_first_ready_sender_is_the_default(
    ask: Ask, make: Factories, account: MadeAccount, post: Mailroom
) -> None:
    found = await transaction(ask, from_email=" ")
    assert found["from_email"] == "first@acme.example"
    await post.rows("UPDATE senders SET status = 'disabled' WHERE id = $1", account.senders["first@acme.example"])
    assert (await transaction(ask))["from_email"] == "shop@acme.example"
    nobody = await make.account()
    assert await error(ask, GOOD, key=nobody.key) == (400, "400", "from_email is required")


async def test_invalid_ones_are_issues_and_suppressed_ones_blocked_copies(
    ask: Ask, make: Factories, account: MadeAccount, post: Mailroom
) -> None:
    await make.suppression(account.id, "banned@x.example")
    await make.suppression(account.id, "left@x.example", reason=Reason.UNSUBSCRIBE)
    found = await transaction(
        ask, email_list=["bad", "a@x.example", "Banned@x.example", "bad", {"email": "left@x.example"}, "worse@"]
    )
    assert found["status"] == "accepted"
    assert found["recipients"] == ["a@x.example"]
    assert found["rejected"] == [
        {"email": "bad", "reason": "invalid"},
        {"email": "worse@", "reason": "invalid"},
        {"email": "Banned@x.example", "reason": "suppressed"},
        {"email": "left@x.example", "reason": "suppressed"},
    ]
    assert await post.rows("SELECT issue_type, address, sender FROM issues ORDER BY id") == [
        {"issue_type": "invalidrecipient", "address": address, "sender": "first@acme.example"}
        for address in ("bad", "worse@")
    ]
    assert await post.rows(
        "SELECT recipient, blocked_reason FROM messages WHERE state = 'blocked' ORDER BY recipient"
    ) == [
        {"recipient": "Banned@x.example", "blocked_reason": "manual"},
        {"recipient": "left@x.example", "blocked_reason": "unsubscribe"},
    ]
    assert list(await delivered(post)) == ["a@x.example"]


async def test_only_suppressed_ones(ask: Ask, make: Factories, account: MadeAccount) -> None:
    await make.suppression(account.id, "a@x.example")
    found = await transaction(ask)
    assert (found["status"], found["accepted"], found["recipients"]) == ("rejected", 0, [])


async def test_no_valid_address(ask: Ask, make: Factories, account: MadeAccount, post: Mailroom) -> None:
    reader = await make.api_key(account.id, Scope.READ)
    given = {**GOOD, "email_list": "nonsense"}
    expected = (400, "400", "email_list contains no valid address")
    assert await error(ask, given, key=reader) == expected
    assert await post.rows("SELECT id FROM issues") == [], "who may not send leaves nothing behind"
    assert await error(ask, given) == expected
    assert await post.rows("SELECT address FROM issues") == [{"address": "nonsense"}]


WRONG: list[tuple[dict[str, object], str]] = [
    ({"email_content": None}, "email_content is required"),
    ({"email_content": " "}, "email_content is required"),
    ({"email_content": 5}, "email_content is not valid"),
    ({"email_content": "{% if name %}"}, "email_content is malformed"),
    ({"email_content": "x" * 2_000_000}, "email_content is longer than"),
    ({"subject": "{{ a | nothing }}"}, "subject is malformed"),
    ({"subject": "x" * 3000}, "subject is longer than 2000 characters"),
    ({"preview_message": "{% endif %}"}, "preview_message is malformed"),
    ({"email_list": None}, "email_list is required"),
    ({"email_list": []}, "email_list is required"),
    ({"email_list": ""}, "email_list is required"),
    ({"email_list": " , "}, "email_list is required"),
    ({"email_list": {"email": "a@x.example"}}, "email_list is not valid"),
    ({"email_list": [5]}, "email_list is not valid"),
    ({"email_list": [{"name": "x"}]}, "email_list is not valid"),
    ({"email_list": [{"email": "a@x.example", "tags": ["x"]}]}, "email_list is not valid"),
    ({"email_list": [{"email": "a@x.example", "x": "\0"}]}, "email_list is not valid"),
    ({"from_email": "stranger@example.net"}, "from_email is not an approved sender"),
    ({"from_email": "no address"}, "from_email is not valid"),
    ({"from_email": "Acme <shop@acme.example>"}, "from_email is not valid"),
    ({"from_name": "x" * 3000}, "from_name is longer than 2000 characters"),
]
"""What is changed of a good call, and how the text begins."""


async def test_what_is_wrong_is_named(ask: Ask, post: Mailroom, subtests: pytest.Subtests) -> None:
    for more, text in WRONG:
        with subtests.test(str(more)[:80]):
            status, code, found = await error(ask, {**GOOD, **more})
            assert (status, code) == (400, "400")
            assert found.startswith(text)
    assert await post.rows("SELECT id FROM messages") == []


async def test_a_thousand_recipients_and_no_more(ask: Ask, post: Mailroom) -> None:
    many = [f"p{number}@x.example" for number in range(1001)]
    expected = (400, "400", "email_list has more than 1000 recipients")
    assert await error(ask, {**GOOD, "email_list": many}) == expected
    assert await error(ask, {**GOOD, "email_list": ",".join(many)}) == expected
    assert await post.rows("SELECT id FROM messages") == []
    assert (await transaction(ask, email_list=[*many[:1000], *many[:1000]]))["accepted"] == 1000
    assert (await post.rows("SELECT count(*) AS mails FROM mails"))[0]["mails"] == 1000


async def test_too_much_for_all_of_them(ask: Ask) -> None:
    many = [f"p{number}@x.example" for number in range(100)]
    given = {**GOOD, "email_content": "x" * 1_000_000, "email_list": many}
    assert await error(ask, given) == (400, "400", "email_content is too long for these recipients")


async def test_the_quota_takes_all_or_nothing(ask: Ask, account: MadeAccount, post: Mailroom) -> None:
    await post.rows("UPDATE accounts SET monthly_cap = 3 WHERE id = $1", account.id)
    assert (await transaction(ask, email_list="a@x.example,b@x.example"))["accepted"] == 2
    given = {**GOOD, "email_list": "c@x.example,d@x.example"}
    assert await error(ask, given) == (500, "125", "SENDING LIMIT REACHED")
    assert len(await post.rows("SELECT id FROM messages")) == 2
    assert await post.rows("SELECT issue_type, address FROM issues") == [
        {"issue_type": "limitreached", "address": "c@x.example"}
    ]
    assert (await transaction(ask, email_list="c@x.example"))["accepted"] == 1


async def test_the_order_of_checks(ask: Ask, make: Factories, account: MadeAccount, post: Mailroom) -> None:
    await post.rows("UPDATE accounts SET monthly_cap = 0 WHERE id = $1", account.id)
    reader = await make.api_key(account.id, Scope.READ)
    sender = await make.api_key(account.id, Scope.SEND)
    stranger = {**GOOD, "from_email": "stranger@example.net"}
    for given, key, expected in (
        ({}, "wrong", (401, "401")),
        ({}, reader, (400, "400")),
        (stranger, reader, (400, "400")),
        (GOOD, reader, (403, "403")),
        (GOOD, sender, (500, "125")),
    ):
        assert (await error(ask, given, key=key))[:2] == expected


async def test_tracking_follows_the_accounts_switches(ask: Ask, account: MadeAccount, post: Mailroom) -> None:
    content = '<p><a href="https://shop.example/{{name}}">x</a></p>'
    await transaction(ask, email_content=content)
    await post.rows("UPDATE accounts SET track_opens = true, track_links = true, revision = revision + 1")
    await transaction(ask, email_content=content, email_list=[{"email": "b@x.example", "name": "Ann"}])
    await post.rows("UPDATE accounts SET track_unsubscribes = true, revision = revision + 1")
    await transaction(ask, email_content=content, email_list="c@x.example")
    mails = await delivered(post)
    seen = {
        name: ("/t/c/" in mail.as_string(), "/t/o/" in mail.as_string(), "List-Unsubscribe" in mail)
        for name, mail in mails.items()
    }
    assert seen == {
        "a@x.example": (False, False, False),
        "b@x.example": (True, True, False),
        "c@x.example": (True, True, True),
    }
    (row,) = await post.rows("SELECT links FROM mails WHERE headers::text LIKE '%b@x.example%'")
    assert row["links"] == ["https://shop.example/Ann"]


async def test_the_other_families_see_them(ask: Ask, client: httpx2.AsyncClient, account: MadeAccount) -> None:
    found = await transaction(ask, email_list="a@x.example,b@x.example")
    query = {"start_time": found["created"] - 60, "end_time": found["created"] + 60}
    answer = await client.get("/emails", params=query, headers={"Authorization": f"apikey={account.key}"})
    assert sorted(one["email_address"] for one in answer.json()["data"]) == found["recipients"]


async def test_values_end_no_header_and_are_never_scanned_again(ask: Ask, post: Mailroom) -> None:
    evil = "a\r\nBcc: victim@example.org"
    entry = {"email": "a@x.example", "name": evil, "x": "{{name}}<b>"}
    await transaction(ask, subject="Hi {{name}}", email_content="<p>{{x}}</p>", email_list=[entry], from_name=evil)
    mail = (await delivered(post))["a@x.example"]
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hi a Bcc: victim@example.org"
    assert parts(mail)[1] == "<p>{{name}}&lt;b&gt;</p>"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.fixed_dictionaries({"email": st.just("a@x.example") | JSON}, optional={"name": JSON, "x": JSON}) | JSON


@hypothesis.settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@hypothesis.given(
    st.fixed_dictionaries(
        {},
        optional={
            "email_content": st.text(max_size=60) | JSON,
            "subject": st.text(max_size=60) | JSON,
            "email_list": st.lists(ENTRIES, max_size=4) | JSON,
            "preview_message": st.text(max_size=60) | JSON,
            "from_name": st.text(max_size=60) | JSON,
            "from_email": JSON,
        },
    )
)
async def test_no_body_breaks_it(ask: Ask, given: dict[str, object]) -> None:
    for body in (given, {**GOOD, **given}):
        answer = await ask(body)
        assert answer.status_code in {200, 400}, answer.text

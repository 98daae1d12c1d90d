"""`/rest/{type}/send` over HTTP: requests in, bytes out, rows checked."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts, senders
from app.db.unit_of_work import reading, unit_of_work
from app.main import create_app
from app.models import Issue, Mail, Message, QueuedCopy
from app.settings import Settings
from tests.factories import Factories, MadeAccount

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OK = b'{"response":{"status":200,"message":"OK","data":"250 2.1.0 Ok"}}'
FROM = "sender1@example.com"
GOOD = {"from": FROM, "to": "jo@example.org", "subject": "S", "bodytext": "t"}
TRUSTED = f"from={FROM}&subject=S&bodytext=t&to="


def said(text: str) -> bytes:
    return b'{"response":{"status":200,"message":"OK","data":"' + text.encode() + b'"}}'


def headers_of(mail: Mail) -> dict[str, str]:
    return {name: value for name, value in mail.headers}  # noqa: C416 pairs are lists in JSON


@dataclass(frozen=True)
class Stored:
    """What the database holds."""

    mails: Sequence[Mail]
    copies: Sequence[Message]
    queue: Sequence[QueuedCopy]
    issues: Sequence[Issue]

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the only mail."""
        (mail,) = self.mails
        return headers_of(mail)

    @property
    def recipients(self) -> list[str]:
        return [copy.recipient for copy in self.copies]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(issue.issue_type, issue.address) for issue in self.issues]


async def stored(engine: AsyncEngine) -> Stored:
    async with reading(engine) as read:
        return Stored(
            (await read.scalars(select(Mail).order_by(Mail.id))).all(),
            (await read.scalars(select(Message).order_by(Message.id))).all(),
            (await read.scalars(select(QueuedCopy).order_by(QueuedCopy.message_id))).all(),
            (await read.scalars(select(Issue).order_by(Issue.id))).all(),
        )


@pytest.fixture
async def master(make: Factories) -> MadeAccount:
    return await make.account("master@example.com", x_headers=["X-Campaign", "X-Region"], senders=[FROM])


async def post(client: httpx2.AsyncClient, body: str | bytes, path: str = "/rest/json/send") -> bytes:
    answer = await client.post(path, content=body, headers=FORM)
    assert answer.status_code == 200, answer.text
    return answer.content


class TestTheVectors:
    async def test_09_the_seed_sample_with_blanks(
        self, client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
    ) -> None:
        body = (
            f"apikey={master.key}&from={FROM}&to=customer1@domain.example&to=customer2@domain.example"
            "&to=customer3@domain.example&subject=New Sale Coming Friday&bodytext=You will love this sale."
        )
        assert await post(client, body) == OK
        got = await stored(engine)
        assert len({copy.mail_id for copy in got.copies}) == 1
        assert got.recipients == [f"customer{n}@domain.example" for n in (1, 2, 3)]
        assert {(copy.state, copy.kind, copy.sender_id) for copy in got.copies} == {
            ("queued", "send", master.senders[FROM])
        }
        assert [(row.lane, row.attempt) for row in got.queue] == [(1, 1)] * 3
        assert got.headers["To"] == "customer1@domain.example, customer2@domain.example, customer3@domain.example"
        assert got.headers["Subject"] == "New Sale Coming Friday"
        assert (got.mails[0].text, got.mails[0].html) == ("You will love this sale.", None)

    async def test_10_brackets_quoted_comma_blanks_and_a_free_header(
        self, client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
    ) -> None:
        body = (
            f"apikey={master.key}&from=sender1%40example.com&to[]=a%40domain.example&to[]=%22Doe%2C+Jo%22+%3Cb%40domain.example%3E"
            "&cc=&bcc=c%40domain.example&replyto=&subject=S&bodyhtml=%3Cp%3Ehi%3C%2Fp%3E&x-demonheader=zoom"
        )
        assert await post(client, body, "/rest/json/send/") == OK
        got = await stored(engine)
        assert got.headers["To"] == 'a@domain.example, "Doe, Jo" <b@domain.example>'
        assert {"Cc", "Bcc"}.isdisjoint(got.headers)
        assert len(got.copies) == 3
        assert got.headers["x-demonheader"] == "zoom"
        assert got.headers["Reply-To"] == FROM

    async def test_11_the_reference_client(
        self, client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
    ) -> None:
        body = (
            "to=%5B%27b%40domain.example%27%2C+%27c%40domain.example%27%5D&subject=Hi&bodytext=t"
            f"&xheaders=%7B%27X-Campaign%27%3A+%27spring%27%7D&from=sender1%40example.com&apikey={master.key}"
        )
        assert await post(client, body) == OK
        got = await stored(engine)
        assert [copy.x_headers for copy in got.copies] == [{"X-Campaign": "spring"}] * 2

    async def test_12_everything_in_the_query(
        self, client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
    ) -> None:
        answer = await client.post(
            f"/rest/json/send?apikey={master.key}&from=%3D%3FUTF-8%3FB%3F4p2k77iP%3F%3D%20%3Csender1%40example.com%3E"
            "&to=only%40recipient.example&subject=S&bodytext=t"
        )
        assert answer.content == OK
        assert (await stored(engine)).headers["From"] == "=?UTF-8?B?4p2k77iP?= <sender1@example.com>"

    async def test_13_an_unapproved_from_and_missing_arguments(
        self, client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
    ) -> None:
        body = f"apikey={master.key}&from=stranger@example.net&to=jo@example.org&subject=S&bodytext=t"
        assert await post(client, body) == said("503 5.5.1 Error: need MAIL command")
        body = f"apikey={master.key}&from={FROM}&to=jo@example.org&subject=S"
        answer = await client.post("/rest/json/send", content=body, headers=FORM)
        assert answer.status_code == 452
        assert (
            answer.text
            == '{"response":{"status":452,"message":"Missing or Invalid Required Fields","data":"Required arguments are not defined"}}'
        )
        got = await stored(engine)
        assert got.mails == []
        (issue,) = got.issues
        assert (issue.issue_type, issue.address) == ("unapprovedsender", "jo@example.org")
        assert (issue.sender, issue.description) == ("stranger@example.net", "503 5.5.1 Error: need MAIL command")
        assert issue.account_id == master.id

    async def test_14_stated_encoding(
        self, client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
    ) -> None:
        start = f"apikey={master.key}&{TRUSTED}jo@example.org&content-encoding=base64&bodytext="
        assert await post(client, start + "R3LDvMOfZQ%3D%3D") == OK
        assert await post(client, start + "***") == said("554 5.6.0 Error: body can not be decoded")
        got = await stored(engine)
        assert [mail.text for mail in got.mails] == ["Grüße"]
        assert got.kinds == [("invalidmessage", "jo@example.org")]


async def test_every_type_and_both_verbs(client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount) -> None:
    expected = {
        "json": OK.decode(),
        "xml": (
            '<?xml version="1.0" encoding="UTF-8"?><response><status>200</status><message>OK</message>'
            "<data>250 2.1.0 Ok</data></response>"
        ),
        "html": "<dt>data</dt><dd>250 2.1.0 Ok</dd>",
    }
    for kind, text in expected.items():
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/rest/{kind}/send", params={**GOOD, "apikey": master.key})
            assert answer.status_code == 200
            assert text in answer.text
    assert len((await stored(engine)).copies) == 6


async def test_every_body_type(client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount) -> None:
    fields = {**GOOD, "apikey": master.key}
    answers = [
        await client.post("/rest/json/send", data=fields),
        await client.post(
            "/rest/json/send", json={**fields, "to": ["jo@example.org"], "xheaders": {"X-Campaign": "c"}}
        ),
        await client.post("/rest/json/send", data=fields, files={"attachment": ("a.txt", b"ignored")}),
        await client.request("GET", "/rest/json/send", data=fields),
    ]
    assert [answer.content for answer in answers] == [OK] * 4
    got = await stored(engine)
    assert got.recipients == ["jo@example.org"] * 4
    assert [copy.x_headers for copy in got.copies] == [None, {"X-Campaign": "c"}, None, None]


async def test_every_place_for_the_key(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    key = {"apikey": master.key}
    assert (await client.post("/rest/json/send", params=key, data=GOOD)).content == OK
    assert (await client.post("/rest/json/send", params=GOOD, data=key)).content == OK
    for header in (f"apikey={master.key}", f"Bearer {master.key}", f"bearer  {master.key}"):
        answer = await client.post("/rest/json/send", data={**GOOD, "apikey": ""}, headers={"Authorization": header})
        assert answer.content == OK


async def test_the_first_key_decides(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    right, wrong = master.key, "0" * 32
    for data, header, status in (
        ({"apikey": wrong}, f"apikey={right}", 451),
        ({"apikey": right}, f"apikey={wrong}", 200),
        ({}, f"Basic {right}", 451),
        ({}, "apikey=", 451),
        ({"apikey": "x" * 100_000}, "", 451),
        ({"apikey": "ключ"}, "", 451),
    ):
        answer = await client.post("/rest/json/send", data={**GOOD, **data}, headers={"Authorization": header})
        assert answer.status_code == status
    assert (await client.post("/rest/json/send", data=GOOD)).status_code == 451


async def test_scopes(client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, master: MadeAccount) -> None:
    for scope, status in (("read", 454), ("send", 200), ("write", 200)):
        key = await make.api_key(master.id, scope)
        answer = await client.post("/rest/json/send", data={**GOOD, "apikey": key})
        assert answer.status_code == status
    assert (
        await client.post("/rest/json/send", data={"apikey": await make.api_key(master.id, "read")})
    ).status_code == 454
    assert len((await stored(engine)).copies) == 2


async def test_a_sub_account_has_its_own_senders(
    client: httpx2.AsyncClient, make: Factories, master: MadeAccount
) -> None:
    sub = await make.account(parent=master, senders=["sub@example.com"])
    good = await client.post("/rest/json/send", data={**GOOD, "from": "SUB@example.com", "apikey": sub.key})
    assert good.content == OK
    foreign = await client.post("/rest/json/send", data={**GOOD, "apikey": sub.key})
    assert foreign.content == said("503 5.5.1 Error: need MAIL command")


async def test_refusals_are_recorded_with_what_is_known(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, master: MadeAccount
) -> None:
    await make.sender(master.id, "notyet@example.com", ready=False)
    cases = [
        ({"from": "not an address"}, "503 5.5.1 Error: need MAIL command"),
        ({"from": "notyet@example.com"}, "503 5.5.1 Error: need MAIL command"),
        ({"to": "not-an-address"}, "554 5.5.1 Error: no valid recipients"),
        ({"to": ",".join(f"{n}@example.org" for n in range(1001))}, "452 4.5.3 Error: too many recipients"),
        ({"x-campaign": "<spring>", "content-encoding": "base64"}, "554 5.6.0 Error: body can not be decoded"),
        ({"from": "not an address", "to": "bad"}, "503 5.5.1 Error: need MAIL command"),
    ]
    for fields, text in cases:
        answer = await client.post("/rest/json/send", data={**GOOD, **fields, "apikey": master.key})
        assert answer.content == said(text)
    got = await stored(engine)
    assert not got.mails
    assert not got.copies
    assert [(row.issue_type, row.address, row.sender, row.description, row.x_headers) for row in got.issues] == [
        ("unapprovedsender", "jo@example.org", "not an address", cases[0][1], None),
        ("unapprovedsender", "jo@example.org", "notyet@example.com", cases[1][1], None),
        ("invalidrecipient", "not-an-address", FROM, cases[2][1], None),
        ("toomanyrecipients", "0@example.org", FROM, cases[3][1], None),
        ("invalidmessage", "jo@example.org", FROM, cases[4][1], {"X-Campaign": "spring"}),
        ("unapprovedsender", "bad", "not an address", cases[5][1], None),
    ]


async def test_large_requests(client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount) -> None:
    start = f"apikey={master.key}&{TRUSTED}jo@example.org&bodyhtml="
    assert await post(client, start + "x" * 30_000_000) == said("552 5.3.4 Error: message size exceeds fixed limit")
    body = start + "x" * 60_000_000
    for content in (body, _chunks(body.encode())):
        answer = await client.post("/rest/json/send", content=content, headers=FORM)
        assert answer.status_code == 413
        assert answer.text == '{"response":{"status":413,"message":"Request Too Large","data":{}}}'
    many = "&".join(f"to={'x' * 60}{n}@example.org" for n in range(5000))
    assert await post(client, f"apikey={master.key}&{TRUSTED}&{many}") == said("452 4.5.3 Error: too many recipients")
    thousand = ",".join(f"{n}@example.org" for n in range(1000))
    assert await post(client, f"apikey={master.key}&{TRUSTED}{thousand}") == OK
    got = await stored(engine)
    assert [kind for kind, _ in got.kinds] == ["toolarge", "toomanyrecipients"]
    assert len(got.copies) == 1000


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 1_000_000):
        yield body[at : at + 1_000_000]


async def test_foreign_bytes_never_break_anything(
    client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
) -> None:
    key = f"apikey={master.key}&"
    assert await post(client, key + f"from={FROM}&to=jo@example.org&subject=a%0D%0ABcc:+x@x.org&bodytext=t") == OK
    assert (
        await post(client, key + f"from=%22N%0Ame%22+<{FROM}>&to=jo@example.org&subject=%00N%00UL&bodytext=t%00") == OK
    )
    assert (
        await post(client, key.encode() + f"from={FROM}&to=jo@example.org&subject=caf".encode() + b"\xe9&bodytext=%E9")
        == OK
    )
    mails = (await stored(engine)).mails
    subjects = [headers_of(mail)["Subject"] for mail in mails]
    assert subjects == ["a Bcc: x@x.org", "NUL", "café"]
    assert [mail.text for mail in mails] == ["t", "t", "é"]
    assert [len(mail.headers) for mail in mails] == [4, 4, 4]
    assert mails[1].headers[0] == ["From", f"N me <{FROM}>"]


async def test_unusual_addresses(client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount) -> None:
    addresses = [
        '"very odd"@example.org',
        "Jo (said (he)) <jo@Example.ORG>",
        "b@bücher.example",
        "x" * 400 + "@example.org",
    ]
    answer = await client.post("/rest/json/send", data={**GOOD, "to": addresses, "apikey": master.key})
    assert answer.content == OK
    got = await stored(engine)
    assert got.recipients == ['"very odd"@example.org', "jo@example.org", "b@xn--bcher-kva.example"]
    assert got.kinds == [("invalidrecipient", "x" * 320)]
    assert got.issues[0].description == "501 5.1.3 Error: bad recipient address syntax"


async def test_a_suppressed_recipient_does_not_change_the_answer(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, master: MadeAccount
) -> None:
    await make.suppression(master.id, "gone@example.org", reason="hardbounce")
    answer = await client.post(
        "/rest/json/send", data={**GOOD, "to": "gone@example.org,jo@example.org", "apikey": master.key}
    )
    assert answer.content == OK
    got = await stored(engine)
    assert [(copy.recipient, copy.state, copy.blocked_reason) for copy in got.copies] == [
        ("gone@example.org", "blocked", "hardbounce"),
        ("jo@example.org", "queued", None),
    ]


async def test_a_spent_quota_refuses_the_whole_mail(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=[FROM], monthly_cap=2)
    three = {**GOOD, "to": "a@x.org,b@x.org,c@x.org", "apikey": account.key}
    assert (await client.post("/rest/json/send", data=three)).content == said("452 4.3.1 Error: sending limit reached")
    assert (await client.post("/rest/json/send", data={**three, "to": "a@x.org,b@x.org"})).content == OK
    assert (await client.post("/rest/json/send", data={**three, "to": "a@x.org"})).content == said(
        "452 4.3.1 Error: sending limit reached"
    )
    got = await stored(engine)
    assert len(got.copies) == 2
    assert got.kinds == [("limitreached", "a@x.org")] * 2


async def test_priority_is_the_lane(client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount) -> None:
    for priority in ("urgent", "normal", "non-urgent", "nonsense"):
        await client.post("/rest/json/send", data={**GOOD, "priority": priority, "apikey": master.key})
    assert [row.lane for row in (await stored(engine)).queue] == [0, 1, 2, 1]


async def test_changes_of_the_account_count_for_the_very_next_mail(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, master: MadeAccount
) -> None:
    fields = {**GOOD, "apikey": master.key, "X-New": "value", "X-Campaign": "old"}
    assert (await client.post("/rest/json/send", data=fields)).content == OK
    async with unit_of_work(engine) as write:
        await accounts.set_x_headers(write, master.id, ["X-New"])
        await accounts.touch(write, master.id)
    assert (await client.post("/rest/json/send", data=fields)).content == OK
    await make.sender(master.id, "new@example.com")
    assert (await client.post("/rest/json/send", data={**fields, "from": "new@example.com"})).content == OK
    async with unit_of_work(engine) as write:
        await senders.delete(write, await senders.get(write, master.id, FROM))
    assert (await client.post("/rest/json/send", data=fields)).content == said("503 5.5.1 Error: need MAIL command")
    got = await stored(engine)
    assert [copy.x_headers for copy in got.copies] == [{"X-Campaign": "old"}, {"X-New": "value"}, {"X-New": "value"}]


async def test_a_key_that_is_rotated_stops_at_once(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, master: MadeAccount
) -> None:
    fields = {**GOOD, "apikey": master.key}
    assert (await client.post("/rest/json/send", data=fields)).content == OK
    async with unit_of_work(engine) as write:
        account = await accounts.get(write, master.caller, master.id)
        await accounts.rotate_key(write, make.vault, account)
    assert (await client.post("/rest/json/send", data=fields)).status_code == 451


async def test_many_at_once_each_get_their_own_answer(
    client: httpx2.AsyncClient, engine: AsyncEngine, master: MadeAccount
) -> None:
    good = {**GOOD, "apikey": master.key}
    requests = [
        client.post("/rest/json/send", data=good if n % 3 else {**good, "from": "stranger@example.net"})
        for n in range(60)
    ]
    answers = [answer.content for answer in await asyncio.gather(*requests)]
    assert [answer == OK for answer in answers] == [bool(n % 3) for n in range(60)]
    got = await stored(engine)
    assert (len(got.copies), len(got.issues)) == (40, 20)
    assert len({copy.id for copy in got.copies}) == 40


async def test_the_body_s_status_equals_the_http_status(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    for fields in ({}, {"apikey": master.key}, {"apikey": master.key, **GOOD}, {"apikey": "x"}):
        answer = await client.post("/rest/json/send", data=fields)
        assert json.loads(answer.content)["response"]["status"] == answer.status_code
        answer = await client.post("/rest/xml/send", data=fields)
        assert re.search(r"<status>(\d+)</status>", answer.text)[1] == str(answer.status_code)  # type: ignore[index]


async def test_a_full_queue_is_503_with_nothing_stored(
    settings: Settings, engine: AsyncEngine, master: MadeAccount
) -> None:
    full = settings.model_copy(update={"api": settings.api.model_copy(update={"batch_rows": 1})})
    application = create_app(full)
    async with (
        application.running(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url="http://mail.example.com") as client,
    ):
        fields = {**GOOD, "to": "a@x.org,b@x.org", "apikey": master.key}
        answer = await client.post("/rest/json/send", data=fields)
        assert answer.status_code == 503
        assert answer.text == '{"response":{"status":503,"message":"Service Unavailable","data":{}}}'
        assert int(answer.headers["retry-after"]) >= 1
        assert (await client.post("/rest/json/send", data={**fields, "to": "a@x.org"})).content == OK
    assert (await stored(engine)).recipients == ["a@x.org"]

"""Each report as its bytes come over HTTP, in all three formats (docs/contract/dyn-email.md, 11.2 to 11.6, and 19)."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.unit_of_work import unit_of_work
from app.models import Issue
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec

AT = datetime(2016, 11, 22, 0, 0, 0, 250_000, UTC)
DAY = {"starttime": "2016-11-22", "endtime": "2016-11-22"}
HEADERS = {"X-Region": "Grüße", "X-Campaign": "spring"}
SHOWN = {"X-Campaign": "spring", "X-Region": "Grüße"}
"""The same in the order of the account's slots."""


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(x_headers=["X-Campaign", "X-Region"], senders=["news@example.com"])


async def ask(client: httpx2.AsyncClient, account: MadeAccount, path: str, format_: str = "json", **given: str) -> str:
    response = await client.get(f"/rest/{format_}/reports/{path}", params={"apikey": account.key, **DAY, **given})
    assert response.status_code == 200, response.text
    return response.text


async def data(client: httpx2.AsyncClient, account: MadeAccount, path: str, **given: str) -> str:
    """Return `data` as it was written, with its keys in their order."""
    return json.dumps(json.loads(await ask(client, account, path, **given))["response"]["data"], ensure_ascii=False)


def written(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False)


def sender(account: MadeAccount) -> int:
    return account.senders["news@example.com"]


async def test_sent_and_delivered(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    whose = (account.id, sender(account))
    await make.delivered(*whose, AT, "Jo@example.org", x_headers=HEADERS)
    await make.blocked(*whose, AT + timedelta(seconds=1), "no@example.org")
    late = await make.delivered(*whose, AT + timedelta(seconds=2), "late@example.org")
    await make.bounced(late, BounceSpec(AT + timedelta(hours=30)))
    first = {
        "userid": str(account.id),
        "senttime": "2016-11-22T00:00:00+00:00",
        "mssenttime": 1479772800250,
        "emailaddress": "Jo@example.org",
        "xheaders": SHOWN,
    }
    assert await data(client, account, "delivered") == written({"delivered": [first]})
    assert await data(client, account, "delivered/count") == written({"count": "1"})
    sent = json.loads(await data(client, account, "sent"))["sent"]
    assert written(sent[0]) == written(first)
    assert [one["emailaddress"] for one in sent] == ["Jo@example.org", "no@example.org", "late@example.org"]
    assert [one["xheaders"] for one in sent[1:]] == [[], []]
    assert await data(client, account, "sent/count") == written({"count": "3"})
    text = await ask(client, account, "delivered", "xml")
    item = (
        f"<data><delivered><email><userid>{account.id}</userid><senttime>2016-11-22T00:00:00+00:00</senttime>"
        "<mssenttime>1479772800250</mssenttime><emailaddress>Jo@example.org</emailaddress><xheaders>"
        '<record name="X-Campaign">spring</record><record name="X-Region">Grüße</record></xheaders></email></delivered>'
        "</data>"
    )
    assert item in text
    assert "<sent><email>" in await ask(client, account, "sent", "xml")
    assert "<dt>X-Region</dt><dd>Grüße</dd>" in await ask(client, account, "delivered", "html")


async def test_bounces(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    whose = (account.id, sender(account))
    gone = await make.sent(*whose, AT, "gone@example.org", x_headers=HEADERS)
    told = AT + timedelta(seconds=9)
    spec = BounceSpec(AT + timedelta(seconds=3), content="550 5.1.1 <b>User</b> unknown", postback_at=told)
    await make.bounced(gone, spec)
    full = await make.sent(*whose, AT, "full@example.org")
    spec = BounceSpec(AT + timedelta(seconds=4), "soft", "quota-issues", "5.2.2", "quotaissues01", content="552 full")
    await make.bounced(full, spec)
    for reason in ("hardbounce", "complaint", "manual"):
        await make.blocked(*whose, AT, f"{reason}@example.org", reason=reason)
    hard: dict[str, object] = {
        "emailaddress": "gone@example.org",
        "bounceemail": "gone@example.org",
        "bouncetype": "hard",
        "bouncerule": "emaildoesntexist",
        "bouncecode": "5.1.1",
        "bouncetime": "2016-11-22T00:00:03+00:00",
        "notifiedtime": "2016-11-22T00:00:09+00:00",
        "notified": "1",
        "bouncemessage": "550 5.1.1 <b>User</b> unknown",
        "xheaders": SHOWN,
        **SHOWN,
    }
    blocked = {
        **dict.fromkeys(("emailaddress", "bounceemail"), "hardbounce@example.org"),
        "bouncetype": "previouslyhardbounced",
        "bouncerule": "blockedcontent",
        "bouncecode": "5.7.0",
        "bouncetime": "2016-11-22T00:00:00+00:00",
        "notifiedtime": "",
        "notified": "0",
        "bouncemessage": "recipient is suppressed: hardbounce",
        "xheaders": [],
    }
    assert await data(client, account, "bounces", bouncetype="hard") == written({"bounces": [hard]})
    without = {name: value for name, value in hard.items() if name != "bouncemessage"}
    assert await data(client, account, "bounces", bouncetype="hard", noheaders="1") == written({"bounces": [without]})
    assert await data(client, account, "bounces", bouncetype="previouslyhardbounced") == written({"bounces": [blocked]})
    both = json.loads(await data(client, account, "bounces", noheaders="0"))["bounces"]
    assert [one["bouncerule"] for one in both] == ["emaildoesntexist", "overquota"]
    others = {"totalcount": "3", "hardbouncecount": "1", "softbouncecount": "1", "prevhardbouncecount": "1"}
    counts = [("", "2"), ("hard", "1"), ("suppressed", "1"), ("previouslycomplained", "1")]
    for word, count in counts:
        expected = written({"count": count, **others})
        assert await data(client, account, "bounces/count", bouncetype=word) == expected
    text = await ask(client, account, "bounces", "xml", bouncetype="hard")
    assert "<bounces><bounce><emailaddress>gone@example.org</emailaddress>" in text
    assert "<bouncemessage>550 5.1.1 &lt;b&gt;User&lt;/b&gt; unknown</bouncemessage><xheaders>" in text
    assert '</xheaders><record name="X-Campaign">spring</record>' in text
    assert "&lt;b&gt;User" in await ask(client, account, "bounces", "html")


async def test_complaints(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    copy = await make.delivered(account.id, sender(account), AT, "jo@example.org", x_headers={"X-Campaign": "spring"})
    await make.complained(copy, AT + timedelta(hours=8))
    await make.blocked(account.id, sender(account), AT, reason="complaint")
    item = {
        "emailaddress": "jo@example.org",
        "date": "2016-11-22T08:00:00+00:00",
        "complainttime": "2016-11-22T08:00:00+00:00",
        "notifiedtime": "",
        "notified": "0",
        "xheaders": {"X-Campaign": "spring"},
    }
    assert await data(client, account, "complaints") == written({"complaints": [item]})
    counts = {"count": "1", "totalcount": "2", "complaintcount": "1", "prevcomplaintcount": "1"}
    assert await data(client, account, "complaints/count") == written(counts)
    assert "<complaints><complaint><emailaddress>jo@" in await ask(client, account, "complaints", "xml")


async def test_opens(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    copy = await make.delivered(account.id, sender(account), AT, "jo@example.org", x_headers={"X-Campaign": "spring"})
    nine = AT + timedelta(hours=9)
    for minutes, ip in ((0, "192.0.2.7"), (1, "192.0.2.8"), (60 * 24, "192.0.2.9")):
        await make.opened(copy, nine + timedelta(minutes=minutes), ip=ip)
    first = {
        "xheaders": {"X-Campaign": "spring"},
        "emailaddress": "jo@example.org",
        "ip": "192.0.2.7",
        "stage": "seen",
        "date": "2016-11-22T09:00:00+00:00",
    }
    second = {**first, "ip": "192.0.2.8", "date": "2016-11-22T09:01:00+00:00"}
    assert await data(client, account, "opens") == written({"opens": [first, second]})
    assert await data(client, account, "opens/count") == written({"count": "2"})
    unique = {
        "xheaders": {"X-Campaign": "spring"},
        "emailaddress": "jo@example.org",
        "date": "2016-11-22T09:00:00+00:00",
        "count": "3",
    }
    assert await data(client, account, "opens/unique") == written({"opens": [unique]})
    later = {"starttime": "2016-11-23", "endtime": "2016-11-23"}
    assert await data(client, account, "opens/unique", **later) == written({"opens": []})
    assert await data(client, account, "opens/count", **later) == written({"count": "1"})
    for path in ("opens/count/unique", "opens/unique/count"):
        assert await data(client, account, path) == written({"count": "1"})
        assert await data(client, account, path, **later) == written({"count": "0"})
    assert "<opens><open><xheaders><record" in await ask(client, account, "opens/unique", "xml")


async def test_clicks(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    copy = await make.delivered(account.id, sender(account), AT, "jo@example.org")
    nine, sale, shop = AT + timedelta(hours=9), "https://example.com/sale?a=1&b=2", "https://example.com/shop"
    for minutes, url, link in ((1, sale, 0), (2, shop, 1), (3, sale, 0)):
        await make.clicked(copy, nine + timedelta(minutes=minutes), url, link=link, ip=f"192.0.2.{minutes}")
    items = [
        {
            "xheaders": [],
            "emailaddress": "jo@example.org",
            "ip": f"192.0.2.{minutes}",
            "clicklink": url,
            "date": f"2016-11-22T09:0{minutes}:00+00:00",
        }
        for minutes, url in ((1, sale), (2, shop), (3, sale))
    ]
    assert await data(client, account, "clicks") == written({"clicks": items})
    assert await data(client, account, "clicks/count") == written({"count": "3"})
    unique = [{**items[0], "count": "2"}, {**items[1], "count": "1"}]
    assert await data(client, account, "clicks/unique") == written({"clicks": unique})
    for path in ("clicks/count/unique", "clicks/unique/count"):
        assert await data(client, account, path) == written({"count": "2"})
    text = await ask(client, account, "clicks", "xml")
    assert "<clicks><click><xheaders/><emailaddress>jo@example.org</emailaddress>" in text
    assert "<clicklink>https://example.com/sale?a=1&amp;b=2</clicklink>" in text


async def test_issues(client: httpx2.AsyncClient, account: MadeAccount, engine: AsyncEngine) -> None:
    issue = Issue(
        account_id=account.id,
        occurred_at=AT,
        issue_type="unapprovedsender",
        address="jo@example.org",
        sender="who@example.net",
        description="503 5.5.1 Error: need MAIL command",
    )
    async with unit_of_work(engine) as write:
        write.add(issue)
    item = {
        "emailaddress": "jo@example.org",
        "issuetype": "unapprovedsender",
        "description": "503 5.5.1 Error: need MAIL command",
        "date": "2016-11-22T00:00:00+00:00",
        "xheaders": [],
    }
    assert await data(client, account, "issues") == written({"issue": [item]})
    assert await data(client, account, "issues/count", sender="Who@example.net") == written({"count": "1"})
    assert await data(client, account, "issues/count", sender="news@example.com") == written({"count": "0"})
    assert "<issue><item><emailaddress>jo@" in await ask(client, account, "issues", "xml")


async def test_a_refused_send_is_an_issue_at_once(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    mail = {"from": "no@example.net", "to": "jo@example.org", "subject": "s", "bodytext": "t", "x-campaign": "<spring>"}
    sent = await client.post("/rest/json/send", data={"apikey": account.key, **mail})
    assert sent.json()["response"]["data"].startswith("503")
    answer = await client.get("/rest/json/reports/issues", params={"apikey": account.key, "X-CAMPAIGN": "<spring>"})
    (item,) = answer.json()["response"]["data"]["issue"]
    assert (item["issuetype"], item["emailaddress"]) == ("unapprovedsender", "jo@example.org")
    assert item["xheaders"] == {"X-Campaign": "spring"}
    count = await client.get("/rest/json/reports/issues/count", params={"apikey": account.key})
    assert count.json()["response"]["data"] == {"count": "1"}


async def test_large_texts_come_whole(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    copies = [await make.sent(account.id, sender(account), AT) for _ in range(20)]
    spec = BounceSpec(AT + timedelta(seconds=3), content="x" * 65_536)
    await make.bounces([(copy, spec) for copy in copies])
    items = json.loads(await data(client, account, "bounces"))["bounces"]
    assert [len(one["bouncemessage"]) for one in items] == [65_536] * 20

"""`/suppressions` over HTTP (docs/contract/dyn-email.md, 10 and 16)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.unit_of_work import reading, unit_of_work
from app.models import Suppression
from tests.factories import Factories

PATH = "/rest/json/suppressions"
BLANK = (452, ["The email address can not be blank."])
INVALID = (452, ["The email address is not valid."])
AT = datetime(2016, 11, 22, tzinfo=UTC)


async def post(client: httpx2.AsyncClient, path: str, key: str, **fields: str | list[str]) -> tuple[int, Any]:
    response = await client.post(path, data={"apikey": key, **fields})
    return response.status_code, response.json()["response"]["data"]


async def get(client: httpx2.AsyncClient, path: str, key: str, **fields: str) -> tuple[int, Any]:
    response = await client.get(path, params={"apikey": key, **fields})
    return response.status_code, response.json()["response"]["data"]


async def listed(client: httpx2.AsyncClient, key: str, **fields: str) -> list[str]:
    status, data = await get(client, PATH, key, **fields)
    assert status == 200, data
    return [one["emailaddress"] for one in data["suppressions"]]


async def test_what_is_added_is_listed_at_once(client: httpx2.AsyncClient, make: Factories) -> None:
    account, other = await make.account(), await make.account()
    await make.suppression(account.id, "gone@example.org", reason="hardbounce")
    await make.suppression(account.id, "out@example.org", reason="unsubscribe")
    added = "Ann <ANN@example.org>, nonsense, gone@example.org, out@example.org, ann@example.org"
    assert await post(client, PATH, account.key, emailaddress=added) == (200, [])
    _, data = await get(client, PATH, account.key)
    assert list(data) == ["suppressions"]
    keys = ["emailaddress", "suppresstime", "suppressionid", "reasontype"]
    assert all(list(one) == keys for one in data["suppressions"])
    assert all(one["suppressionid"].isdecimal() for one in data["suppressions"])
    found = {one["emailaddress"]: one["reasontype"] for one in data["suppressions"]}
    assert found == {"gone@example.org": "hardbounce", "ann@example.org": "manual", "out@example.org": "manual"}
    assert await get(client, f"{PATH}/count", account.key) == (200, {"count": "3"})
    assert await listed(client, other.key) == []


async def test_what_is_taken_off_is_mailed_again(client: httpx2.AsyncClient, make: Factories) -> None:
    account, other = await make.account(senders=["news@example.com"]), await make.account()
    for one in (account, other):
        await make.suppression(one.id, "gone@example.org", reason="hardbounce")
    path = f"{PATH}/activate"
    assert await post(client, path, account.key, emailaddress="GONE@example.org, never@example.org, x") == (200, [])
    assert await listed(client, account.key) == []
    assert await listed(client, other.key) == ["gone@example.org"]
    status, data = await get(client, "/rest/json/recipients/status", account.key, emailaddress="gone@example.org")
    assert status == 200
    assert data["recipients"][0]["status"] == "inactive"
    mail = {"from": "news@example.com", "to": "gone@example.org", "subject": "s", "bodytext": "t"}
    assert await post(client, "/rest/json/send", account.key, **mail) == (200, "250 2.1.0 Ok")
    assert await get(client, "/rest/json/reports/bounces/count", account.key, bouncetype="previouslyhardbounced") == (
        200,
        {
            "count": "0",
            "totalcount": "0",
            "hardbouncecount": "0",
            "softbouncecount": "0",
            "prevhardbouncecount": "0",
        },
    )
    assert await get(client, path, other.key, emailaddress="gone@example.org") == (200, [])
    assert await listed(client, other.key) == []


async def test_contacts_change_with_the_list(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    audience = await make.audience(account.id)
    await make.contact(audience, "jo@example.org")
    assert await post(client, PATH, account.key, emailaddress="JO@example.org") == (200, [])
    states = "SELECT status FROM contacts"
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql(states)).scalars().all() == ["blacklisted"]
    assert await post(client, f"{PATH}/activate", account.key, emailaddress="jo@example.org") == (200, [])
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql(states)).scalars().all() == ["subscribed"]


async def test_ranges_and_pages(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    rows = [
        {
            "account_id": account.id,
            "address": f"r{number}@example.org",
            "reason": "manual",
            "created_at": AT + timedelta(hours=number // 2),
        }
        for number in range(502)
    ]
    async with unit_of_work(engine) as write:
        await write.execute(insert(Suppression), rows)
    names = [str(row["address"]) for row in rows]
    assert await listed(client, account.key) == names[:500]
    assert await listed(client, account.key, start_index="1") == names[:500]
    assert await listed(client, account.key, startindex="500") == names[500:]
    assert await listed(client, account.key, startindex="9" * 400) == []
    day = {"startdate": "2016-11-22", "enddate": "2016-11-22"}
    assert await listed(client, account.key, **day) == names[:48]
    assert await listed(client, account.key, starttime="2016-11-22T01", endtime="2016-11-22T02") == names[2:4]
    assert await listed(client, account.key, enddate="2016-11-21") == []
    assert await listed(client, account.key, startdate="2016-11-23", enddate="2016-11-21") == []
    for given, count in ((day, 48), ({"startdate": "2016-11-23"}, 454), ({"endtime": "2016-11-22T01"}, 2), ({}, 502)):
        assert await get(client, f"{PATH}/count", account.key, **given) == (200, {"count": str(count)})
    wide = {"startdate": "0001-01-01", "enddate": "9999-12-31"}
    assert await get(client, f"{PATH}/count", account.key, **wide) == (200, {"count": "502"})


async def test_what_is_not_valid_is_refused(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    sentences = ["The start time is not valid.", "The end time is not valid.", "The start index is not valid."]
    given = {"startdate": "soon", "enddate": "later", "startindex": "x"}
    assert await get(client, PATH, account.key, **given) == (452, sentences)
    assert await get(client, f"{PATH}/count", account.key, **given) == (452, sentences[:2])
    for path in (PATH, f"{PATH}/activate"):
        for fields in ({}, {"emailaddress": ""}, {"emailaddress": " , "}):
            assert await post(client, path, account.key, **fields) == BLANK
    for text in ("nonsense", "a@b", "Jo <jo@>", "x" * 70_000, "['', 'no']"):
        assert await post(client, PATH, account.key, emailaddress=text) == INVALID, text[:20]
    assert await post(client, f"{PATH}/activate", account.key, emailaddress="nonsense") == (200, [])
    assert await listed(client, account.key) == []


async def test_many_addresses_at_once(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    names = [f"r{number}@example.org" for number in range(3000)]
    content = json.dumps({"apikey": account.key, "emailaddress": names})
    headers = {"Content-Type": "application/json"}
    for path, count in ((PATH, "3000"), (f"{PATH}/activate", "0")):
        response = await client.post(path, content=content, headers=headers)
        assert response.content == b'{"response":{"status":200,"message":"OK","data":[]}}'
        assert await get(client, f"{PATH}/count", account.key) == (200, {"count": count})
    many = json.dumps({"apikey": account.key, "emailaddress": ",".join(f"a{n}@b.example" for n in range(50_001))})
    for path in (PATH, f"{PATH}/activate"):
        assert (await client.post(path, content=many, headers=headers)).status_code == 413
    async with reading(engine) as read:
        assert (await read.execute(select(Suppression.id))).first() is None


async def test_strange_addresses_are_answered(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    for text in (
        "a\x00b@example.org",
        "\ud800@example.org",
        "ü@example.org",
        '"a b"@example.org',
        "a@[127.0.0.1]",
        "<>",
    ):
        content = json.dumps({"apikey": account.key, "emailaddress": [text]})
        for path in (PATH, f"{PATH}/activate"):
            response = await client.post(path, content=content, headers={"Content-Type": "application/json"})
            assert response.status_code in {200, 452}, (path, text, response.text)


async def test_formats_and_scopes(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    await make.suppression(account.id, "gone@example.org", reason="complaint")
    async with unit_of_work(engine) as write:
        await write.execute(update(Suppression).values(created_at=AT))
        number = (await write.execute(select(Suppression.id))).scalar_one()
    text = (await client.get("/rest/xml/suppressions", params={"apikey": account.key})).text
    assert (
        "<data><suppressions><suppression><emailaddress>gone@example.org</emailaddress>"
        f"<suppresstime>2016-11-22T00:00:00+00:00</suppresstime><suppressionid>{number}</suppressionid>"
        "<reasontype>complaint</reasontype></suppression></suppressions></data>"
    ) in text
    text = (await client.get("/rest/html/suppressions/count", params={"apikey": account.key})).text
    assert "<dt>count</dt><dd>1</dd>" in text
    key = await make.api_key(account.id, "read")
    for path in (PATH, f"{PATH}/activate"):
        assert await post(client, path, key, emailaddress="gone@example.org") == (454, {})
    assert await listed(client, key) == ["gone@example.org"]

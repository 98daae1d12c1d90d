"""`/recipients` over HTTP (docs/contract/dyn-email.md, 9)."""

import json
from typing import Any

import httpx2
import pytest

from tests.factories import Factories

PATH = "/rest/json/recipients"
BLANK = (452, ["The email address can not be blank."])
INVALID = (452, ["The email address is not valid."])


async def post(client: httpx2.AsyncClient, path: str, key: str, **fields: str | list[str]) -> tuple[int, Any]:
    response = await client.post(path, data={"apikey": key, **fields})
    return response.status_code, response.json()["response"]["data"]


async def status(client: httpx2.AsyncClient, key: str, addresses: str) -> list[tuple[str, str, str]]:
    response = await client.get(f"{PATH}/status", params={"apikey": key, "emailaddress": addresses})
    assert response.status_code == 200, response.text
    found = response.json()["response"]["data"]
    assert list(found) == ["recipients"]
    assert all(list(one) == ["emailaddress", "status", "suppressionstatus"] for one in found["recipients"])
    return [tuple(one.values()) for one in found["recipients"]]


async def test_status_of_each_reason(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    reasons = ("hardbounce", "softbounce", "complaint", "unsubscribe", "manual")
    for reason in reasons:
        await make.suppression(account.id, f"{reason}@example.org", reason=reason)
    asked = ",".join(f"{reason}@example.org" for reason in (*reasons, "never"))
    assert await status(client, account.key, asked) == [
        ("hardbounce@example.org", "inactive", "suppressed"),
        ("softbounce@example.org", "inactive", "suppressed"),
        ("complaint@example.org", "inactive", "suppressed"),
        ("unsubscribe@example.org", "active", "suppressed"),
        ("manual@example.org", "active", "suppressed"),
        ("never@example.org", "active", "unsuppressed"),
    ]


async def test_addresses_come_in_any_spelling_and_once(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    await make.suppression(account.id, "jo@xn--bcher-kva.example", reason="hardbounce")
    asked = "JO@bücher.example, Ann <ann@example.org>, ANN@example.org, nonsense, jo@xn--bcher-kva.example, Nonsense"
    assert await status(client, account.key, asked) == [
        ("JO@bücher.example", "inactive", "suppressed"),
        ("ann@example.org", "active", "unsuppressed"),
        ("nonsense", "active", "unsuppressed"),
    ]
    fields = {"apikey": account.key, "emailaddress[1]": "b@example.org", "emailaddress[0]": "['a@example.org']"}
    response = await client.post(f"{PATH}/status", data=fields)
    names = [one["emailaddress"] for one in response.json()["response"]["data"]["recipients"]]
    assert names == ["a@example.org", "b@example.org"]


async def test_activation_clears_the_mark_and_nothing_else(client: httpx2.AsyncClient, make: Factories) -> None:
    account, other = await make.account(), await make.account()
    for one in (account, other):
        await make.suppression(one.id, "gone@example.org", reason="hardbounce")
    assert await post(client, f"{PATH}/activate", account.key, emailaddress="GONE@example.org, new@example.org") == (
        200,
        [],
    )
    assert await status(client, account.key, "gone@example.org") == [("gone@example.org", "active", "suppressed")]
    assert await status(client, other.key, "gone@example.org") == [("gone@example.org", "inactive", "suppressed")]
    fetched = await client.get(f"{PATH}/activate", params={"apikey": other.key, "emailaddress": "gone@example.org"})
    assert fetched.content == b'{"response":{"status":200,"message":"OK","data":[]}}'
    assert await status(client, other.key, "gone@example.org") == [("gone@example.org", "active", "suppressed")]


@pytest.mark.parametrize("path", ["status", "activate"])
async def test_no_address_is_refused(path: str, client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    for fields in (
        {},
        {"emailaddress": " "},
        {"emailaddress": ", ,"},
        {"emailaddress": "[]"},
        {"EmailAddress": "a@b.c"},
    ):
        assert await post(client, f"{PATH}/{path}", account.key, **fields) == BLANK, fields


async def test_500_addresses_are_told_and_more_refused(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    await make.suppression(account.id, "r499@example.org", reason="complaint")
    names = [f"r{number}@example.org" for number in range(501)]
    found = (await post(client, f"{PATH}/status", account.key, emailaddress=names[:500]))[1]["recipients"]
    assert [one["emailaddress"] for one in found] == names[:500]
    assert found[499]["status"] == "inactive"
    assert await post(client, f"{PATH}/status", account.key, emailaddress=names) == INVALID
    assert await post(client, f"{PATH}/activate", account.key, emailaddress=names) == (200, [])
    assert await status(client, account.key, "r499@example.org") == [("r499@example.org", "active", "suppressed")]


async def test_strange_lists_are_answered(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    strange = ["a\x00b@example.org", "\ud800@example.org", "x" * 100_000, "'; --", "<>", '"', "(" * 50, "@", "a@[::1]"]
    for text in strange:
        for path in ("status", "activate"):
            content = json.dumps({"apikey": account.key, "emailaddress": [text, "jo@example.org"]})
            headers = {"Content-Type": "application/json"}
            response = await client.post(f"{PATH}/{path}", content=content, headers=headers)
            assert response.status_code == 200, (path, text[:20], response.text)
    many = json.dumps({"apikey": account.key, "emailaddress": ",".join(["a@b.example"] * 60_000)})
    for path in ("status", "activate"):
        response = await client.post(f"{PATH}/{path}", content=many, headers={"Content-Type": "application/json"})
        assert response.json() == {"response": {"status": 413, "message": "Request Too Large", "data": {}}}


async def test_formats(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    query = {"apikey": account.key, "emailaddress": "jo@example.org"}
    text = (await client.get("/rest/xml/recipients/status", params=query)).text
    assert (
        "<data><recipients><recipient><emailaddress>jo@example.org</emailaddress><status>active</status>"
        "<suppressionstatus>unsuppressed</suppressionstatus></recipient></recipients></data>"
    ) in text
    assert "<dt>status</dt><dd>active</dd>" in (await client.get("/rest/html/recipients/status", params=query)).text
    assert "<data/>" in (await client.post("/rest/xml/recipients/activate", data=query)).text


async def test_a_key_that_only_reads_activates_nobody(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    await make.suppression(account.id, "gone@example.org", reason="hardbounce")
    key = await make.api_key(account.id, "read")
    assert (await post(client, f"{PATH}/activate", key, emailaddress="gone@example.org"))[0] == 454
    assert await status(client, key, "gone@example.org") == [("gone@example.org", "inactive", "suppressed")]

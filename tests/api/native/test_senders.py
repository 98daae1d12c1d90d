"""`/api/trireme/v1/senders`, over HTTP, with a real little DNS server; and the page that confirms an address."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.main import create_app
from app.settings import Delivery, Senders, Settings
from tests.factories import Factories, MadeAccount
from tests.fixtures.dns_server import DnsServer

PATH = "/api/trireme/v1/senders"
EMAIL = "News@customer.test"


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


async def ask(
    client: httpx2.AsyncClient, key: str, method: str, path: str = "", expect: int = 200, **body: Any
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    given = {"json": body} if method in {"POST", "PATCH"} else {"params": body}
    answer = await client.request(method, PATH + path, headers=headers, **given)  # type: ignore[arg-type]
    assert answer.status_code == expect, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


@asynccontextmanager
async def strict_client(settings: Settings, port: int = 9) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a service that wants senders verified, by this name server."""
    changed = {"senders": Senders(require_verification=True), "delivery": Delivery(name_servers=[f"127.0.0.1:{port}"])}
    application = create_app(settings.model_copy(update=changed))
    async with application.running():
        transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client:
            yield client


async def test_a_sender_is_made_read_changed_and_deleted(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    made = await ask(client, account.key, "POST", expect=201, email=EMAIL, name="News", seeding=True)
    assert made == {
        "id": made["id"],
        "sender_id": made["sender_id"],
        "email": EMAIL,
        "name": "News",
        "domain": "customer.test",
        "status": "ready",
        "seeding": True,
        "dkim_selector": None,
        "spf_ok": False,
        "dkim_ok": False,
        "return_path_ok": False,
        "tracking_ok": False,
        "dmarc_ok": False,
        "checked_at": None,
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }
    assert await ask(client, account.key, "GET", f"/{made['id']}") == made
    assert await ask(client, account.key, "GET", f"/{made['sender_id']}") == made
    taken = await ask(client, account.key, "POST", expect=409, email=EMAIL.upper())
    assert taken["type"] == "/problems/conflict"
    changed = await ask(client, account.key, "PATCH", f"/{made['id']}", name=None, seeding=False)
    assert (changed["name"], changed["seeding"], changed["email"]) == ("", False, EMAIL)
    changed = await ask(client, account.key, "PATCH", f"/{made['id']}", email="shop@other.test")
    assert (changed["email"], changed["domain"], changed["status"]) == ("shop@other.test", "other.test", "ready")
    await ask(client, account.key, "DELETE", f"/{made['id']}", expect=204)
    for method in ("GET", "DELETE"):
        await ask(client, account.key, method, f"/{made['id']}", expect=404)
    again = await ask(client, account.key, "POST", expect=201, email="SHOP@other.test")
    assert (again["sender_id"], again["id"]) == (made["sender_id"], made["id"])


async def test_creation_tells_where_it_is(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    answer = await client.post(PATH, json={"email": EMAIL}, headers=headers)
    assert (await client.get(answer.headers["location"], headers=headers)).json() == answer.json()


async def test_lists_are_filtered_sorted_and_paged(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    emails = ["c@one.test", "A@two.test", "b@one.test"]
    for email in emails:
        await make.sender(account.id, email, ready=email != "b@one.test")
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, emails),
        ({"sort": "-created_at"}, emails[::-1]),
        ({"sort": "email"}, ["A@two.test", "b@one.test", "c@one.test"]),
        ({"sort": "-email"}, ["c@one.test", "b@one.test", "A@two.test"]),
        ({"q": "ONE"}, ["c@one.test", "b@one.test"]),
        ({"q": "%"}, []),
        ({"status": "pending"}, ["b@one.test"]),
        ({"domain": "TWO.test"}, ["A@two.test"]),
    ]
    for query, found in expected:
        page = await ask(client, account.key, "GET", count="true", **query)
        assert ([one["email"] for one in page["data"]], page["total"]) == (found, len(found)), query
        walked, cursor, more = [], "", True
        while more:
            page = await ask(client, account.key, "GET", limit=1, cursor=cursor, **query)
            walked += [one["email"] for one in page["data"]]
            more, cursor = page["has_more"], page["next_cursor"]
        assert walked == found, query


async def test_another_accounts_senders_are_not_there(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    made = await ask(client, account.key, "POST", expect=201, email=EMAIL)
    stranger = await make.account()
    assert (await ask(client, stranger.key, "GET"))["data"] == []
    for path in (made["id"], made["sender_id"], "nonsense", "9" * 30, "0" * 13):
        await ask(client, stranger.key, "GET", f"/{path}", expect=404)
        await ask(client, stranger.key, "PATCH", f"/{path}", expect=404, name="x")
        await ask(client, stranger.key, "DELETE", f"/{path}", expect=404)
        await ask(client, stranger.key, "GET", f"/{path}/dns", expect=404)
        for verb in ("verify", "confirm-email"):
            await ask(client, stranger.key, "POST", f"/{path}/{verb}", expect=404)
        await ask(client, stranger.key, "POST", f"/{path}/dkim", expect=404, selector="m1")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "email", "required"),
        ({"email": "nobody"}, "email", "invalid"),
        ({"email": "x" * 321}, "email", "too_long"),
        ({"email": 1}, "email", "invalid"),
        ({"email": "a@b.test", "name": "x" * 201}, "name", "too_long"),
        ({"email": "a@b.test", "name": "x\r\nBcc: y"}, "name", "invalid"),
        ({"email": "a@b.test", "seeding": "yes"}, "seeding", "invalid"),
        ({"email": "a@b.test", "colour": "red"}, "colour", "unknown"),
    ],
)
async def test_what_is_not_valid_says_why(
    client: httpx2.AsyncClient, account: MadeAccount, body: dict[str, Any], field: str, code: str
) -> None:
    answer = await ask(client, account.key, "POST", expect=422, **body)
    assert [(one["field"], one["code"]) for one in answer["errors"]] == [(field, code)]


async def test_bad_cursors_and_changes_are_refused(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    one = await ask(client, account.key, "POST", expect=201, email=EMAIL)
    await make.sender(account.id, "taken@customer.test")
    page = await ask(client, account.key, "GET", limit=1, sort="email")
    for query in ({"cursor": "x"}, {"cursor": page["next_cursor"]}, {"sort": "name"}, {"status": "x"}, {"q": "\0"}):
        await ask(client, account.key, "GET", expect=400, **query)
    await ask(client, account.key, "PATCH", f"/{one['id']}", expect=409, email="TAKEN@customer.test")
    for body in ({"email": ""}, {"email": "x"}, {"email": None}, {"status": "ready"}):
        await ask(client, account.key, "PATCH", f"/{one['id']}", expect=422, **body)
    for selector in ("", "a.b", "x" * 64):
        await ask(client, account.key, "POST", f"/{one['id']}/dkim", expect=422, selector=selector)
    reader = await make.api_key(account.id, "read")
    await ask(client, reader, "POST", expect=403, email="z@customer.test")


async def test_dns_decides_when_senders_have_to_be_verified(settings: Settings, account: MadeAccount) -> None:
    zone: dict[tuple[str, str], list[str]] = {}
    async with DnsServer(zone) as server, strict_client(settings, server.port) as client:
        made = await ask(client, account.key, "POST", expect=201, email=EMAIL)
        assert made["status"] == "pending"
        path = f"/{made['id']}"
        signed = await ask(client, account.key, "POST", f"{path}/dkim", selector="mail1")
        assert signed["dkim_selector"] == "mail1"
        records = {one["purpose"]: one for one in (await ask(client, account.key, "GET", f"{path}/dns"))["data"]}
        assert list(records) == ["dkim", "spf", "return_path", "dmarc", "tracking"]
        assert [one["required"] for one in records.values()] == [True, True, False, False, False]
        assert not any(one["verified"] or one["found"] for one in records.values())
        assert records["dkim"]["name"] == "mail1._domainkey.customer.test"
        assert records["spf"]["value"] == "v=spf1 include:mail.example.com ~all"
        assert records["return_path"]["value"] == "bounces.example.com"
        for one in records.values():
            value = one["value"]
            texts = " ".join(f'"{value[start : start + 200]}"' for start in range(0, len(value), 200))
            server.zone[f"{one['name']}.", one["type"]] = [texts if one["type"] == "TXT" else f"{value}."]
        verified = await ask(client, account.key, "POST", f"{path}/verify")
        assert verified["status"] == "ready"
        assert all(verified[f"{name}_ok"] for name in ("spf", "dkim", "return_path", "tracking", "dmarc"))
        assert verified["checked_at"] is not None
        shown = (await ask(client, account.key, "GET", f"{path}/dns"))["data"]
        assert all(one["verified"] and one["found"] == [one["value"]] for one in shown)
        server.failing |= {name for name, _ in server.zone}
        later = await ask(client, account.key, "POST", f"{path}/verify")
        assert (later["status"], later["dkim_ok"], later["tracking_ok"]) == ("ready", True, True)
        moved = await ask(client, account.key, "PATCH", path, email="news@elsewhere.test")
        assert (moved["status"], moved["dkim_selector"], moved["dkim_ok"]) == ("pending", None, False)


async def test_the_owner_of_the_address_confirms_it(
    settings: Settings, engine: AsyncEngine, account: MadeAccount
) -> None:
    async with strict_client(settings) as client:
        made = await ask(client, account.key, "POST", expect=201, email=EMAIL)
        answer = await ask(client, account.key, "POST", f"/{made['id']}/confirm-email", expect=202)
        assert answer["status"] == "pending"
        async with driver_connection(engine) as connection:
            (mail,) = await connection.fetch("SELECT * FROM mails")
            (copy,) = await connection.fetch("SELECT * FROM messages")
        assert (copy["recipient"], copy["kind"], copy["state"]) == (EMAIL, "system", "queued")
        (link,) = re.findall(r"http://mail\.example\.com(/s/[a-z2-7]{24})\n", mail["text"])
        token = link.removeprefix("/s/")
        for bad in (token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b"), "a" * 24, "%00"):
            assert (await client.get(f"/s/{bad}")).status_code == 404
        assert (await client.head(link)).status_code == 200
        assert (await ask(client, account.key, "GET", f"/{made['id']}"))["status"] == "pending"
        for _ in range(2):
            page = await client.get(link)
            assert page.status_code == 200
            assert f"{EMAIL} is confirmed" in page.text
        assert (await ask(client, account.key, "GET", f"/{made['id']}"))["status"] == "ready"
        await ask(client, account.key, "PATCH", f"/{made['id']}", email="other@customer.test")
        assert (await client.get(link)).status_code == 404, "the link proved another address"

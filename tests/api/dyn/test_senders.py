"""`/senders` and below over HTTP (docs/contract/dyn-email.md, 8)."""

import json

import dkim
import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import senders
from app.db.unit_of_work import reading
from app.main import create_app
from app.settings import Senders, Settings
from tests.factories import Factories

PATH = "/rest/json/senders"
UNKNOWN = (452, ["The email address is not an approved sender."])


async def post(client: httpx2.AsyncClient, path: str, key: str, **fields: str) -> tuple[int, object]:
    response = await client.post(path, data={"apikey": key, **fields})
    body = response.json()["response"]
    assert body["status"] == response.status_code
    return response.status_code, body["data"]


async def get(client: httpx2.AsyncClient, path: str, key: str, **fields: str | int) -> tuple[int, object]:
    response = await client.get(path, params={"apikey": key, **fields})
    return response.status_code, response.json()["response"]["data"]


async def test_senders_are_listed_by_creation_and_by_account(client: httpx2.AsyncClient, make: Factories) -> None:
    account, other = await make.account(), await make.account()
    names = [f"s{number:02}@example.com" for number in range(26)]
    for name in names:
        assert await post(client, PATH, account.key, emailaddress=name) == (200, [])
    first = [{"emailaddress": name} for name in names[:25]]
    assert await get(client, PATH, account.key) == (200, {"senders": first})
    assert await get(client, PATH, account.key, start_index=25) == (200, {"senders": first})
    assert await get(client, PATH, account.key, startindex=25) == (200, {"senders": [{"emailaddress": names[25]}]})
    assert await get(client, PATH, account.key, startindex=26) == (200, {"senders": []})
    assert await get(client, PATH, other.key) == (200, {"senders": []})
    assert await get(client, PATH, account.key, startindex="x") == (452, ["The start index is not valid."])


async def test_what_is_no_sender_is_refused(
    client: httpx2.AsyncClient, make: Factories, subtests: pytest.Subtests
) -> None:
    account = await make.account()
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["The email address can not be blank."]),
        ({"emailaddress": "example.com"}, ["The email address is not valid."]),
        ({"emailaddress": "Jo <jo@example.com>"}, ["The email address is not valid."]),
        ({"emailaddress": "jo@example.com", "seeding": "2"}, ["The seeding is not valid."]),
        ({"seeding": "2"}, ["The email address can not be blank.", "The seeding is not valid."]),
        ({"emailaddress": "jo@example.com\r\nBcc"}, ["The email address is not valid."]),
    ]
    for fields, sentences in cases:
        with subtests.test(fields=fields):
            assert await post(client, PATH, account.key, **fields) == (452, sentences)


async def test_a_known_sender_is_updated_only_with_seeding(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account(senders=["news@example.com"])
    assert await post(client, PATH, account.key, emailaddress="NEWS@example.com") == (453, {})
    assert await post(client, PATH, account.key, emailaddress="NEWS@example.com", seeding="1") == (200, [])
    async with reading(engine) as read:
        sender = await senders.get(read, account.id, "news@example.com")
    assert (sender.seeding, sender.email, sender.id) == (True, "news@example.com", account.senders["news@example.com"])
    other = await make.account()
    assert await post(client, PATH, other.key, emailaddress="news@example.com") == (200, [])


async def test_a_deleted_sender_returns_with_its_id(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account(senders=["news@example.com"])
    assert await post(client, f"{PATH}/delete", account.key, emailaddress="News@Example.com") == (200, [])
    assert await get(client, PATH, account.key) == (200, {"senders": []})
    for path in ("details", "status", "delete", "dkim"):
        assert await post(client, f"{PATH}/{path}", account.key, emailaddress="news@example.com", dkim="m1") == UNKNOWN
    assert await post(client, PATH, account.key, emailaddress="news@example.com") == (200, [])
    async with reading(engine) as read:
        assert (await senders.get(read, account.id, "news@example.com")).id == account.senders["news@example.com"]


async def test_status_tells_whether_it_may_be_used(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["news@example.com"])
    await make.sender(account.id, "late@example.com", ready=False)
    assert await get(client, f"{PATH}/status", account.key, emailaddress="NEWS@example.com") == (200, {"ready": 1})
    assert await get(client, f"{PATH}/status", account.key, emailaddress="late@example.com") == (200, {"ready": 0})
    assert await get(client, f"{PATH}/status", account.key, emailaddress="who@example.com") == UNKNOWN
    assert await get(client, f"{PATH}/status", account.key) == (452, ["The email address can not be blank."])


async def test_with_verification_required_a_new_sender_waits(settings: Settings, make: Factories) -> None:
    account = await make.account()
    strict = settings.model_copy(update={"senders": Senders(require_verification=True)})
    application = create_app(strict)
    async with (
        application.running(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url="http://mail.example.com") as client,
    ):
        assert await post(client, PATH, account.key, emailaddress="news@example.com") == (200, [])
        assert await get(client, f"{PATH}/status", account.key, emailaddress="news@example.com") == (200, {"ready": 0})


async def test_a_selector_gets_a_key_that_signs(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account(senders=["news@example.com", "shop@example.com"])
    path = f"{PATH}/details"
    before = await get(client, path, account.key, emailaddress="news@example.com")
    assert json.dumps(before[1]) == json.dumps({"emailaddress": "news@example.com", "spf": 0, "dkim": 0, "dkimval": ""})
    status, data = await post(client, f"{PATH}/dkim", account.key, emailaddress="news@example.com", dkim="mail1")
    assert status == 200
    assert isinstance(data, dict)
    name, policy = "mail1._domainkey.example.com", "_domainkey.example.com"
    assert list(data) == ["emailaddress", "spf", "dkim", "dkimval", name, policy]
    assert [data["dkim"], data["dkimval"], data[policy]] == [0, "mail1", "o=~"]
    assert data[name].startswith("v=DKIM1; k=rsa; p=MII")
    assert await get(client, path, account.key, emailaddress="NEWS@example.com") == (200, data)
    # the same selector on another sender of the domain is the same key; another selector is another
    _, shared = await post(client, f"{PATH}/dkim", account.key, emailaddress="shop@example.com", dkim="mail1")
    assert isinstance(shared, dict)
    assert shared[name] == data[name]
    async with reading(engine) as read:
        found = await senders.identity(read, make.vault, account.senders["shop@example.com"])
        assert await senders.identity(read, make.vault, 0) == senders.Identity("")
    domain, selector, pem = found.domain, found.selector, found.private_key
    mail = b"From: shop@example.com\r\nSubject: s\r\n\r\nbody\r\n"
    signature = dkim.sign(mail, selector.encode(), domain.encode(), pem.encode())
    record = data[name].encode()
    assert dkim.verify(signature + mail, dnsfunc=lambda *_, **__: record)


async def test_bad_selectors_are_refused(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["news@example.com"])
    path = f"{PATH}/dkim"
    assert await post(client, path, account.key) == (
        452,
        ["The email address can not be blank.", "The dkim selector can not be blank."],
    )
    for selector in ("a.b", "ä", "a" * 64, "a b"):
        refused = await post(client, path, account.key, emailaddress="news@example.com", dkim=selector)
        assert refused == (452, ["The dkim selector is not valid."])
    both = ["The email address is not valid.", "The dkim selector is not valid."]
    assert await post(client, path, account.key, emailaddress="example.com", dkim="a.b") == (452, both)
    assert await post(client, path, account.key, emailaddress="who@example.com", dkim="a.b") == (452, both[1:])
    assert await post(client, path, account.key, emailaddress="who@example.com", dkim="m1") == UNKNOWN


async def test_mail_may_be_sent_at_once_and_no_more_after_deletion(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    mail = {"from": "news@example.com", "to": "jo@example.org", "subject": "s", "bodytext": "t"}
    refused, accepted = (200, "503 5.5.1 Error: need MAIL command"), (200, "250 2.1.0 Ok")
    for _ in range(2):
        assert await post(client, "/rest/json/send", account.key, **mail) == refused
        assert await post(client, PATH, account.key, emailaddress="news@example.com") == (200, [])
        for _ in range(2):
            assert await post(client, "/rest/json/send", account.key, **mail) == accepted
        assert await post(client, f"{PATH}/delete", account.key, emailaddress="news@example.com") == (200, [])

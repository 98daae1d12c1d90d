"""`/accounts` and below over HTTP (docs/contract/dyn-email.md, 6)."""

import hashlib
import json
import re
from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts
from app.core.errors import Unauthenticated
from app.db.unit_of_work import reading
from tests.factories import Factories
from tests.factories.copies import CopySpec

KEYS = [
    "username",
    "accountname",
    "companyname",
    "address",
    "city",
    "state",
    "country",
    "zipcode",
    "phone",
    "usertype",
    "created",
    "apikey",
    "timezone",
    "tracklinks",
    "trackopens",
    "testmode",
    "trackunsubscribes",
    "max_sample_count",
    "contactname",
    "emailssent",
    "bounceurl",
    "spamurl",
    "unsuburl",
]
NEW = {"username": "sub1@example.com", "password": "secret words", "accountname": "Sub One"}
PATH = "/rest/json/accounts"


async def post(client: httpx2.AsyncClient, path: str, key: str, **fields: str) -> tuple[int, object]:
    response = await client.post(path, data={"apikey": key, **fields})
    body = response.json()["response"]
    assert body["status"] == response.status_code
    return response.status_code, body["data"]


async def listed(client: httpx2.AsyncClient, key: str, **query: str | int) -> list[dict[str, object]]:
    response = await client.get(PATH, params={"apikey": key, **query})
    assert response.status_code == 200, response.text
    found: list[dict[str, object]] = response.json()["response"]["data"]["accounts"]
    return found


async def test_the_listing_has_its_23_keys_in_order(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account(
        "master@example.com",
        account_name="Example",
        company_name="Example, Inc.",
        phone="603-555-0100",
        utc_offset_minutes=-300,
        track_opens=True,
        bounce_url="https://hooks.example.com/b?e=@email",
        monthly_cap=100000,
        senders=["a@example.com"],
    )
    sender = master.senders["a@example.com"]
    now = datetime.now(UTC)
    await make.copies(
        [CopySpec(master.id, sender, now)] * 3 + [CopySpec(master.id, sender, now, blocked_reason="manual")]
    )
    response = await client.get(PATH, params={"apikey": master.key})
    assert response.content.startswith(
        b'{"response":{"status":200,"message":"OK","data":{"accounts":[{"username":"master@example.com","accountname":"Example","companyname"'
    )
    data = response.json()["response"]["data"]
    assert list(data) == ["accounts", "emailcap"]
    assert data["emailcap"] == "100000"
    [account] = data["accounts"]
    assert list(account) == KEYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", account.pop("created"))
    assert {"created": "", **account} == dict.fromkeys(KEYS, "") | {
        "username": "master@example.com",
        "accountname": "Example",
        "companyname": "Example, Inc.",
        "phone": "603-555-0100",
        "usertype": "Master",
        "apikey": master.key,
        "timezone": "-0500",
        "tracklinks": "0",
        "trackopens": "1",
        "testmode": "0",
        "trackunsubscribes": "0",
        "max_sample_count": None,
        "emailssent": 3,
        "bounceurl": "https://hooks.example.com/b?e=@email",
    }


async def test_a_master_lists_itself_first_then_its_subs_by_creation(
    client: httpx2.AsyncClient, make: Factories
) -> None:
    master = await make.account("m@example.com")
    subs = [await make.account(f"s{number:02}@example.com", parent=master) for number in range(27)]
    await make.account("other@example.com")
    names = ["m@example.com", *(sub.username for sub in subs)]
    assert [one["username"] for one in await listed(client, master.key)] == names[:25]
    assert [one["username"] for one in await listed(client, master.key, startindex=25)] == names[25:]
    assert await listed(client, master.key, startindex=28) == []
    assert await listed(client, master.key, startindex=10**30) == []
    assert [one["username"] for one in await listed(client, subs[0].key)] == ["s00@example.com"]
    assert [one["apikey"] for one in await listed(client, master.key, username="S05@EXAMPLE.com")] == [subs[5].key]
    assert [one["username"] for one in await listed(client, master.key, accountname="s07@example.COM")] == [names[8]]
    assert await listed(client, master.key, username="other@example.com") == []
    bad = await client.get(PATH, params={"apikey": master.key, "startindex": "-1"})
    assert (bad.status_code, bad.json()["response"]["data"]) == (452, ["The start index is not valid."])


async def test_a_sub_account_is_made_and_works_at_once(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    master = await make.account()
    status, data = await post(
        client,
        PATH,
        master.key,
        **NEW,
        companyname="C",
        phone="1",
        address="Street 1",
        city="Town",
        state="NH",
        zipcode="03101",
        country="US",
        timezone="+5.30",
        bounceurl="https://hooks.example.com/b?e=@email",
        unsub_url="http://hooks.example.com/u",
        unsub_url_active="0",
        trackopens="1",
        tracelinks="true",
        trackunsub="0",
        generatewapikey="1",
        forcepwchange="x",
        contactname="Jo",
    )
    assert status == 200
    assert isinstance(data, dict)
    key = data["apikey"]
    assert re.fullmatch(r"[0-9a-f]{32}", key)
    [account] = await listed(client, key)
    picked = (
        "usertype companyname city country timezone trackopens tracklinks trackunsubscribes bounceurl unsuburl apikey"
    )
    assert [account[name] for name in picked.split()] == [
        "Sub", "C", "Town", "US", "+0530", "1", "1", "0",
        "https://hooks.example.com/b?e=@email", "http://hooks.example.com/u", key,
    ]  # fmt: skip
    async with reading(engine) as read:
        row = await accounts.log_in(read, "SUB1@example.com", NEW["password"])
        assert (row.bounce_url_active, row.unsubscribe_url_active, row.complaint_url_active) == (True, False, False)
        with pytest.raises(Unauthenticated):
            await accounts.log_in(read, "sub1@example.com", "wrong")


async def test_a_password_may_come_as_its_md5(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    master = await make.account()
    digest = hashlib.md5(b"secret words", usedforsecurity=False).hexdigest()
    assert (await post(client, PATH, master.key, **{**NEW, "password": f"md5-{digest.upper()}"}))[0] == 200
    async with reading(engine) as read:
        await accounts.log_in(read, "sub1@example.com", "secret words")
        for wrong in (f"md5-{digest}", digest):
            with pytest.raises(Unauthenticated):
                await accounts.log_in(read, "sub1@example.com", wrong)


async def test_what_creation_lacks_is_told_in_the_order_of_the_table(
    client: httpx2.AsyncClient, make: Factories, subtests: pytest.Subtests
) -> None:
    master = await make.account()
    name = {"username": "sub1@example.com"}
    full = {**NEW}
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["The username can not be blank."]),
        ({"password": "x", "country": "USA"}, ["The username can not be blank."]),
        (
            name,
            [
                "The password can not be blank.",
                "The company name can not be blank.",
                "The phone number can not be blank.",
            ],
        ),
        ({**name, "companyname": "c"}, ["The password can not be blank.", "The phone number can not be blank."]),
        ({**name, "password": "p", "phone": "1"}, ["The company name can not be blank."]),
        ({**full, "username": "no address"}, ["The username is not valid."]),
        ({**full, "country": "USA", "timezone": "+14.00"}, ["The country is not valid.", "The timezone is not valid."]),
        ({**full, "timezone": "5.75"}, ["The timezone is not valid."]),
        ({**full, "bounce_url": "ftp://x.example/"}, ["The bounce url is not valid."]),
        ({**full, "spamurl": "https://"}, ["The spam url is not valid."]),
        ({**full, "unsubscribeurl": "http://x.example:99999/"}, ["The unsubscribe url is not valid."]),
        ({**full, "bounce_url_active": "1"}, ["The bounce url can not be blank."]),
        (
            {**full, "bounce_url": "http://x.example/", "bounce_url_active": "2"},
            ["The bounce_url_active is not valid."],
        ),
        ({**full, "trackopens": "yes"}, ["The trackopens is not valid."]),
        ({**full, "generatenewapikey": "x"}, ["The generatenewapikey is not valid."]),
        ({**full, "password": "x" * 1025}, ["The password is not valid."]),
    ]
    for fields, sentences in cases:
        with subtests.test(fields=fields):
            assert await post(client, PATH, master.key, **fields) == (452, sentences)
    assert len(await listed(client, master.key)) == 1


async def test_an_update_changes_only_what_is_sent(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    master = await make.account("m@example.com")
    _, data = await post(client, PATH, master.key, **NEW, city="Town", trackopens="1")
    assert isinstance(data, dict)
    changed = {"username": "SUB1@example.com", "city": "", "phone": "2", "password": "another", "timezone": "-0500"}
    assert await post(client, PATH, master.key, **changed) == (200, data)
    [account] = await listed(client, master.key, username="sub1@example.com")
    assert [account[name] for name in ("username", "city", "phone", "trackopens", "timezone")] == [
        "sub1@example.com", "Town", "2", "1", "-0500",
    ]  # fmt: skip
    async with reading(engine) as read:
        await accounts.log_in(read, "sub1@example.com", NEW["password"])
    assert await post(client, PATH, master.key, username="m@example.com", city="Here") == (200, {"apikey": master.key})
    assert (await listed(client, master.key))[0]["city"] == "Here"
    assert (await post(client, PATH, master.key, username="sub1@example.com", country="U"))[0] == 452


async def test_taken_names_are_refused(client: httpx2.AsyncClient, make: Factories) -> None:
    master, other = await make.account("m@example.com"), await make.account("other@example.com")
    assert (await post(client, PATH, master.key, **NEW))[0] == 200
    assert await post(client, PATH, other.key, **NEW) == (453, {})
    assert await post(client, PATH, other.key, **{**NEW, "username": "m@EXAMPLE.com"}) == (453, {})
    second = {**NEW, "username": "sub2@example.com"}
    assert await post(
        client,
        PATH,
        master.key,
        **second,
    ) == (453, {})
    assert (await post(client, PATH, master.key, **{**second, "accountname": "Two"}))[0] == 200
    assert await post(client, PATH, master.key, username="sub2@example.com", accountname="SUB one") == (453, {})
    assert (await post(client, PATH, master.key, username="sub2@example.com", accountname="two"))[0] == 200
    assert (await post(client, PATH, other.key, **{**NEW, "username": "sub3@example.com"}))[0] == 200


async def test_a_new_key_replaces_the_old_one(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account("m@example.com")
    sub = await make.account("s@example.com", parent=master)
    assert await listed(client, sub.key)
    status, data = await post(client, PATH, master.key, username="s@example.com", generatenewapikey="1")
    assert status == 200
    assert isinstance(data, dict)
    assert data["apikey"] != sub.key
    assert (await client.get(PATH, params={"apikey": sub.key})).status_code == 451
    assert [one["apikey"] for one in await listed(client, data["apikey"])] == [data["apikey"]]


async def test_a_sub_account_has_no_master_calls(client: httpx2.AsyncClient, make: Factories) -> None:
    sub = await make.account(parent=await make.account())
    for path in (PATH, f"{PATH}/delete"):
        assert await post(client, path, sub.key, **NEW) == (454, {})
        assert await post(client, path, sub.key) == (454, {})


async def test_a_listing_posted_back_is_echoed(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account("m@example.com")
    sub = await make.account("s@example.com", parent=master)
    for key, fields, expected in (
        (master.key, {"usertype": "Master"}, "m@example.com"),
        (master.key, {"_username": "S@example.com"}, "s@example.com"),
        (master.key, {"_username": "nobody@example.com"}, "m@example.com"),
        (sub.key, {"created": "x", "accountname": "changed"}, "s@example.com"),
        (sub.key, {"_username": "m@example.com"}, "s@example.com"),
    ):
        status, data = await post(client, PATH, key, **fields)
        assert status == 200
        assert isinstance(data, dict)
        assert list(data) == KEYS
        assert data["username"] == data["accountname"] == expected
    blank = {"usertype": "", "created": "", "_username": " "}
    assert await post(client, PATH, master.key, **blank) == (452, ["The username can not be blank."])


async def test_deleting_ends_the_keys_and_frees_the_name(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account("m@example.com")
    sub = await make.account("s@example.com", parent=master)
    await make.account("other@example.com")
    path = f"{PATH}/delete"
    assert await listed(client, sub.key)
    assert await post(client, path, master.key) == (452, ["The username can not be blank."])
    for name in ("m@example.com", "other@example.com", "nobody", "s@example.co"):
        assert await post(client, path, master.key, username=name) == (452, ["The username is not valid."])
    assert await post(client, path, master.key, username="S@example.com") == (200, [])
    assert (await client.get(PATH, params={"apikey": sub.key})).status_code == 451
    assert [one["username"] for one in await listed(client, master.key)] == ["m@example.com"]
    assert await post(client, path, master.key, username="s@example.com") == (452, ["The username is not valid."])
    assert (await post(client, PATH, master.key, **{**NEW, "username": "s@example.com"}))[0] == 200


async def test_x_headers_are_replaced_together(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account()
    sub = await make.account(parent=master)
    path = f"{PATH}/xheaders"

    async def shown(key: str, path: str = path) -> str:
        return json.dumps((await client.get(path, params={"apikey": key})).json()["response"]["data"])

    assert await shown(sub.key) == json.dumps({f"xheader{number}": "" for number in range(1, 5)})
    assert await post(client, path, sub.key, xheader1="X-Campaign", xheader2="x-region_2") == (200, "OK")
    assert await shown(sub.key) == json.dumps(
        {"xheader1": "X-Campaign", "xheader2": "x-region_2", "xheader3": "", "xheader4": ""}
    )
    assert await post(client, path, sub.key, xheader4="X-Only") == (200, "OK")
    assert json.loads(await shown(sub.key)) == {"xheader1": "", "xheader2": "", "xheader3": "", "xheader4": "X-Only"}
    assert await post(client, PATH, sub.key, xheader2="X-Moved", usertype="Sub") == (200, "OK")
    assert json.loads(await shown(sub.key, "/rest/json/xheaders"))["xheader2"] == "X-Moved"
    assert await post(client, "/rest/json/xheaders", sub.key, xheader1="") == (200, "OK")
    assert "X-" not in await shown(sub.key)
    assert "X-" not in await shown(master.key)


async def test_bad_x_headers_are_named(client: httpx2.AsyncClient, make: Factories, subtests: pytest.Subtests) -> None:
    master = await make.account(x_headers=["X-Kept"])
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["The xheader1 can not be blank."]),
        ({"xheader2": "Campaign"}, ["The xheader2 is not valid."]),
        ({"xheader1": "X-A", "xheader3": "x-a"}, ["The xheader3 is not valid."]),
        (
            {"xheader1": "X-", "xheader2": "X-ä", "xheader4": "X-" + "a" * 99},
            ["The xheader1 is not valid.", "The xheader2 is not valid.", "The xheader4 is not valid."],
        ),
        ({"xheader1": "X-A B"}, ["The xheader1 is not valid."]),
    ]
    for fields, sentences in cases:
        with subtests.test(fields=fields):
            assert await post(client, f"{PATH}/xheaders", master.key, **fields) == (452, sentences)
    shown = await client.get(f"{PATH}/xheaders", params={"apikey": master.key})
    assert shown.json()["response"]["data"]["xheader1"] == "X-Kept"


async def test_a_key_without_the_scope_is_refused(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account()
    reads, sends = await make.api_key(master.id, "read"), await make.api_key(master.id, "send")
    assert (await client.get(PATH, params={"apikey": reads})).status_code == 200
    assert (await client.get(PATH, params={"apikey": sends})).status_code == 454
    assert await post(client, PATH, reads, **NEW) == (454, {})


async def test_xml_names_each_account(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account("m@example.com")
    response = await client.get("/rest/xml/accounts", params={"apikey": master.key})
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    assert "<data><accounts><account><username>m@example.com</username>" in response.text
    assert "<max_sample_count/>" in response.text
    assert "</accounts><emailcap>0</emailcap></data>" in response.text

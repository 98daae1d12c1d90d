"""`/account` and `/accounts`, over HTTP."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.api.native.calling import Native, names_of
from tests.factories import Factories, MadeAccount

NEW = {"username": "shop@new.example", "password": "long enough"}


@pytest.fixture
async def admin(make: Factories) -> MadeAccount:
    return await make.account("operator@accounts.example", role="admin")


@pytest.fixture
async def master(make: Factories, admin: MadeAccount) -> MadeAccount:
    return await make.account()


async def test_the_own_account_as_the_document_has_it(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    answer = await Native(client, master.key)("GET", "/account")
    assert answer.status_code == 200
    shown = answer.json()
    assert list(shown) == [
        *("id", "user_id", "parent_id", "role", "status", "username", "account_name", "company_name", "contact_name"),
        *("phone", "address", "time_zone", "monthly_cap", "sent_this_month", "test_mode", "track_opens"),
        *("track_clicks", "track_unsubscribes", "tracking_domain", "postbacks", "x_headers", "api_key"),
        *("created_at", "updated_at"),
    ]
    assert shown["id"] == str(master.public_id)
    assert shown["user_id"] == master.user_id
    assert shown["api_key"] == master.key
    assert shown["time_zone"] == "UTC"
    assert shown["x_headers"] == [None] * 4
    assert shown["postbacks"]["bounce"] == {"url": None, "active": False}
    assert shown["address"] == {"line": "", "city": "", "state": "", "zip": "", "country": ""}


async def test_a_merge_patch_changes_what_is_there_and_nothing_else(
    client: httpx2.AsyncClient, master: MadeAccount
) -> None:
    call = Native(client, master.key)
    body = {
        "username": "Other@x.example",
        "company_name": "Example, Inc.",
        "address": {"line": "1 Street", "country": "US"},
        "time_zone": "America/New_York",
        "tracking_domain": "Links.Example.com",
        "test_mode": True,
        "track_clicks": True,
        "postbacks": {"bounce": {"url": "https://hooks.example.com/b?e=@email", "active": True}},
        "x_headers": ["X-Campaign", None, "X-Region"],
    }
    first = (await call("PATCH", "/account", body)).json()
    assert (first["username"], first["company_name"]) == ("Other@x.example", "Example, Inc.")
    assert first["address"] == {"line": "1 Street", "city": "", "state": "", "zip": "", "country": "US"}
    assert (first["time_zone"], first["tracking_domain"]) == ("America/New_York", "links.example.com")
    assert (first["test_mode"], first["track_clicks"], first["track_opens"]) == (True, True, False)
    assert first["postbacks"]["bounce"] == {"url": "https://hooks.example.com/b?e=@email", "active": True}
    assert first["x_headers"] == ["X-Campaign", None, "X-Region", None]

    patch = {
        "company_name": None,
        "tracking_domain": None,
        "address": {"city": "Here"},
        "postbacks": {"bounce": {"active": False}, "complaint": None},
    }
    second = (await call("PATCH", "/account", patch)).json()
    assert second["company_name"] == ""
    assert second["tracking_domain"] is None
    assert second["address"] == {"line": "1 Street", "city": "Here", "state": "", "zip": "", "country": "US"}
    assert second["postbacks"]["bounce"] == {"url": "https://hooks.example.com/b?e=@email", "active": False}
    assert second["time_zone"] == "America/New_York"
    assert second["created_at"] == first["created_at"]
    assert (await call("GET", "/account")).json() == second


async def test_time_zones_and_the_classic_offset(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    call = Native(client, master.key)
    offsets = {"America/New_York": "-0500", "Australia/Sydney": "+1000", "Etc/GMT-2": "+0200", "UTC+05:30": "+0530"}
    for zone, offset in offsets.items():
        assert (await call("PATCH", "/account", {"time_zone": zone})).json()["time_zone"] == zone
        listed = await client.get("/rest/json/accounts", params={"apikey": master.key})
        assert listed.json()["response"]["data"]["accounts"][0]["timezone"] == offset
    for given, zone in {"-5.00": "Etc/GMT+5", "5.30": "UTC+05:30", "0.00": "UTC", "13.00": "Etc/GMT-13"}.items():
        data = {"apikey": master.key, "username": master.username, "timezone": given}
        assert (await client.post("/rest/json/accounts", data=data)).json()["response"]["status"] == 200
        assert (await call("GET", "/account")).json()["time_zone"] == zone


BAD = {
    "username": ("nobody", "invalid"),
    "password": ("too short", "too_short"),
    "account_name": ("", "too_short"),
    "company_name": ("x" * 501, "too_long"),
    "phone": (5, "invalid"),
    "time_zone": ("Mars/Olympus", "invalid"),
    "tracking_domain": ("no host", "invalid"),
    "test_mode": ("yes", "invalid"),
    "colour": ("red", "unknown"),
    "contact_name": ("a\0b", "invalid"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_not_valid_says_why(client: httpx2.AsyncClient, master: MadeAccount, name: str) -> None:
    value, code = BAD[name]
    assert names_of(await Native(client, master.key)("PATCH", "/account", {name: value})) == {name: code}


async def test_parts_that_are_not_valid_are_named(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    call = Native(client, master.key)
    body = {"address": {"country": "USA"}, "postbacks": {"bounce": {"url": "ftp://x"}, "complaint": {"url": "x"}}}
    assert names_of(await call("PATCH", "/account", body)) == {
        "address.country": "invalid",
        "postbacks.bounce.url": "invalid",
        "postbacks.complaint.url": "invalid",
    }
    assert names_of(await call("PATCH", "/account", {"x_headers": ["X-A", "nope"]})) == {"x_headers.1": "invalid"}
    assert names_of(await call("PATCH", "/account", {"address": {"street": "x"}})) == {"address.street": "unknown"}


async def test_a_master_makes_a_sub_account(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    call = Native(client, master.key)
    answer = await call("POST", "/accounts", {**NEW, "monthly_cap": 5, "company_name": "Shop"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["role"], made["parent_id"], made["monthly_cap"]) == ("sub", str(master.public_id), 5)
    assert answer.headers["location"] == f"/api/trireme/v1/accounts/{made['id']}"
    assert (await call("GET", f"/accounts/{made['id']}")).json() == made
    own = Native(client, made["api_key"])
    assert (await own("GET", "/account")).json()["id"] == made["id"]
    answer = await call("POST", "/accounts", {**NEW, "username": "SHOP@new.example", "account_name": "Another"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert names_of(await call("POST", "/accounts", {})) == {"username": "required", "password": "required"}
    assert (await own("POST", "/accounts", {**NEW, "username": "x@y.example"})).status_code == 403
    assert (await call("POST", "/accounts", {**NEW, "username": "x@y.example", "role": "master"})).status_code == 403


async def test_an_administrator_makes_masters_and_administrators(
    client: httpx2.AsyncClient, make: Factories, admin: MadeAccount
) -> None:
    call = Native(client, admin.key)
    for role in ("master", "admin"):
        made = (await call("POST", "/accounts", {**NEW, "username": f"{role}@new.example", "role": role})).json()
        assert (made["role"], made["parent_id"]) == (role, None)
    writing = Native(client, await make.api_key(admin.id, "write"))
    answer = await writing("POST", "/accounts", {**NEW, "username": "z@new.example", "role": "master"})
    assert answer.status_code == 403
    assert "api_key" not in (await writing("GET", "/account")).json()
    assert (await writing("POST", f"/accounts/{admin.public_id}/rotate-key")).status_code == 403


async def test_what_only_those_above_change(
    client: httpx2.AsyncClient, make: Factories, admin: MadeAccount, master: MadeAccount
) -> None:
    sub = await make.account(parent=master)
    for member in ({"monthly_cap": 1}, {"status": "disabled"}, {"role": "admin"}):
        for account in (admin, master, sub):
            assert (await Native(client, account.key)("PATCH", "/account", member)).status_code == 403
    above = Native(client, master.key)
    answer = await above("PATCH", f"/accounts/{sub.public_id}", {"status": "disabled", "monthly_cap": 7})
    assert (answer.json()["status"], answer.json()["monthly_cap"]) == ("disabled", 7)
    assert (await Native(client, sub.key)("GET", "/account")).status_code == 401
    answer = await above("PATCH", f"/accounts/{sub.public_id}", {"role": "master"})
    assert answer.status_code == 403
    answer = await Native(client, admin.key)("PATCH", f"/accounts/{master.public_id}", {"role": "admin"})
    assert answer.json()["role"] == "admin"
    keys = await Native(client, master.key)("GET", "/api-keys")
    assert keys.json()["data"][0]["scopes"] == ["read", "send", "write", "admin"]


async def test_the_list_has_the_account_first_and_goes_by_pages(
    client: httpx2.AsyncClient, make: Factories, admin: MadeAccount, master: MadeAccount
) -> None:
    subs = [await make.account(f"{name}@subs.example", parent=master) for name in "cab"]
    call = Native(client, master.key)

    async def listed(**query: Any) -> list[int]:
        found: list[int] = []
        cursor = ""
        for _ in range(9):
            page = (await call("GET", "/accounts", limit="2", **query, cursor=cursor)).json()
            found += [one["user_id"] for one in page["data"]]
            if not page["has_more"]:
                return found
            cursor = page["next_cursor"]
        raise AssertionError("no end")

    c, a, b = (sub.id for sub in subs)
    assert await listed() == [master.id, c, a, b]
    assert await listed(sort="-created_at") == [master.id, b, a, c]
    assert await listed(sort="username") == [master.id, a, b, c]
    assert await listed(sort="-username") == [master.id, c, b, a]
    assert await listed(q="B@SUBS") == [b]
    assert await listed(q="%") == []
    assert await listed(parent_id=str(master.public_id)) == [c, a, b]
    assert await listed(status="disabled") == []
    page = (await call("GET", "/accounts", limit="1", count="true")).json()
    assert (page["total"], page["data"][0]["user_id"]) == (4, master.id)
    everybody = (await Native(client, admin.key)("GET", "/accounts")).json()["data"]
    assert [one["user_id"] for one in everybody] == [admin.id, master.id, c, a, b]
    reading = Native(client, await make.api_key(master.id, "read"))
    assert all("api_key" not in one for one in (await reading("GET", "/accounts")).json()["data"])


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"sort": "password"},
        {"cursor": "x"},
        {"cursor": "W10"},
        {"cursor": "WzEsIngiLDFd"},
        {"cursor": "WzEsMiwzXQ"},
        {"status": "gone"},
        {"parent_id": "7"},
        {"count": "maybe"},
    ],
)
async def test_bad_queries_are_malformed(
    client: httpx2.AsyncClient, master: MadeAccount, query: dict[str, Any]
) -> None:
    answer = await Native(client, master.key)("GET", "/accounts", **query)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


async def test_deletion(client: httpx2.AsyncClient, make: Factories, admin: MadeAccount, master: MadeAccount) -> None:
    sub = await make.account(parent=master)
    call = Native(client, master.key)
    for key, account in ((master.key, master), (sub.key, sub), (admin.key, master)):
        answer = await Native(client, key)("DELETE", f"/accounts/{account.public_id}")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert (await call("DELETE", f"/accounts/{sub.public_id}")).status_code == 204
    assert (await Native(client, sub.key)("GET", "/account")).status_code == 401
    assert (await call("GET", f"/accounts/{sub.public_id}")).status_code == 404
    assert (await call("DELETE", f"/accounts/{sub.public_id}")).status_code == 404
    assert (await call("POST", "/accounts", {**NEW, "username": sub.username})).status_code == 201


async def test_a_rotated_key_replaces_the_old_one_at_once(
    client: httpx2.AsyncClient, make: Factories, master: MadeAccount
) -> None:
    sub = await make.account(parent=master)
    assert (await Native(client, sub.key)("GET", "/account")).status_code == 200
    answer = await Native(client, master.key)("POST", f"/accounts/{sub.public_id}/rotate-key")
    assert answer.status_code == 200
    assert (await Native(client, sub.key)("GET", "/account")).status_code == 401
    assert (await Native(client, answer.json()["api_key"])("GET", "/account")).json()["user_id"] == sub.id


async def test_nobody_reaches_another_tree(client: httpx2.AsyncClient, make: Factories, master: MadeAccount) -> None:
    other = await make.account()
    sub = await make.account(parent=master)
    for account in (other, sub):
        call = Native(client, account.key)
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"phone": "1"}),
            ("DELETE", "", None),
            ("POST", "/rotate-key", None),
        ):
            answer = await call(method, f"/accounts/{master.public_id}{path}", body)
            assert answer.status_code == 404, (method, path)
        assert [one["user_id"] for one in (await call("GET", "/accounts")).json()["data"]] == [account.id]
    for path in ("nonsense", "0" * 32, "00000000-0000-0000-0000-000000000000", "%00", "x" * 65):
        assert (await Native(client, master.key)("GET", f"/accounts/{path}")).status_code in {400, 404}


async def test_acting_for_an_account_below(
    client: httpx2.AsyncClient, make: Factories, admin: MadeAccount, master: MadeAccount
) -> None:
    sub, other = await make.account(parent=master), await make.account()

    async def who(key: str, account: object) -> tuple[int, int | None]:
        answer = await Native(client, key)("GET", "/account", headers={"Trireme-Account": str(account)})
        return answer.status_code, answer.json().get("user_id")

    assert await who(master.key, sub.public_id) == (200, sub.id)
    assert await who(master.key, master.public_id) == (200, master.id)
    assert await who(admin.key, sub.public_id) == (200, sub.id)
    assert await who(sub.key, sub.public_id) == (200, sub.id)
    for key, account in ((sub.key, master.public_id), (master.key, other.public_id), (master.key, admin.public_id)):
        assert (await who(key, account))[0] == 404
    for nonsense in ("7", "", sub.id, "{" + str(sub.public_id) + "}", str(sub.public_id).replace("-", "")):
        assert (await who(master.key, nonsense))[0] == 404
    reading = await make.api_key(master.id, "read")
    answer = await Native(client, reading)(
        "PATCH", "/account", {"phone": "1"}, headers={"Trireme-Account": str(sub.public_id)}
    )
    assert answer.status_code == 403
    made = await Native(client, admin.key)("POST", "/accounts", NEW, headers={"Trireme-Account": str(master.public_id)})
    assert made.json()["parent_id"] == str(master.public_id)
    await Native(client, master.key)("PATCH", f"/accounts/{sub.public_id}", {"status": "disabled"})
    assert (await who(admin.key, sub.public_id))[0] == 403


async def test_two_patches_at_once_are_both_there(client: httpx2.AsyncClient, master: MadeAccount) -> None:
    call = Native(client, master.key)
    answers = await asyncio.gather(
        call("PATCH", "/account", {"phone": "1"}), call("PATCH", "/account", {"company_name": "C"})
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    shown = (await call("GET", "/account")).json()
    assert (shown["phone"], shown["company_name"]) == ("1", "C")

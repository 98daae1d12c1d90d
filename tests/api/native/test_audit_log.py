"""`/audit-log`, over HTTP: who changed what, in every family."""

from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from tests.api.native.calling import Native
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


async def log(client: httpx2.AsyncClient, account: MadeAccount, **query: Any) -> list[dict[str, Any]]:
    answer = await Native(client, account.key)("GET", "/audit-log", **query)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["data"]
    return entries


async def test_a_change_is_told_with_actor_values_and_request(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    await Native(client, account.key)(
        "PATCH", "/account", {"phone": "123", "test_mode": True}, headers={"X-Request-Id": "the-request"}
    )
    entry = (await log(client, account))[0]
    assert entry["actor"] == {
        "name": account.username,
        "account_id": str(account.public_id),
        "key_id": str(account.caller.key_id),
    }
    assert entry["object"] == {
        "type": "account",
        "id": str(account.public_id),
        "account_id": str(account.public_id),
    }
    assert entry["action"] == "changed"
    assert entry["changes"] == {"phone": ["", "123"], "test_mode": [False, True]}
    assert entry["request_id"] == "the-request"


async def test_what_does_not_change_leaves_no_entry(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    before = await log(client, account)
    await Native(client, account.key)("PATCH", "/account", {"phone": ""})
    await Native(client, account.key)("PATCH", "/account", {"phone": 5})
    assert await log(client, account) == before


async def test_secrets_and_long_texts_are_named_only(
    client: httpx2.AsyncClient, account: MadeAccount, engine: AsyncEngine
) -> None:
    call = Native(client, account.key)
    await call("PATCH", "/account", {"password": "a new long password", "company_name": "x" * 201})
    made = (await call("POST", "/api-keys", {"name": "k", "scopes": ["read"]})).json()
    await call("POST", f"/accounts/{account.public_id}/rotate-key")
    entries = await _everything(engine)
    key = [one for one in entries if one["object_type"] == "api_key"]
    changed = [one for one in entries if one["object_type"] == "account"]
    assert changed[-1]["changes"] == {"password_hash": None, "company_name": None}
    assert key[-3]["changes"]["name"] == [None, "k"]
    assert key[-3]["changes"]["digest"] is None
    assert [one["action"] for one in key[-3:]] == ["created", "deleted", "created"]
    text = str(await _everything(engine))
    for secret in ("a new long password", made["key"], account.key, "argon2"):
        assert secret not in text


async def _everything(engine: AsyncEngine) -> list[dict[str, Any]]:
    async with driver_connection(engine) as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM audit_log ORDER BY id")]


async def test_every_family_is_seen(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    data = {"apikey": account.key, "emailaddress": "a@dyn.example"}
    assert (await client.post("/rest/json/senders", data=data)).json()["response"]["status"] == 200
    answer = await client.post(
        "/api/v2/audiences",
        json={"name": "Ours", "from_email": "a@dyn.example", "from_name": "A", "default_subject": "S"},
        headers={"Authorization": f"Bearer {account.key}"},
    )
    entries = await log(client, account, actor=account.username)
    found = {(one["object"]["type"], one["action"]) for one in entries}
    assert ("sender", "created") in found
    if answer.status_code == 200:
        assert ("audience", "created") in found
        fields = [one for one in entries if one["object"]["type"] == "audience_field"]
        assert all(one["object"]["account_id"] == str(account.public_id) for one in fields)


async def test_filters(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    call = Native(client, account.key)
    key = await make.api_key(account.id, "write")
    await Native(client, key)("PATCH", "/account", {"phone": "1"})
    made = (await call("POST", "/api-keys", {"name": "k", "scopes": ["read"]})).json()
    mine = await log(client, account, actor=account.username.upper())
    assert len(mine) == 2
    assert len(await log(client, account, actor=str(account.public_id))) == 2
    assert len(await log(client, account, actor=str(account.caller.key_id))) == 1
    assert await log(client, account, actor="nobody") == []
    assert await log(client, account, actor="00000000-0000-0000-0000-000000000000") == []
    system = await log(client, account, actor="system")
    assert {one["actor"]["account_id"] for one in system} == {None}
    for object_ in (made["id"], f"api_key:{made['id']}"):
        (entry,) = await log(client, account, object=object_)
        assert entry["object"]["id"] == made["id"]
    assert len(await log(client, account, object="api_key")) == 3
    assert await log(client, account, object=f"account:{made['id']}") == []
    at = mine[1]["created_at"]
    assert await log(client, account, end="2020-01-01T00:00:00Z") == []
    assert mine[0] in await log(client, account, start=at)
    seen: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(20):
        page = (await call("GET", "/audit-log", limit="2", cursor=cursor)).json()
        seen += page["data"]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert seen == await log(client, account)
    bad: list[dict[str, Any]] = [{"start": "yesterday"}, {"cursor": "x"}, {"limit": "999"}]
    for query in bad:
        assert (await call("GET", "/audit-log", **query)).status_code == 400


async def test_who_sees_what(client: httpx2.AsyncClient, make: Factories) -> None:
    admin = await make.account("operator@accounts.example", role="admin")
    master, other = await make.account(), await make.account()
    sub = await make.account(parent=master)

    async def whose(account: MadeAccount, **headers: str) -> set[str]:
        answer = await Native(client, account.key, **headers)("GET", "/audit-log", limit="200")
        return {one["object"]["account_id"] for one in answer.json()["data"]}

    ids = {account.username: str(account.public_id) for account in (admin, master, other, sub)}
    assert await whose(admin) == set(ids.values())
    assert await whose(master) == {ids[master.username], ids[sub.username]}
    assert await whose(sub) == {ids[sub.username]}
    assert await whose(admin, **{"Trireme-Account": str(other.public_id)}) == {ids[other.username]}
    sending = Native(client, await make.api_key(master.id, "send"))
    assert (await sending("GET", "/audit-log")).status_code == 403


async def test_acting_for_another_is_told(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    sub = await make.account(parent=account)
    await Native(client, account.key)(
        "PATCH", "/account", {"phone": "9"}, headers={"Trireme-Account": str(sub.public_id)}
    )
    entry = (await log(client, sub))[0]
    assert entry["actor"]["account_id"] == str(account.public_id)
    assert entry["object"]["account_id"] == str(sub.public_id)

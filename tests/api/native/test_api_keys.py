"""`/api-keys`, over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import KeyRing
from app.db.engine import driver_connection
from tests.api.native.calling import Native, names_of
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


async def test_a_key_is_made_shown_once_renamed_and_revoked(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    call = Native(client, account.key)
    answer = await call("POST", "/api-keys", {"name": "shop backend", "scopes": ["send", "read"]})
    assert answer.status_code == 201
    made = answer.json()
    key = made.pop("key")
    assert len(key) == 32
    assert made["prefix"] == key[:6]
    assert list(made) == ["id", "name", "prefix", "scopes", "primary", "last_used_at", "expires_at", "created_at"]
    assert (made["scopes"], made["primary"], made["expires_at"]) == (["read", "send"], False, None)
    assert answer.headers["location"] == f"/api/trireme/v1/api-keys/{made['id']}"
    assert (await call("GET", f"/api-keys/{made['id']}")).json() == made
    listed = (await call("GET", "/api-keys")).json()
    assert [one["primary"] for one in listed["data"]] == [True, False]
    assert "key" not in listed["data"][1]

    renamed = await call("PATCH", f"/api-keys/{made['id']}", {"name": "till"})
    assert renamed.json()["name"] == "till"
    assert (await Native(client, key)("GET", "/account")).status_code == 200
    assert (await call("DELETE", f"/api-keys/{made['id']}")).status_code == 204
    assert (await Native(client, key)("GET", "/account")).status_code == 401
    assert (await call("GET", f"/api-keys/{made['id']}")).status_code == 404
    assert (await call("DELETE", f"/api-keys/{made['id']}")).status_code == 404


async def test_the_primary_key_stays(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    call = Native(client, account.key)
    (primary,) = (await call("GET", "/api-keys", count="true")).json()["data"]
    assert (await call("DELETE", f"/api-keys/{primary['id']}")).status_code == 409
    assert (await call("PATCH", f"/api-keys/{primary['id']}", {"name": "main"})).json()["name"] == "main"


async def test_a_key_opens_no_more_than_its_maker(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    call = Native(client, account.key)
    assert names_of(await call("POST", "/api-keys", {"name": "x", "scopes": ["admin"]})) == {"scopes": "invalid"}
    assert names_of(await call("POST", "/api-keys", {"name": "x", "scopes": ["fly"]})) == {"scopes.0": "invalid"}
    assert names_of(await call("POST", "/api-keys", {"name": "", "scopes": []})) == {
        "name": "too_short",
        "scopes": "too_short",
    }
    past = {"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert names_of(await call("POST", "/api-keys", past)) == {"expires_at": "out_of_range"}
    bad = {"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}
    assert names_of(await call("POST", "/api-keys", bad)) == {"expires_at": "invalid"}
    for scopes in (["read"], ["send"], ["read", "send"]):
        weak = Native(client, await make.api_key(account.id, *scopes))
        assert (await weak("POST", "/api-keys", {"name": "x", "scopes": ["read"]})).status_code == 403


async def test_a_writing_key_of_an_administrator_makes_no_key_for_administration(
    client: httpx2.AsyncClient, make: Factories
) -> None:
    admin = await make.account("operator@accounts.example", role="admin")
    body = {"name": "x", "scopes": ["admin"]}
    writing = Native(client, await make.api_key(admin.id, "write"))
    assert (await writing("POST", "/api-keys", body)).status_code == 403
    assert (await Native(client, admin.key)("POST", "/api-keys", body)).status_code == 201


async def test_a_key_expires(client: httpx2.AsyncClient, account: MadeAccount, engine: AsyncEngine) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    body = {"name": "x", "scopes": ["read"], "expires_at": at.isoformat()}
    made = (await Native(client, account.key)("POST", "/api-keys", body)).json()
    assert made["expires_at"] == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE api_keys SET expires_at = now() WHERE prefix = $1", made["prefix"])
    assert (await Native(client, made["key"])("GET", "/account")).status_code == 401


async def test_pages_and_tenancy(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    for _ in range(4):
        await make.api_key(account.id, "read")
    call = Native(client, account.key)
    first = (await call("GET", "/api-keys", limit="3", count="true")).json()
    second = (await call("GET", "/api-keys", limit="3", cursor=first["next_cursor"])).json()
    assert (len(first["data"]), first["total"], len(second["data"]), second["has_more"]) == (3, 5, 2, False)
    other = await make.account()
    foreign = Native(client, other.key)
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await foreign(method, f"/api-keys/{first['data'][1]['id']}", body)).status_code == 404
    for cursor in ("x", "WzFd", "WyJ4Il0"):
        assert (await call("GET", "/api-keys", cursor=cursor)).status_code == 400


async def test_use_is_noted_once_a_minute(make: Factories, account: MadeAccount, engine: AsyncEngine) -> None:
    async def used() -> list[datetime | None]:
        async with driver_connection(engine) as connection:
            rows = await connection.fetch("SELECT last_used_at FROM api_keys WHERE account_id = $1", account.id)
        return [row["last_used_at"] for row in rows]

    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE api_keys SET last_used_at = NULL")
    ring = KeyRing(engine)
    await asyncio.gather(*(ring.fresh(account.key) for _ in range(5)))
    await ring.close()
    first = await used()
    assert first[0] is not None
    await ring.fresh(account.key)
    await ring.close()
    assert await used() == first
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
        async with connection.transaction():
            # Somebody holds the row: nobody waits, the use goes unnoted.
            await connection.execute("SELECT 1 FROM api_keys FOR UPDATE")
            await ring.fresh(account.key)
            await ring.close()
    await ring.fresh(account.key)
    await ring.close()
    later = await used()
    assert later[0] is not None
    assert later[0] > first[0]

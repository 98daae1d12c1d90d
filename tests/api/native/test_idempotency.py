"""`Idempotency-Key`, over HTTP: one effect, equal answers."""

import asyncio
from collections import Counter
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import idempotency
from app.db.engine import driver_connection
from app.kit.clock import SystemClock
from app.main import Application
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

BODY = {"name": "shop", "scopes": ["send"]}
KEY = {"Idempotency-Key": "order-7"}


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
async def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


async def keys_made(engine: AsyncEngine, name: str = "shop") -> int:
    async with driver_connection(engine) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM api_keys WHERE name = $1", name))


async def test_a_repetition_gets_the_first_answer(call: Native, engine: AsyncEngine) -> None:
    first = await call("POST", "/api-keys", BODY, headers=KEY)
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    again = await call("POST", "/api-keys", BODY, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await keys_made(engine) == 1
    async with driver_connection(engine) as connection:
        row = await connection.fetchrow("SELECT * FROM idempotency_keys")
    assert row is not None
    assert first.json()["key"].encode() not in row["sealed"]


async def test_another_request_with_the_key_is_a_conflict(call: Native, engine: AsyncEngine) -> None:
    await call("POST", "/api-keys", BODY, headers=KEY)
    for path, body in (("/api-keys", {**BODY, "name": "other"}), ("/api-keys?x=1", BODY), ("/accounts", BODY)):
        answer = await call("POST", path, body, headers=KEY)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/idempotency-conflict")
    assert await keys_made(engine, "other") == 0


async def test_a_hundred_at_once_have_one_effect(call: Native, engine: AsyncEngine) -> None:
    answers = await asyncio.gather(*(call("POST", "/api-keys", BODY, headers=KEY) for _ in range(100)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    given = {answer.content for answer in answers if answer.status_code == 201}
    assert len(given) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/idempotency-in-progress"
            assert answer.headers["retry-after"] == "1"
    again = await asyncio.gather(*(call("POST", "/api-keys", BODY, headers=KEY) for _ in range(20)))
    assert {answer.content for answer in again if answer.status_code == 201} == given
    assert await keys_made(engine) == 1


async def test_a_refusal_is_kept_without_its_effect(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, account: MadeAccount
) -> None:
    call = Native(client, account.key)
    new = {"username": account.username, "password": "long enough", "account_name": "another"}
    first = await call("POST", "/accounts", new, headers=KEY)
    assert (first.status_code, first.json()["type"]) == (409, "/problems/conflict")
    await call("PATCH", "/account", {"username": "free@now.example"})
    again = await call("POST", "/accounts", new, headers=KEY)
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["content-type"] == "application/problem+json"
    assert (await call("POST", "/accounts", new)).status_code == 201


async def test_what_was_written_before_a_refusal_is_undone(call: Native, engine: AsyncEngine) -> None:
    new = {"username": "a@b.example", "password": "long enough", "x_headers": ["no"]}
    first = await call("POST", "/accounts", new, headers=KEY)
    assert names_of(first) == {"x_headers.0": "invalid"}
    assert (await call("POST", "/accounts", new, headers=KEY)).content == first.content
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM accounts WHERE username = 'a@b.example'") == 0
        assert await connection.fetchval("SELECT count(*) FROM audit_log WHERE changes::text LIKE '%a@b.example%'") == 0


async def test_a_body_that_is_not_valid_is_kept_and_one_that_is_no_json_is_not(call: Native) -> None:
    first = await call("POST", "/api-keys", {"name": ""}, headers=KEY)
    assert first.status_code == 422
    assert (await call("POST", "/api-keys", {"name": ""}, headers=KEY)).headers["idempotency-replayed"] == "true"
    assert (await call("POST", "/api-keys", BODY, headers=KEY)).status_code == 409


async def test_what_is_not_kept(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount, engine: AsyncEngine
) -> None:
    reading = Native(client, await make.api_key(account.id, "read"))
    assert (await reading("POST", "/api-keys", BODY, headers=KEY)).status_code == 403
    assert (await Native(client, "nonsense")("POST", "/api-keys", BODY, headers=KEY)).status_code == 401
    first = await Native(client, account.key)("POST", "/api-keys", BODY, headers=KEY)
    assert first.status_code == 201
    # The answer holds a key: who could not have made it does not get it.
    assert (await reading("POST", "/api-keys", BODY, headers=KEY)).status_code == 403
    assert await keys_made(engine) == 1


async def test_a_crash_leaves_nothing_and_the_repetition_does_it(
    app: Application,
    client: httpx2.AsyncClient,
    account: MadeAccount,
    engine: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = Native(client, account.key)
    with monkeypatch.context() as broken:
        broken.setattr(app.main_app.state.runtime.vault, "_fernet", None)
        assert (await call("POST", "/api-keys", BODY, headers=KEY)).status_code == 500
    assert await keys_made(engine) == 0
    assert (await call("POST", "/api-keys", BODY, headers=KEY)).status_code == 201
    assert await keys_made(engine) == 1


async def test_keys_are_an_accounts_own(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount, engine: AsyncEngine
) -> None:
    sub, other = await make.account(parent=account), await make.account()
    for key in (account.key, other.key):
        assert (await Native(client, key)("POST", "/api-keys", BODY, headers=KEY)).status_code == 201
    acting = await Native(client, account.key)(
        "POST", "/api-keys", BODY, headers={**KEY, "Trireme-Account": str(sub.public_id)}
    )
    assert acting.status_code == 201
    again = await Native(client, sub.key)("POST", "/api-keys", BODY, headers=KEY)
    assert again.content == acting.content
    assert await keys_made(engine) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_what_can_be_no_key(call: Native, key: str) -> None:
    answer = await call("POST", "/api-keys", BODY, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


async def test_other_verbs_do_not_care(call: Native) -> None:
    for phone in ("1", "2"):
        answer = await call("PATCH", "/account", {"phone": phone}, headers=KEY)
        assert answer.json()["phone"] == phone


async def test_after_a_day_a_key_is_free_again(call: Native, engine: AsyncEngine) -> None:
    await call("POST", "/api-keys", BODY, headers=KEY)
    await call("POST", "/api-keys", BODY, headers={"Idempotency-Key": "young"})
    async with driver_connection(engine) as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second' WHERE key = 'order-7'"
        )
    other = await call("POST", "/api-keys", {**BODY, "name": "other"}, headers=KEY)
    assert other.status_code == 201
    assert (await call("POST", "/api-keys", BODY, headers=KEY)).status_code == 409
    now = SystemClock().now()
    assert await idempotency.forget(engine, now=now) == 0
    assert await idempotency.forget(engine, now=now + timedelta(hours=24, minutes=1)) == 2


async def test_bodies_of_another_type_and_without_credentials(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    headers = {"Authorization": f"Bearer {account.key}", "Content-Type": "text/plain"}
    url = f"{BASE}/api-keys"
    assert (await client.post(url, content=b"{}", headers=headers)).status_code == 415
    assert (await client.post(url, content=b"{}", headers={"Content-Type": "text/plain"})).status_code == 401
    headers["Content-Type"] = "application/json"
    for content in (b"{", b"\xff", b"[1"):
        answer = await client.post(url, content=content, headers={**headers, **KEY})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")
        assert (
            await client.post(url, content=content, headers={"Content-Type": "application/json"})
        ).status_code == 401
    big = b'{"name":"' + b"x" * (10 * 1024 * 1024) + b'"}'
    for more in ({}, KEY):
        answer = await client.post(url, content=big, headers={**headers, **more})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")

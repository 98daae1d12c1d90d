"""`/api/trireme/v1/postback-deliveries`, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uuid
from app.models import Postback
from tests.factories import Factories, MadeAccount

PATH = "/api/trireme/v1/postback-deliveries"
AT = datetime(2026, 11, 5, 9, tzinfo=UTC)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


async def put(engine: AsyncEngine, account: MadeAccount, **more: Any) -> int:
    row = {
        "account_id": account.id,
        "kind": "bounce",
        "event_id": 1,
        "message_id": 7,
        "accepted_at": AT,
        "url": "https://hooks.example.com/b",
        "endpoint": "https://hooks.example.com:443",
        "due_at": AT,
        **more,
    }
    async with unit_of_work(engine) as write:
        number: int = (await write.execute(insert(Postback).values(**row).returning(Postback.id))).scalar_one()
    return number


async def ask(
    client: httpx2.AsyncClient, key: str, method: str, path: str = "", expect: int = 200, **query: Any
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.request(method, PATH + path, params=query, headers=headers)
    assert answer.status_code == expect, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_calls_are_listed_and_made_again(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    waiting = await put(engine, account, attempts=1, last_error="HTTP status 503")
    failed = await put(engine, account, kind="spam", attempts=4, last_error="no connection", given_up_at=AT)
    stranger = await make.account()
    await put(engine, stranger)
    second, first = (await ask(client, account.key, "GET"))["data"]
    assert first == {
        "id": str(uuid(Noun.DELIVERY, waiting)),
        "kind": "bounce",
        "url": "https://hooks.example.com/b",
        "email_id": "20261105090000.000000000007@mail-1",
        "status": "waiting",
        "tries": 1,
        "last_status_code": 503,
        "last_error": "HTTP status 503",
        "next_try_at": "2026-11-05T09:00:00.000Z",
        "created_at": first["created_at"],
    }
    assert (second["id"], second["status"]) == (str(uuid(Noun.DELIVERY, failed)), "failed")
    assert (second["last_status_code"], second["next_try_at"]) == (None, None)
    cases: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        ({"status": "failed"}, [second]),
        ({"kind": "bounce"}, [first]),
        ({"kind": "unsubscribe"}, []),
    ]
    for query, found in cases:
        assert (await ask(client, account.key, "GET", expect=200, **query))["data"] == found
    page = await ask(client, account.key, "GET", limit=1)
    assert (page["data"], page["has_more"]) == ([second], True)
    assert (await ask(client, account.key, "GET", limit=1, cursor=page["next_cursor"]))["data"] == [first]
    again = await ask(client, account.key, "POST", f"/{second['id']}/retry", 202)
    assert (again["id"], again["status"], again["tries"]) == (second["id"], "waiting", 0)
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT due_at <= now() FROM postbacks WHERE id = $1", failed)
    for which in (second["id"], "nonsense", str(uuid(Noun.DELIVERY, 10**9)), str(uuid(Noun.JOB, failed))):
        await ask(client, stranger.key, "POST", f"/{which}/retry", 404)


async def test_bad_values_are_refused(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    for query in ({"cursor": "x"}, {"status": "lost"}, {"kind": "fax"}, {"limit": "0"}):
        await ask(client, account.key, "GET", expect=400, **query)
    reader = await make.api_key(account.id, "read")
    await ask(client, reader, "POST", f"/{uuid(Noun.DELIVERY, 1)}/retry", 403)

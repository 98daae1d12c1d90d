"""`/api/trireme/v1/system`, over HTTP."""

from pathlib import Path

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from app import __version__
from app.core.system import Check, database_check, queue_depth, storage_check
from app.db.engine import driver_connection, make_engine
from app.kit.clock import SystemClock
from app.main import create_app
from app.settings import Settings, System
from tests.factories import Factories

BASE = "/api/trireme/v1/system"
NOWHERE = "postgresql+asyncpg://app@127.0.0.1:1/app"


async def test_health_and_version_need_no_key(client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"{BASE}/health")).json() == {"status": "ok"}
    assert (await client.get(f"{BASE}/version")).json() == {"name": "trireme", "version": __version__, "api": "v1"}


async def test_ready_tells_each_check(client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"{BASE}/ready")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "queue": "ok", "storage": "ok"}}


async def test_a_missing_broker_is_shown_and_does_not_make_it_unready(settings: Settings) -> None:
    settings = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    app = create_app(settings)
    async with app.running(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://t") as client:
        answer = await client.get(f"{BASE}/ready")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": "ok", "queue": "down", "storage": "ok"}


async def test_a_schema_of_another_version_makes_it_unready(client: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = 'older'")
    answer = await client.get(f"{BASE}/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unready",
        "checks": {"database": "not migrated", "queue": "ok", "storage": "ok"},
    }


async def test_an_empty_database_is_not_migrated(engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        await connection.execute("DROP TABLE alembic_version")
    assert await database_check(engine, SystemClock().now()) is Check.NOT_MIGRATED


async def test_no_month_ahead_makes_it_unready(engine: AsyncEngine) -> None:
    now = SystemClock().now()
    assert await database_check(engine, now) is Check.OK
    assert await database_check(engine, now.replace(year=now.year + 2)) is Check.PARTITIONS_MISSING


async def test_without_postgresql_the_database_is_down(settings: Settings) -> None:
    engine = make_engine(settings.model_copy(update={"database_url": NOWHERE}))
    assert await database_check(engine, SystemClock().now()) is Check.DOWN
    assert await queue_depth(engine) is None
    await engine.dispose()


async def test_a_data_directory_that_cannot_be_made_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert await storage_check(tmp_path / "file" / "below") is Check.NOT_WRITABLE
    assert await storage_check(tmp_path / "new") is Check.OK


async def test_metrics_are_for_administrators(client: httpx2.AsyncClient, make: Factories) -> None:
    admin = await make.account(role="admin")
    master = await make.account()
    narrow = await make.api_key(admin.id, "read", "write")
    assert (await client.get(f"{BASE}/metrics")).status_code == 401
    for key in (master.key, narrow):
        answer = await client.get(f"{BASE}/metrics", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 403

    answer = await client.get(f"{BASE}/metrics", headers={"Authorization": f"Bearer {admin.key}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'trireme_queue_depth{state="sending"} 0.0' in answer.text
    assert 'trireme_http_requests_total{family="native",status="401"}' in answer.text


async def test_open_metrics_need_no_key(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"system": System(open_metrics=True)}))
    async with app.running(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://t") as client:
        assert (await client.get(f"{BASE}/metrics")).status_code == 200


async def test_a_bad_credential_is_401_with_a_challenge(client: httpx2.AsyncClient) -> None:
    for given in ("Basic abc", "Bearer", "Bearer  ", "Bearer " + "x" * 300, "Bearer nonsense", "é", ""):
        answer = await client.get(f"{BASE}/metrics", headers=[(b"Authorization", given.encode())])
        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/unauthenticated"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]

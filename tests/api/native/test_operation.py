"""`/system/settings` and `/system/queue`, over HTTP."""

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.settings import Settings, described
from tests.api.native.calling import Native, names_of
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def admin(make: Factories) -> MadeAccount:
    return await make.account("operator@accounts.example", role="admin")


async def test_settings_are_shown_with_their_source_and_without_secrets(
    client: httpx2.AsyncClient, admin: MadeAccount, settings: Settings
) -> None:
    answer = await Native(client, admin.key)("GET", "/system/settings")
    assert answer.status_code == 200
    found = {one["name"]: one for one in answer.json()["data"]}
    assert found["queue.lifetime_hours"] == {
        "name": "queue.lifetime_hours",
        "variable": "TRIREME_QUEUE_LIFETIME_HOURS",
        "value": 72.0,
        "default": 72.0,
        "source": "default",
        "secret": False,
    }
    assert found["public_url"]["source"] == "program"
    assert found["secret_keys"]["value"] is None
    for secret in (settings.secret_keys[0], settings.database_url):
        assert secret not in answer.text


def test_where_values_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    file = tmp_path / "trireme.toml"
    file.write_text('node_name = "other"\n[queue]\nlifetime_hours = 3\n[limits]\ndyn_per_second = 4\n')
    monkeypatch.setenv("TRIREME_CONFIG", str(file))
    monkeypatch.setenv("TRIREME_LIMITS_DYN_PER_SECOND", "5")
    for name in ("public_url", "bounce_domain", "database_url", "broker_url"):
        monkeypatch.setenv(f"TRIREME_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("TRIREME_SECRET_KEYS", "x" * 32)
    found = {one.name: one for one in described(Settings())}
    assert (found["node_name"].value, found["node_name"].source) == ("other", "file")
    assert (found["queue.lifetime_hours"].value, found["queue.lifetime_hours"].source) == (3, "file")
    assert (found["limits.dyn_per_second"].value, found["limits.dyn_per_second"].source) == (5, "environment")
    assert found["simulator.enabled"].source == "default"
    assert (found["secret_keys"].value, found["secret_keys"].source) == (None, "environment")


async def test_settings_are_changed_where_they_are_given(client: httpx2.AsyncClient, admin: MadeAccount) -> None:
    call = Native(client, admin.key)
    assert (await call("PATCH", "/system/settings", {"simulator.enabled": True})).status_code == 200
    answer = await call("PATCH", "/system/settings", {"simulator.enabled": False})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert "TRIREME_SIMULATOR_ENABLED" in answer.json()["detail"]
    assert (await call("PATCH", "/system/settings", {"secret_keys": None})).status_code == 409
    assert names_of(await call("PATCH", "/system/settings", {"colour": "red"})) == {"colour": "unknown"}
    assert (await call("PATCH", "/system/settings", [])).status_code == 422


async def test_the_queue_by_destination_and_its_flush(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, admin: MadeAccount
) -> None:
    call = Native(client, admin.key)
    empty = (await call("GET", "/system/queue")).json()
    assert (empty["oldest_accepted_at"], empty["data"]) == (None, [])
    async with driver_connection(engine) as connection:
        for number, (site, attempt, minutes) in enumerate(
            [("a.example", 1, 0), ("a.example", 2, 30), ("b.example", 3, 60), ("a.example", 4, 90)], 1
        ):
            await connection.execute(
                "INSERT INTO delivery_queue (message_id, accepted_at, due_at, lane, attempt, site)"
                " VALUES ($1, now() - $2::interval, now() + $2::interval, 1, $3, $4)",
                number,
                timedelta(minutes=minutes),
                attempt,
                site,
            )
    shown = (await call("GET", "/system/queue")).json()
    assert (shown["states"]["queued"], shown["states"]["deferred"]) == (1, 3)
    first, second = shown["data"]
    assert (first["domain"], first["depth"], first["queued"], first["deferred"]) == ("a.example", 3, 1, 2)
    assert shown["oldest_accepted_at"] == first["oldest_accepted_at"] < second["oldest_accepted_at"]
    assert len((await call("GET", "/system/queue", limit=1)).json()["data"]) == 1
    assert (await call("POST", "/system/queue/flush", {"domain": "nobody.example"})).json() == {"flushed": 0}
    assert (await call("POST", "/system/queue/flush", {"domain": "A.example"})).json() == {"flushed": 2}
    assert (await call("POST", "/system/queue/flush")).json() == {"flushed": 1}
    assert names_of(await call("POST", "/system/queue/flush", {"site": "x"})) == {"site": "unknown"}
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM delivery_queue WHERE due_at <= now()") == 4


async def test_they_are_for_administrators(client: httpx2.AsyncClient, make: Factories, admin: MadeAccount) -> None:
    master = await make.account()
    writing = await make.api_key(admin.id, "write")
    for key, status in ((master.key, 403), (writing, 403), ("nonsense", 401)):
        for method, path in (
            ("GET", "/system/settings"),
            ("PATCH", "/system/settings"),
            ("GET", "/system/queue"),
            ("POST", "/system/queue/flush"),
        ):
            body: dict[str, str] | None = None if method == "GET" else {}
            assert (await Native(client, key)(method, path, body)).status_code == status


async def test_the_figures_have_jobs(client: httpx2.AsyncClient, admin: MadeAccount, engine: AsyncEngine) -> None:
    async with driver_connection(engine) as connection:
        await connection.execute(
            "INSERT INTO jobs (account_id, type, status) VALUES ($1, 'contact_import', 'done')", admin.id
        )
    text = (await Native(client, admin.key)("GET", "/system/metrics")).text
    assert 'trireme_jobs{status="done",type="contact_import"} 1.0' in text.replace(
        'trireme_jobs{type="contact_import",status="done"}', 'trireme_jobs{status="done",type="contact_import"}'
    )
    assert "trireme_webhook_deliveries_total" in text or "trireme_webhook_deliveries" in text

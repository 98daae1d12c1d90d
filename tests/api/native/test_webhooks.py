"""`/api/trireme/v1/webhooks`, over HTTP."""

import base64
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import events, webhooks
from app.core.events import EventType
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uuid
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

URL = "https://hooks.example.com/trireme"
BODY = {"url": URL, "event_types": ["email.bounced", "email.complained"]}


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


async def made(call: Native, **changes: Any) -> dict[str, Any]:
    answer = await call("POST", "/webhooks", {**BODY, **changes})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_webhook_from_creation_to_deletion(call: Native) -> None:
    answer = await call("POST", "/webhooks", BODY)
    new = answer.json()
    path = f"/webhooks/{new['id']}"
    assert answer.headers["location"] == BASE + path
    secret = new.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert new == {
        "id": new["id"], "url": URL, "event_types": ["email.bounced", "email.complained"], "status": "active",
        "description": "", "failing_since": None, "created_at": new["created_at"], "updated_at": new["updated_at"],
    }  # fmt: skip
    assert (await call("GET", path)).json() == new
    assert (await call("GET", "/webhooks")).json()["data"] == [new]
    changed = (await call("PATCH", path, {"event_types": ["*"], "description": "Ours", "status": "disabled"})).json()
    assert (changed["event_types"], changed["description"], changed["status"]) == (["*"], "Ours", "disabled")
    assert changed["url"] == URL
    assert (await call("PATCH", path, {"description": None})).json()["description"] == ""
    rotated = await call("POST", f"{path}/rotate-secret")
    assert rotated.status_code == 200
    assert rotated.json()["secret"] not in {secret, ""}
    assert secret not in (await call("GET", "/audit-log")).text
    assert (await call("DELETE", path)).status_code == 204
    assert (await call("GET", path)).status_code == (await call("DELETE", path)).status_code == 404


async def test_pages(call: Native) -> None:
    ids = [(await made(call, description=f"{number}"))["id"] for number in range(5)]
    first = (await call("GET", "/webhooks", limit="3")).json()
    second = (await call("GET", "/webhooks", limit="3", cursor=first["next_cursor"])).json()
    assert [one["id"] for one in first["data"] + second["data"]] == ids
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert "secret" not in first["data"][0]


BAD: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"url": URL}, {"event_types": "required"}),
    ({"event_types": ["*"]}, {"url": "required"}),
    ({**BODY, "event_types": []}, {"event_types": "required"}),
    ({**BODY, "event_types": ["email.bounced", "email.lost"]}, {"event_types.1": "invalid"}),
    ({**BODY, "event_types": "*"}, {"event_types": "invalid"}),
    ({**BODY, "event_types": ["x"] * 101}, {"event_types": "too_long"}),
    ({**BODY, "description": "x" * 501}, {"description": "too_long"}),
    ({**BODY, "secret": "whsec_x"}, {"secret": "unknown"}),
    ({**BODY, "url": ""}, {"url": "invalid"}),
    ({**BODY, "url": "ftp://example.com/"}, {"url": "invalid"}),
    ({**BODY, "url": "https://user:pass@example.com/"}, {"url": "invalid"}),
    ({**BODY, "url": "https://example.com:99999/"}, {"url": "invalid"}),
    ({**BODY, "url": "https://exa mple.com/"}, {"url": "invalid"}),
    ({**BODY, "url": "https://example.com/\r\nX: y"}, {"url": "invalid"}),
    ({**BODY, "url": "http://127.0.0.1/"}, {"url": "invalid"}),
    ({**BODY, "url": "http://127.1/"}, {"url": "invalid"}),
    ({**BODY, "url": "http://2130706433/"}, {"url": "invalid"}),
    ({**BODY, "url": "http://169.254.169.254/latest"}, {"url": "invalid"}),
    ({**BODY, "url": "http://[::1]/"}, {"url": "invalid"}),
    ({**BODY, "url": "http://[::ffff:10.0.0.1]/"}, {"url": "invalid"}),
    ({**BODY, "url": "https://example.com/" + "x" * 2048}, {"url": "too_long"}),
]


async def test_bad_values_are_refused(call: Native) -> None:
    for body, wrong in BAD:
        assert names_of(await call("POST", "/webhooks", body)) == wrong, body


async def test_a_bad_change_changes_nothing(call: Native) -> None:
    new = await made(call)
    path = f"/webhooks/{new['id']}"
    for body in ({"url": "http://10.0.0.1/"}, {"event_types": None}, {"status": "lost"}, {"url": None}, {"id": "x"}):
        assert (await call("PATCH", path, {"description": "new", **body})).status_code == 422, body
    assert (await call("GET", path)).json()["description"] == ""


async def test_an_account_has_fifty_at_most(call: Native, engine: AsyncEngine, account: MadeAccount) -> None:
    await made(call)
    async with driver_connection(engine) as connection:
        await connection.execute(
            "INSERT INTO webhooks (account_id, url, event_types, secret)"
            " SELECT account_id, url, event_types, secret FROM webhooks, generate_series(1, 49)"
        )
    assert names_of(await call("POST", "/webhooks", BODY)) == {"url": "invalid"}


async def test_a_sample_is_put_in_and_listed(call: Native) -> None:
    new = await made(call, event_types=["email.*"])
    path = f"/webhooks/{new['id']}"
    answer = await call("POST", f"{path}/test")
    assert answer.status_code == 202, answer.text
    sample = answer.json()
    assert (sample["event_type"], sample["status"], sample["tries"]) == ("email.bounced", "waiting", 0)
    assert (sample["last_status_code"], sample["last_error"], sample["delivered_at"]) == (None, "", None)
    assert str(UUID(sample["event_id"])) == sample["event_id"]
    assert (await call("GET", f"{path}/deliveries")).json()["data"] == [sample]
    assert (await call("GET", f"{path}/deliveries", status="failed")).json()["data"] == []
    assert (await call("GET", f"{path}/deliveries", status="lost")).status_code == 400
    await call("PATCH", path, {"status": "disabled"})
    refused = await call("POST", f"{path}/test")
    assert (refused.status_code, refused.json()["state"]) == (409, "disabled")


async def test_a_delivery_names_its_event_and_is_sent_again(
    call: Native, engine: AsyncEngine, account: MadeAccount
) -> None:
    new = await made(call, event_types=["contact.*"])
    path = f"/webhooks/{new['id']}/deliveries"
    async with unit_of_work(engine) as write:
        await events.emit(write, account.id, EventType.CONTACT_CREATED, address="jo@example.org")
    async with driver_connection(engine) as connection, connection.transaction():
        await webhooks.enqueue(connection, await events.take(connection, 10))
    [delivery] = (await call("GET", path)).json()["data"]
    [event] = (await call("GET", "/events", type="contact.*")).json()["data"]
    assert delivery["event_id"] == event["id"], "readable before it is delivered"
    async with driver_connection(engine) as connection:
        await connection.execute(
            "UPDATE webhook_deliveries SET status = 'delivered', attempts = 3, delivered_at = now()"
        )
    again = await call("POST", f"{path}/{delivery['id']}/retry")
    assert again.status_code == 202
    assert (again.json()["status"], again.json()["tries"]) == ("waiting", 0)
    assert again.json()["event_id"] == event["id"]
    for which in ("nonsense", str(uuid(Noun.DELIVERY, 10**9)), new["id"]):
        assert (await call("POST", f"{path}/{which}/retry")).status_code == 404


async def test_others_see_nothing_of_it(call: Native, client: httpx2.AsyncClient, make: Factories) -> None:
    new = await made(call)
    path = f"/webhooks/{new['id']}"
    sample = (await call("POST", f"{path}/test")).json()
    stranger = Native(client, (await make.account()).key)
    other = await made(stranger)
    assert [one["id"] for one in (await stranger("GET", "/webhooks")).json()["data"]] == [other["id"]]
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {"description": "mine"}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("POST", f"/deliveries/{sample['id']}/retry", None),
    ):
        assert (await stranger(method, path + tail, body)).status_code == 404, tail
    assert (await stranger("POST", f"/webhooks/{other['id']}/deliveries/{sample['id']}/retry")).status_code == 404
    for which in ("x", "0" * 64, str(uuid(Noun.JOB, 1)), "%00"):
        assert (await call("GET", f"/webhooks/{which}")).status_code == 404, which


async def test_reading_alone_changes_nothing(
    call: Native, client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    new = await made(call)
    reader = Native(client, await make.api_key(account.id, "read"))
    assert (await reader("GET", f"/webhooks/{new['id']}")).status_code == 200
    for method, path, body in (
        ("POST", "/webhooks", BODY),
        ("PATCH", f"/webhooks/{new['id']}", {"description": "x"}),
        ("POST", f"/webhooks/{new['id']}/rotate-secret", None),
        ("POST", f"/webhooks/{new['id']}/test", None),
        ("DELETE", f"/webhooks/{new['id']}", None),
    ):
        assert (await reader(method, path, body)).status_code == 403, path


async def test_made_once_by_one_idempotency_key(call: Native) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await call("POST", "/webhooks", BODY, headers=headers)
    second = await call("POST", "/webhooks", BODY, headers=headers)
    assert first.json() == second.json()
    assert len((await call("GET", "/webhooks")).json()["data"]) == 1

"""Contacts over HTTP: filters, pages, what is done to one, its history."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Scope
from app.core.audiences import Audience
from app.db.engine import driver_connection
from app.kit.uids import Noun, uid, uuid
from app.settings import Settings
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

SENDER = "news@acme.example"


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    fields = {"FIRST_NAME": "text", "AGE": "number", "PLAN_NAME": "text"}
    return await make.audience(account, fields=fields, from_email=SENDER)


def path_of(audience: Audience, *parts: str) -> str:
    return "/".join([f"/audiences/{uid(Noun.AUDIENCE, audience.id)}/contacts", *parts])


async def emails(call: Native, audience: Audience, **query: Any) -> list[str]:
    answer = await call("GET", path_of(audience), **query)
    assert answer.status_code == 200, answer.text
    return [one["email"] for one in answer.json()["data"]]


async def test_a_contact_from_creation_to_deletion(call: Native, audience: Audience) -> None:
    given = {"email": " Jake@Gmail.com ", "fields": {"PLAN_NAME": "Standard", "AGE": 7}, "tags": ["newcustomer", " a "]}
    answer = await call("POST", path_of(audience), given)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"{BASE}/audiences/{uuid(Noun.AUDIENCE, audience.id)}/contacts/{made['id']}"
    assert set(made) == {
        *("id", "uid", "number", "audience_id", "email", "status", "source", "ip_address", "tags", "fields"),
        *("subscribed_at", "unsubscribed_at", "created_at", "updated_at"),
    }  # fmt: skip
    assert (made["email"], made["status"], made["source"]) == ("jake@gmail.com", "subscribed", "api")
    assert made["fields"] == {"PLAN_NAME": "Standard", "AGE": "7"}
    assert made["tags"] == ["newcustomer", "a"]
    for name in (made["id"], made["uid"], "JAKE@gmail.com"):
        assert (await call("GET", path_of(audience, name))).json() == made
    path = path_of(audience, made["uid"])
    change = {"fields": {"AGE": None, "FIRST_NAME": "Jake"}, "tags": ["b"], "email": "jo@x.example"}
    changed = (await call("PATCH", path, change)).json()
    assert (changed["email"], changed["tags"]) == ("jo@x.example", ["b"])
    assert changed["fields"] == {"PLAN_NAME": "Standard", "FIRST_NAME": "Jake"}
    assert (await call("DELETE", path)).status_code == 204
    assert (await call("GET", path)).status_code == 404


async def test_an_address_is_there_once_and_upsert_changes_it(call: Native, audience: Audience) -> None:
    assert (await call("POST", path_of(audience), {"email": "a@x.example", "tags": ["t"]})).status_code == 201
    again = await call("POST", path_of(audience), {"email": "A@x.example"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    await call("POST", path_of(audience, "a@x.example", "unsubscribe"))
    given = {"email": "a@x.example", "fields": {"AGE": "8"}, "status": "subscribed"}
    answer = await call("POST", path_of(audience), given, upsert="true")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["fields"], answer.json()["tags"]) == (
        "unsubscribed",
        {"AGE": "8"},
        ["t"],
    )
    answer = await call("POST", path_of(audience), {"email": "b@x.example"}, upsert="true")
    assert (answer.status_code, answer.json()["email"]) == (201, "b@x.example")


async def test_bad_values_are_told_by_name(
    call: Native, audience: Audience, make: Factories, account: MadeAccount
) -> None:
    path = path_of(audience)
    assert names_of(await call("POST", path, {})) == {"email": "required"}
    assert names_of(await call("POST", path, {"email": "x"})) == {"email": "invalid"}
    assert names_of(await call("POST", path, {"email": "a@x.example", "fields": {"AGE": "x"}})) == {"AGE": "invalid"}
    assert names_of(await call("POST", path, {"email": "a@x.example", "fields": {"NONE": "x"}})) == {"NONE": "unknown"}
    assert names_of(await call("POST", path, {"email": "a@x.example", "status": "blacklisted"})) == {
        "status": "invalid"
    }
    assert names_of(await call("POST", path, {"email": "a@x.example", "what": 1})) == {"what": "unknown"}
    assert "fields.AGE" in str(names_of(await call("POST", path, {"email": "a@x.example", "fields": {"AGE": {}}})))
    await make.suppression(account.id, "gone@x.example")
    assert names_of(await call("POST", path, {"email": "gone@x.example"})) == {"email": "suppressed"}
    bad = {"status": "x", "created_after": "x", "sort": "x", "cursor": "x", "segment_id": "x"}
    for name, value in [*bad.items(), ("segment_id", str(uuid4()))]:
        query: dict[str, Any] = {name: value}
        assert (await call("GET", path, **query)).status_code == 400, query


async def test_filters_and_sorts(call: Native, audience: Audience, make: Factories) -> None:
    await make.contact(audience, "cat@x.example", tags=["vip"], fields={"FIRST_NAME": "Ann", "AGE": "9"})
    await make.contact(audience, "bee@x.example", status="unsubscribed", fields={"FIRST_NAME": "100%"})
    await make.contact(audience, "ape@y.example", tags=["vip", "new"])
    await make.contact(await make.audience(audience.account_id), "other@x.example")
    everybody = ["cat@x.example", "bee@x.example", "ape@y.example"]
    assert await emails(call, audience) == everybody
    assert await emails(call, audience, sort="-created_at") == everybody[::-1]
    assert await emails(call, audience, sort="email") == sorted(everybody)
    await call("POST", path_of(audience, "cat@x.example", "tags"), {"tags": ["late"]})
    assert (await emails(call, audience, sort="-updated_at"))[0] == "cat@x.example"
    assert await emails(call, audience, status="unsubscribed") == ["bee@x.example"]
    assert await emails(call, audience, tag="vip", sort="email") == ["ape@y.example", "cat@x.example"]
    assert await emails(call, audience, email="CAT@x.example") == ["cat@x.example"]
    assert await emails(call, audience, q="X.EXAMPLE") == everybody[:2]
    assert await emails(call, audience, q="ann") == ["cat@x.example"]
    assert await emails(call, audience, q="0%") == ["bee@x.example"]
    assert await emails(call, audience, created_after="2020-01-01T00:00:00Z") == everybody
    assert await emails(call, audience, created_before="2020-01-01T00:00:00Z") == []
    assert await emails(call, audience, source="imported") == []
    answer = (await call("GET", path_of(audience), count="true", status="subscribed", limit="1")).json()
    assert (answer["total"], len(answer["data"]), answer["has_more"]) == (2, 1, True)
    assert (await call("GET", path_of(audience), count="true", q="ann")).json()["total"] == 1
    segment = {"name": "old", "conditions": [{"type": "field", "field": "AGE", "op": "gt", "value": 8}]}
    made = (await call("POST", f"/audiences/{uid(Noun.AUDIENCE, audience.id)}/segments", segment)).json()
    assert await emails(call, audience, segment_id=made["id"]) == ["cat@x.example"]


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "email", "-email", "updated_at", "-updated_at"])
async def test_pages_hold_everybody_once(call: Native, audience: Audience, make: Factories, sort: str) -> None:
    expected = await make.contacts(audience, 7)  # one transaction: all made at the same time
    found: list[str] = []
    query: dict[str, Any] = {}
    for _ in range(10):
        page = (await call("GET", path_of(audience), limit="2", sort=sort, **query)).json()
        found += [one["email"] for one in page["data"]]
        if not page["has_more"]:
            break
        query = {"cursor": page["next_cursor"]}
        if len(found) == 4:
            await make.contact(audience, "0@x.example")  # comes in before or behind, and disturbs nobody
    assert [one for one in found if one != "0@x.example"] == (expected[::-1] if sort.startswith("-") else expected)


async def test_what_is_done_to_one(call: Native, audience: Audience) -> None:
    await call("POST", path_of(audience), {"email": "a@x.example"})
    path = path_of(audience, "a@x.example")
    gone = (await call("POST", f"{path}/unsubscribe")).json()
    assert (gone["status"], gone["unsubscribed_at"] is not None) == ("unsubscribed", True)
    assert (await call("POST", f"{path}/subscribe")).json()["status"] == "subscribed"
    answer = await call("POST", f"{path}/resend-confirmation")
    assert (answer.status_code, answer.json()["type"], answer.json()["state"]) == (
        409,
        "/problems/wrong-state",
        "subscribed",
    )
    assert (await call("POST", f"{path}/tags", {"tags": ["a", "b/c", "a"]})).json()["tags"] == ["a", "b/c"]
    assert (await call("DELETE", f"{path}/tags/b%2Fc")).status_code == 204
    assert (await call("DELETE", f"{path}/tags/b%2Fc")).status_code == 404
    assert (await call("GET", path)).json()["tags"] == ["a"]
    assert names_of(await call("POST", f"{path}/tags", {"tags": []})) == {"tags": "too_short"}
    assert names_of(await call("POST", f"{path}/tags", {"tags": ["x" * 101]})) == {"tags": "too_long"}
    event: dict[str, Any] = {"name": "bought", "properties": {"n": 1}, "occurred_at": "2026-01-05T09:00:00Z"}
    answer = await call("POST", f"{path}/events", event)
    assert (answer.status_code, answer.json()["occurred_at"]) == (201, "2026-01-05T09:00:00.000Z")
    assert names_of(await call("POST", f"{path}/events", {"name": "a b"})) == {"name": "invalid"}
    late = {"name": "x", "occurred_at": "2099-01-05T09:00:00Z"}
    assert names_of(await call("POST", f"{path}/events", late)) == {"occurred_at": "out_of_range"}


async def test_double_opt_in_waits_for_the_contact(
    call: Native, make: Factories, account: MadeAccount, engine: AsyncEngine, settings: Settings
) -> None:
    audience = await make.audience(account, settings={"double_opt_in": True}, from_email=SENDER)
    made = (await call("POST", path_of(audience), {"email": "a@x.example"})).json()
    assert (made["status"], made["subscribed_at"]) == ("unconfirmed", None)
    sure = (await call("POST", path_of(audience), {"email": "b@x.example", "skip_confirmation": True})).json()
    assert sure["status"] == "subscribed"
    answer = await call("POST", path_of(audience, made["id"], "resend-confirmation"))
    assert (answer.status_code, answer.json()["status"]) == (200, "unconfirmed")
    contradiction = {"email": "c@x.example", "status": "unconfirmed", "skip_confirmation": True}
    assert names_of(await call("POST", path_of(audience), contradiction)) == {"skip_confirmation": "invalid"}


async def test_its_history_is_read_in_pages(
    call: Native, audience: Audience, make: Factories, engine: AsyncEngine
) -> None:
    contact = await make.contact(audience, "a@x.example", tags=["t"])
    path = path_of(audience, "a@x.example")
    await call("POST", f"{path}/unsubscribe")
    await call("POST", f"{path}/events", {"name": "bought", "properties": {"n": 1}})
    async with driver_connection(engine) as connection:
        accepted = await connection.fetchval("SELECT date_trunc('second', now()) - interval '1 hour'")
        await connection.execute(
            "INSERT INTO messages (id, accepted_at, account_id, sender_id, contact_id, accepted_ms, kind, state, recipient,"
            " delivered_at) VALUES (9000, $1, $2, 1, $3, 0, 'campaign', 'delivered', 'A@x.example', $1)",
            accepted, audience.account_id, contact.id,
        )  # fmt: skip
        for number, table, more in ((1, "opens", ""), (2, "clicks", ", link, url")):
            values = ", 0, 'https://x.example/'" if more else ""
            await connection.execute(
                f"INSERT INTO {table} (message_id, accepted_at, id, account_id, sender_id, occurred_at, ip, user_agent, machine{more})"  # noqa: S608 constants
                f" VALUES (9000, $1, {number}, $2, 1, $1::timestamptz + interval '{number} minutes', '', '', false{values})",
                accepted, audience.account_id,
            )  # fmt: skip
    whole = (await call("GET", f"{path}/activity")).json()["data"]
    kinds = [one["type"] for one in whole]
    assert kinds[0] == "contact.event"
    assert kinds[1] == "contact.unsubscribed"
    assert set(kinds[2:5]) == {"contact.created", "contact.subscribed", "contact.tagged"}
    assert kinds[5:] == ["email.clicked", "email.opened", "email.delivered", "email.accepted"]
    assert whole[0]["data"] == {"name": "bought", "properties": {"n": 1}}
    assert whole[-1]["email_id"].endswith("@mail-1")
    found: list[Any] = []
    cursor = ""
    for _ in range(9):
        page = (await call("GET", f"{path}/activity", limit="2", cursor=cursor)).json()
        found += page["data"]
        cursor = page["next_cursor"] or ""
        if not cursor:
            break
    assert found == whole
    assert (await call("GET", f"{path}/activity", cursor="WzFd")).status_code == 400


async def test_across_audiences(call: Native, audience: Audience, make: Factories) -> None:
    await make.contact(audience, "a@x.example")
    await make.contact(await make.audience(audience.account_id), "a@x.example")
    found = (await call("GET", "/contacts", email="A@x.example")).json()
    assert len({one["audience_id"] for one in found["data"]}) == 2
    assert (await call("GET", "/contacts", email="nobody")).json()["data"] == []
    assert (await call("GET", "/contacts")).status_code == 400


async def test_others_see_nothing_and_keys_open_what_they_may(
    call: Native, client: httpx2.AsyncClient, make: Factories, audience: Audience, account: MadeAccount
) -> None:
    other = await make.account()
    theirs = await make.audience(other)
    made = await make.contact(audience, "a@x.example")
    stranger, reader = Native(client, other.key), Native(client, await make.api_key(account.id, Scope.READ))
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None), ("PATCH", "", {"tags": []}), ("DELETE", "", None), ("POST", "/subscribe", None), ("POST", "/unsubscribe", None),
        ("POST", "/resend-confirmation", None), ("POST", "/tags", {"tags": ["x"]}), ("DELETE", "/tags/x", None),
        ("POST", "/events", {"name": "x"}), ("GET", "/activity", None),
    ]  # fmt: skip
    for where in (audience, theirs):
        for method, path, body in calls:
            for name in (uid(Noun.CONTACT, made.id), "a@x.example"):
                assert (await stranger(method, path_of(where, name) + path, body)).status_code == 404, (method, path)
    for method, path, body in calls:
        expected = 200 if method == "GET" else 403
        assert (await reader(method, path_of(audience, "a@x.example") + path, body)).status_code == expected, (
            method,
            path,
        )
    assert (await stranger("GET", path_of(audience))).status_code == 404
    assert (await stranger("GET", "/contacts", email="a@x.example")).json()["data"] == []
    for bad in ("x", "682", "a b@", "%00@x", str(uuid4())):
        assert (await call("GET", path_of(audience, bad))).status_code == 404, bad

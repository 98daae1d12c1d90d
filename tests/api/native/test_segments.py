"""Segments over HTTP."""

from typing import Any

import httpx2
import pytest

from app.core.accounts import Scope
from app.core.audiences import Audience
from app.kit.uids import Noun, uid, uuid
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

CONDITIONS = [
    {"type": "status", "op": "is", "value": "subscribed"},
    {"type": "tag", "op": "has", "value": "newcustomer"},
    {"type": "field", "field": "CITY", "op": "equals", "value": "Hue"},
]


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    audience = await make.audience(account, fields={"CITY": "text", "AGE": "number"})
    for number, city in enumerate(("Hue", "hue", "Hanoi")):
        await make.contact(audience, f"p{number}@x.example", fields={"CITY": city}, tags=["newcustomer"])
    return audience


def path_of(audience: Audience, *parts: str) -> str:
    return "/".join([f"/audiences/{uuid(Noun.AUDIENCE, audience.id)}/segments", *parts])


async def test_a_segment_from_creation_to_deletion(call: Native, audience: Audience) -> None:
    answer = await call("POST", path_of(audience), {"name": "Hue subscribers", "conditions": CONDITIONS})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"{BASE}{path_of(audience, made['id'])}"
    assert set(made) == {"id", "name", "match", "conditions", "count", "created_at", "updated_at"}
    assert (made["match"], made["conditions"], made["count"]) == ("all", CONDITIONS, 2)
    path = path_of(audience, made["id"])
    assert (await call("GET", path)).json() == made
    page = (await call("GET", path_of(audience), count="true")).json()
    assert (page["data"], page["total"]) == ([made], 1)
    found = (await call("GET", f"{path}/contacts", sort="-email", limit="1", count="true")).json()
    assert ([one["email"] for one in found["data"]], found["total"]) == (["p1@x.example"], 2)
    found = (await call("GET", f"{path}/contacts", sort="-email", cursor=found["next_cursor"])).json()
    assert [one["email"] for one in found["data"]] == ["p0@x.example"]
    changed = (await call("PATCH", path, {"match": "any", "name": "All"})).json()
    assert (changed["name"], changed["match"], changed["count"]) == ("All", "any", 3)
    changed = (await call("PATCH", path, {"conditions": CONDITIONS[:1]})).json()
    assert (changed["conditions"], changed["match"]) == (CONDITIONS[:1], "any")
    assert (await call("DELETE", path)).status_code == 204
    assert (await call("GET", path)).status_code == (await call("DELETE", path)).status_code == 404


async def test_a_preview_saves_nothing(call: Native, audience: Audience) -> None:
    answer = await call("POST", path_of(audience, "preview"), {"conditions": CONDITIONS[2:]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == 2
    assert [one["email"] for one in answer.json()["sample"]] == ["p0@x.example", "p1@x.example"]
    assert (await call("GET", path_of(audience))).json()["data"] == []


async def test_every_operator_of_the_contract_is_taken_and_given_back(call: Native, audience: Audience) -> None:
    moment = "2026-01-05T09:00:00+00:00"
    conditions: list[dict[str, Any]] = [
        {"type": "status", "op": "is_not", "value": "spam-reported"},
        {"type": "tag", "op": "has_not", "value": "x"},
        *(
            {"type": "field", "field": "CITY", "op": op, "value": "x"}
            for op in ("not_contains", "starts_with", "ends_with")
        ),
        *({"type": "field", "field": "AGE", "op": op, "value": "7"} for op in ("lt", "lte", "gt", "gte", "not_equals")),
        {"type": "field", "field": "AGE", "op": "between", "value": ["1", "9"]},
        {"type": "field", "field": "AGE", "op": "is_set"},
        {"type": "email", "op": "contains", "value": "x.example"},
        {"type": "source", "op": "is_not_set"},
        {"type": "created_at", "op": "before", "value": moment},
        {"type": "subscribed_at", "op": "within_days", "value": 3},
        {"type": "event", "op": "happened", "name": "bought", "within_days": 3},
        {"type": "event", "op": "not_happened", "name": "bought"},
        {"type": "opened", "op": "any_within_days", "value": 30},
        {"type": "clicked", "op": "campaign", "value": uid(Noun.CAMPAIGN, 1)},
    ]
    answer = await call("POST", path_of(audience), {"name": "x", "match": "any", "conditions": conditions})
    assert answer.status_code == 201, answer.text
    assert answer.json()["conditions"] == conditions
    assert answer.json()["count"] == 3


@pytest.mark.parametrize(
    ("condition", "field", "code"),
    [
        ({}, "type", "required"),
        ({"type": "x"}, "type", "unknown"),
        ({"type": []}, "type", "unknown"),
        ({"type": "status"}, "op", "required"),
        ({"type": "status", "op": "equals", "value": "subscribed"}, "op", "invalid"),
        ({"type": "status", "op": {}, "value": "subscribed"}, "op", "invalid"),
        ({"type": "status", "op": "is", "value": "x"}, "value", "invalid"),
        ({"type": "status", "op": "is"}, "value", "required"),
        ({"type": "tag", "op": "has", "value": " "}, "value", "invalid"),
        ({"type": "tag", "op": "has", "value": {}}, "value", "invalid"),
        ({"type": "field", "op": "equals", "value": "x"}, "field", "required"),
        ({"type": "field", "field": "NONE", "op": "equals", "value": "x"}, "field", "not_found"),
        ({"type": "field", "field": "AGE", "op": "contains", "value": "1"}, "op", "invalid"),
        ({"type": "field", "field": "AGE", "op": "lt", "value": "x"}, "value", "invalid"),
        ({"type": "field", "field": "AGE", "op": "lt", "value": True}, "value", "invalid"),
        ({"type": "field", "field": "AGE", "op": "between", "value": [1]}, "value", "invalid"),
        ({"type": "field", "field": "AGE", "op": "is_set", "value": 1}, "value", "unknown"),
        ({"type": "email", "op": "contains", "value": "x" * 1001}, "value", "too_long"),
        ({"type": "created_at", "op": "before", "value": "x"}, "value", "invalid"),
        ({"type": "created_at", "op": "before", "value": 5}, "value", "invalid"),
        ({"type": "created_at", "op": "within_days", "value": 0}, "value", "invalid"),
        ({"type": "created_at", "op": "within_days", "value": 1e300}, "value", "invalid"),
        ({"type": "event", "op": "happened"}, "name", "required"),
        ({"type": "event", "op": "happened", "name": "x", "value": 1}, "value", "unknown"),
        ({"type": "opened", "op": "campaign", "value": "x"}, "value", "not_found"),
        ({"type": "opened", "op": "campaign", "value": 1}, "value", "not_found"),
    ],
)
async def test_a_bad_condition_is_told_by_its_place(
    call: Native, audience: Audience, condition: dict[str, Any], field: str, code: str
) -> None:
    answer = await call("POST", path_of(audience, "preview"), {"conditions": [CONDITIONS[0], condition]})
    assert names_of(answer) == {f"conditions.1.{field}": code}


async def test_bad_segments(call: Native, audience: Audience) -> None:
    path = path_of(audience)
    assert names_of(await call("POST", path, {"name": "x"})) == {"conditions": "required"}
    assert names_of(await call("POST", path, {"name": "x", "conditions": []})) == {"conditions": "required"}
    assert names_of(await call("POST", path, {"name": "x", "conditions": CONDITIONS[:1] * 21})) == {
        "conditions": "too_long"
    }
    assert names_of(await call("POST", path, {"name": "", "conditions": CONDITIONS})) == {"name": "required"}
    assert names_of(await call("POST", path, {"name": "x", "conditions": CONDITIONS, "match": "none"})) == {
        "match": "invalid"
    }


async def test_others_see_nothing(
    call: Native, client: httpx2.AsyncClient, make: Factories, account: MadeAccount, audience: Audience
) -> None:
    made = (await call("POST", path_of(audience), {"name": "x", "conditions": CONDITIONS})).json()
    other = await make.account()
    theirs, mine = await make.audience(other), await make.audience(account)
    stranger, reader = Native(client, other.key), Native(client, await make.api_key(account.id, Scope.READ))
    for who, where in ((stranger, audience), (stranger, theirs), (call, mine)):
        assert (await who("GET", path_of(where, made["id"]))).status_code == 404
        assert (await who("GET", path_of(where, made["id"], "contacts"))).status_code == 404
        assert (await who("PATCH", path_of(where, made["id"]), {"name": "y"})).status_code == 404
        assert (await who("DELETE", path_of(where, made["id"]))).status_code == 404
    assert (await stranger("POST", path_of(audience, "preview"), {"conditions": CONDITIONS})).status_code == 404
    assert (await reader("GET", path_of(audience, made["id"]))).status_code == 200
    assert (await reader("DELETE", path_of(audience, made["id"]))).status_code == 403

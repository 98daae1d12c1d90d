"""Dyno Email Marketing: lists and their members, over HTTP."""

import time
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts
from app.db.unit_of_work import reading
from app.kit.uids import Noun, number_of
from tests.api.dyno.conftest import NOT_FOUND, UNKNOWN_ID, Dyno, refusal
from tests.factories import Factories

KEYS = ["id", "user_id", "name", "description", "subscribers", "subscriber_count", "created", "updated", "deleted"]


async def members(dyno: Dyno, list_id: str) -> list[dict[str, Any]]:
    shown = (await dyno.done("GET", f"/lists/{list_id}"))["list"]
    assert list(shown) == KEYS
    return list(shown["subscribers"])


async def test_a_list_carries_its_members(dyno: Dyno, engine: AsyncEngine) -> None:
    people = [
        {"email": " Ann@X.example", "first_name": "Ann", "fields": {"city": "Hue", "Age": 5}, "plan": "big"},
        {"email": "b@x.example", "name": "Bo Van Dam", "status": "unsubscribed"},
        "c@x.example",
        {"email": "d@x.example", "name": "Di", "status": "blacklisted"},
        {"email": "c@x.example", "last_name": "Last"},
    ]
    made = await dyno.done("POST", "/lists", {"name": "L", "description": " D ", "contacts": people})
    assert list(made) == ["user_id", "list_id", "id", "list"]
    assert list(made["list"]) == [key for key in KEYS if key != "subscribers"]
    assert (made["list"]["subscriber_count"], made["list"]["updated"]) == (3, 0)
    assert await members(dyno, made["id"]) == [
        {"email": "ann@x.example", "first_name": "Ann", "last_name": "", "status": "subscribed",
         "fields": {"AGE": "5", "CITY": "Hue", "PLAN": "big"}},
        {"email": "b@x.example", "first_name": "Bo", "last_name": "Van Dam", "status": "unsubscribed", "fields": {}},
        {"email": "c@x.example", "first_name": "", "last_name": "Last", "status": "subscribed", "fields": {}},
        {"email": "d@x.example", "first_name": "Di", "last_name": "", "status": "subscribed", "fields": {}},
    ]  # fmt: skip
    number = number_of(Noun.AUDIENCE, UUID(made["id"]))
    assert number is not None
    async with reading(engine) as read:
        fields = await audiences.fields(read, dyno.account.id, number)
        assert {field.tag: field.type for field in fields} == dict.fromkeys(
            ["CITY", "AGE", "PLAN", "FIRST_NAME", "LAST_NAME"], "text"
        )
        assert (await contacts.get(read, dyno.account.id, number, "ann@x.example")).source == "api"


async def test_put_replaces_members_and_subscribes_nobody_again(dyno: Dyno, make: Factories) -> None:
    await make.suppression(dyno.account.id, "bad@x.example")
    await make.suppression(dyno.account.id, "out@x.example", reason="unsubscribe")
    made = await dyno.done(
        "POST", "/lists", {"name": "L", "emails": "a@x.example, ,b@x.example,bad@x.example,out@x.example"}
    )
    path = f"/lists/{made['id']}"
    assert [one["status"] for one in await members(dyno, made["id"])] == [
        "subscribed", "subscribed", "blacklisted", "unsubscribed"]  # fmt: skip
    await dyno.done("PUT", path, {"description": "still"})
    assert len(await members(dyno, made["id"])) == 4
    await dyno.done("PUT", path, {"email_list": [{"email": "b@x.example", "status": "unsubscribed"}, "n@x.example"]})
    assert [(one["email"], one["status"]) for one in await members(dyno, made["id"])] == [
        ("b@x.example", "subscribed"), ("n@x.example", "subscribed")]  # fmt: skip
    back = await dyno.done("PUT", path, {"subscribers": "out@x.example,a@x.example"})
    assert (back["list"]["subscriber_count"], back["list"]["updated"] > 0) == (1, True)
    assert [(one["email"], one["status"]) for one in await members(dyno, made["id"])] == [
        ("a@x.example", "subscribed"), ("out@x.example", "unsubscribed")]  # fmt: skip
    assert (await dyno.done("PUT", path, {"subscribers": None}))["list"]["subscriber_count"] == 0
    assert await members(dyno, made["id"]) == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("a@x.example, nobody", "contains an invalid address: nobody"),
        ([{"email": "x@"}], "contains an invalid address: x@"),
        ([{"mail": "a@x.example"}], "contains an invalid address: null"),
        ([5], "contains an invalid address: 5"),
        (["a\0@x.example"], "contains an invalid address: a\0@x.example"),
        ([None], "contains an invalid address: null"),
        ([{"email": "a@x.example", "fields": [1]}], "contains fields that are no object"),
        ([{"email": "a@x.example", "fields": {"a b": 1}}], "contains a field name that cannot be used"),
        ([{"email": "a@x.example", "subscriber_uid": 1}], "contains a field name that cannot be used"),
        ([{"email": "a@x.example", "city": {"a": 1}}], "a@x.example: CITY must be a string"),
        ([{"email": "a@x.example", "city": "x" * 10_001}], "a@x.example: CITY must not be"),
        (5, "is not valid"),
        ({"email": "a@x.example"}, "is not valid"),
        (["a@x.example"] * 50_001, "has more than 50000 entries"),
    ],
)
async def test_bad_members_are_named_and_nothing_is_written(dyno: Dyno, given: Any, text: str) -> None:
    status, code, said = await dyno.refused("POST", "/lists", {"name": "L", "subscribers": given})
    assert (status, code) == (400, "400")
    assert said.startswith(f"subscribers {text}"), said
    assert (await dyno.done("POST", "/lists/count"))["count"] == 0
    made = await dyno.done("POST", "/lists", {"name": "L", "subscribers": "old@x.example"})
    status, code, said = await dyno.refused("PUT", f"/lists/{made['id']}", {"name": "New", "emails": given})
    assert said.startswith(f"subscribers {text}"), said
    shown = (await dyno.done("GET", f"/lists/{made['id']}"))["list"]
    assert (shown["name"], [one["email"] for one in shown["subscribers"]]) == ("L", ["old@x.example"])


async def test_parameters_come_before_the_object_and_the_right(dyno: Dyno, make: Factories) -> None:
    bad = (400, "400", "subscribers contains an invalid address: x")
    assert await dyno.refused("PUT", f"/lists/{UNKNOWN_ID}", {"emails": "x"}) == bad
    assert await dyno.refused("PUT", f"/lists/{UNKNOWN_ID}", {"emails": "x@x.example"}) == NOT_FOUND
    made = await dyno.done("POST", "/lists", {"name": "L"})
    reader = Dyno(dyno.client, await make.api_key(dyno.account.id, "read"), dyno.account)
    assert await reader.refused("PUT", f"/lists/{made['id']}", {"emails": "x"}) == bad
    assert await reader.refused("POST", "/lists", {"name": "L", "emails": "x"}) == bad
    assert (await reader.refused("PUT", f"/lists/{made['id']}", {"emails": "x@x.example"}))[0] == 403


async def test_find_shows_members_when_it_is_asked_for_them(dyno: Dyno) -> None:
    for number in range(25):
        people = [f"{number}-{one}@x.example" for one in range(number % 3)]
        await dyno.done("POST", "/lists", {"name": f"L{number:02}", "subscribers": people})
    found = await dyno.done("POST", "/lists/find", {"application_order_by": "name"})
    assert [one["name"] for one in found["lists"]] == [f"L{number:02}" for number in range(25)]
    assert list(found["lists"][0]) == [key for key in KEYS if key != "subscribers"]
    asked = {"application_fields": "subscribers, name,nonsense", "application_order_by": "name"}
    found = await dyno.done("POST", "/lists/find", asked)
    assert list(found["lists"][0]) == ["name", "subscribers"]
    assert [len(one["subscribers"]) for one in found["lists"]] == [number % 3 for number in range(25)]
    count = await dyno.done("POST", "/lists/count", {"subscriber_count": {"gte": 1}})
    assert count == {"count": 16, "total": 16}
    order = {"application_order_by": "subscriber_count", "application_order_direction": "DESC", "application_limit": 9}
    found = await dyno.done("POST", "/lists/find", {**order, "application_fields": ["subscriber_count"]})
    assert found == {"lists": [{"subscriber_count": 2}] * 8 + [{"subscriber_count": 1}], "total": 25}
    every = await dyno.done("POST", "/lists/find", {"application_fields": ["nonsense"], "application_limit": 1})
    assert list(every["lists"][0]) == [key for key in KEYS if key != "subscribers"]
    await dyno.done("DELETE", f"/lists/{every['lists'][0]['id']}")
    [gone] = (await dyno.done("POST", "/lists/find", {"deleted": {"gt": 0}, "application_fields": KEYS}))["lists"]
    assert gone["subscribers"] == []


async def test_fifty_thousand_members_go_in_and_out(dyno: Dyno) -> None:
    people = [
        {"email": f"person{number}@x.example", "name": f"Ann Person{number}", "fields": {"city": "Hue"}}
        for number in range(50_000)
    ]
    began = time.perf_counter()
    made = await dyno.done("POST", "/lists", {"name": "Large", "subscribers": people})
    assert made["list"]["subscriber_count"] == 50_000
    assert time.perf_counter() - began < 60
    shown = await members(dyno, made["id"])
    assert len(shown) == 50_000
    assert shown[-1]["last_name"] == "Person49999"
    put = await dyno.done("PUT", f"/lists/{made['id']}", {"subscribers": people[:10]})
    assert put["list"]["subscriber_count"] == 10


async def test_a_list_in_use_stays(dyno: Dyno, client: httpx2.AsyncClient, make: Factories) -> None:
    made = await dyno.done("POST", "/lists", {"name": "L", "subscribers": "a@x.example"})
    given = {"name": "C", "list_id": made["id"], "subject": "S", "html": "<p>x</p>", "from_email": "shop@example.com"}
    campaign = await dyno.done("POST", "/campaigns", given)
    timed = {"campaign_id": campaign["id"], "iso_start_time": "2037-01-20T09:00:00"}
    await dyno.done("POST", "/campaign_process/init", timed)
    assert await dyno.refused("DELETE", f"/lists/{made['id']}") == (500, "124", "LIST IS IN USE")
    reader = Dyno(client, await make.api_key(dyno.account.id, "read"), dyno.account)
    assert (await reader.refused("DELETE", f"/lists/{made['id']}"))[0] == 403
    await dyno.done("POST", "/campaign_process/stop", {"id": campaign["id"]})
    await dyno.done("DELETE", f"/lists/{made['id']}")


async def test_a_list_of_too_many_members_is_not_replaced(dyno: Dyno, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.core.contacts import bulk  # noqa: PLC0415

    monkeypatch.setattr(bulk, "MAX_REPLACED", 1)
    made = await dyno.done("POST", "/lists", {"name": "L", "subscribers": "a@x.example,b@x.example"})
    refused = await dyno.refused("PUT", f"/lists/{made['id']}", {"subscribers": "c@x.example"})
    assert refused == (400, "400", "subscribers are too many to replace")


async def test_a_body_that_is_too_large_is_refused(dyno: Dyno) -> None:
    answer = await dyno.client.post(
        "/templates",
        headers={"User-Api-Key": dyno.key, "Content-Type": "application/json"},
        content=b'{"name":"x","content":"' + b"x" * 16_800_000 + b'"}',
    )
    assert refusal(answer)[2].startswith("body is larger than")

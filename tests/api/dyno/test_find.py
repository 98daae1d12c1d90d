"""Dyno Email Marketing: questions that cannot be understood, controls, and hostile bodies, over HTTP."""

import json
from typing import Any

import httpx2
import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st

from app.main import create_app
from app.settings import Limits, Settings
from tests.api.dyno.conftest import UNKNOWN_ID, Dyno, refusal
from tests.factories import Factories


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ({"nonsense": "x"}, "nonsense is not a known field"),
        ({"": "x"}, " is not a known field"),
        ({"subscribers": "x"}, "subscribers is not a known field"),
        ({"name": {"nearly": "x"}}, "name.nearly is not a known operator"),
        ({"created": {"like": "1"}}, "created.like is not a known operator"),
        ({"name": 5}, "name is not valid"),
        ({"name": True}, "name is not valid"),
        ({"name": ["a"]}, "name is not valid"),
        ({"name": "a\0"}, "name is not valid"),
        ({"name": {"gt": None}}, "name.gt is not valid"),
        ({"name": {"like": 5}}, "name.like is not valid"),
        ({"name": {"like": "x" * 2001}}, "name.like is longer than"),
        ({"name": {"in": {}}}, "name.in is not valid"),
        ({"name": {"in": [[]]}}, "name.in is not valid"),
        ({"name": {"in": ["a"] * 10_001}}, "name.in is not valid"),
        ({"name": {"between": ["a"]}}, "name.between is not valid"),
        ({"name": {"between": "a,b"}}, "name.between is not valid"),
        ({"name": {"is_null": "x"}}, "name.is_null is not valid"),
        ({"name": {"is_null": 1}}, "name.is_null is not valid"),
        ({"name": {"like_regex": "("}}, "name.like_regex is not a regular expression"),
        ({"name": {"not_like_regex": "x" * 257}}, "name.not_like_regex is not a regular expression"),
        ({"created": "soon"}, "created is not valid"),
        ({"created": {"gt": "1x"}}, "created.gt is not valid"),
        ({"created": {"in": "1,x"}}, "created.in is not valid"),
        ({"created": True}, "created is not valid"),
        ({"application_limit": -1}, "application_limit is not valid"),
        ({"application_limit": "many"}, "application_limit is not valid"),
        ({"application_limit": 1.5}, "application_limit is not valid"),
        ({"application_limit": None}, "application_limit is not valid"),
        ({"application_offset": True}, "application_offset is not valid"),
        ({"application_order_by": "nonsense"}, "application_order_by is not a known field"),
        ({"application_order_by": 5}, "application_order_by is not valid"),
        ({"application_order_direction": "up"}, "application_order_direction is not valid"),
        ({"application_fields": 5}, "application_fields is not valid"),
        ({"name": {"ne": "a", "eq": "b"}, "subject": {"in": ["x"] * 9_999}}, "subject is beyond"),
    ],
)
async def test_what_cannot_be_understood_is_named(dyno: Dyno, question: dict[str, Any], text: str) -> None:
    status, code, said = await dyno.refused("POST", "/templates/find", question)
    assert (status, code) == (400, "400")
    assert said.startswith(text)
    counted = await dyno.ask("POST", "/templates/count", question)
    assert counted.status_code == (200 if text.startswith("application_") else 400)


async def test_controls(dyno: Dyno) -> None:
    for name in ("b", "a", "c"):
        await dyno.done("POST", "/templates", {"name": name, **({"rank": 1} if name == "c" else {})})

    async def names(**controls: Any) -> list[str]:
        found = await dyno.done(
            "POST", "/templates/find", {f"application_{name}": value for name, value in controls.items()}
        )
        assert found["total"] == 3
        return [one["name"] for one in found["templates"]]

    assert await names(order_by="name", order_direction="Desc", whatever=[1]) == ["c", "b", "a"]
    assert await names(order_by="name", limit="1", offset="1.0") == ["b"]
    assert await names(order_by="name", limit=10**30, offset=0) == ["a", "b", "c"]
    assert await names(limit=0) == []
    assert await names(offset=10**40 - 1) == []
    assert (await names(order_by="rank"))[0] == "c"
    found = await dyno.done("POST", "/templates/find", {"rank": 1, "application_fields": "rank, name"})
    assert found == {"templates": [{"name": "c", "rank": 1}], "total": 1}
    for raw in (b"", b" ", b"{}"):
        headers = {"User-Api-Key": dyno.key, **({"Content-Type": "application/json"} if raw == b"{}" else {})}
        answer = await dyno.client.post("/templates/count", headers=headers, content=raw)
        assert answer.json()["data"] == {"count": 3, "total": 3}
    answer = await dyno.client.post("/templates/count", headers={"User-Api-Key": dyno.key}, content=b'{"name":"a"}')
    assert refusal(answer) == (400, "400", "Content-Type must be application/json")


async def test_extra_fields_are_known_by_account(dyno: Dyno, stranger: Dyno) -> None:
    made = await dyno.done("POST", "/lists", {"name": "L", "colour": "blue", "on": True})
    assert (await dyno.done("POST", "/campaigns/count", {"colour": "blue"}))["count"] == 0  # of any object
    assert (await dyno.done("POST", "/lists/count", {"on": True, "colour": {"like": "lu"}}))["count"] == 1
    assert (await dyno.done("POST", "/lists/count", {"on": False}))["count"] == 0
    assert (await dyno.done("POST", "/lists/count", {"on": {"ne": False}}))["count"] == 1
    assert (await stranger.refused("POST", "/lists/count", {"colour": "blue"}))[2] == "colour is not a known field"
    assert (await stranger.done("POST", "/lists/count", {"id": made["id"]}))["count"] == 0
    assert (await stranger.done("POST", "/lists/count", {"user_id": str(dyno.account.public_id)}))["count"] == 0


async def test_the_limit_is_by_account(settings: Settings, make: Factories) -> None:
    account, other = await make.account(), await make.account()
    app = create_app(settings.model_copy(update={"limits": Limits(dyno_per_second=3)}))
    async with app.running():
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com:19000") as client:
            dyno, stranger = Dyno(client, account.key, account), Dyno(client, other.key, other)
            answers = [await dyno.ask("GET", f"/templates/{UNKNOWN_ID}") for _ in range(12)]
            refused = [one for one in answers if one.status_code == 429]
            assert refused
            assert [one.status_code for one in answers[:3]] == [500] * 3
            assert refusal(refused[0]) == (429, "429", "You're requesting too many")
            assert refused[0].headers["retry-after"] == "1"
            assert (await stranger.ask("GET", f"/templates/{UNKNOWN_ID}")).status_code == 500
            assert refusal(await client.get("/templates/x", headers={"User-Api-Key": "nonsense"}))[0] == 401


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["a%", "\\", "5", UNKNOWN_ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["id", "user_id", "name", "created", "deleted", "subject", "content", "html", "subscribers", "emails", "list_id",
         "list_ids", "template_id", "iso_start_time", "time_zone", "from_email", "colour", "status", "subscriber_count",
         "application_fields", "application_limit", "application_offset", "application_order_by",
         "application_order_direction"]  # fmt: skip
OPERATORS = ["eq", "ne", "in", "not_in", "like", "not_like_ignore_case", "like_regex", "gt", "between", "is_null"]
VALUES = JSON | st.dictionaries(st.sampled_from(OPERATORS), JSON, max_size=2)
BODIES = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), VALUES, max_size=5) | JSON


async def test_hostile_bodies_are_answered(dyno: Dyno) -> None:
    made = {noun: (await dyno.done("POST", f"/{noun}", {"name": "A", "colour": "b"}))["id"] for noun in
            ("templates", "lists", "campaigns")}  # fmt: skip
    drawn: list[Any] = []

    @hypothesis.settings(max_examples=120, suppress_health_check=list(HealthCheck), database=None)
    @hypothesis.given(BODIES)
    def draw(body: Any) -> None:
        drawn.append(body)

    draw()
    headers = {"User-Api-Key": dyno.key, "Content-Type": "application/json"}
    for number, body in enumerate(drawn):
        noun = list(made)[number % 3]
        raw = json.dumps(body).encode()
        for method, path in (
            ("POST", f"/{noun}/find"),
            ("POST", f"/{noun}/count"),
            ("POST", f"/{noun}"),
            ("PUT", f"/{noun}/{made[noun]}"),
        ):
            answer = await dyno.client.request(method, path, headers=headers, content=raw)
            if answer.status_code != 200:
                status, code, text = refusal(answer)
                assert (status, code) in {(400, "400"), (500, "123"), (500, "124")}, (method, path, body, text)
                assert "Traceback" not in text

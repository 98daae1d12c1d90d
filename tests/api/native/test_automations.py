"""Automations over HTTP."""

import contextlib
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Scope
from app.core.audiences import FieldSet
from app.core.automations.checking import Known, steps_of, trigger_of
from app.core.automations.moving import move
from app.core.automations.values import of_stored, stored
from app.core.automations.writing import step_out
from app.core.errors import Invalid
from app.kit.uids import Noun, uid, uuid
from app.settings import Settings
from tests.api.native.calling import BASE, Native, names_of
from tests.core.automations.world import FROM, World
from tests.factories import Factories

WAIT = {"type": "wait", "minutes": 60}
TAG = {"type": "add_tag", "tag": "done"}


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine, settings: Settings) -> World:
    return await World(make, engine, settings).open()


@pytest.fixture
def call(client: httpx2.AsyncClient, world: World) -> Native:
    return Native(client, world.account.key)


def body_of(world: World, **values: Any) -> dict[str, Any]:
    steps = [
        WAIT,
        world.send(subject="Hello {{ FIRST_NAME }}"),
        {"type": "condition", "if": {"type": "opened", "step": 1}, "else_stop": True},
        {"type": "add_tag", "tag": "onboarded"},
    ]
    trigger = {"type": "tag_added", "tag": "trial"}
    audience = uid(Noun.AUDIENCE, world.audience.id)
    return {"name": "Onboarding", "audience_id": audience, "trigger": trigger, "steps": steps, **values}


async def test_an_automation_from_creation_to_deletion(call: Native, world: World) -> None:
    answer = await call("POST", "/automations", body_of(world))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    path = f"/automations/{made['id']}"
    assert answer.headers["location"] == BASE + path
    assert set(made) == {
        "id", "name", "audience_id", "status", "trigger", "reentry", "steps", "counts", "created_at", "updated_at",
    }  # fmt: skip
    assert (made["status"], made["reentry"], made["audience_id"]) == (
        "draft", False, str(uuid(Noun.AUDIENCE, world.audience.id)),
    )  # fmt: skip
    assert made["counts"] == {"entered": 0, "active": 0, "finished": 0, "stopped": 0}
    assert made["steps"][1]["template_id"] == str(uuid(Noun.TEMPLATE, world.template.id))
    assert made["steps"][2] == body_of(world)["steps"][2]
    assert (await call("GET", path)).json() == made
    page = (await call("GET", "/automations", count="true", status="draft")).json()
    assert (page["data"], page["total"]) == ([made], 1)
    again = await call("PATCH", path, {"steps": made["steps"], "trigger": made["trigger"]})
    assert again.json()["steps"] == made["steps"], "what is shown can be sent back"
    assert (await call("POST", f"{path}/activate")).json()["status"] == "active"
    refused = await call("PATCH", path, {"steps": [TAG]})
    assert (refused.status_code, refused.json()["state"]) == (409, "active")
    assert (await call("PATCH", path, {"name": "Other"})).json()["name"] == "Other"
    assert (await call("POST", f"{path}/activate")).status_code == 409
    assert (await call("POST", f"{path}/pause")).json()["status"] == "paused"
    assert (await call("POST", f"{path}/pause")).status_code == 409
    changed = (await call("PATCH", path, {"steps": [TAG], "reentry": True})).json()
    assert (changed["steps"], changed["reentry"]) == ([TAG], True)
    assert (await call("DELETE", path)).status_code == 204
    assert (await call("GET", path)).status_code == 404


async def test_runs_are_listed_and_cancelled(call: Native, world: World) -> None:
    made = (await call("POST", "/automations", body_of(world))).json()
    path = f"/automations/{made['id']}"
    await call("POST", f"{path}/activate")
    contacts = [await world.contact(f"p{number}@example.org", tags=["trial"]) for number in range(3)]
    await world.settle()
    page = (await call("GET", f"{path}/runs", limit="2", count="true")).json()
    assert ([one["email"] for one in page["data"]], page["total"]) == (["p0@example.org", "p1@example.org"], 3)
    page = (await call("GET", f"{path}/runs", cursor=page["next_cursor"])).json()
    [run] = page["data"]
    assert (run["status"], run["step"], run["sent"], run["contact_id"]) == (
        "active", 1, [], str(uuid(Noun.CONTACT, contacts[2].id)),
    )  # fmt: skip
    answer = await call("POST", f"{path}/runs/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["status"], answer.json()["reason"]) == (200, "stopped", "cancelled")
    again = await call("POST", f"{path}/runs/{run['id']}/cancel")
    assert (again.status_code, again.json()["state"]) == (409, "stopped")
    await world.later(hours=2)
    stopped = (await call("GET", f"{path}/runs", status="stopped")).json()["data"]
    assert [one["reason"] for one in stopped] == ["condition", "condition", "cancelled"]
    assert [len(one["sent"]) for one in stopped] == [1, 1, 0]
    assert (await call("GET", path)).json()["counts"] == {"entered": 3, "active": 0, "finished": 0, "stopped": 3}


async def test_runs_go_on_where_they_are_when_steps_change(call: Native, world: World) -> None:
    made = (await call("POST", "/automations", body_of(world, trigger={"type": "subscribed"}))).json()
    path = f"/automations/{made['id']}"
    await call("POST", f"{path}/activate")
    contact = await world.contact()
    await world.settle()
    await world.later(hours=2)
    assert (await call("GET", f"{path}/runs")).json()["data"][0]["status"] == "stopped"
    other = await world.contact("b@example.org")
    await world.settle()
    await call("POST", f"{path}/pause")
    new = [TAG, *made["steps"][:2], {**TAG, "tag": "new"}]
    assert (await call("PATCH", path, {"steps": new})).status_code == 200
    await call("POST", f"{path}/activate")
    [first, second] = (await call("GET", f"{path}/runs")).json()["data"]
    assert second["step"] == 2
    assert [one["step"] for one in first["sent"]] == [2]
    await world.later(hours=2)
    assert (await world.seen(other)).tags == ["new"]
    assert (await world.seen(contact)).tags == []
    assert [mail["recipient"] for mail in await world.mails()] == ["jo@example.org", "b@example.org"]


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"name": " "}, {"name": "required"}),
        ({"audience_id": "nothing"}, {"audience_id": "not_found"}),
        ({"audience_id": uid(Noun.AUDIENCE, 4711)}, {"audience_id": "not_found"}),
        ({"trigger": {}}, {"trigger.type": "required"}),
        ({"trigger": {"type": "opened"}}, {"trigger.type": "unknown"}),
        ({"trigger": {"type": "subscribed", "tag": "x"}}, {"trigger.tag": "unknown"}),
        ({"trigger": {"type": "tag_added"}}, {"trigger.tag": "required"}),
        ({"trigger": {"type": "event", "name": "a b"}}, {"trigger.name": "invalid"}),
        ({"trigger": {"type": "event", "name": "a", "properties": []}}, {"trigger.properties": "invalid"}),
        ({"steps": []}, {"steps": "required"}),
        ({"steps": [TAG] * 51}, {"steps": "too_long"}),
        ({"steps": [{}, {"type": "fly"}]}, {"steps.0.type": "required", "steps.1.type": "unknown"}),
        ({"steps": [{"type": "wait"}]}, {"steps.0.minutes": "required"}),
        ({"steps": [{"type": "wait", "minutes": 0}]}, {"steps.0.minutes": "out_of_range"}),
        ({"steps": [{"type": "wait", "minutes": True}]}, {"steps.0.minutes": "invalid"}),
        (
            {"steps": [{"type": "wait", "until": {"time": "25:00", "time_zone": "UTC"}}]},
            {"steps.0.until.time": "invalid"},
        ),
        (
            {"steps": [{"type": "wait", "until": {"time": "09:00", "time_zone": "Moon"}}]},
            {"steps.0.until.time_zone": "invalid"},
        ),
        ({"steps": [{"type": "send"}]}, {"steps.0.template_id": "required"}),
        ({"steps": [{"type": "set_field", "field": "NO", "value": 1}]}, {"steps.0.field": "not_found"}),
        ({"steps": [{"type": "set_field", "field": "AGE", "value": "old"}]}, {"steps.0.value": "invalid"}),
        ({"steps": [{"type": "condition"}]}, {"steps.0.if": "required"}),
        (
            {"steps": [{"type": "condition", "if": {"type": "opened", "step": 0}}]},
            {"steps.0.if.step": "not_found"},
        ),
        (
            {"steps": [{"type": "condition", "if": {"type": "status", "op": "eats"}}]},
            {"steps.0.if.op": "invalid"},
        ),
        ({"steps": [{"type": "webhook", "url": "ftp://x/"}]}, {"steps.0.url": "invalid"}),
        ({"steps": [{"type": "unsubscribe", "why": 1}]}, {"steps.0.why": "unknown"}),
    ],
)
async def test_what_cannot_be_accepted(
    call: Native, world: World, change: dict[str, Any], faults: dict[str, str]
) -> None:
    assert names_of(await call("POST", "/automations", body_of(world, **change))) == faults


async def test_senders_and_templates_are_looked_up(call: Native, world: World, make: Factories) -> None:
    other = await make.account(senders=["other@acme.example"])
    template = await make.template(other)
    steps = [
        world.send(from_email="other@acme.example"),
        world.send(template_id=uid(Noun.TEMPLATE, template.id)),
        world.send(subject="{% if x %}"),
    ]
    assert names_of(await call("POST", "/automations", body_of(world, steps=steps))) == {
        "steps.0.from_email": "not_approved",
        "steps.1.template_id": "not_found",
        "steps.2.subject": "syntax",
    }


async def test_tenancy_and_scopes(client: httpx2.AsyncClient, call: Native, world: World, make: Factories) -> None:
    made = (await call("POST", "/automations", body_of(world, trigger={"type": "subscribed"}))).json()
    path = f"/automations/{made['id']}"
    await call("POST", f"{path}/activate")
    await world.contact()
    await world.settle()
    [run] = (await call("GET", f"{path}/runs")).json()["data"]
    other = Native(client, (await make.account()).key)
    for method, target, body in (
        ("GET", path, None), ("PATCH", path, {"name": "x"}), ("DELETE", path, None), ("POST", f"{path}/activate", None),
        ("POST", f"{path}/pause", None), ("GET", f"{path}/runs", None), ("POST", f"{path}/runs/{run['id']}/cancel", None),
    ):  # fmt: skip
        assert (await other(method, target, body)).status_code == 404, target
    assert (await other("GET", "/automations", count="true")).json()["total"] == 0
    assert names_of(await other("POST", "/automations", body_of(world)))["audience_id"] == "not_found"
    reader = Native(client, await make.api_key(world.account.id, Scope.READ))
    assert (await reader("GET", path)).status_code == 200
    assert (await reader("POST", f"{path}/pause")).status_code == 403
    second = (await call("POST", "/automations", body_of(world))).json()
    assert (await call("POST", f"/automations/{second['id']}/runs/{run['id']}/cancel")).status_code == 404
    assert (await call("GET", "/automations/nothing")).status_code == 404


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
NAMES = st.sampled_from(("type", "op", "value", "step", "field", "name", "time", "time_zone", "x"))
JSON = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(NAMES, PLAIN | st.dictionaries(NAMES, PLAIN), max_size=4)
MEMBERS = (
    *("minutes", "until", "template_id", "from_email", "subject", "tag", "field", "value", "if", "else_stop", "url"),
    *("name", "properties", "track_opens", "reply_to"),
)
KINDS = ("wait", "send", "add_tag", "remove_tag", "set_field", "condition", "webhook", "unsubscribe")
NEAR = st.fixed_dictionaries({"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(MEMBERS, JSON))
KNOWN = Known(FieldSet({"AGE": "number"}, {}, ()), frozenset({1}), frozenset({FROM}))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(NEAR | st.dictionaries(st.sampled_from(["type", *MEMBERS]), JSON, max_size=4), max_size=6))
def test_any_steps_are_refused_or_come_back_as_they_were(steps: list[dict[str, Any]]) -> None:
    try:
        checked = steps_of(steps, KNOWN)
    except Invalid:
        return
    assert [of_stored(stored(step)) for step in checked] == list(checked)
    assert steps_of([step_out(step) for step in checked], KNOWN) == checked


@given(st.dictionaries(st.sampled_from(["type", "tag", "name", "properties"]), JSON, max_size=4))
def test_any_trigger_is_refused_or_taken(trigger: dict[str, Any]) -> None:
    with contextlib.suppress(Invalid):
        trigger_of(trigger)


LISTS = st.lists(st.sampled_from([{"type": "add_tag", "tag": tag} for tag in "abcdef"]), max_size=10)


@given(LISTS, LISTS)
def test_nothing_that_stayed_is_done_twice(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Whatever a run has done and is still there stands before where it goes on."""
    moved = move(old, new)
    assert len(moved.positions) == len(old) + 1
    assert list(moved.positions) == sorted(moved.positions)
    assert all(0 <= position <= len(new) for position in moved.positions)
    for number, there in enumerate(moved.done):
        assert there is None or there < min(moved.positions[number + 1 :])
    assert move(old, old).positions == tuple(range(len(old) + 1))

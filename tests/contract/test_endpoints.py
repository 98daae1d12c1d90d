"""Every endpoint of the Dyn families that is routed today, by every path, verb and format that endpoints.yaml names.

All tests share one service: what a request changes here concerns nobody else.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.asking import TYPES, Way, ask, filled, good_of, ways
from tests.contract.documents import ENDPOINTS, Endpoint, is_routed
from tests.contract.shape import Node, check_answer, tree
from tests.contract.stage import Scene, Stage
from tests.contract.wire import Answer

MESSAGES = {
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    451: "Missing or Invalid API Key",
    452: "Missing or Invalid Required Fields",
    453: "Object Already Exists",
    454: "Feature Not Enabled",
}
ERROR_FIELDS = ["processing_time", "resp_time", "error", "api_host", "recv_time"]
ROUTED = [endpoint for endpoint in ENDPOINTS if endpoint.is_routed]
KNOWN_ROUTED = 14
TO_COME = [endpoint for endpoint in ENDPOINTS if not endpoint.is_routed]
WAYS = [way for endpoint in ROUTED for way in ways(endpoint)]
_numbers = itertools.count(1)

each_way = pytest.mark.parametrize("way", WAYS, ids=str)


def check_error(answer: Answer, way: Way, expected: Mapping[str, Any]) -> None:
    """Compare an error, or a refusal inside a 200, with an entry of `bad`, in the words of the family."""
    status = expected["status"]
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == TYPES[way.format]
    found = tree(answer.body, way.format)
    if way.endpoint.family == "dyn-email":
        assert found.names == ["status", "message", "data"]
        assert (found.at("status").text, found.at("message").text) == (str(status), MESSAGES[status])
        if "data_text" in expected:
            assert found.at("data") == Node("data", expected["data_text"])
        else:
            assert [one.text for one in found.at("data").children] == expected.get("data", [])
            assert found.at("data").text == ""
        if "data" not in expected and "data_text" not in expected and way.format == "json":
            text = f'{{"response":{{"status":{status},"message":"{MESSAGES[status]}","data":{{}}}}}}'
            assert answer.body == text.encode()
    else:
        assert found.names == ERROR_FIELDS
        assert found.at("error").names == ["code", "message", "details"]
        assert (found.at("error.code").text, found.at("error.message").text) == (str(status), MESSAGES[status])
        assert [one.text for one in found.at("error.details").children] == expected.get("details", [])


async def ask_well(scene: Scene, way: Way, *, slash: str = "", method: str = "", **more: str) -> Answer:
    """Send the good request of an endpoint, and what has to happen before."""
    good = good_of(way.endpoint)
    number = next(_numbers)
    key = scene.world.accounts[good.account].key
    async with scene.connection() as connection:
        if good.first:
            path, given = good.first
            before = Way(way.endpoint, "POST", "/rest/{type}" + path, "json")
            assert (await ask(connection, before, key, filled(scene.world, given, number))).status == 200
        given = filled(scene.world, {**good.given, **more}, number)
        return await ask(connection, way, key, given, slash=slash, method=method)


@each_way
async def test_a_good_request_gets_the_documented_keys_in_their_order(way: Way, stage: Stage) -> None:
    entry = way.endpoint.entry
    async with stage.shared() as scene:
        answer = await ask_well(scene, way)
    assert answer.status == entry["success"], answer.body
    assert answer.headers["content-type"] == TYPES[way.format]
    bare = entry["response"]["envelope"] == "bare" and way.format == "json"
    check_answer(tree(answer.body, way.format), entry["response"], bare=bare)
    if entry["response"].get("data") == [] and way.format == "json":
        assert answer.body == b'{"response":{"status":200,"message":"OK","data":[]}}'


@each_way
async def test_the_other_forms_of_counts(way: Way, stage: Stage) -> None:
    response = way.endpoint.entry["response"]
    series = response.get("with_timeseries")
    async with stage.shared() as scene:
        if "item_rollup_user" in response:
            answer = await ask_well(scene, way, rollup_to="user")
            rows = {**response, "item": response["item_rollup_user"]}
            check_answer(tree(answer.body, way.format), rows, bare=False)
        for more in ({"timeseries": "day"}, {"timeseries": "hour", "rollup_to": "user"}) if series else ():
            answer = await ask_well(scene, way, **more)
            bare = series["envelope"] == "bare" and way.format == "json"
            check_answer(tree(answer.body, way.format), series, bare=bare)


@each_way
async def test_bad_requests_get_their_status_and_sentences(way: Way, stage: Stage, subtests: pytest.Subtests) -> None:
    bad = way.endpoint.entry["bad"]
    assert any(case.get("credentials") == "none" for case in bad)
    async with stage.shared() as scene, scene.connection() as connection:
        for case in bad:
            with subtests.test(str(case["given"]), credentials=case.get("credentials")):
                key = (
                    scene.world.value(case.get("credentials", "key.master"))
                    if case.get("credentials") != "none"
                    else None
                )
                given = filled(scene.world, case["given"], 0)
                for slash in ("", "/"):
                    answer = await ask(connection, way, None if key is None else str(key), given, slash=slash)
                    check_error(answer, way, case)


@each_way
async def test_a_slash_at_the_end_changes_nothing(way: Way, stage: Stage) -> None:
    async with stage.shared() as scene:
        answer = await ask_well(scene, way, slash="/")
    assert answer.status == way.endpoint.entry["success"], answer.body
    assert "location" not in answer.headers


@each_way
async def test_head_is_a_get_without_its_body_where_get_only_reads(way: Way, stage: Stage) -> None:
    if way.method != "GET":
        return
    async with stage.shared() as scene:
        answer = await ask_well(scene, way, method="HEAD")
    assert answer.status == (200 if way.endpoint.reads else 405)
    assert answer.headers["content-type"] == TYPES[way.format]
    assert int(answer.headers["content-length"]) > 0


@each_way
async def test_other_verbs_are_405(way: Way, stage: Stage) -> None:
    async with stage.shared() as scene, scene.connection() as connection:
        verbs = ("PUT", "DELETE", "PATCH", *(() if way.endpoint.family == "dyn-email" else ("POST",)))
        for verb in verbs:
            answer = await ask(connection, way, None, {}, method=verb)
            check_error(answer, way, {"status": 405})
            if way.endpoint.family == "dyn-metrics":
                assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("endpoint", TO_COME, ids=lambda endpoint: endpoint.id)
async def test_what_is_to_come_is_the_familys_404(endpoint: Endpoint, stage: Stage) -> None:
    async with stage.shared() as scene, scene.connection() as connection:
        for way in ways(endpoint):
            assert not is_routed(way.method, way.path), "routed in part"
            answer = await ask(connection, way, scene.world.accounts["master"].key, {})
            check_error(answer, way, {"status": 404})


def test_no_endpoint_is_dropped_in_silence() -> None:
    assert len(ROUTED) >= KNOWN_ROUTED
    for endpoint in ROUTED:
        for method, path in itertools.product(endpoint.methods, endpoint.paths):
            assert is_routed(method, path), f"{method} {path}"
    for endpoint in ENDPOINTS:
        assert good_of(endpoint)
        assert endpoint.entry["bad"]

"""Every endpoint of the Dyn families, by every path, verb and format that endpoints.yaml names.

All tests share one service: what a request changes here concerns nobody else.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.asking import TYPES, Way, ask, filled, good_of, ways
from tests.contract.documents import ENDPOINTS
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
DYN = [endpoint for endpoint in ENDPOINTS if endpoint.family.startswith("dyn-")]
ALL = 45
WAYS = [way for endpoint in DYN for way in ways(endpoint)]
_numbers = itertools.count(1)


def each_way(which: Callable[[Way], bool] | None = None) -> pytest.MarkDecorator:
    """Run a test for every way to an endpoint, or for those that fit."""
    return pytest.mark.parametrize("way", [way for way in WAYS if which is None or which(way)], ids=str)


@pytest.fixture
async def used(stage: Stage) -> Scene:
    """A scene in which things have happened; the mails and accounts that were laid down are as they were."""
    return await stage.shared("used")


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
            assert {one.name for one in found.at("data").children} <= {"", "error"}
            assert not found.at("data").text
        if "data" not in expected and "data_text" not in expected and way.format == "json":
            text = f'{{"response":{{"status":{status},"message":"{MESSAGES[status]}","data":{{}}}}}}'
            assert answer.body == text.encode()
    else:
        assert found.names == ERROR_FIELDS
        assert found.at("error").names == ["code", "message", "details"]
        assert (found.at("error.code").text, found.at("error.message").text) == (str(status), MESSAGES[status])
        assert [one.text for one in found.at("error.details").children] == expected.get("details", [])
        assert {one.name for one in found.at("error.details").children} <= {"", "detail"}


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


@each_way()
async def test_a_good_request_gets_the_documented_keys_in_their_order(way: Way, used: Scene) -> None:
    entry = way.endpoint.entry
    answer = await ask_well(used, way)
    assert answer.status == entry["success"], answer.body
    assert answer.headers["content-type"] == TYPES[way.format]
    bare = entry["response"]["envelope"] == "bare" and way.format == "json"
    check_answer(tree(answer.body, way.format), entry["response"], entry["path"], bare=bare)
    if entry["response"].get("data") == [] and way.format == "json":
        assert answer.body == b'{"response":{"status":200,"message":"OK","data":[]}}'


@each_way(lambda way: "with_timeseries" in way.endpoint.entry["response"])
async def test_the_other_forms_of_counts(way: Way, used: Scene) -> None:
    response = way.endpoint.entry["response"]
    answer = await ask_well(used, way, rollup_to="user")
    rows = {**response, "item": response["item_rollup_user"]}
    check_answer(tree(answer.body, way.format), rows, way.endpoint.paths[0], bare=False)
    series = response["with_timeseries"]
    for more in ({"timeseries": "day"}, {"timeseries": "hour", "rollup_to": "user"}):
        answer = await ask_well(used, way, **more)
        bare = series["envelope"] == "bare" and way.format == "json"
        check_answer(tree(answer.body, way.format), series, way.endpoint.paths[0], bare=bare)


@each_way()
async def test_bad_requests_get_their_status_and_sentences(way: Way, used: Scene, subtests: pytest.Subtests) -> None:
    async with used.connection() as connection:
        for case in way.endpoint.entry["bad"]:
            who = case.get("credentials", "key.master")
            key = None if who == "none" else str(used.world.value(who))
            with subtests.test(str(case["given"]), credentials=who):
                check_error(await ask(connection, way, key, filled(used.world, case["given"], 0)), way, case)


@each_way(lambda way: way.format == "json")
async def test_a_slash_at_the_end_changes_nothing(way: Way, used: Scene) -> None:
    answer = await ask_well(used, way, slash="/")
    assert answer.status == way.endpoint.entry["success"], answer.body


@each_way(lambda way: way.endpoint.reads and way.method == "GET")
async def test_head_is_get_without_its_body(way: Way, used: Scene) -> None:
    answer = await ask_well(used, way, method="HEAD")
    assert answer.status == way.endpoint.entry["success"]
    assert answer.headers["content-type"] == TYPES[way.format]
    assert int(answer.headers["content-length"]) > 0


@each_way(lambda way: not way.endpoint.reads and way.method == "GET")
async def test_head_does_not_write(way: Way, used: Scene) -> None:
    async with used.connection() as connection:
        answer = await ask(connection, way, used.world.accounts["master"].key, {}, method="HEAD")
    assert answer.status == 405


@each_way()
async def test_other_verbs_are_405(way: Way, used: Scene) -> None:
    is_metrics = way.endpoint.family == "dyn-metrics"
    async with used.connection() as connection:
        for verb in ("PUT", "DELETE", "PATCH", *(["POST"] if is_metrics else [])):
            answer = await ask(connection, way, None, {}, method=verb)
            check_error(answer, way, {"status": 405})
            assert answer.headers.get("allow") == "GET, HEAD" or not is_metrics


def test_no_endpoint_is_dropped_in_silence() -> None:
    assert len(DYN) == ALL
    for endpoint in DYN:
        good_of(endpoint)
        assert any(case.get("credentials") == "none" for case in endpoint.entry["bad"])

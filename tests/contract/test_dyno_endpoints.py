"""Every endpoint of Dyno Email Marketing.

All tests share one service, except where a request changes what others need as it was.
"""

import itertools
from typing import Any

import pytest

from tests.contract.documents import ENDPOINTS, Endpoint
from tests.contract.dyno import FIRST, GOOD, check_answer, check_error, send
from tests.contract.runner import parse
from tests.contract.stage import Scene, Stage
from tests.contract.wire import Answer

DYNO = [endpoint for endpoint in ENDPOINTS if endpoint.family == "dyno"]
ALL = 26
UNKNOWN = {"status": 404, "error_code": "404", "error_message": "The specified api could not be found"}
_numbers = itertools.count(1)

each = pytest.mark.parametrize("endpoint", DYNO, ids=lambda endpoint: endpoint.id)


@pytest.fixture
async def used(stage: Stage) -> Scene:
    """A scene in which things have happened."""
    return await stage.shared("used-dyno")


def filled(scene: Scene, given: Any, number: int, first: str = "") -> dict[str, Any]:
    """Return members with variables, number and the first id filled in."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        if isinstance(value, list):
            return [fill(one) for one in value]
        return value.replace("{n}", str(number)).replace(FIRST, first) if isinstance(value, str) else value

    members: dict[str, Any] = fill(scene.world.tree(given, {}))
    return members


async def ask_well(scene: Scene, endpoint: Endpoint, *, slash: str = "", header: str = "User-Api-Key") -> Answer:
    """Send the good request of an endpoint, and what has to happen before."""
    good, number, key, first = GOOD[endpoint.id], next(_numbers), scene.world.accounts["app"].key, ""
    async with scene.connection() as connection:
        if good.first:
            path, before = good.first
            answer = await send(connection, "POST", path, filled(scene, before, number), key=key)
            assert answer.status == 200, answer.body
            first = parse(answer.body)["data"]["id"]
        given = filled(scene, good.given, number, first)
        path = endpoint.paths[0] + slash
        return await send(connection, endpoint.methods[0], path, given, key=key, header=header)


@each
async def test_a_good_request_gets_the_documented_keys(endpoint: Endpoint, used: Scene, stage: Stage) -> None:
    if GOOD[endpoint.id].is_once:
        async with stage.fresh({}) as scene:
            check_answer(await ask_well(scene, endpoint), endpoint)
    else:
        check_answer(await ask_well(used, endpoint), endpoint)


@each
async def test_bad_requests_get_their_status_code_and_text(
    endpoint: Endpoint, used: Scene, subtests: pytest.Subtests
) -> None:
    method, path = endpoint.methods[0], endpoint.paths[0]
    async with used.connection() as connection:
        for case in endpoint.entry["bad"]:
            who = case.get("credentials", "key.app")
            key = None if who == "none" else str(used.world.value(who))
            with subtests.test(str(case["given"]), credentials=who):
                given, kind = filled(used, case["given"], 0), case.get("content_type", "application/json")
                check_error(await send(connection, method, path, given, key=key, content_type=kind), case)


@each
async def test_a_slash_at_the_end_and_the_other_header_change_nothing(endpoint: Endpoint, used: Scene) -> None:
    if not GOOD[endpoint.id].is_once:
        check_answer(await ask_well(used, endpoint, slash="/", header="Authorization"), endpoint)


@each
async def test_other_verbs_are_unknown_paths(endpoint: Endpoint, used: Scene) -> None:
    path = endpoint.paths[0].replace("{id}", "00000000-0000-0000-0000-000000000000")
    key = used.world.accounts["app"].key
    async with used.connection() as connection:
        for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if not any(one.takes(verb, path) for one in DYNO):
                check_error(await send(connection, verb, path, {}, key=key), UNKNOWN)


def test_no_endpoint_is_dropped_in_silence() -> None:
    assert len(DYNO) == ALL
    assert {endpoint.id for endpoint in DYNO} == GOOD.keys()

"""Every endpoint of Dynosend, with its parameters in every form.

All tests share one service, except where a request succeeds only once.
"""

import itertools

import pytest

from tests.contract.asking import filled
from tests.contract.documents import ENDPOINTS, Endpoint
from tests.contract.dynosend import CARRIERS, GOOD, check_answer, send
from tests.contract.runner import parse
from tests.contract.stage import Scene, Stage
from tests.contract.wire import Answer

DYNOSEND = [endpoint for endpoint in ENDPOINTS if endpoint.family == "dynosend"]
ALL = 21
_numbers = itertools.count(1)

each = pytest.mark.parametrize("endpoint", DYNOSEND, ids=lambda endpoint: endpoint.id)
each_carrier = pytest.mark.parametrize("carrier", CARRIERS)


@pytest.fixture
async def used(stage: Stage) -> Scene:
    """A scene in which things have happened."""
    return await stage.shared("used-dynosend")


async def ask_well(
    scene: Scene, endpoint: Endpoint, carrier: str = "json", *, slash: str = "", verb: str = ""
) -> Answer:
    """Send the good request of an endpoint, and what has to happen before."""
    good, number, key = GOOD[endpoint.id], next(_numbers), scene.world.accounts["app"].key
    given = filled(scene.world, good.given, number)
    async with scene.connection() as connection:
        if good.first:
            method, path, before = good.first
            answer = await send(connection, method, path, filled(scene.world, before, number), key=key)
            assert answer.status == 200, answer.body
        path = endpoint.paths[0] + slash
        return await send(connection, verb or endpoint.methods[0], path, given, key=key, carrier=carrier)


@each
@each_carrier
async def test_a_good_request_gets_the_documented_keys(
    endpoint: Endpoint, carrier: str, used: Scene, stage: Stage
) -> None:
    if GOOD[endpoint.id].is_once:
        async with stage.fresh({}) as scene:
            check_answer(await ask_well(scene, endpoint, carrier), endpoint)
    else:
        check_answer(await ask_well(used, endpoint, carrier), endpoint)


@each
@each_carrier
async def test_bad_requests_get_their_status_and_sentence(
    endpoint: Endpoint, carrier: str, used: Scene, subtests: pytest.Subtests
) -> None:
    async with used.connection() as connection:
        for case in endpoint.entry["bad"]:
            who = case.get("credentials", "key.app")
            key = None if who == "none" else str(used.world.value(who))
            with subtests.test(str(case["given"]), credentials=who):
                given = filled(used.world, case["given"], 0)
                answer = await send(connection, endpoint.methods[0], endpoint.paths[0], given, key=key, carrier=carrier)
                assert answer.status == case["status"], answer.body
                assert answer.headers["content-type"] == "application/json"
                body = parse(answer.body)
                assert (body["status"], body["message"]) == ("error", case["message"])
                assert list(body)[2:] in ([], ["errors"], ["error"])
                assert ("error" in body) is (who == "none")
                assert body["message"] in str(body.get("errors", body["message"]))


@each
async def test_a_slash_at_the_end_changes_nothing(endpoint: Endpoint, used: Scene) -> None:
    if not GOOD[endpoint.id].is_once:
        check_answer(await ask_well(used, endpoint, slash="/"), endpoint)


@each
async def test_head_is_get_without_its_body(endpoint: Endpoint, used: Scene) -> None:
    if endpoint.reads:
        answer = await ask_well(used, endpoint, verb="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert int(answer.headers["content-length"]) > 0


@each
async def test_other_verbs_are_405_and_name_the_supported_ones(endpoint: Endpoint, used: Scene) -> None:
    path = endpoint.paths[0]
    known = {one.methods[0] for one in DYNOSEND if one.paths[0] == path}
    async with used.connection() as connection:
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known:
            answer = await send(connection, verb, path, {}, key=used.world.accounts["app"].key)
            assert answer.status == 405
            message = parse(answer.body)["message"]
            start = f"The {verb} method is not supported for this route. Supported methods: "
            assert message.startswith(start)
            assert set(message.removeprefix(start).rstrip(".").split(", ")) == known
            assert set(answer.headers["allow"].split(", ")) == known | ({"HEAD"} if "GET" in known else set())


def test_no_endpoint_is_dropped_in_silence() -> None:
    assert len(DYNOSEND) == ALL
    for endpoint in DYNOSEND:
        assert endpoint.id in GOOD
        assert any(case.get("credentials") == "none" for case in endpoint.entry["bad"])

"""kill -9 of the API between effect and answer: the key, asked again, gives one effect.

A real API process and a real PostgreSQL; the supervisor starts again what was killed.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.e2e.killed.conftest import Victim
from tests.e2e.platform import Platform, wait_for

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

URL = "/api/trireme/v1/api-keys"
REQUESTS = 100
ROUNDS = 3


def ask(running: Platform, name: str) -> httpx2.Response | None:
    """Make a key of this name, once; return the answer, if there was one."""
    headers = {"Authorization": f"Bearer {running.api_key}", "Idempotency-Key": name}
    try:
        return running.client.post(URL, json={"name": name, "scopes": ["read"]}, headers=headers)
    except httpx2.TransportError:
        return None


def made(running: Platform) -> list[dict[str, Any]]:
    """Every key there is, but the primary one."""
    headers = {"Authorization": f"Bearer {running.api_key}"}
    answer = running.client.get(URL, params={"limit": 200}, headers=headers)
    return [one for one in answer.json()["data"] if not one["primary"]]


def test_one_effect_whenever_the_api_is_killed(victim: Victim) -> None:
    running, unanswered = victim.running, 0
    for number in range(ROUNDS):
        name = f"round {number}"
        with ThreadPoolExecutor(16) as pool:
            futures = [pool.submit(ask, running, name) for _ in range(REQUESTS)]
            # Later in each round: before, amid and after the first answers.
            wait_for(lambda: sum(future.done() for future in futures) >= 3 * number, "the first answers")  # noqa: B023 awaited here
            running.kill("api")
            answers = [future.result() for future in futures]
        unanswered += sum(answer is None for answer in answers)
        given = {answer.content for answer in answers if answer is not None and answer.status_code == 201}
        assert len(given) <= 1

        def again(name: str = name) -> httpx2.Response | None:
            answer = ask(running, name)
            return answer if answer is not None and answer.status_code == 201 else None

        last = wait_for(again, "the answer after the kill")
        assert {last.content} >= given
        assert [one["name"] for one in made(running)].count(name) == 1
    assert unanswered, "killed too late to tell anything"

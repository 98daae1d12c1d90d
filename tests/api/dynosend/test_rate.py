"""The limit of requests per second, over HTTP, with the window's clock given."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from random import getrandbits

import httpx2
import pytest

from app.main import create_app
from app.settings import Limits, Settings
from tests.factories import Factories

LIMIT = 10
URL = "/api/v2/audiences"
_FIRST_ADDRESS = int(IPv6Address("2001:db8::"))


class StillClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@asynccontextmanager
async def process(settings: Settings, clock: StillClock, address: str) -> AsyncIterator[httpx2.AsyncClient]:
    application = create_app(settings.model_copy(update={"limits": Limits(dynosend_per_second=LIMIT)}), clock=clock)
    async with application.running():
        transport = httpx2.ASGITransport(application, client=(address, 1234), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client:
            yield client


@pytest.fixture
def address() -> str:
    """An address no other test has: requests without a key are counted by it."""
    return str(IPv6Address(_FIRST_ADDRESS | getrandbits(64)))


async def test_ten_pass_per_window_and_account_with_all_its_keys(
    settings: Settings, make: Factories, address: str
) -> None:
    clock = StillClock()
    account, other = await make.account(), await make.account()
    keys = [account.key, await make.api_key(account.id, "read")]
    async with process(settings, clock, address) as one, process(settings, clock, address) as two:
        answers = [
            await client.get(URL, headers={"authorization": f"Bearer {key}"})
            for client, key in zip([one, two] * 6, keys * 6, strict=True)
        ]
        assert [answer.status_code for answer in answers] == [200] * LIMIT + [429] * 2
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers[:3]] == ["9", "8", "7"]
        assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"10"}
        late = answers[-1]
        assert late.json() == {"status": "error", "message": "Too Many Attempts."}
        assert late.headers["retry-after"] == "1"
        assert late.headers["x-ratelimit-reset"] == str(int(clock.at.timestamp()) + 2)
        assert late.headers["x-ratelimit-remaining"] == "0"
        assert late.headers["access-control-allow-origin"] == "*"
        assert (await two.get(URL, headers={"authorization": f"Bearer {other.key}"})).status_code == 200
        clock.at += timedelta(seconds=1)
        assert (await two.get(URL, headers={"authorization": f"Bearer {account.key}"})).status_code == 200


async def test_route_and_verb_come_before_the_limit_and_the_key_after(settings: Settings, address: str) -> None:
    clock = StillClock()
    async with process(settings, clock, address) as client:
        lines = ["GET /audiences", "GET /nonsense", "PUT /contacts"]
        statuses = []
        for _ in range(LIMIT):
            for line in lines:
                method, path = line.split()
                answer = await client.request(method, f"/api/v2{path}")
                assert answer.headers["x-ratelimit-limit"] == "10"
                statuses.append((line, answer.status_code))
        assert {status for line, status in statuses if line == lines[1]} == {404}
        assert {status for line, status in statuses if line == lines[2]} == {405}
        assert [status for line, status in statuses if line == lines[0]] == [401] * 4 + [429] * 6


async def test_without_valkey_all_pass(settings: Settings, make: Factories, address: str) -> None:
    account = await make.account()
    away = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    async with process(away, StillClock(), address) as client:
        for _ in range(LIMIT + 5):
            answer = await client.get(URL, headers={"authorization": f"Bearer {account.key}"})
            assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (200, "10")


async def test_no_limit_no_headers(client: httpx2.AsyncClient) -> None:
    answer = await client.get(URL)
    assert answer.status_code == 401
    assert "x-ratelimit-limit" not in answer.headers

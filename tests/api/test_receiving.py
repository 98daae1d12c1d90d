"""A body that is never finished, or too large, is refused by every family in its own words."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from app.api import receiving
from tests.factories import Factories

ENDPOINTS = [
    pytest.param("/rest/json/send", 408, id="dyn"),
    pytest.param("/api/v2/contacts", 408, id="dynosend"),
    pytest.param("/templates", 400, id="dyno"),
    pytest.param("/api/trireme/v1/templates", 408, id="native"),
]


@pytest.mark.parametrize(("path", "status"), ENDPOINTS)
async def test_a_body_that_never_ends_is_given_up(
    client: httpx2.AsyncClient, make: Factories, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(receiving, "READ_SECONDS", 0.05)
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await ended.wait()

    answer = await ask(client, (await make.account()).key, path, body())
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"), [("/templates", 400), ("/api/trireme/v1/templates", 413)], ids=["dyno", "native"]
)
async def test_a_body_without_a_length_is_measured(
    client: httpx2.AsyncClient, make: Factories, path: str, status: int
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1024 * 1024

    answer = await ask(client, (await make.account()).key, path, body())
    assert answer.status_code == status, answer.text


async def ask(client: httpx2.AsyncClient, key: str, path: str, body: AsyncIterator[bytes]) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}", "User-Api-Key": key, "Content-Type": "application/json"}
    return await client.post(path, headers=headers, content=body)

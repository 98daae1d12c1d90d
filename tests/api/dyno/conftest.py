"""Asking as a client of Dyno Email Marketing does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.factories import Factories, MadeAccount

UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"
NOT_FOUND = (500, "123", "RESOURCE NOT FOUND")


@dataclass
class Dyno:
    """A client with a key."""

    client: httpx2.AsyncClient
    key: str
    account: MadeAccount

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """Send a request; a body goes as JSON."""
        sent = {"User-Api-Key": self.key, **headers}
        return await self.client.request(method, path, headers=sent, **({} if body is None else {"json": body}))

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that is to succeed; return its data."""
        answer = await self.ask(method, path, body)
        assert answer.status_code == 200, answer.text
        envelope = answer.json()
        assert list(envelope) == ["has_error", "error_code", "data"]
        assert (envelope["has_error"], envelope["error_code"]) == (False, "")
        return envelope["data"]

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Send a request that is to fail; return status, code and text."""
        return refusal(await self.ask(method, path, body))


def refusal(answer: httpx2.Response) -> tuple[int, str, str]:
    envelope: Mapping[str, Any] = answer.json()
    assert list(envelope) == ["has_error", "error_code", "error_message", "error message", "data"], answer.text
    assert answer.headers["content-type"] == "application/json"
    assert envelope["has_error"] is True
    assert envelope["data"] == {}
    assert envelope["error_message"] == envelope["error message"]
    return answer.status_code, envelope["error_code"], envelope["error_message"]


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account("shop@accounts.example", senders=["shop@example.com"])


@pytest.fixture
async def dyno(client: httpx2.AsyncClient, account: MadeAccount) -> Dyno:
    return Dyno(client, account.key, account)


@pytest.fixture
async def stranger(client: httpx2.AsyncClient, make: Factories) -> Dyno:
    other = await make.account("other@accounts.example")
    return Dyno(client, other.key, other)

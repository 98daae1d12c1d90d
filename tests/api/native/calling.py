"""A client of the native API with a key."""

from collections.abc import Mapping
from typing import Any

import httpx2

BASE = "/api/trireme/v1"


class Native:
    """Calls of the native API through one key."""

    def __init__(self, client: httpx2.AsyncClient, key: str, **headers: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}", **headers}

    async def __call__(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **query: Any
    ) -> httpx2.Response:
        given: dict[str, Any] = {} if body is None else {"json": body}
        return await self._client.request(
            method, BASE + path, headers={**self._headers, **(headers or {})}, params=query or None, **given
        )


def names_of(answer: httpx2.Response) -> dict[str, str]:
    """The fields of a 422 and what is wrong with each."""
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["code"] for error in answer.json()["errors"]}

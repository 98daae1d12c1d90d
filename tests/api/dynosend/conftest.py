"""A client that speaks as Dynosend's customers do."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.factories import Factories, MadeAccount

Ask = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
def ask(client: httpx2.AsyncClient, account: MadeAccount) -> Ask:
    """Asks by method and path, with a JSON body; `key` is another key than the account's, "" none."""

    async def send(line: str, given: Any = None, *, key: str | None = None, **more: Any) -> httpx2.Response:
        method, path = line.split(" ")
        headers = dict(more.pop("headers", {}))
        if key != "":
            headers.setdefault("authorization", f"Bearer {key or account.key}")
        if given is not None:
            more["json"] = given
        return await client.request(method, f"/api/v2{path}", headers=headers, **more)

    return send

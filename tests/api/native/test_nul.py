"""No text that is stored has a NUL, and PostgreSQL takes none: whoever sends one is told, at every endpoint."""

import re
from urllib.parse import quote

import httpx2

from tests.api.native.calling import BASE
from tests.api.native.operations import native_document, operations
from tests.factories import Factories

NUL = quote("a\0b@example.com")


async def test_a_nul_in_the_query_is_a_400_everywhere(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account("operator@accounts.example", role="admin")
    key = {"Authorization": f"Bearer {account.key}"}
    asked = 0
    for line, operation in operations(native_document()).items():
        method, _, path = line.partition(" ")
        names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        # The inbox of the sandbox passes them over instead.
        for name in names if method == "GET" and "/sandbox/" not in path else ():
            target = re.sub(r"\{\w+\}", "922e3b7f-6b28-80d1-8ca1-98bc8321dcbd", path)
            answer = await client.get(f"{target}?{name}={NUL}", headers=key)
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed"), (line, name)
            asked += 1
    assert asked


async def test_a_nul_in_the_path_names_nothing(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account("operator@accounts.example", role="admin")
    key = {"Authorization": f"Bearer {account.key}"}
    asked = 0
    for line in operations(native_document()):
        method, _, path = line.partition(" ")
        if method == "GET" and "{" in path:
            answer = await client.get(re.sub(r"\{\w+\}", NUL, path), headers=key)
            assert answer.status_code in {400, 404, 422}, (line, answer.status_code)
            asked += 1
    assert asked
    assert (await client.get(f"{BASE}/account", headers=key)).status_code == 200

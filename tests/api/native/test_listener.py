"""The main listener: slashes, request ids, unknown URLs, the description and the root."""

import httpx2
import pytest

HEALTH = "/api/trireme/v1/system/health"


@pytest.mark.parametrize("path", [HEALTH, f"{HEALTH}/", f"{HEALTH}//"])
async def test_a_trailing_slash_is_the_same_resource(bare: httpx2.AsyncClient, path: str) -> None:
    assert (await bare.get(path)).status_code == 200


@pytest.mark.parametrize("given", ["abc-123", "A" * 128, "1/2:3"])
async def test_a_sane_request_id_is_taken_over(bare: httpx2.AsyncClient, given: str) -> None:
    assert (await bare.get(HEALTH, headers={"X-Request-Id": given})).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\x7fb", "<script>", "é"])
async def test_another_request_id_is_replaced(bare: httpx2.AsyncClient, given: str) -> None:
    made = (await bare.get(HEALTH, headers=[(b"X-Request-Id", given.encode())])).headers["x-request-id"]
    assert made != given
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/nothing", "/api/trireme/v1/nothing", "/api/trireme/v1", "/static"])
async def test_what_nobody_owns_is_a_problem(bare: httpx2.AsyncClient, path: str) -> None:
    answer = await bare.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_wrong_verb_is_told_what_is_allowed(bare: httpx2.AsyncClient) -> None:
    answer = await bare.post("/api/trireme/v1/sandbox/messages")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET"
    assert answer.json()["type"] == "/problems/method-not-allowed"


async def test_the_root_leads_to_the_dashboard_that_is_not_there_yet(bare: httpx2.AsyncClient) -> None:
    answer = await bare.get("/")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/app"
    for path in ("/app", "/app/", "/app/login"):
        answer = await bare.get(path)
        assert answer.status_code == 501
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_description_covers_the_families(bare: httpx2.AsyncClient) -> None:
    answer = await bare.get("/openapi.json")
    assert answer.status_code == 200
    described = answer.json()
    assert described["openapi"].startswith("3.1")
    assert {HEALTH, "/api/trireme/v1/sandbox/messages", "/rest/{type}/send", "/emails"} <= set(described["paths"])
    assert described["components"]["securitySchemes"]


async def test_the_docs_load_nothing_from_elsewhere(bare: httpx2.AsyncClient) -> None:
    answer = await bare.get("/docs")
    assert answer.status_code == 200
    assert "://" not in answer.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/assets/{asset}" in answer.text
        assert (await bare.get(f"/docs/assets/{asset}")).status_code == 200
    assert (await bare.get("/docs/assets/../__init__.py")).status_code == 404

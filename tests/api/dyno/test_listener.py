"""Dyno Email Marketing on both listeners: its envelope around what nobody serves."""

from pathlib import Path

import httpx2
import pytest

from app.main import Application, create_app
from app.settings import Dyno
from tests.fixtures.bare import bare_settings

UNKNOWN = {
    "has_error": True,
    "error_code": "404",
    "error_message": "The specified api could not be found",
    "error message": "The specified api could not be found",
    "data": {},
}


@pytest.fixture
def app(tmp_path: Path) -> Application:
    return create_app(bare_settings(tmp_path))


def client_of(app: Application, base_url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app, raise_app_exceptions=False), base_url=base_url)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/nothing", "/api/trireme/v1/system/health", "/rest/json/send", "/openapi.json"])
async def test_everything_on_its_own_listener_is_in_its_envelope(app: Application, method: str, path: str) -> None:
    async with client_of(app, "http://mail.example.com:19000") as dyno:
        answer = await dyno.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert "x-request-id" in answer.headers
    if method != "HEAD":
        assert answer.json() == UNKNOWN


@pytest.mark.parametrize(
    "path",
    ["/templates/x", "/templates/x/y", "/lists/find/", "/campaign_process/nothing", "/campaigns/x", "/transactions/x"],
)
async def test_its_urls_on_the_main_listener_are_in_its_envelope(app: Application, path: str) -> None:
    async with client_of(app, "http://mail.example.com") as client:
        answer = await client.patch(path)
    assert answer.status_code == 404
    assert answer.json() == UNKNOWN


async def test_port_0_turns_its_listener_off(tmp_path: Path) -> None:
    settings = bare_settings(tmp_path).model_copy(update={"dyno": Dyno(port=0)})
    async with client_of(create_app(settings), "http://mail.example.com:19000") as client:
        assert (await client.get("/api/trireme/v1/system/health")).status_code == 200

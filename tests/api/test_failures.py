"""Errors leave in the words of the family that owns the URL."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.api import failures, families
from app.api.dyn import errors as dyn_errors
from app.api.dyno import errors as dyno_errors
from app.api.dynosend import errors as dynosend_errors
from app.api.families import DYN_EMAIL, DYN_METRICS, DYNO, DYNOSEND, NATIVE, Family, family_of
from app.api.native import problems
from app.core.errors import (
    Conflict,
    CoreError,
    Fault,
    FieldFault,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    QuotaExceeded,
    StaleCaller,
    Unauthenticated,
)
from app.main import Application, create_app
from tests.fixtures.bare import bare_settings

INVALID = Invalid([FieldFault("company_name", Fault.REQUIRED), FieldFault("phone", Fault.TOO_LONG)])
RAISED: dict[str, Exception] = {
    "notfound": NotFound("x"),
    "conflict": Conflict("x"),
    "forbidden": Forbidden("x"),
    "unauthenticated": Unauthenticated("x"),
    "overloaded": Overloaded("x", retry_after_seconds=7),
    "invalid": INVALID,
    "stale": StaleCaller("x"),
    "quota": QuotaExceeded("x"),
    "core": CoreError("x"),
    "large": dyn_errors.BodyTooLarge(),
    "slow": dyn_errors.BodyTooSlow(),
    "http404": HTTPException(404),
    "http503": HTTPException(503),
    "crash": RuntimeError("secret"),
    "gone": ClientDisconnect(),
}
PREFIXES = ("/rest/json", "/emails", "/lists", "/api/trireme/v1")


async def _fail(request: Request) -> Response:
    raise RAISED[request.path_params["name"]]


def _application() -> FastAPI:
    """Return an application whose every URL `.../NAME` raises the error of that name."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.extend(Route(f"{prefix}/{{name}}", _fail) for prefix in ("/rest/{type}", *PREFIXES))
    failures.install(app)
    return app


def _client(app: FastAPI) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com")


@pytest.fixture
async def failing() -> AsyncIterator[httpx2.AsyncClient]:
    async with _client(_application()) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/rest/json/send", DYN_EMAIL),
        ("/rest", DYN_EMAIL),
        ("/rest/", DYN_EMAIL),
        ("/restless", NATIVE),
        ("/emails", DYN_METRICS),
        ("/emails/", DYN_METRICS),
        ("/email/counts", DYN_METRICS),
        ("/bounce/1/2/3/4", DYN_METRICS),
        ("/blocked-emails", DYN_METRICS),
        ("/blocked/reasons", DYN_METRICS),
        ("/blocked/reasons/", DYN_METRICS),
        ("/blocked", NATIVE),
        ("/lists/get", DYNO),
        ("/campaign_process/pause", DYNO),
        ("/transactions", DYNO),
        ("/api/trireme/v1/system/health", NATIVE),
        ("/api/v2/contacts", DYNOSEND),
        ("/api/v2", DYNOSEND),
        ("/api/v2/", DYNOSEND),
        ("/api/v20", NATIVE),
        ("/", NATIVE),
        ("", NATIVE),
        ("//rest", NATIVE),
    ],
)
def test_the_first_part_of_a_path_names_its_owner(path: str, owner: Family) -> None:
    assert family_of(path) is owner


def _descendants(kind: type[CoreError]) -> Iterator[type[CoreError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


@pytest.mark.parametrize("table", [dyn_errors.TABLE, dyno_errors.TABLE, dynosend_errors.TABLE, problems.TABLE])
def test_each_table_has_a_row_for_each_error_of_the_core(table: dict[type[CoreError], object]) -> None:
    kinds = {kind for kind in _descendants(CoreError) if kind.__module__.startswith("app.")}
    for kind in kinds:  # one that a package has of its own is rendered as what it is one of
        assert any(ancestor in table for ancestor in kind.__mro__), kind


@pytest.mark.parametrize(
    ("name", "status", "message", "data"),
    [
        ("notfound", 404, "Not Found", {}),
        ("http404", 404, "Not Found", {}),
        ("conflict", 453, "Object Already Exists", {}),
        ("forbidden", 454, "Feature Not Enabled", {}),
        ("unauthenticated", 451, "Missing or Invalid API Key", {}),
        ("overloaded", 503, "Service Unavailable", {}),
        ("stale", 503, "Service Unavailable", {}),
        ("http503", 503, "Service Unavailable", {}),
        ("large", 413, "Request Too Large", {}),
        ("slow", 408, "Request Timeout", {}),
        ("quota", 200, "OK", "452 4.3.1 Error: sending limit reached"),
        ("core", 500, "Internal Server Error", {}),
        ("crash", 500, "Internal Server Error", {}),
        (
            "invalid",
            452,
            "Missing or Invalid Required Fields",
            ["The company name can not be blank.", "The phone number is not valid."],
        ),
    ],
)
async def test_the_classic_api(failing: httpx2.AsyncClient, name: str, status: int, message: str, data: object) -> None:
    answer = await failing.get(f"/rest/json/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    expected = {"response": {"status": status, "message": message, "data": data}}
    assert answer.text == json.dumps(expected, separators=(",", ":"))
    assert ("retry-after" in answer.headers) is (status == 503)


async def test_overload_says_when_to_come_back(failing: httpx2.AsyncClient) -> None:
    assert (await failing.get("/rest/json/overloaded")).headers["retry-after"] == "7"


async def test_the_classic_api_answers_in_the_type_asked_for(failing: httpx2.AsyncClient) -> None:
    answer = await failing.get("/rest/xml/invalid")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.text.endswith(
        "<data><error>The company name can not be blank.</error><error>The phone number is not valid.</error></data></response>"
    )
    answer = await failing.get("/rest/html/crash")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_each_family_has_its_own_words_and_tells_no_secret(app: Application) -> None:
    application = _application()
    application.state.runtime = app.main_app.state.runtime
    async with _client(application) as client:
        for prefix in PREFIXES:
            for name in sorted(RAISED.keys() - {"gone"}):
                answer = await client.get(f"{prefix}/{name}")
                assert "secret" not in answer.text, (prefix, name)
                assert answer.json(), (prefix, name)
        metrics = (await client.get("/emails/unauthenticated")).json()
        assert list(metrics) == ["processing_time", "resp_time", "error", "api_host", "recv_time"]
        assert metrics["error"]["code"] == 451
        assert (await client.get("/lists/unauthenticated")).json()["has_error"] is True
        native = await client.get("/api/trireme/v1/unauthenticated")
        assert native.headers["content-type"] == "application/problem+json"


async def test_a_client_that_hung_up_is_no_crash(failing: httpx2.AsyncClient) -> None:
    assert (await failing.get("/rest/json/gone")).status_code == 499


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the real application without database: for what is answered before anything is read."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(create_app(bare_settings(tmp_path))), base_url="http://mail.example.com"
    ) as client:
        yield client


class TestTheRealApplication:
    async def test_unknown_urls(self, client: httpx2.AsyncClient) -> None:
        not_found = '{"response":{"status":404,"message":"Not Found","data":{}}}'
        for path in ("/rest/json/nonsense", "/rest/yaml/senders", "/rest/yaml/nonsense", "/rest/json", "/rest"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert answer.text == not_found
            assert answer.headers["content-type"] == "application/json"
        answer = await client.get("/rest/xml/nonsense")
        assert answer.status_code == 404
        assert answer.text.endswith("<status>404</status><message>Not Found</message><data/></response>")

    async def test_an_unknown_type_is_not_found_with_any_verb(self, bare: httpx2.AsyncClient) -> None:
        for method, path in (("DELETE", "/rest/yaml/senders"), ("POST", "/rest/JSON/send"), ("PUT", "/rest/yaml/send")):
            answer = await bare.request(method, path)
            assert answer.status_code == 404

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("DELETE", "/rest/json/senders", "GET, HEAD, POST"),
            ("PUT", "/rest/json/senders/", "GET, HEAD, POST"),
            ("HEAD", "/rest/json/send", "GET, POST"),
            ("OPTIONS", "/rest/json/send", "GET, POST"),
            ("HEAD", "/rest/json/accounts/delete", "GET, POST"),
        ],
    )
    async def test_other_verbs(self, bare: httpx2.AsyncClient, method: str, path: str, allowed: str) -> None:
        answer = await bare.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == allowed
        if method != "HEAD":
            assert answer.text == '{"response":{"status":405,"message":"Method Not Allowed","data":{}}}'

    async def test_verb_before_key_and_key_before_fields(self, client: httpx2.AsyncClient) -> None:
        missing = '{"response":{"status":451,"message":"Missing or Invalid API Key","data":{}}}'
        for path in ("/rest/json/accounts", "/rest/json/senders?apikey=notarealapikey", "/rest/json/send?from=x"):
            answer = await client.get(path)
            assert answer.status_code == 451
            assert answer.text == missing

    async def test_the_second_listener_speaks_dyno_everywhere(self) -> None:
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        families.include_dyno(app)
        failures.install(app)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://d") as client:
            assert (await client.get("/rest/json/send")).json()["has_error"] is True

    async def test_the_description_names_every_parameter_of_send(self, bare: httpx2.AsyncClient) -> None:
        described = (await bare.get("/openapi.json")).json()["paths"]
        form = described["/rest/{type}/send"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
        assert {"from", "to", "subject", "resent-messageid", "content-encoding"} <= set(form["schema"]["properties"])
        names = {parameter["name"] for parameter in described["/rest/{type}/senders"]["get"]["parameters"]}
        assert names == {"type", "apikey", "startindex"}

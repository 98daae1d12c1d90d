"""Dyno Email Marketing: credentials and the table of errors, through routes of the test's own on the Dyno listener."""

from pathlib import Path

import httpx2
import pytest
from fastapi import HTTPException
from pydantic import BaseModel

from app.api.dyno.auth import DynoCaller
from app.api.dyno.envelope import ok
from app.core import errors
from app.core.errors import Fault, FieldFault
from app.main import Application, create_app
from tests.factories import Factories
from tests.fixtures.bare import bare_settings


class BodyIn(BaseModel):
    name: str
    count: int = 0


async def call(app: Application, method: str, path: str, **more: object) -> httpx2.Response:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com:19000") as client:
        return await client.request(method, path, **more)  # type: ignore[arg-type]


async def test_either_header_carries_the_key_and_its_own_goes_first(app: Application, make: Factories) -> None:
    async def probe(caller: DynoCaller) -> dict[str, object]:
        return ok({"user_id": str(caller.public_id)})

    app.dyno_app.add_api_route("/probe", probe)
    account = await make.account()
    good = {"User-Api-Key": account.key}, {"Authorization": f"Bearer {account.key}"}
    for headers in good:
        answer = await call(app, "GET", "/probe", headers=headers)
        assert answer.status_code == 200
        assert answer.json() == {"has_error": False, "error_code": "", "data": {"user_id": str(account.public_id)}}
    for headers in (
        {},
        {"User-Api-Key": "wrong"},
        {"User-Api-Key": ""},
        {"User-Api-Key": "x" * 300},
        {"Authorization": "Basic x"},
        {"User-Api-Key": "wrong", **good[1]},
    ):
        answer = await call(app, "GET", "/probe", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error_code"] == "401"
        assert answer.json()["error_message"] == answer.json()["error message"] == "Your API key is wrong"


@pytest.mark.parametrize(
    ("error", "status", "code", "text"),
    [
        (errors.NotFound("x"), 500, "123", "RESOURCE NOT FOUND"),
        (errors.Conflict("LIST IS IN USE"), 500, "124", "LIST IS IN USE"),
        (errors.QuotaExceeded("x"), 500, "125", "SENDING LIMIT REACHED"),
        (errors.Invalid([FieldFault("name", Fault.REQUIRED, "x")]), 400, "400", "name is required"),
        (errors.Invalid([FieldFault("name", Fault.INVALID, "is not valid")]), 400, "400", "name is not valid"),
        (errors.Forbidden("x"), 403, "403", "The requested is hidden for administrators only"),
        (errors.Unauthenticated("x"), 401, "401", "Your API key is wrong"),
        (errors.Overloaded("x"), 503, "503", "We're temporarily offline for maintenance"),
        (errors.StaleCaller("x"), 503, "503", "We're temporarily offline for maintenance"),
        (HTTPException(429), 429, "429", "You're requesting too many"),
        (RuntimeError("secret"), 500, "500", "We had a problem with our server"),
    ],
)
async def test_each_error_has_its_words(tmp_path: Path, error: Exception, status: int, code: str, text: str) -> None:
    async def fail() -> None:
        raise error

    app = create_app(bare_settings(tmp_path))
    app.dyno_app.add_api_route("/fail", fail)
    answer = await call(app, "GET", "/fail")
    assert answer.status_code == status
    assert answer.json() == {
        "has_error": True,
        "error_code": code,
        "error_message": text,
        "error message": text,
        "data": {},
    }
    assert ("retry-after" in answer.headers) == (status == 429 or isinstance(error, errors.Overloaded))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "body is not valid JSON"),
        (b"{}", "name is required"),
        (b'{"name":"x","count":"y"}', "count is not valid"),
    ],
)
async def test_a_bad_body_is_400(tmp_path: Path, body: bytes, text: str) -> None:
    async def take(body: BodyIn) -> dict[str, object]:
        return ok({"name": body.name})

    app = create_app(bare_settings(tmp_path))
    app.dyno_app.add_api_route("/body", take, methods=["POST"])
    answer = await call(app, "POST", "/body", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error_message"] == text

"""Problems: each error of the core, of FastAPI and of Starlette, through routes of the test's own."""

from pathlib import Path
from typing import Annotated

import httpx2
import pytest
from fastapi import HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from app.core import errors
from app.core.errors import Fault, FieldFault
from app.main import create_app
from tests.fixtures.bare import bare_settings

FAULTS = [FieldFault("from_email", Fault.UNKNOWN, "is not known"), FieldFault("name", Fault.REQUIRED, "is required")]


class BodyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=5)]
    count: Annotated[int, Field(ge=1)] = 1


def client(data_dir: Path, error: Exception | None = None) -> httpx2.AsyncClient:
    async def fail() -> None:
        if error is not None:
            raise error

    async def take(body: BodyIn, limit: Annotated[int, Query(le=5)] = 1) -> int:
        return limit + body.count

    app = create_app(bare_settings(data_dir))
    app.main_app.add_api_route("/api/trireme/v1/fail", fail)
    app.main_app.add_api_route("/api/trireme/v1/take", take, methods=["POST"])
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com/api/trireme/v1")


@pytest.mark.parametrize(
    ("error", "status", "name", "detail"),
    [
        (errors.NotFound("no such mail"), 404, "not-found", "no such mail"),
        (errors.Conflict("taken"), 409, "conflict", "taken"),
        (errors.Invalid(FAULTS), 422, "validation", "2 fields are not valid"),
        (errors.Invalid(FAULTS[:1]), 422, "validation", "1 field is not valid"),
        (errors.Forbidden("no"), 403, "forbidden", "no"),
        (errors.Unauthenticated("who?"), 401, "unauthenticated", "who?"),
        (errors.StaleCaller("x"), 503, "unavailable", None),
        (errors.QuotaExceeded("spent"), 403, "quota-exceeded", "spent"),
        (errors.Overloaded("full", retry_after_seconds=3), 503, "unavailable", None),
        (HTTPException(400), 400, "malformed", None),
        (HTTPException(413), 413, "too-large", None),
        (HTTPException(415), 415, "unsupported-media-type", None),
        (HTTPException(418), 400, "malformed", None),
        (HTTPException(429), 429, "too-many-requests", None),
        (HTTPException(502), 500, "internal", None),
        (RuntimeError("a secret"), 500, "internal", None),
    ],
)
async def test_each_error_is_a_problem(
    tmp_path: Path, error: Exception, status: int, name: str, detail: str | None
) -> None:
    async with client(tmp_path, error) as native:
        answer = await native.get("/fail")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/problems/{name}"
    assert body["status"] == status
    assert body["title"]
    assert body.get("detail") == detail
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert answer.headers.get("retry-after") == {503: "3" if "Over" in repr(error) else "1"}.get(status)


async def test_faults_are_listed_in_order(tmp_path: Path) -> None:
    async with client(tmp_path, errors.Invalid(FAULTS)) as native:
        assert (await native.get("/fail")).json()["errors"] == [
            {"field": "from_email", "code": "unknown", "message": "is not known"},
            {"field": "name", "code": "required", "message": "is required"},
        ]


@pytest.mark.parametrize(
    ("query", "body", "status", "codes"),
    [
        ("", b"{", 400, None),
        ("?limit=x", b'{"name":"abc"}', 400, None),
        ("?limit=6", b'{"name":"abc"}', 400, None),
        ("", b"{}", 422, {"name": "required"}),
        ("", b'{"name":"a","count":0,"x":1}', 422, {"name": "too_short", "count": "out_of_range", "x": "unknown"}),
        ("", b'{"name":"abcdef","count":"y"}', 422, {"name": "too_long", "count": "invalid"}),
        ("", b"[]", 422, {"": "invalid"}),
        ("", b'{"name":"abc"}', 200, None),
    ],
)
async def test_a_body_is_checked(
    tmp_path: Path, query: str, body: bytes, status: int, codes: dict[str, str] | None
) -> None:
    async with client(tmp_path) as native:
        answer = await native.post(f"/take{query}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    if codes is not None:
        assert {fault["field"]: fault["code"] for fault in answer.json()["errors"]} == codes

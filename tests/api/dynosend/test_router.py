"""What every request goes through: forms of input, verbs, credentials, CORS, unknown routes."""

import base64
from typing import Any

import httpx2
import pytest

from app.api.dynosend.router import TABLE
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories, MadeAccount

UNAUTHENTICATED = {"status": "error", "message": "Unauthenticated.", "error": "Unauthenticated."}
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_parameters_may_stand_anywhere_and_the_body_wins(ask: Ask, make: Factories, account: MadeAccount) -> None:
    audience = await make.audience(account, name="Mine")
    uid = (await ask("GET /audiences")).json()[0]["uid"]
    good: list[dict[str, Any]] = [
        {"given": {"audience_uid": uid}},
        {"given": {"audience_uid": f" {uid} "}, "params": {"audience_uid": "0000000000000"}},
        {"params": {"audience_uid": uid}},
        {"content": f"audience_uid={uid}".encode(), "headers": FORM},
        {"content": b'{"audience_uid":"%s"}' % uid.encode(), "headers": {"content-type": "text/plain"}},
        {"files": {"audience_uid": (None, uid)}},
        {"given": None, "content": b"null", "params": {"audience_uid": uid}},
    ]
    for more in good:
        answer = await ask("GET /audiences", **more)
        assert answer.status_code == 200, more
        assert answer.json()["audience"]["id"] == audience.id
    for body in (b"", b"null", b"[]", b"1", b'{"audience_uid":,}'):
        answer = await ask("DELETE /contacts", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert list(answer.json()) == ["status", "message", "errors"]
        assert answer.json()["errors"] == {
            "audience_uid": ["The audience_uid field is required."],
            "contact_uid": ["The contact_uid field is required when email is not present."],
        }


@pytest.mark.parametrize("audience_uid", [{"a": 1}, [1]])
async def test_what_has_no_text_is_said_so(ask: Ask, audience_uid: object) -> None:
    answer = await ask("GET /audiences", {"audience_uid": audience_uid})
    assert (answer.status_code, answer.json()["message"]) == (400, "The audience_uid must be a string.")


@pytest.mark.parametrize("audience_uid", [5, 1.5, True, "x" * 65, "../etc", "é", "5fade5c93e42a", "-1"])
async def test_what_can_be_no_uid_is_not_found(ask: Ask, audience_uid: object) -> None:
    answer = await ask("GET /audiences", {"audience_uid": audience_uid})
    assert (answer.status_code, answer.json()) == (404, {"status": "error", "message": "Audience not found"})


async def test_a_post_may_stand_for_another_verb(ask: Ask, make: Factories, account: MadeAccount) -> None:
    audience = await make.audience(account)
    await make.contact(audience, "jo@example.org")
    uid = (await ask("GET /audiences")).json()[0]["uid"]
    given = {"audience_uid": uid, "email": "jo@example.org"}
    answer = await ask("POST /contacts/addtag", {**given, "tag": "x", "_method": "patch"})
    assert (answer.status_code, answer.json()["message"]) == (200, "Tag added")
    assert (await ask("POST /contacts/addtag", {**given, "tag": "x"})).status_code == 405
    assert (await ask("PATCH /contacts", {**given, "_method": "DELETE"})).status_code == 405
    answer = await ask("POST /contacts", given, headers={"x-http-method-override": "DELETE"})
    assert (answer.status_code, answer.json()["message"]) == (200, "Contact deleted")


async def test_each_place_of_a_key_counts_in_its_order(
    ask: Ask, account: MadeAccount, client: httpx2.AsyncClient
) -> None:
    key, wrong = account.key, "0" * 32
    basic = {"authorization": "Basic " + base64.b64encode(f"user:{key}".encode()).decode()}
    good: list[dict[str, Any]] = [
        {"key": ""} | {"params": {"api_token": key}},
        {"key": ""} | {"given": {"api_token": key}},
        {"key": ""} | {"params": {"api_token": key}, "given": {"api_token": wrong}},
        {"key": wrong} | {"params": {"api_token": key}},
        {"key": wrong} | {"given": {"api_token": key}},
        {"headers": basic},
        {"headers": {"authorization": f"bearer  {key} "}},
    ]
    for more in good:
        assert (await ask("GET /audiences", **more)).status_code == 200, more
    bad: list[dict[str, Any]] = [
        {"key": ""},
        {"key": wrong},
        {"params": {"api_token": wrong}},
        {"given": {"api_token": wrong}},
        {"headers": {"authorization": key}},
        {"headers": {"authorization": "Basic !"}},
        {"headers": {"authorization": "Basic " + base64.b64encode(b"user").decode()}},
        {"headers": {"authorization": "Bearer " + "x" * 5000}},
    ]
    for more in bad:
        answer = await ask("GET /audiences", **more)
        assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED), more
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_every_line_wants_a_key(ask: Ask) -> None:
    for line in TABLE:
        answer = await ask(f"{line.method} {line.path}", key="")
        assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED), line


async def test_a_key_needs_the_right_once_the_thing_is_known(ask: Ask, make: Factories, account: MadeAccount) -> None:
    audience = await make.audience(account)
    contact = await make.contact(audience, "jo@example.org", status="unconfirmed")
    uid = (await ask("GET /audiences")).json()[0]["uid"]
    given = {"audience_uid": uid, "email": "jo@example.org"}
    reads = await make.api_key(account.id, "read")
    sends = await make.api_key(account.id, "send")
    refused = {"status": "error", "message": "You are not authorized to access this resource"}
    field = {"type": "text", "label": "L", "tag": "T"}
    writing = {
        "POST /audiences/add-field": field,
        "POST /contacts": {"EMAIL": "jo@example.org"},
        "DELETE /contacts": {},
        "PATCH /contacts/update": {"tag": "x"},
        "PATCH /contacts/addtag": {"tag": "x"},
        "PATCH /contacts/subscribe": {},
        "PATCH /contacts/unsubscribe": {},
        "POST /events": {"event_name": "x"},
        "POST /blacklist/add": {},
    }
    for line, more in writing.items():
        answer = await ask(line, {**given, **more}, key=reads)
        assert (answer.status_code, answer.json()) == (401, refused), line
        answer = await ask(line, {**given, **more, "audience_uid": "x"}, key=reads)
        assert answer.status_code == (401 if "blacklist" in line else 404), line
    for line in ("GET /audiences", "GET /contacts", "GET /contacts/duplicate", "POST /blacklist"):
        assert (await ask(line, given, key=reads)).status_code == 200, line
        assert (await ask(line, given, key=sends)).status_code == 401, line
    assert (await ask("GET /audiences", key=sends)).status_code == 401
    found = (await ask("GET /contacts", given)).json()["contact"]
    assert (found["status"], found["tags"], found["id"]) == ("unconfirmed", "", contact.id)


async def test_options_and_unknown_routes(ask: Ask, client: httpx2.AsyncClient) -> None:
    answer = await client.options("/api/v2/contacts")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    for line in ("GET /nonsense", "POST /", "GET /contacts/x/y", "PUT /v1", "GET /contacts%2Fupdate/x"):
        answer = await ask(line, key="")
        assert (answer.status_code, answer.json()) == (404, {"status": "error", "message": "Not Found"}), line
        assert answer.headers["content-type"] == "application/json"
    answer = await client.request("PURGE", "/api/v2/contacts")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, DELETE"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_refusal_is_no_crash(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    for line in ("GET /nonsense", "PUT /contacts", "POST /contacts", "GET /contacts"):
        answer = await ask(line)
        assert answer.status_code in {400, 404, 405}
    assert caplog.records
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_body_beyond_the_limit_is_refused(ask: Ask) -> None:
    answer = await ask("POST /events", content=b"a=1&" * 20_001, headers=FORM)
    assert (answer.status_code, answer.json()["message"]) == (413, "Payload Too Large")
    answer = await ask("POST /events", content=b"", headers={"content-length": "9" * 12})
    assert answer.status_code == 413


async def test_the_description_has_every_line(client: httpx2.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for line in TABLE:
        assert line.method.lower() in paths[f"/api/v2{line.path}"]

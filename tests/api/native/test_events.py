"""`POST /api/trireme/v1/events`, over HTTP, and where its events are seen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from tests.factories import Factories, MadeAccount

PATH = "/api/trireme/v1/events"
SENDER = "news@example.com"
AT = datetime(2016, 11, 22, 10, 30, tzinfo=UTC)
ID = "<20161122/103000@other.example>"
RANGE = {"starttime": "2016-11-22T00:00:00Z", "endtime": "2016-11-23T00:00:00Z"}
SPAN = {"start_time": str(int(AT.timestamp()) - 86400), "end_time": str(int(AT.timestamp()) + 86400)}
BOUNCE = {
    "bounce_type": "hard",
    "category": "bad-mailbox",
    "code": "5.1.1",
    "rule": "emaildoesntexist",
    "diagnostic": "smtp;550 5.1.1 User unknown",
    "regex_name": "badmailbox03",
    "full_content": "Return-Path: <>",
}


@pytest.fixture
async def admin(make: Factories) -> MadeAccount:
    return await make.account("operator@accounts.example", role="admin")


@pytest.fixture
async def account(make: Factories, admin: MadeAccount) -> MadeAccount:
    return await make.account(senders=[SENDER], x_headers=["X-Campaign"])


async def post(client: httpx2.AsyncClient, key: str, body: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return await client.post(PATH, content=json.dumps(body), headers=headers)


def event(account: MadeAccount, kind: str, hours: float = 0, **members: Any) -> dict[str, Any]:
    return {
        "type": f"email.{kind}",
        "occurred_at": (AT + timedelta(hours=hours)).isoformat(),
        "account_id": str(account.public_id),
        "sender": SENDER,
        "recipient": "Jo <jo@Example.org>",
        "email_id": ID,
        **members,
    }


async def test_what_was_taken_over_is_in_reports_and_metrics(
    client: httpx2.AsyncClient, admin: MadeAccount, account: MadeAccount
) -> None:
    events = [
        event(account, "accepted", x_headers={"X-Campaign": "spring"}),
        event(account, "opened", 1, data={"ip": "192.0.2.1", "user_agent": "Mail/1", "unique": True}),
        event(account, "clicked", 1, data={"url": "https://shop.example/"}),
        event(account, "complained", 2, data={"source": "isp.example"}),
        event(account, "unsubscribed", 2),
        event(account, "bounced", 3, data=BOUNCE),
        event(account, "blocked", email_id="other", account_id=account.user_id, data={"blocked_reason": "manual"}),
        event(account, "refused", data={"issue_type": "limitreached", "description": "no"}),
    ]
    answer = await post(client, admin.key, {"events": events})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 8, "rejected": []})
    for report, count in {"sent": 2, "bounces": 1, "complaints": 1, "opens": 1, "clicks": 1, "issues": 1}.items():
        found = await client.get(f"/rest/json/reports/{report}", params={"apikey": account.key, **RANGE})
        assert found.status_code == 200, found.text
        rows = next(iter(found.json()["response"]["data"].values()))
        assert len(rows) == count, (report, rows)
    query = {"apikey": account.key, "user_id": str(account.id), **SPAN}
    (first, second) = (await client.get("/emails", params=query)).json()["data"]
    assert {first["email_id"], second["email_id"]} == {ID, "other"}
    (blocked,) = (await client.get("/blocked-emails", params=query)).json()["data"]
    assert blocked["email_id"] == "other"
    (bounce,) = (await client.get("/bounces", params={**query, "envelope": "always"})).json()["data"]
    assert (bounce["email_id"], bounce["xheaders"]) == (ID, {"X-Campaign": "spring"})
    place = f"/bounce/{account.id}/{bounce['sender_id']}/{bounce['bounce_time']}/{quote(ID, safe='')}"
    detail = (await client.get(place, params={"apikey": account.key})).json()["data"]
    assert (detail["email_id"], detail["full_content"]) == (ID, "Return-Path: <>")
    assert detail["diagnostic_code"] == "smtp;550 5.1.1 User unknown"


async def test_it_acts_when_asked_and_then_only(
    client: httpx2.AsyncClient, engine: AsyncEngine, admin: MadeAccount, account: MadeAccount
) -> None:
    for applies in (False, True):
        answer = await post(client, admin.key, {"events": [event(account, "bounced", data=BOUNCE)], "apply": applies})
        assert answer.json()["accepted"] == 1
        async with driver_connection(engine) as connection:
            assert await connection.fetchval("SELECT count(*) FROM suppressions") == int(applies)
            assert await connection.fetchval("SELECT count(*) FROM bounces") == 1
            assert await connection.fetchval("SELECT count(*) FROM postbacks") == 0


async def test_each_event_that_is_not_valid_says_why(
    client: httpx2.AsyncClient, admin: MadeAccount, account: MadeAccount
) -> None:
    wrong: list[tuple[Any, str, str]] = [
        ("text", "", "invalid"),
        ({**event(account, "delivered"), "colour": "red"}, "colour", "unknown"),
        ({key: value for key, value in event(account, "delivered").items() if key != "type"}, "type", "required"),
        (event(account, "sneezed"), "type", "invalid"),
        (event(account, "delivered", occurred_at="2016-11-22"), "occurred_at", "invalid"),
        (event(account, "delivered", occurred_at=1479810600), "occurred_at", "invalid"),
        (event(account, "delivered", occurred_at="0001-01-01T00:00:00+14:00"), "occurred_at", "invalid"),
        (event(account, "delivered", occurred_at="2100-01-01T00:00:00Z"), "occurred_at", "invalid"),
        (event(account, "delivered", account_id="nobody"), "account_id", "invalid"),
        (event(account, "delivered", account_id="00000000-0000-0000-0000-000000000000"), "account_id", "not_found"),
        (event(account, "delivered", account_id=10**30), "account_id", "not_found"),
        (event(account, "delivered", sender="nobody@example.com"), "sender", "not_found"),
        (event(account, "delivered", recipient="nobody"), "recipient", "invalid"),
        (event(account, "delivered", email_id="x" * 301), "email_id", "too_long"),
        (event(account, "delivered", email_id="nul\0"), "email_id", "invalid"),
        (event(account, "delivered", x_headers={"Subject": "x"}), "x_headers", "invalid"),
        (event(account, "delivered", data={"code": "5.1.1"}), "data.code", "unknown"),
        (event(account, "bounced"), "data.bounce_type", "required"),
        (event(account, "bounced", data={"bounce_type": "hard", "code": "bad"}), "data.code", "invalid"),
        (event(account, "blocked", data={"blocked_reason": "mood"}), "data.blocked_reason", "invalid"),
        (event(account, "clicked"), "data.url", "required"),
        (event(account, "opened", data={"ip": "x" * 46}), "data.ip", "too_long"),
        (event(account, "opened", data={"user_agent": "\ud800"}), "data.user_agent", "invalid"),
    ]
    good = event(account, "delivered")
    answer = await post(client, admin.key, {"events": [good, *(one for one, _, _ in wrong)]})
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 1
    rejected = answer.json()["rejected"]
    assert [one["index"] for one in rejected] == list(range(1, len(wrong) + 1))
    told = [(one["errors"][0]["field"], one["errors"][0]["code"]) for one in rejected]
    assert told == [(field, code) for _, field, code in wrong]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ([], 422, ""),
        ({}, 422, "events"),
        ({"events": {}}, 422, "events"),
        ({"events": [], "dry": True}, 422, "dry"),
        ({"events": [], "apply": "yes"}, 422, "apply"),
        ({"events": [1] * 1001}, 422, "events"),
    ],
)
async def test_a_body_of_another_form_is_a_problem(
    client: httpx2.AsyncClient, admin: MadeAccount, body: object, status: int, field: str
) -> None:
    answer = await post(client, admin.key, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_it_is_for_administrators_and_json(
    client: httpx2.AsyncClient, make: Factories, admin: MadeAccount, account: MadeAccount
) -> None:
    assert (await client.post(PATH, json={"events": []})).status_code == 401
    assert (await post(client, account.key, {"events": []})).status_code == 403
    weak = await make.api_key(admin.id, "write")
    assert (await post(client, weak, {"events": []})).status_code == 403
    bearer = {"Authorization": f"Bearer {admin.key}"}
    assert (await client.post(PATH, content=b"x", headers={**bearer, "Content-Type": "text/csv"})).status_code == 415
    bad = await client.post(PATH, content=b"{", headers={**bearer, "Content-Type": "application/json"})
    assert (bad.status_code, bad.json()["type"]) == (400, "/problems/malformed")
    assert (await post(client, admin.key, {"events": []})).json() == {"accepted": 0, "rejected": []}
    large = b'{"events":[' + b" " * (10 * 1024 * 1024) + b"]}"
    refused = await client.post(PATH, content=large, headers={**bearer, "Content-Type": "application/json"})
    assert refused.status_code == 413

"""Whatever comes in at whatever endpoint, the answer is one of the documented ones: never a crash, never a trace."""

import asyncio

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.hostile import Hostile, Requests, drawn
from tests.api.native.calling import BASE
from tests.api.native.operations import native_document, operations
from tests.api.native.victim import lay
from tests.factories import Factories

EACH = 4
"""Requests of each operation."""
SECONDS = 20.0
"""Longest time of an answer."""
ALLOWED = {400, 401, 403, 404, 405, 409, 413, 415, 422}
MEMBERS = {"type", "title", "status", "detail", "request_id", "errors", "state"}
UNSENT = {
    f"POST {BASE}/senders/{{id}}/verify",
    f"GET {BASE}/senders/{{id}}/dns",
    f"POST {BASE}/senders/{{id}}/confirm-email",
}
"""Ask other machines, for senders that are there."""


async def test_garbage_is_answered(client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine) -> None:
    account = await make.account(
        "operator@accounts.example", role="admin", senders=["news@victim.example"], x_headers=["X-Shop"]
    )
    sub = await make.account(parent=account)
    ids = await lay(make, engine, client, account)
    good = {
        "accounts": [str(sub.public_id)],
        "api-keys": [ids["key"]],
        "audiences": [ids["audience"]],
        "contacts": [ids["contact"], "jo@victim.example"],
        "segments": [ids["segment"]],
        "fields": ["PLAN", "EMAIL"],
        "tags": ["vip"],
        "templates": [ids["template"]],
        "campaigns": [ids["campaign"]],
        "transactional-messages": [ids["message"]],
        "automations": [ids["automation"]],
        "jobs": [ids["job"]],
        "events": [ids["event"]],
        "webhooks": [ids["webhook"]],
        "messages": [ids["email_id"], ids["sandbox"]],
        "suppressions": ["blocked@victim.example"],
        "postback-deliveries": [ids["postback"]],
        "senders": [ids["sender"]],
        "audience_id": [ids["audience"]],
        "audience_ids": [ids["audience"]],
        "contact_id": [ids["contact"]],
        "template_id": [ids["template"]],
        "segment_id": [ids["segment"]],
        "campaign_id": [ids["campaign"]],
        "from_email": ["news@victim.example"],
    }
    headers = {
        "Idempotency-Key": ["a", "x" * 255, "x" * 256, ""],
        "Trireme-Account": [str(sub.public_id), "x", "", str(sub.id)],
        "Content-Encoding": ["gzip", "x"],
        "Accept": ["text/html", ""],
        "X-Request-Id": ["\t", "x" * 5000],
    }
    document = native_document()
    requests = Requests(document, good, headers)
    bare = Requests(document, {}, headers)
    key = {"Authorization": f"Bearer {account.key}"}
    for line, operation in operations(document).items():
        if line.startswith(f"DELETE {BASE}"):
            continue
        for request in drawn((bare if line in UNSENT else requests).of(line, operation), EACH):
            await answered(client, request, key)
    for line, operation in operations(document).items():
        if line.startswith(f"DELETE {BASE}"):
            for request in drawn(requests.of(line, operation), EACH):
                await answered(client, request, key)
    assert (await client.get(f"{BASE}/account", headers=key)).status_code == 200


async def answered(client: httpx2.AsyncClient, request: Hostile, key: dict[str, str]) -> None:
    async with asyncio.timeout(SECONDS):
        answer = await request.send(client, key)
    said = (request, answer.status_code, answer.text[:1000])
    assert "Traceback" not in answer.text, said
    assert "x-request-id" in answer.headers, said
    if answer.is_success:
        assert answer.status_code in {200, 201, 202, 204}, said
        return
    assert answer.status_code in ALLOWED, said
    assert answer.headers["content-type"] == "application/problem+json", said
    problem = answer.json()
    assert {"type", "title", "status", "request_id"} <= problem.keys() <= MEMBERS, said
    assert problem["status"] == answer.status_code, said
    if answer.status_code == 422:
        assert problem["errors"], said
        assert all({"field", "code", "message"} == error.keys() for error in problem["errors"]), said

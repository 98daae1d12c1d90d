"""Events of contacts (docs/contract/dynosend.md, 8)."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.kit.uids import Noun, uid
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories, MadeAccount


async def rows(engine: AsyncEngine, query: str) -> list[dict[str, Any]]:
    async with driver_connection(engine) as connection:
        return [dict(row) for row in await connection.fetch(query)]


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed", "blacklisted"])
async def test_an_event_is_recorded_with_what_else_was_sent(
    status: str, ask: Ask, make: Factories, account: MadeAccount, engine: AsyncEngine
) -> None:
    audience = await make.audience(account)
    contact = await make.contact(audience, "jo@example.org", status=status)
    named = {"audience_uid": uid(Noun.AUDIENCE, audience.id), "email": "jo@example.org"}
    more = {"amount": 12, "items": [{"sku": "a\0b"}], "ok": True, "none": None, "_method": "POST"}
    answer = await ask("POST /events", {**named, "event_name": " paid_2 ", **more, "api_token": account.key})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    (row,) = await rows(engine, "SELECT contact_id, name, properties FROM contact_events")
    assert (row["contact_id"], row["name"]) == (contact.id, "paid_2")
    assert row["properties"] == {"amount": 12, "items": [{"sku": "ab"}], "ok": True, "none": None}
    (event,) = await rows(engine, "SELECT contact_id, data FROM domain_events WHERE type = 'contact.event'")
    assert event["contact_id"] == contact.id
    assert set(event["data"]) == {"name", "event_id"}
    assert (await ask("DELETE /contacts", named)).status_code == 200
    assert await rows(engine, "SELECT id FROM contact_events") == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (400, "The event_name field is required.")),
        ({"event_name": "two words"}, (400, "The event_name format is invalid.")),
        ({"event_name": "é"}, (400, "The event_name format is invalid.")),
        ({"event_name": "x" * 101}, (400, "The event_name format is invalid.")),
        ({"event_name": {"a": 1}}, (400, "The event_name must be a string.")),
        ({"event_name": "x", "email": "nobody@example.org"}, (404, "Contact not found")),
        ({"event_name": "x", "audience_uid": "0"}, (404, "Audience not found")),
        ({"event_name": "x", "more": "x" * 70_000}, (400, "The properties must not be longer than 64 kB.")),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_recorded(
    given: dict[str, Any], expected: tuple[int, str], ask: Ask, make: Factories, account: MadeAccount
) -> None:
    audience = await make.audience(account)
    await make.contact(audience, "jo@example.org")
    named = {"audience_uid": uid(Noun.AUDIENCE, audience.id), "email": "jo@example.org"}
    answer = await ask("POST /events", {**named, **given})
    assert (answer.status_code, answer.json()["message"]) == expected
    assert await rows(make.engine, "SELECT id FROM contact_events") == []

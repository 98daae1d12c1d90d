"""`GET /api/trireme/v1/why`, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid, uuid
from app.models import Attempt
from tests.factories import Factories, MadeAccount

PATH = "/api/trireme/v1/why"
AT = datetime(2026, 11, 5, 9, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["news@example.com"])


async def why(client: httpx2.AsyncClient, account: MadeAccount, expect: int = 200, **query: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params=query, headers={"Authorization": f"Bearer {account.key}"})
    assert answer.status_code == expect, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_tells_copies_lists_and_campaigns(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    sender = account.senders["news@example.com"]
    copy = await make.delivered(account.id, sender, AT, "Jo@example.org", extra={"attempts": 1})
    second = AT.replace(microsecond=0)
    async with unit_of_work(engine) as write:
        said = {"outcome": "delivered", "code": 250, "enhanced": "2.0.0", "reply": "ok", "host": "mx", "duration_ms": 9}
        place = {"message_id": copy.message_id, "accepted_at": second, "attempt": 1, "lease_id": 1, "attempted_at": AT}
        await write.execute(insert(Attempt).values(**place, **said))
    await make.blocked(account.id, sender, AT + timedelta(hours=1), "jo@EXAMPLE.org", reason="manual")
    audience = await make.audience(account, name="Readers")
    contact = await make.contact(audience, "jo@example.org", status="unsubscribed")
    campaign = await make.campaign(account, [audience])
    await make.sending(campaign)
    await make.suppression(account.id, "jo@example.org")
    told = await why(client, account, recipient="JO@example.org")
    assert (told["recipient"], told["has_more"], told["not_sent"]) == ("jo@example.org", False, [])
    blocked, delivered = told["messages"]
    assert (blocked["status"], blocked["attempts"]) == ("blocked", [])
    assert blocked["reason"].startswith("blocked: put on the suppression list")
    assert delivered == {
        "email_id": f"20261105090000.{copy.message_id:012x}@mail-1",
        "sender": "news@example.com",
        "kind": "send",
        "campaign_id": None,
        "campaign_name": None,
        "status": "delivered",
        "reason": "delivered on 2026-11-05 09:00:00 by mx (250 ok)",
        "possible_duplicate": False,
        "accepted_at": "2026-11-05T09:00:00.250Z",
        "attempts": [
            {
                "attempt": 1,
                "time": "2026-11-05T09:00:00.250Z",
                "outcome": "delivered",
                "host": "mx",
                "code": 250,
                "enhanced_code": "2.0.0",
                "reply": "ok",
                "milliseconds": 9,
            }
        ],
    }
    assert told["suppression"]["reason"] == "manual"
    (member,) = told["contacts"]
    assert (member["audience_name"], member["status"]) == ("Readers", "unsubscribed")
    assert member["contact_id"] == str(uuid(Noun.CONTACT, contact.id))
    assert (await why(client, account, recipient="jo@example.org", limit=1))["has_more"] is True
    for which in (uid(Noun.CAMPAIGN, campaign.id), str(uuid(Noun.CAMPAIGN, campaign.id))):
        (run,) = (await why(client, account, recipient="jo@example.org", campaign_id=which))["not_sent"]
        assert run["reason"] == "not targeted: not subscribed when the campaign started"
        assert run["campaign_id"] == str(uuid(Noun.CAMPAIGN, campaign.id))
    stranger = await make.account()
    nothing = {"recipient": "jo@example.org", "messages": [], "has_more": False, "not_sent": [], "suppression": None}
    assert await why(client, stranger, recipient="jo@example.org") == {**nothing, "contacts": []}
    assert (await why(client, stranger, recipient="jo@example.org", campaign_id=which))["not_sent"] == []


async def test_bad_values_are_refused(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    for query in ({}, {"recipient": ""}, {"recipient": "a\0"}, {"recipient": "x" * 321}):
        await why(client, account, 400, **query)
    for query in ({"campaign_id": "x"}, {"limit": "0"}, {"limit": "501"}):
        await why(client, account, 400, recipient="jo@example.org", **query)

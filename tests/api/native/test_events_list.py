"""`GET /api/trireme/v1/events` and below, over HTTP."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, events
from app.core.events import EventType, reading
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid, uuid
from app.models import Attempt, Issue
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec
from tests.factories.history import BounceSpec, LaidCopy

PATH = "/api/trireme/v1/events"
SENDER = "news@example.com"
AT = datetime(2026, 11, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER], x_headers=["X-Campaign"])


async def get(client: httpx2.AsyncClient, account: MadeAccount, path: str = PATH, **query: Any) -> httpx2.Response:
    return await client.get(path, params=query, headers={"Authorization": f"Bearer {account.key}"})


async def listed(client: httpx2.AsyncClient, account: MadeAccount, **query: Any) -> list[dict[str, Any]]:
    answer = await get(client, account, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def walked(client: httpx2.AsyncClient, account: MadeAccount, **query: Any) -> list[dict[str, Any]]:
    """Return all pages of a list."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(200):
        page = (await get(client, account, cursor=cursor, **query)).json()
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = page["next_cursor"]
    raise AssertionError("the list does not end")


async def one_of_each(make: Factories, engine: AsyncEngine, account: MadeAccount) -> LaidCopy:
    """Write one event of each kind of mail about one copy, an hour apart; the block is another copy's."""
    mine = account.senders[SENDER]
    copy = await make.sent(account.id, mine, AT, "Jo@example.org", x_headers={"X-Campaign": "spring"})
    async with unit_of_work(engine) as write:
        said = {
            "outcome": "deferred",
            "code": 451,
            "enhanced": "4.3.0",
            "reply": "later",
            "host": "mx",
            "duration_ms": 9,
        }
        place = {"message_id": copy.message_id, "accepted_at": AT, "attempt": 1, "lease_id": 77}
        await write.execute(insert(Attempt).values(**place, attempted_at=AT + HOUR, **said))
        issue = {"issue_type": "limitreached", "address": "jo@example.org", "sender": SENDER, "description": "no"}
        await write.execute(insert(Issue).values(account_id=account.id, occurred_at=AT + 9 * HOUR, **issue))
    await make.opened(copy, AT + 2 * HOUR, ip="192.0.2.7", user_agent="Mail/1")
    await make.clicked(copy, AT + 3 * HOUR, "https://shop.example/")
    await make.complained(copy, AT + 4 * HOUR, source="isp.example")
    await make.unsubscribed(copy, AT + 5 * HOUR)
    await make.bounced(copy, BounceSpec(AT + 6 * HOUR))
    await make.delivered(account.id, mine, AT + 7 * HOUR, "ann@example.org")
    await make.blocked(account.id, mine, AT + 8 * HOUR, "cy@example.org", reason="hardbounce")
    return copy


async def test_every_kind_of_mail_event_is_told_newest_first(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    copy = await one_of_each(make, engine, account)
    found = await listed(client, account)
    assert [one["type"].removeprefix("email.") for one in found] == [
        "refused", "blocked", "accepted", "delivered", "accepted", "bounced", "unsubscribed", "complained", "clicked",
        "opened", "deferred", "accepted",
    ]  # fmt: skip
    bounce = found[5]
    assert bounce == {
        "id": bounce["id"],
        "type": "email.bounced",
        "occurred_at": "2026-11-05T15:00:00.000Z",
        "email_id": f"20261105090000.{copy.message_id:012x}@mail-1",
        "recipient": "Jo@example.org",
        "sender_id": account.senders[SENDER],
        "campaign_id": None,
        "contact_id": None,
        "data": {
            "bounce_type": "hard",
            "category": "bad-mailbox",
            "code": "5.1.1",
            "rule": "emaildoesntexist",
            "diagnostic": "550 5.1.1 User unknown",
            "regex_name": "badmailbox03",
        },
    }
    data = {one["type"]: one["data"] for one in found}
    assert data["email.opened"] == {"ip": "192.0.2.7", "user_agent": "Mail/1", "machine": False, "unique": True}
    assert data["email.clicked"]["url"] == "https://shop.example/"
    assert data["email.deferred"] == {
        "attempt": 1, "code": "4.3.0", "smtp_code": 451, "diagnostic": "later", "host": "mx",
    }  # fmt: skip
    assert data["email.complained"] == {"source": "isp.example"}
    assert data["email.unsubscribed"]["means"] == "page"
    assert data["email.blocked"] == {"blocked_reason": "hardbounce"}
    assert data["email.accepted"] == {"kind": "send", "x_headers": {"X-Campaign": "spring"}}
    assert data["email.refused"]["issue_type"] == "limitreached"
    assert await listed(client, account, sort="occurred_at") == found[::-1]
    assert await walked(client, account, limit=1) == found
    assert await walked(client, account, limit=5, sort="occurred_at") == found[::-1]
    assert len({one["id"] for one in found}) == len(found)
    for one in found:
        assert (await get(client, account, f"{PATH}/{one['id']}")).json() == one


async def test_events_of_contacts_campaigns_and_lists_are_told(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    audience = await make.audience(account)
    contact = await make.contact(audience, "jo@example.org")
    campaign = await make.campaign(account, [audience])
    async with unit_of_work(engine) as write:
        await contacts.record_event(write, account.id, audience.id, contact.id, name="bought", properties={"price": 3})
        data = {"campaign_id": campaign.id, "run_id": 5}
        await events.emit(write, account.id, EventType.CAMPAIGN_STARTED, data=data)
    await make.suppression(account.id, "jo@example.org", reason="manual")
    found = {one["type"]: one for one in await listed(client, account)}
    assert {"contact.created", "contact.event", "campaign.started", "suppression.added", "contact.unsubscribed"} <= set(
        found
    )
    told = found["contact.event"]
    assert told["contact_id"] == str(uuid(Noun.CONTACT, contact.id))
    audience_id = str(uuid(Noun.AUDIENCE, audience.id))
    assert told["data"] == {"name": "bought", "properties": {"price": 3}, "audience_id": audience_id}
    assert (told["recipient"], told["email_id"]) == ("jo@example.org", None)
    started = found["campaign.started"]
    assert started["campaign_id"] == str(uuid(Noun.CAMPAIGN, campaign.id))
    assert started["data"] == {"run_id": str(uuid(Noun.RUN, 5))}
    assert found["suppression.added"]["data"] == {"reason": "manual", "detail": ""}
    assert [one["type"] for one in await listed(client, account, campaign_id=uid(Noun.CAMPAIGN, campaign.id))] == [
        "campaign.started"
    ]
    mine = await listed(client, account, type="contact.*,suppression.added", recipient="JO@example.org")
    assert {one["type"] for one in mine} == set(found) - {"campaign.started", "job.finished"}
    for one in found.values():
        assert (await get(client, account, f"{PATH}/{one['id']}")).json() == one


async def test_filters_narrow_the_list(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    copy = await one_of_each(make, engine, account)
    other = await make.sender(account.id, "shop@example.com")
    audience = await make.audience(account)
    campaign = await make.campaign(account, [audience])
    run = await make.sending(campaign)
    now = datetime.now(UTC).replace(microsecond=0)
    sent = await make.delivered(account.id, other, now, "eve@example.org", extra={"run_id": run.id})
    await make.opened(sent, now)
    await make.bounced(sent, BounceSpec(now))
    email_id = f"20261105090000.{copy.message_id:012x}@mail-1"
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"type": "email.opened", "end": "2026-11-06T00:00:00Z"}, ["opened"]),
        ({"type": ["email.opened", "email.clicked"], "end": "2026-11-06T00:00:00Z"}, ["clicked", "opened"]),
        ({"recipient": "ANN@example.org"}, ["delivered", "accepted"]),
        ({"recipient": "nobody@example.org"}, []),
        ({"email_id": email_id, "type": "email.bounced,email.accepted"}, ["bounced", "accepted"]),
        ({"email_id": email_id, "recipient": "ann@example.org"}, []),
        ({"email_id": "nonsense"}, []),
        ({"sender_id": other, "type": "email.*"}, ["opened", "bounced", "delivered", "accepted"]),
        (
            {"campaign_id": uid(Noun.CAMPAIGN, campaign.id), "type": "email.*"},
            ["opened", "bounced", "delivered", "accepted"],
        ),
        ({"start": "2026-11-05T14:00:00Z", "end": "2026-11-05T15:00:00.001Z"}, ["bounced", "unsubscribed"]),
        ({"start": "2026-11-05T15:00:00Z", "end": "2026-11-05T15:00:00Z"}, []),
        ({"type": "email.refused", "recipient": "JO@example.org"}, ["refused"]),
        ({"type": "job.finished"}, []),
        ({"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z", "type": "email.deferred"}, ["deferred"]),
    ]
    for query, kinds in expected:
        found = await listed(client, account, **query)
        assert [one["type"].removeprefix("email.") for one in found] == kinds, query


async def test_paging_walks_every_event_once_while_more_come(
    client: httpx2.AsyncClient,
    engine: AsyncEngine,
    make: Factories,
    account: MadeAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = account.senders[SENDER]
    specs = [
        CopySpec(
            account.id, mine, AT + timedelta(minutes=number // 3), extra={"delivered_at": AT + 4 * HOUR / (number + 1)}
        )
        for number in range(17)
    ]
    copies = await make.lay(specs)
    for copy in copies[:5]:
        await make.opened(copy, AT + HOUR)
    everything = await walked(client, account, type="email.*", limit=200)
    assert len(everything) == 39
    numbers = itertools.count(100)
    for walks, sort in itertools.product(((3, 9, None), (1, None), (None,)), ("occurred_at", "-occurred_at")):
        monkeypatch.setattr(reading, "WALKS", walks)
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = (await get(client, account, type="email.*", sort=sort, limit=11, cursor=cursor)).json()
            found += page["data"]
            if not page["has_more"]:
                break
            cursor = page["next_cursor"]
            outside = AT - 48 * HOUR if sort == "occurred_at" else AT + 48 * HOUR
            await make.delivered(account.id, mine, outside, f"late{next(numbers)}@example.org")
        old = [one for one in found if not one["recipient"].startswith("late")]
        assert old == (everything if sort == "-occurred_at" else everything[::-1]), (walks, sort)


async def test_another_accounts_events_are_not_there(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    stranger = await make.account(senders=["x@stranger.example"])
    copy = await one_of_each(make, engine, account)
    await make.suppression(account.id, "jo@example.org")
    found = await listed(client, account)
    assert len(found) == 13
    email_id = f"20261105090000.{copy.message_id:012x}@mail-1"
    for query in ({}, {"recipient": "jo@example.org"}, {"email_id": email_id}, {"sender_id": account.senders[SENDER]}):
        assert await listed(client, stranger, **query) == []
    for one in found:
        assert (await get(client, stranger, f"{PATH}/{one['id']}")).status_code == 404
    for which in (str(uuid4()), "nonsense", "0" * 13, str(UUID(int=0)), str(uuid(Noun.EVENT, 1))):
        assert (await get(client, account, f"{PATH}/{which}")).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": "WzEsMl0"},
        {"cursor": "WyJhIiwxLDIsM10"},
        {"cursor": "Wy0xLDEsMiwzXQ"},
        {"sort": "type"},
        {"limit": "0"},
        {"type": "email.sneezed"},
        {"type": ""},
        {"type": "sneeze.*"},
        {"sender_id": "0"},
        {"campaign_id": "x"},
        {"start": "1"},
        {"recipient": "a\0b"},
    ],
)
async def test_bad_values_are_400(client: httpx2.AsyncClient, account: MadeAccount, query: dict[str, str]) -> None:
    answer = await get(client, account, **query)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["recipient", "email_id", "type", "cursor", "end"]), st.text(max_size=30)))
async def test_no_value_breaks_it(client: httpx2.AsyncClient, account: MadeAccount, query: dict[str, str]) -> None:
    given_ = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    assert (await get(client, account, **given_)).status_code in {200, 400}

"""`/api/trireme/v1/messages`, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid, uuid
from app.models import Attempt, Mail
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

PATH = "/api/trireme/v1/messages"
SENDER = "news@example.com"
AT = datetime(2026, 11, 5, 9, 0, 0, 250_000, tzinfo=UTC)


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


async def test_one_message_has_what_the_contract_shows(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    second = AT.replace(microsecond=0)
    async with unit_of_work(engine) as write:
        headers = [["From", SENDER], ["subject", "Grüße"]]
        await write.execute(insert(Mail).values(id=7, accepted_at=second, account_id=account.id, headers=headers))
    copy = await make.delivered(
        account.id,
        account.senders[SENDER],
        AT,
        "Jo@example.org",
        x_headers={"X-Campaign": "spring"},
        extra={"mail_id": 7, "attempts": 2},
    )
    await make.opened(copy, AT + timedelta(hours=1))
    await make.opened(copy, AT + timedelta(hours=2))
    await make.clicked(copy, AT + timedelta(hours=3), "https://shop.example/")
    async with unit_of_work(engine) as write:
        row = {"message_id": copy.message_id, "accepted_at": second, "attempt": 1, "lease_id": 1, "attempted_at": AT}
        said = {
            "outcome": "deferred",
            "code": 451,
            "enhanced": "4.3.0",
            "reply": "later",
            "host": "mx",
            "duration_ms": 9,
        }
        await write.execute(insert(Attempt).values(**row, **said))
    (message,) = await listed(client, account)
    assert message == {
        "email_id": f"20261105090000.{copy.message_id:012x}@mail-1",
        "account_id": str(account.public_id),
        "user_id": account.id,
        "sender_id": account.senders[SENDER],
        "from": SENDER,
        "recipient": "Jo@example.org",
        "subject": "Grüße",
        "kind": "send",
        "campaign_id": None,
        "contact_id": None,
        "status": "delivered",
        "x_headers": {"X-Campaign": "spring"},
        "blocked_reason": None,
        "possible_duplicate": False,
        "accepted_at": "2026-11-05T09:00:00.250Z",
        "delivered_at": "2026-11-05T09:00:00.000Z",
        "bounced_at": None,
        "finished_at": None,
        "opens": 2,
        "clicks": 1,
    }
    detail = (await get(client, account, f"{PATH}/{message['email_id']}")).json()
    assert {name: detail[name] for name in message} == message
    (attempt,) = detail["attempts"]
    assert attempt == {
        "attempt": 1,
        "time": "2026-11-05T09:00:00.250Z",
        "outcome": "deferred",
        "host": "mx",
        "code": 451,
        "enhanced_code": "4.3.0",
        "reply": "later",
        "milliseconds": 9,
    }
    kinds = [event["type"].removeprefix("email.") for event in detail["events"]]
    assert kinds == ["delivered", "accepted", "deferred", "opened", "opened", "clicked"]
    assert [event["data"].get("unique") for event in detail["events"]][-3:] == [True, False, True]


async def test_filters_narrow_the_list(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    other = await make.sender(account.id, "shop@example.com")
    audience = await make.audience(account)
    campaign = await make.campaign(account, [audience])
    run = await make.sending(campaign)
    mine = account.senders[SENDER]
    now = datetime.now(UTC)
    await make.delivered(account.id, mine, AT, "Ann@Example.org", x_headers={"X-Campaign": "spring"})
    await make.sent(account.id, other, AT + timedelta(days=1), "bob@shop.example", extra={"kind": "transactional"})
    await make.blocked(account.id, mine, now, "cy@shop.example", reason="hardbounce", extra={"run_id": run.id})
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({"recipient": "ANN@example.ORG"}, {"Ann@Example.org"}),
        ({"recipient": "nobody@example.org"}, set()),
        ({"domain": "SHOP.example"}, {"bob@shop.example", "cy@shop.example"}),
        ({"sender_id": other}, {"bob@shop.example"}),
        ({"campaign_id": str(uuid(Noun.CAMPAIGN, campaign.id))}, {"cy@shop.example"}),
        ({"campaign_id": uid(Noun.CAMPAIGN, campaign.id)}, {"cy@shop.example"}),
        ({"campaign_id": uid(Noun.CAMPAIGN, campaign.id + 1)}, set()),
        ({"status": "blocked"}, {"cy@shop.example"}),
        ({"kind": "transactional"}, {"bob@shop.example"}),
        ({"x_header": "x-campaign:spring"}, {"Ann@Example.org"}),
        ({"x_header": "X-Campaign:summer"}, set()),
        ({"start": "2026-11-06T00:00:00Z", "end": "2026-11-07T00:00:00Z"}, {"bob@shop.example"}),
        ({"start": "2026-11-05T09:00:00.251Z", "end": "2026-11-05T09:00:01Z"}, set()),
        ({"start": "2026-11-05T09:00:00.250Z", "end": "2026-11-05T09:00:00.251Z"}, {"Ann@Example.org"}),
        ({"recipient": "ann@example.org", "status": "blocked"}, set()),
        ({"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z", "status": "queued"}, {"bob@shop.example"}),
    ]
    for query, recipients in expected:
        found = await listed(client, account, **query)
        assert {one["recipient"] for one in found} == recipients, query
    answer = (await get(client, account, domain="shop.example", count="true", limit=1)).json()
    assert (answer["total"], len(answer["data"]), answer["has_more"]) == (2, 1, True)


async def test_paging_walks_every_message_once_while_more_are_accepted(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    mine = account.senders[SENDER]
    spread = [AT + timedelta(seconds=number // 3, milliseconds=number % 3 // 2) for number in range(20)]
    await make.copies([CopySpec(account.id, mine, at, f"r{number}@example.org") for number, at in enumerate(spread)])
    for sort in ("accepted_at", "-accepted_at"):
        seen: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = (await get(client, account, sort=sort, limit=7, cursor=cursor)).json()
            seen += page["data"]
            if not page["has_more"]:
                break
            cursor = page["next_cursor"]
            outside = AT - timedelta(hours=1) if sort == "accepted_at" else AT + timedelta(hours=1)
            await make.sent(account.id, mine, outside, "late@example.org", extra={"kind": "test"})
        old = [one for one in seen if one["kind"] == "send"]
        assert sorted(one["email_id"] for one in old) == sorted({one["email_id"] for one in old})
        assert len(old) == 20
        times = [one["accepted_at"] for one in seen]
        assert times == sorted(times, reverse=sort == "-accepted_at")


async def test_another_accounts_messages_are_not_there(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    stranger = await make.account(senders=["x@stranger.example"])
    copy = await make.delivered(account.id, account.senders[SENDER], AT, "jo@example.org")
    (message,) = await listed(client, account)
    assert await listed(client, stranger) == []
    assert await listed(client, stranger, recipient="jo@example.org") == []
    assert await listed(client, stranger, sender_id=account.senders[SENDER]) == []
    for email_id in (message["email_id"], f"20261105090001.{copy.message_id:012x}@mail-1", "nonsense", "a/b", "%00"):
        answer = await get(client, stranger, f"{PATH}/{email_id}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": "WzFd"},
        {"cursor": "WzEsMiwtM10"},
        {"sort": "subject"},
        {"limit": "0"},
        {"limit": "201"},
        {"status": "lost"},
        {"kind": "fax"},
        {"sender_id": "x"},
        {"sender_id": "99999999999999999999"},
        {"campaign_id": "x"},
        {"x_header": "no colon"},
        {"start": "yesterday"},
        {"end": "2026-01-01"},
        {"recipient": "a\0b"},
        {"domain": "a\0b"},
    ],
)
async def test_bad_values_are_400(client: httpx2.AsyncClient, account: MadeAccount, query: dict[str, str]) -> None:
    answer = await get(client, account, **query)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["recipient", "domain", "x_header", "cursor", "start"]), st.text(max_size=30)))
async def test_no_value_breaks_it(client: httpx2.AsyncClient, account: MadeAccount, query: dict[str, str]) -> None:
    given_ = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    assert (await get(client, account, **given_)).status_code in {200, 400}


async def test_without_a_key_or_scope_nothing_is_told(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    assert (await client.get(PATH)).status_code == 401
    key = await make.api_key(account.id, "send")
    assert (await client.get(PATH, headers={"Authorization": f"Bearer {key}"})).status_code == 403
